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

// tensorPrecisions are those of tensor cores, with their bits of mantissa.
var tensorPrecisions = []struct {
	cuda.Precision
	bits int
}{{cuda.TF32, 11}, {cuda.BF16, 8}}

// oracleOf is the CPU in float64, with factors rounded as the precision says.
func oracleOf(p cuda.Precision) kernels.Device {
	for _, t := range tensorPrecisions {
		if t.Precision == p {
			return rounding{kernels.CPU64, t.bits}
		}
	}
	return kernels.CPU64
}

// short is x with so many bits of mantissa, rounded to the nearest: halfway numbers
// away from zero to TF32 (cvt.rna), to even to bfloat16 (cvt.rn).
func short(x filling, bits int) filling {
	if x == nil {
		return nil
	}
	round := math.Round
	if bits == 8 {
		round = math.RoundToEven
	}
	y := make(filling, len(x))
	for i, v := range x {
		m, e := math.Frexp(v)
		y[i] = math.Ldexp(round(math.Ldexp(m, bits)), e-bits)
	}
	return y
}

// TestShort pins the oracle's rounding to numbers worked out by hand.
func TestShort(t *testing.T) {
	for _, c := range []struct {
		x    float64
		bits int
		want float64
	}{
		{0x1.001p0, 11, 0x1.000p0}, {0x1.002p0, 11, 0x1.004p0}, {0x1.006p0, 11, 0x1.008p0}, {-0x1.002p0, 11, -0x1.004p0}, {0x1.0021p0, 11, 0x1.004p0},
		{0x1.001ffep0, 11, 0x1.000p0}, {0x1.ffep0, 11, 0x1p1}, {0x1.002p-30, 11, 0x1.004p-30},
		{0x1.01p0, 8, 0x1.00p0}, {0x1.03p0, 8, 0x1.04p0}, {0x1.05p0, 8, 0x1.04p0}, {-0x1.03p0, 8, -0x1.04p0}, {0x1.0102p0, 8, 0x1.02p0}, {0x1.ffp0, 8, 0x1p1},
		{0x1.00fep0, 8, 0x1.00p0}, {0x1.05p20, 8, 0x1.04p20}, {0, 8, 0}, {0x1.02p0, 8, 0x1.02p0},
	} {
		if got := short(filling{c.x}, c.bits)[0]; got != c.want {
			t.Errorf("%x in %d bits is %x, not %x", c.x, c.bits, got, c.want)
		}
	}
}

// ties are numbers halfway between two neighbours of so many bits, and next to
// halfway, of many magnitudes; their last bits are even and odd.
func (s source) ties(n, bits int, positive bool) filling {
	return s.fill(n, func(int) float64 {
		m := math.Ldexp(1, bits-1) + float64(s.IntN(1<<(bits-1))) + 0.5 + float64(s.IntN(3)-1)*math.Ldexp(1, bits-24)
		if s.IntN(8) == 0 { // the next power of two is a neighbour
			m = math.Ldexp(1, bits) - 0.5
		}
		if !positive && s.IntN(2) == 0 {
			m = -m
		}
		return math.Ldexp(m, s.IntN(12)-6-bits)
	})
}

// selection is a matrix that moves the columns of another, without arithmetic.
func selection(n int) filling {
	x := make(filling, n*n)
	for i := range n {
		x[i*n+(i+3)%n] = 1
	}
	return x
}

// tieCases are products by a selection, so that a result is one factor, rounded. The
// sizes lead to every form of the kernels.
func tieCases(s source, bits int) (all []kcase) {
	for _, n := range []int{16, 20, 36, 13} {
		pick, one, zero := selection(n), s.fill(n, func(int) float64 { return 1 }), blank(n)
		add := func(k *kernels.Kernel, attr any, tol float64, outs []filling, in ...filling) {
			all = append(all, kcase{kernel: k, name: fmt.Sprintf("ties, %d bits, %+v", bits, attr), attr: attr, in: in, out: outs, tol: tol})
		}
		square := []filling{blank(n * n)}
		for trans := range 3 {
			at := &kernels.MatmulAttr{TransA: trans == 1, TransB: trans == 2, Batch: 1, M: n, N: n, K: n}
			add(kernels.Matmul, at, eachElement, square, s.ties(n*n, bits, false), pick)
			add(kernels.Matmul, at, eachElement, square, pick, s.ties(n*n, bits, false))
		}
		at := &kernels.AffineConvAttr{M: n, K: n, Widths: []int{n}}
		whole := &kernels.AffineConvAttr{M: n, K: n, Widths: []int{n}, Full: true}
		add(kernels.AffineConv, at, eachElement, square, one, zero, pick, s.ties(n*n, bits, true))
		add(kernels.AffineConv, at, eachElement, square, one, zero, s.ties(n*n, bits, false), pick)
		positive := s.fill(n*n, func(int) float64 { return 1 })
		grads := []filling{blank(n * n), blank(n), blank(n), blank(n * n)}
		// sums over a row or a column cancel: they are compared with the largest
		add(kernels.AffineConvGrad, whole, 0, grads, pick, one, zero, s.ties(n*n, bits, false), s.ties(n*n, bits, true), nil)
		add(kernels.AffineConvGrad, whole, 0, grads, s.ties(n*n, bits, false), one, zero, pick, positive, nil)
		seconds := []filling{blank(n * n), blank(n), blank(n * n)}
		add(kernels.AffineConvGrad2, at, 0, seconds, pick, one, zero, pick, positive, s.ties(n*n, bits, false))
	}
	return all
}

// TestPrecisions runs products in TF32 and bfloat16: they are as exact as float32 is
// with factors that were rounded before.
func TestPrecisions(t *testing.T) {
	for _, p := range tensorPrecisions {
		for i, c := range append(allCases(*full), tieCases(newSource(5), p.bits)...) {
			if !c.multiplies() {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s/%d %s", p.Precision, c.kernel.Name, i, c.name), func(t *testing.T) {
				t.Parallel()
				dev := device(t)
				dev.SetPrecision(p.Precision)
				defer dev.SetPrecision(cuda.FP32)
				if err := c.checkWith(dev, oracleOf(p.Precision)); err != nil {
					t.Error(err)
				}
			})
		}
	}
}
