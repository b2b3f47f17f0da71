package cuda_test

import (
	"fmt"
	"math"
	"testing"

	"gradgrad/kernels"
	"gradgrad/kernels/cuda"
)

// multiplies says whether a case is of a kernel that the precision matters to.
func (c kcase) multiplies() bool {
	switch c.attr.(type) {
	case *kernels.ConvAttr, *kernels.MatmulAttr, *kernels.AffineConvAttr:
		return true
	}
	return false
}

// short is x with so many bits of mantissa.
func short(x filling, bits int) filling {
	if x == nil {
		return nil
	}
	y := make(filling, len(x))
	for i, v := range x {
		m, e := math.Frexp(v)
		y[i] = math.Ldexp(math.Round(math.Ldexp(m, bits)), e-bits)
	}
	return y
}

// TestPrecisions runs products in TF32 and bfloat16. With factors that these hold
// exactly they are as exact as float32; with others the error is that of rounding.
func TestPrecisions(t *testing.T) {
	for _, p := range []struct {
		cuda.Precision
		bits int
	}{{cuda.TF32, 11}, {cuda.BF16, 8}} {
		for i, c := range allCases(*full) {
			if !c.multiplies() {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s/%d %s", p.Precision, c.kernel.Name, i, c.name), func(t *testing.T) {
				t.Parallel()
				dev := device(t)
				dev.SetPrecision(p.Precision)
				defer dev.SetPrecision(cuda.FP32)
				_, computed := c.attr.(*kernels.AffineConvAttr) // a factor that is not what is given
				exact := c
				exact.in = nil
				for _, x := range c.in {
					exact.in = append(exact.in, short(x, p.bits))
				}
				if err := exact.check(dev); err != nil && !computed {
					t.Errorf("factors of %d bits: %v", p.bits, err)
				}
				got, err := c.run(dev)
				if err != nil {
					t.Fatal(err)
				}
				apart := c
				apart.over = nil
				want, err := apart.run(kernels.CPU64)
				if err != nil {
					t.Fatal(err)
				}
				worst, top := 0.0, 0.0
				for k, w := range want[0] {
					worst, top = max(worst, math.Abs(got[0][k]-w)), max(top, math.Abs(w))
				}
				// An element is off by a few times half a unit of the last bit.
				if bound := 6 * math.Ldexp(top, -p.bits); worst > bound || worst == 0 && len(want[0]) > 100 {
					t.Errorf("the largest error is %.3g, more than %.3g or nothing at all", worst, bound)
				}
			})
		}
	}
}
