package kernels

import "math"

// NormAttr is the attribute of the batch-norm kernels: x has M rows (M = N*H*W)
// and C channels. With ReLU the kernels stand for relu(bn(x)) as one operation.
type NormAttr struct {
	M, C int
	Eps  float64 // added to the variance
	ReLU bool
	NoDW bool // BatchNormGrad2 only: wg and wb are zero, their buffers may be nil
}

// The batch-norm kernels work on x [M, C] with statistics over the rows. With
// mu = mean(x), var = mean((x-mu)^2) (biased), r = 1/sqrt(var+eps),
// xh = (x-mu)*r, s = gamma*r and the projection
//
//	P v = v - mean(v) - xh*mean(v*xh)
//
// they are y = gamma*xh + beta and its first two derivatives. With ReLU every
// kernel takes the mask from the same arithmetic, fma(x-mu, s, beta) > 0, so
// that no kernel disagrees with another about an element near zero. An output
// may be the same buffer as an input of its shape.
var (
	// BatchNorm: In x [M,C], gamma [C], beta [C]; Out y [M,C], mean [C],
	// rstd [C] (which is r), var [C].
	BatchNorm = New("bn", batchNorm[float32], batchNorm[float64])

	// BatchNormApply makes the y of BatchNorm again, bit for bit, from its
	// statistics: In x, gamma, beta, mean, rstd; Out y.
	BatchNormApply = New("bn.apply", batchNormApply[float32], batchNormApply[float64])

	// BatchNormGrad: In g [M,C] (cotangent of y), x, gamma, beta, mean, rstd;
	// Out dx [M,C] = s*P g, dgamma [C] = sum g*xh, dbeta [C] = sum g, with g
	// masked when ReLU is set. A further operand, sum [M,C], is added to dx.
	BatchNormGrad = New("bn.grad", batchNormGrad[float32], batchNormGrad[float64])

	// BatchNormGrad2 differentiates BatchNormGrad: In u [M,C], wg [C], wb [C]
	// (the cotangents of dx, dgamma, dbeta), g, x, gamma, beta, mean, rstd; Out the
	// cotangents dg [M,C], dx2 [M,C] and dgamma2 [C]. That of beta is zero.
	BatchNormGrad2 = New("bn.grad2", batchNormGrad2[float32], batchNormGrad2[float64])

	// ChannelAffine is batch norm with given statistics: In x [M,C], scale [C],
	// shift [C], and possibly skip [M,C]; Out y [M,C] = fma(x, scale, shift) + skip, at
	// least 0 with ReLU.
	ChannelAffine = New("affine", channelAffine[float32], channelAffine[float64])
)

// floorOf returns the bound that the elementwise pass applies from below.
func floorOf[T Float](relu bool) T {
	if relu {
		return 0
	}
	return T(math.Inf(-1))
}

// fma rounds a*b+c once in float64; in float32 the second rounding changes the
// last bit in rare cases and the sign never.
func fma[T Float](a, b, c T) T {
	return T(math.FMA(float64(a), float64(b), float64(c)))
}

// maskConstants fills the first three wide rows of k, -mu, ms and mb: the element
// passes where fma(x-mu, ms, mb) > 0. Without ReLU that is 1 > 0. What is to be
// subtracted is stored negated throughout, because an addition can read its
// operand from memory and a subtraction from memory cannot.
func maskConstants[T Float](k []T, w int, relu bool, gamma, beta, mean, rstd []T) {
	mu, ms, mb := k[:w], k[w:2*w], k[2*w:3*w]
	for c := range gamma {
		mu[c] = -mean[c]
		if relu {
			ms[c], mb[c] = gamma[c]*rstd[c], beta[c]
		} else {
			ms[c], mb[c] = 0, 1
		}
	}
}

// split returns v as a sum of two elements. Subtracting the two one after the
// other loses nothing when |v| is far above what remains.
func split[T Float](v float64) (hi T, lo float64) {
	hi = T(v)
	return hi, v - float64(hi)
}
