//go:build amd64 && !noasm

package kernels

// vecShort is the length below which a call to assembly does not pay.
const vecShort = 4

func vecAddFast(y, a, b []float32) int {
	n := len(y)
	switch {
	case vectors == noVectors || n < vecShort:
		return 0
	case vectors == vectors512:
		vecAddavx512(&y[0], &a[0], &b[0], n)
	default:
		vecAddavx2(&y[0], &a[0], &b[0], n)
	}
	return n
}

func vecSubFast(y, a, b []float32) int {
	n := len(y)
	switch {
	case vectors == noVectors || n < vecShort:
		return 0
	case vectors == vectors512:
		vecSubavx512(&y[0], &a[0], &b[0], n)
	default:
		vecSubavx2(&y[0], &a[0], &b[0], n)
	}
	return n
}

func vecMulFast(y, a, b []float32) int {
	n := len(y)
	switch {
	case vectors == noVectors || n < vecShort:
		return 0
	case vectors == vectors512:
		vecMulavx512(&y[0], &a[0], &b[0], n)
	default:
		vecMulavx2(&y[0], &a[0], &b[0], n)
	}
	return n
}

func vecFMAFast(y, a, b []float32) int {
	n := len(y)
	switch {
	case vectors == noVectors || n < vecShort:
		return 0
	case vectors == vectors512:
		vecFMAavx512(&y[0], &a[0], &b[0], n)
	default:
		vecFMAavx2(&y[0], &a[0], &b[0], n)
	}
	return n
}

func vecAddReluFast(y, a, b []float32) int {
	n := len(y)
	switch {
	case vectors == noVectors || n < vecShort:
		return 0
	case vectors == vectors512:
		vecAddReluavx512(&y[0], &a[0], &b[0], n)
	default:
		vecAddReluavx2(&y[0], &a[0], &b[0], n)
	}
	return n
}

func vecReluGradFast(y, dy, x []float32) int {
	n := len(y)
	switch {
	case vectors == noVectors || n < vecShort:
		return 0
	case vectors == vectors512:
		vecReluGradavx512(&y[0], &dy[0], &x[0], n)
	default:
		vecReluGradavx2(&y[0], &dy[0], &x[0], n)
	}
	return n
}

func vecScaleFast(y, a []float32, s float32) int {
	n := len(y)
	switch {
	case vectors == noVectors || n < vecShort:
		return 0
	case vectors == vectors512:
		vecScaleavx512(&y[0], &a[0], n, s)
	default:
		vecScaleavx2(&y[0], &a[0], n, s)
	}
	return n
}

func vecAxpyFast(y []float32, a float32, x []float32) int {
	n := len(y)
	switch {
	case vectors == noVectors || n < vecShort:
		return 0
	case vectors == vectors512:
		vecAxpyavx512(&y[0], &x[0], n, a)
	default:
		vecAxpyavx2(&y[0], &x[0], n, a)
	}
	return n
}

func vecReluFast(y, x []float32) int {
	n := len(y)
	switch {
	case vectors == noVectors || n < vecShort:
		return 0
	case vectors == vectors512:
		vecReluavx512(&y[0], &x[0], n)
	default:
		vecReluavx2(&y[0], &x[0], n)
	}
	return n
}

func vecFillFast(y []float32, v float32) int {
	n := len(y)
	switch {
	case vectors == noVectors || n < vecShort:
		return 0
	case vectors == vectors512:
		vecFillavx512(&y[0], n, v)
	default:
		vecFillavx2(&y[0], n, v)
	}
	return n
}

func vecExpSumFast(y, x []float32, shift float32) (int, float64) {
	n := len(y)
	switch {
	case vectors == noVectors || n == 0:
		return 0, 0
	case vectors == vectors512:
		return n, vecExpSumavx512(&y[0], &x[0], n, shift)
	}
	return n, vecExpSumavx2(&y[0], &x[0], n, shift)
}

func vecSumFast(x []float32) (int, float64) {
	n := wholeRows(len(x), normLanes)
	switch {
	case n == 0:
		return 0, 0
	case vectors == vectors512:
		return n, vecSumavx512(&x[0], n)
	}
	return n, vecSumavx2(&x[0], n)
}

func vecDotFast(x, y []float32) (int, float64) {
	n := wholeRows(len(x), normLanes)
	switch {
	case n == 0:
		return 0, 0
	case vectors == vectors512:
		return n, vecDotavx512(&x[0], &y[0], n)
	}
	return n, vecDotavx2(&x[0], &y[0], n)
}

func vecMaxFast(x []float32) (int, float32) {
	n := wholeRows(len(x), normLanes)
	switch {
	case n == 0:
		return 0, 0
	case vectors == vectors512:
		return n, vecMaxavx512(&x[0], n)
	}
	return n, vecMaxavx2(&x[0], n)
}

func vecSGDFast(w, m, grad []float32, mom, decay, cd, cm float32) int {
	n := len(w)
	switch {
	case vectors == noVectors || n == 0:
		return 0
	case vectors == vectors512:
		vecSGDavx512(&w[0], &m[0], &grad[0], n, mom, decay, cd, cm)
	default:
		vecSGDavx2(&w[0], &m[0], &grad[0], n, mom, decay, cd, cm)
	}
	return n
}

func vecAdamFast(w, m, v, grad []float32, k adamConstants[float32]) int {
	n := len(w)
	switch {
	case vectors == noVectors || n == 0:
		return 0
	case vectors == vectors512:
		vecAdamavx512(&w[0], &m[0], &v[0], &grad[0], n, k.b1, k.c1, k.b2, k.c2, k.root, k.eps, k.step, k.decay)
	default:
		vecAdamavx2(&w[0], &m[0], &v[0], &grad[0], n, k.b1, k.c1, k.b2, k.c2, k.root, k.eps, k.step, k.decay)
	}
	return n
}

//go:noescape
func vecAddavx512(y, a, b *float32, n int)

//go:noescape
func vecSubavx512(y, a, b *float32, n int)

//go:noescape
func vecMulavx512(y, a, b *float32, n int)

//go:noescape
func vecFMAavx512(y, a, b *float32, n int)

//go:noescape
func vecAddReluavx512(y, a, b *float32, n int)

//go:noescape
func vecReluGradavx512(y, dy, x *float32, n int)

//go:noescape
func vecScaleavx512(y, a *float32, n int, s float32)

//go:noescape
func vecAxpyavx512(y, x *float32, n int, a float32)

//go:noescape
func vecReluavx512(y, x *float32, n int)

//go:noescape
func vecFillavx512(y *float32, n int, v float32)

//go:noescape
func vecExpSumavx512(y, x *float32, n int, shift float32) float64

//go:noescape
func vecSumavx512(x *float32, n int) float64

//go:noescape
func vecDotavx512(x, y *float32, n int) float64

//go:noescape
func vecMaxavx512(x *float32, n int) float32

//go:noescape
func vecAddavx2(y, a, b *float32, n int)

//go:noescape
func vecSubavx2(y, a, b *float32, n int)

//go:noescape
func vecMulavx2(y, a, b *float32, n int)

//go:noescape
func vecFMAavx2(y, a, b *float32, n int)

//go:noescape
func vecAddReluavx2(y, a, b *float32, n int)

//go:noescape
func vecReluGradavx2(y, dy, x *float32, n int)

//go:noescape
func vecScaleavx2(y, a *float32, n int, s float32)

//go:noescape
func vecAxpyavx2(y, x *float32, n int, a float32)

//go:noescape
func vecReluavx2(y, x *float32, n int)

//go:noescape
func vecFillavx2(y *float32, n int, v float32)

//go:noescape
func vecExpSumavx2(y, x *float32, n int, shift float32) float64

//go:noescape
func vecSumavx2(x *float32, n int) float64

//go:noescape
func vecDotavx2(x, y *float32, n int) float64

//go:noescape
func vecMaxavx2(x *float32, n int) float32

//go:noescape
func vecSGDavx512(w, m, grad *float32, n int, mom, decay, cd, cm float32)

//go:noescape
func vecAdamavx512(w, m, v, grad *float32, n int, b1, c1, b2, c2, root, eps, step, decay float32)

//go:noescape
func vecSGDavx2(w, m, grad *float32, n int, mom, decay, cd, cm float32)

//go:noescape
func vecAdamavx2(w, m, v, grad *float32, n int, b1, c1, b2, c2, root, eps, step, decay float32)
