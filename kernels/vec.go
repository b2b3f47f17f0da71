package kernels

import "math"

// The vec functions are loops over slices of equal length (the length of the
// first), the building blocks of the elementwise and reduction kernels. They run
// on the calling goroutine. In float32 most of it is assembly where the machine
// has it: the functions ending in Fast do a first part of the elements and return
// how many that was. Outputs may be the same slice as an input.

// vecAdd is y = a + b.
func vecAdd[T Float](y, a, b []T) {
	n := 0
	if y32, ok := any(y).([]float32); ok {
		n = vecAddFast(y32, any(a).([]float32), any(b).([]float32))
	}
	y = y[n:]
	a, b = a[n:][:len(y)], b[n:][:len(y)]
	for i := range y {
		y[i] = a[i] + b[i]
	}
}

// vecSub is y = a - b.
func vecSub[T Float](y, a, b []T) {
	n := 0
	if y32, ok := any(y).([]float32); ok {
		n = vecSubFast(y32, any(a).([]float32), any(b).([]float32))
	}
	y = y[n:]
	a, b = a[n:][:len(y)], b[n:][:len(y)]
	for i := range y {
		y[i] = a[i] - b[i]
	}
}

// vecMul is y = a * b.
func vecMul[T Float](y, a, b []T) {
	n := 0
	if y32, ok := any(y).([]float32); ok {
		n = vecMulFast(y32, any(a).([]float32), any(b).([]float32))
	}
	y = y[n:]
	a, b = a[n:][:len(y)], b[n:][:len(y)]
	for i := range y {
		y[i] = a[i] * b[i]
	}
}

// vecFMA is y += a * b, rounded once.
func vecFMA[T Float](y, a, b []T) {
	n := 0
	if y32, ok := any(y).([]float32); ok {
		n = vecFMAFast(y32, any(a).([]float32), any(b).([]float32))
	}
	y = y[n:]
	a, b = a[n:][:len(y)], b[n:][:len(y)]
	for i := range y {
		y[i] = fma(a[i], b[i], y[i])
	}
}

// vecAddRelu is y = max(a + b, 0).
func vecAddRelu[T Float](y, a, b []T) {
	n := 0
	if y32, ok := any(y).([]float32); ok {
		n = vecAddReluFast(y32, any(a).([]float32), any(b).([]float32))
	}
	y = y[n:]
	a, b = a[n:][:len(y)], b[n:][:len(y)]
	for i := range y {
		y[i] = relu(a[i] + b[i])
	}
}

// vecReluGrad is y = g where x > 0, 0 elsewhere.
func vecReluGrad[T Float](y, g, x []T) {
	n := 0
	if y32, ok := any(y).([]float32); ok {
		n = vecReluGradFast(y32, any(g).([]float32), any(x).([]float32))
	}
	y = y[n:]
	g, x = g[n:][:len(y)], x[n:][:len(y)]
	for i := range y {
		v := g[i]
		if !(x[i] > 0) {
			v = 0
		}
		y[i] = v
	}
}

// vecScale is y = a * s.
func vecScale[T Float](y, a []T, s T) {
	n := 0
	if y32, ok := any(y).([]float32); ok {
		n = vecScaleFast(y32, any(a).([]float32), float32(s))
	}
	y = y[n:]
	a = a[n:][:len(y)]
	for i := range y {
		y[i] = a[i] * s
	}
}

// vecAxpy is y += a * x, rounded once.
func vecAxpy[T Float](y []T, a T, x []T) {
	n := 0
	if y32, ok := any(y).([]float32); ok {
		n = vecAxpyFast(y32, float32(a), any(x).([]float32))
	}
	y = y[n:]
	x = x[n:][:len(y)]
	for i := range y {
		y[i] = fma(a, x[i], y[i])
	}
}

// vecRelu is y = max(x, 0); NaN passes.
func vecRelu[T Float](y, x []T) {
	n := 0
	if y32, ok := any(y).([]float32); ok {
		n = vecReluFast(y32, any(x).([]float32))
	}
	y = y[n:]
	x = x[n:][:len(y)]
	for i := range y {
		y[i] = relu(x[i])
	}
}

func relu[T Float](v T) T {
	if v < 0 {
		return 0
	}
	return v
}

// vecFill sets every element to v.
func vecFill[T Float](y []T, v T) {
	n := 0
	if y32, ok := any(y).([]float32); ok {
		n = vecFillFast(y32, float32(v))
	}
	y = y[n:]
	for i := range y {
		y[i] = v
	}
}

// vecExp is y = exp(x). In float32 the error is below 2 units in the last place.
func vecExp[T Float](y, x []T) { vecExpSum(y, x, 0) }

// vecExpSum is y = exp(x - shift); it returns the sum of y.
func vecExpSum[T Float](y, x []T, shift T) float64 {
	n, sum := 0, 0.0
	if y32, ok := any(y).([]float32); ok {
		n, sum = vecExpSumFast(y32, any(x).([]float32), float32(shift))
	}
	y = y[n:]
	x = x[n:][:len(y)]
	for i := range y {
		v := T(math.Exp(float64(x[i] - shift)))
		y[i] = v
		sum += float64(v)
	}
	return sum
}

// vecSum returns the sum of the elements, added in float64.
func vecSum[T Float](x []T) float64 {
	n, sum := 0, 0.0
	if x32, ok := any(x).([]float32); ok {
		n, sum = vecSumFast(x32)
	}
	for _, v := range x[n:] {
		sum += float64(v)
	}
	return sum
}

// vecDot returns the sum of x * y, multiplied and added in float64.
func vecDot[T Float](x, y []T) float64 {
	n, sum := 0, 0.0
	if x32, ok := any(x).([]float32); ok {
		n, sum = vecDotFast(x32, any(y).([]float32))
	}
	x = x[n:]
	y = y[n:][:len(x)]
	for i, v := range x {
		sum = math.FMA(float64(v), float64(y[i]), sum)
	}
	return sum
}

// vecMax returns the largest element, NaN if there is one and -Inf if there are
// no elements.
func vecMax[T Float](x []T) T {
	n, best := 0, T(math.Inf(-1))
	if x32, ok := any(x).([]float32); ok {
		var b float32
		n, b = vecMaxFast(x32)
		if n > 0 {
			best = T(b)
		}
	}
	for _, v := range x[n:] {
		best = max(best, v)
	}
	return best
}

// vecMulAddRow is y[i,j] = x[i,j]*s[j] + b[j], rounded once, for rows of len(s).
func vecMulAddRow[T Float](y, x, s, b []T) {
	c := len(s)
	l := newNormLayout(len(x)/c, c)
	k := borrow[T](3 * l.w)
	defer giveBack(k)
	clear(k.data[:l.w])
	copy(k.data[l.w:], s)
	copy(k.data[2*l.w:], b)
	widen(l, k.data, 3)
	applyRows(y, x, k.data, l.w, floorOf[T](false), false)
}

// colSums adds the column sums of x, rows of len(dst) elements, to dst.
func colSums[T Float](dst []float64, x []T) {
	l := newNormLayout(len(x)/len(dst), len(dst))
	wide := borrow[float64](l.w)
	defer giveBack(wide)
	clear(wide.data)
	colSumRows(x, wide.data, l.w)
	for lo := 0; lo < l.w; lo += l.c {
		addTo(dst, wide.data[lo:lo+l.c])
	}
}
