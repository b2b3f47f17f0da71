package kernels

// Mix is P*a + Q*b, elementwise: running averages, and vectors added up with
// factors. The result may be the same buffer as an operand.
var Mix = Map2("mix", mixLoop[float32], mixLoop[float64])

func mixLoop[T Float](y, a, b []T, p, q float64) {
	s, t := T(p), T(q)
	a, b = a[:len(y)], b[:len(y)]
	for i := range y {
		y[i] = s*a[i] + t*b[i]
	}
}
