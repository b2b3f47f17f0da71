package kernels

import (
	"fmt"
	"testing"
)

// BenchmarkVec runs the loops in the second-level cache (16384 elements) and
// out of all caches but the last, on one goroutine.
func BenchmarkVec(b *testing.B) {
	for _, n := range []int{16, 16384, 1 << 22} {
		x, y, z := make([]float32, n), make([]float32, n), make([]float32, n)
		for i := range x {
			x[i], y[i], z[i] = float32(i%7)-3, 1, 2
		}
		for _, f := range []struct {
			name    string
			tensors int
			run     func()
		}{
			{"Add", 3, func() { vecAdd(z, x, y) }},
			{"Axpy", 3, func() { vecAxpy(z, 0.5, x) }},
			{"FMA", 4, func() { vecFMA(z, x, y) }},
			{"ReluGrad", 3, func() { vecReluGrad(z, x, y) }},
			{"Fill", 1, func() { vecFill(z, 1) }},
			{"Exp", 2, func() { vecExp(z, x) }},
			{"Sum", 1, func() { vecSum(x) }},
			{"Dot", 2, func() { vecDot(x, y) }},
			{"Max", 1, func() { vecMax(x) }},
		} {
			b.Run(fmt.Sprintf("%s/%d", f.name, n), func(b *testing.B) {
				b.SetBytes(int64(4 * n * f.tensors))
				for b.Loop() {
					f.run()
				}
			})
		}
	}
}

func BenchmarkOptimisers(b *testing.B) {
	const n = 1 << 22
	w, m, v, grad := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
	vecFill(grad, 0.01)
	b.Run("SGD", func(b *testing.B) {
		b.SetBytes(5 * 4 * n)
		b.ReportAllocs()
		for b.Loop() {
			SGDStep(w, grad, m, .1, .9, 1e-4, true, false)
		}
	})
	b.Run("Adam", func(b *testing.B) {
		b.SetBytes(7 * 4 * n)
		b.ReportAllocs()
		for b.Loop() {
			AdamStep(w, grad, m, v, .1, .9, .999, 1e-8, 0, 5)
		}
	})
}
