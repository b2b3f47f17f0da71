package cuda_test

import (
	"math"
	"testing"

	"gradgrad/kernels"
)

// TestAccuracy bounds the error of each function, relative to its value, over its
// whole range. The simulator computes ex2.approx exactly; hardware errs by up to
// 2^-22, which is within what is left.
func TestAccuracy(t *testing.T) {
	s := newSource(99)
	const n = 20000
	wide := s.fill(n, func(int) float64 { return math.Copysign(math.Exp(8*s.NormFloat64()), s.NormFloat64()) })
	small := s.fill(n, func(int) float64 { return 174*s.Float64() - 87 })
	positive := s.fill(n, func(int) float64 { return math.Exp(25 * s.NormFloat64()) })
	nearOne := s.fill(n, func(int) float64 { return 1 + 0.1*s.NormFloat64() })
	dev := device(t)
	unit := s.fill(n, func(int) float64 { return math.Exp(2 * s.NormFloat64()) })
	for _, c := range []struct {
		kernel *kernels.Kernel
		x      filling
		p, tol float64
	}{
		{kernels.Exp, small, 0, 4e-7},
		{kernels.Log, positive, 0, 2e-7},
		{kernels.Log, nearOne, 0, 3e-7},
		{kernels.Sqrt, positive, 0, 1e-7},
		{kernels.Inverse, wide, 0, 1e-7},
		{kernels.Tanh, wide, 0, 4e-7},
		{kernels.Tanh, nearOne, 0, 4e-7},
		{kernels.Sigmoid, small, 0, 5e-7},
		{kernels.Softplus, small, 0, 5e-7},
		{kernels.Pow, unit, 2.7, 1e-6},
		{kernels.Pow, unit, -0.5, 5e-7},
		{kernels.Pow, unit, 3, 1e-6},
	} {
		attr := &kernels.MapAttr{P: c.p}
		k := kcase{kernel: c.kernel, attr: attr, in: []filling{c.x}, out: []filling{blank(n)}}
		got, err := k.run(dev)
		if err != nil {
			t.Fatal(err)
		}
		want := oracle(c.kernel, attr, k.in, n)[0]
		worst, at := 0.0, 0
		for i, w := range want {
			if math.Abs(w) < 1.2e-38 || math.Abs(w) > math.MaxFloat32 {
				continue // subnormal and infinite ones have cases of their own
			}
			if e := math.Abs(got[0][i]-w) / math.Abs(w); !(e <= worst) {
				worst, at = e, i
			}
		}
		t.Logf("%s p=%g: %.2g at %.9g", c.kernel.Name, c.p, worst, c.x[at])
		if !(worst <= c.tol) {
			t.Errorf("%s(%.9g) is %.9g, not %.9g: an error of %.2g, more than %g", c.kernel.Name, c.x[at], got[0][at], want[at], worst, c.tol)
		}
	}
}
