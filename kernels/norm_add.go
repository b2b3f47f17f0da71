package kernels

// Batch norm, a sum and ReLU as one operation, y = relu(bn(x) + skip), the end of a
// residual block. With gm, which is g where y > 0 and 0 elsewhere, the derivatives
// are those of batch norm without ReLU, and gm is that of skip. So it is written once
// and read by everything behind it. Attributes are [NormAttr], whose ReLU counts as
// set.
var (
	// BatchNormAdd: In x [M,C], gamma [C], beta [C], skip [M,C]; Out y [M,C], mean
	// [C], rstd [C], var [C].
	BatchNormAdd = New("bnadd", batchNormAdd[float32], batchNormAdd[float64])

	// BatchNormAddGrad: In g [M,C] (cotangent of y), x, gamma, mean, rstd, y, and
	// possibly nil and sum [M,C], to which dx is added; Out gm [M,C], dx [M,C], dgamma
	// [C], dbeta [C]. gm may be the buffer of g.
	BatchNormAddGrad = New("bnadd.grad", batchNormAddGrad[float32], batchNormAddGrad[float64])

	// BatchNormAddGrad2 differentiates BatchNormAddGrad: In tm, u [M,C], wg, wb [C]
	// (the cotangents of gm, dx, dgamma, dbeta), gm, x, gamma, mean, rstd, y; Out the
	// cotangents dg [M,C], dx2 [M,C] and dgamma2 [C].
	BatchNormAddGrad2 = New("bnadd.grad2", batchNormAddGrad2[float32], batchNormAddGrad2[float64])
)

func batchNormAdd[T Float](a *Args) {
	at := a.Attr.(*NormAttr)
	l := newNormLayout(at.M, at.C)
	n := at.M * at.C
	x, gamma, beta := Data[T](a.In[0])[:n], Data[T](a.In[1])[:at.C], Data[T](a.In[2])[:at.C]
	mean, rstd := Data[T](a.Out[1])[:at.C], Data[T](a.Out[2])[:at.C]
	normMoments(l, x, at.Eps, mean, rstd, Data[T](a.Out[3])[:at.C])

	k := borrow[T](3 * l.w)
	defer giveBack(k)
	maskConstants(k.data, l.w, true, gamma, beta, mean, rstd)
	applyAddAll(l, Data[T](a.Out[0])[:n], x, Data[T](a.In[3])[:n], k.data, true)
}

// applyAddAll is applyAll with a sum before the bound.
func applyAddAll[T Float](l normLayout, y, x, skip, k []T, relu bool) {
	widen(l, k, 3)
	low, stream := floorOf[T](relu), l.stream() && &y[0] != &x[0] && &y[0] != &skip[0]
	rowsOf(l, rowApply[T]{y, x, skip, k, l.w, low, stream})
}

func batchNormAddGrad[T Float](a *Args) {
	at := a.Attr.(*NormAttr)
	l := newNormLayout(at.M, at.C)
	n, w := at.M*at.C, l.w
	g, x, gamma := Data[T](a.In[0])[:n], Data[T](a.In[1])[:n], Data[T](a.In[2])[:at.C]
	mean, rstd, y := Data[T](a.In[3])[:at.C], Data[T](a.In[4])[:at.C], Data[T](a.In[5])[:n]
	gm, dx := Data[T](a.Out[0])[:n], Data[T](a.Out[1])[:n]

	kp := borrow[T](9 * w)
	defer giveBack(kp)
	k, gate := kp.data, kp.data[7*w:]
	maskConstants(k, w, false, gamma, gamma, mean, rstd)
	copy(gate, k[:at.C])
	gatedMean(gate[w:], g, y, at)
	copy(k[3*w:], gate[w:][:at.C])
	widen(l, gate, 2)
	total := sumsOf(l, 3, gateSums[T]{gm, g, y, x, gate, w})
	defer giveBack(total)
	gradConstants(at, k, w, total.data, gamma, rstd, Data[T](a.Out[2])[:at.C], Data[T](a.Out[3])[:at.C])
	gradApply(l, dx, gm, x, addend[T](a, 7, n), k)
}

// gatedMean sets dst, the shift of the sums, to minus the mean of a few rows of g
// where y > 0.
func gatedMean[T Float](dst, g, y []T, at *NormAttr) {
	rows := sampleRows(at.M, at.C)
	for c := range at.C {
		var sum T
		for _, row := range rows {
			if y[row+c] > 0 {
				sum += g[row+c]
			}
		}
		dst[c] = -sum / T(len(rows))
	}
}

func batchNormAddGrad2[T Float](a *Args) {
	at := a.Attr.(*NormAttr)
	l := newNormLayout(at.M, at.C)
	n, w := at.M*at.C, l.w
	tm, u, gm, x := Data[T](a.In[0])[:n], Data[T](a.In[1])[:n], Data[T](a.In[4])[:n], Data[T](a.In[5])[:n]
	gamma, mean, rstd := Data[T](a.In[6])[:at.C], Data[T](a.In[7])[:at.C], Data[T](a.In[8])[:at.C]
	y, dg, dx := Data[T](a.In[9])[:n], Data[T](a.Out[0])[:n], Data[T](a.Out[1])[:n]

	kp := borrow[T](12 * w)
	defer giveBack(kp)
	k := kp.data
	maskConstants(k, w, false, gamma, gamma, mean, rstd)
	sampleMean(k[3*w:4*w], u, at.M, at.C)
	sampleMean(k[4*w:5*w], gm, at.M, at.C)
	widen(l, k, 5)
	total := sumsOf(l, 6, grad2Sums[T]{u, gm, x, k, w})
	defer giveBack(total)

	f := grad2Constants[T]{at: at, k: k, w: w, sums: total.data, gamma: gamma, rstd: rstd, dgamma: Data[T](a.Out[2])[:at.C]}
	if !at.NoDW {
		f.wg, f.wb = Data[T](a.In[2])[:at.C], Data[T](a.In[3])[:at.C]
	}
	for c := range at.C {
		f.set(c)
	}
	copy(k[2*w:], k[:w]) // tangentRows has no constants of a mask
	k = k[2*w:]
	widen(l, k, 10)
	stream := l.stream() && &dg[0] != &u[0] && &dg[0] != &tm[0] && &dx[0] != &gm[0]
	rowsOf(l, rowGrad2[T]{dg, dx, u, gm, x, tm, y, k, w, stream})
}
