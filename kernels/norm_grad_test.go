package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// smallNormCases returns problems for finite differences, with their traps.
func smallNormCases() map[string]*normCase {
	cases := map[string]*normCase{
		"plain":    newNormCase(7, 3, false, 5),
		"relu":     newNormCase(9, 4, true, 6),
		"two rows": newNormCase(2, 3, false, 7),
		"wide":     newNormCase(33, 17, true, 8),
	}
	zero := newNormCase(6, 3, true, 9)
	zero.gamma[1], zero.beta[1] = 0, 0.5
	zero.gamma[2], zero.beta[2] = 0, -0.5
	cases["gamma zero"] = zero
	flat := newNormCase(6, 2, false, 10)
	for i := range 6 {
		flat.x[2*i] = 1.5
	}
	cases["constant channel"] = flat
	flatRelu := newNormCase(6, 2, true, 11)
	for i := range 6 {
		flatRelu.x[2*i] = 1.5
	}
	flatRelu.beta[0] = 0.25
	cases["constant channel relu"] = flatRelu
	return cases
}

func dot(a, b []float64) float64 {
	var s float64
	for i := range a {
		s += a[i] * b[i]
	}
	return s
}

// slope returns the derivatives of f with respect to v, from central differences
// with one Richardson step.
func slope(v []float64, f func() float64) []float64 {
	out := make([]float64, len(v))
	for i := range v {
		old := v[i]
		diff := func(h float64) float64 {
			v[i] = old + h
			a := f()
			v[i] = old - h
			b := f()
			v[i] = old
			return (a - b) / (2 * h)
		}
		const h = 2e-5
		out[i] = (4*diff(h/2) - diff(h)) / 3
	}
	return out
}

func TestBatchNormGradMatchesFiniteDifferences(t *testing.T) {
	for name, p := range smallNormCases() {
		p.restat()
		f := func() float64 { return dot(p.forward(CPU64)[0], p.g) }
		got := p.grad(CPU64)
		within(t, name+": dx", got[0], slope(p.x, f), 1e-6)
		within(t, name+": dgamma", got[1], slope(p.gamma, f), 1e-6)
		within(t, name+": dbeta", got[2], slope(p.beta, f), 1e-6)
	}
}

// restat recomputes the statistics that the derivative kernels take.
func (p *normCase) restat() {
	y := p.forward(CPU64)
	p.mean, p.rstd = y[1], y[2]
}

func TestBatchNormGrad2MatchesFiniteDifferences(t *testing.T) {
	for name, p := range smallNormCases() {
		for _, noDW := range []bool{false, true} {
			name := fmt.Sprintf("%s noDW=%v", name, noDW)
			p.at.NoDW = noDW
			f := func() float64 {
				p.restat()
				o := p.grad(CPU64)
				v := dot(o[0], p.u)
				if !noDW {
					v += dot(o[1], p.wg) + dot(o[2], p.wb)
				}
				return v
			}
			p.restat()
			in := *p
			if noDW {
				in.wg, in.wb = nil, nil
			}
			got := in.grad2(CPU64)
			within(t, name+": dg", got[0], slope(p.g, f), 2e-6)
			within(t, name+": dx", got[1], slope(p.x, f), 2e-6)
			within(t, name+": dgamma", got[2], slope(p.gamma, f), 2e-6)
			for _, v := range slope(p.beta, f) {
				if math.Abs(v) > 1e-6 {
					t.Errorf("%s: the cotangent of beta is %g, want 0", name, v)
				}
			}
			p.restat()
		}
	}
}

func TestBatchNormFloat32MatchesFloat64(t *testing.T) {
	eachVectorSet(t, checkBatchNormFloat32MatchesFloat64)
}

func checkBatchNormFloat32MatchesFloat64(t *testing.T) {
	for _, s := range normShapes {
		if s[0] < 5 {
			continue // P is nearly zero there
		}
		for _, relu := range []bool{false, true} {
			p := newNormCase(s[0], s[1], relu, 12)
			p.clearMask()
			name := fmt.Sprintf("%v relu=%v ", s, relu)
			got, got2 := p.grad(CPU), p.grad2(CPU)
			for i, want := range p.grad(CPU64) {
				within(t, name+"grad "+[]string{"dx", "dgamma", "dbeta"}[i], got[i], want, 3e-6)
			}
			for i, want := range p.grad2(CPU64) {
				within(t, name+"grad2 "+[]string{"dg", "dx", "dgamma"}[i], got2[i], want, 3e-6)
			}
		}
	}
}

// TestBatchNormGradLargeMeans: means of x, g and u far above their deviations, and
// g and u correlated with x, cost hardly a digit. The oracle takes the statistics as
// they are, the other device takes them rounded, 1e-3 of a deviation off.
func TestBatchNormGradLargeMeans(t *testing.T) { eachVectorSet(t, checkBatchNormGradLargeMeans) }

func checkBatchNormGradLargeMeans(t *testing.T) {
	p := newNormCase(5000, 24, false, 13)
	r := rand.New(rand.NewPCG(4, 1))
	p.x = normals(r, len(p.x), 3e4, 1)
	for i, x := range p.x {
		p.g[i] = float64(float32(1e4 + x - 3e4 + r.NormFloat64()))
		p.u[i] = float64(float32(-1e4 + x - 3e4 + r.NormFloat64()))
	}
	p.at.NoDW = true
	p.restat()
	want, want2 := p.grad(CPU64), p.grad2(CPU64)
	p.mean, p.rstd = rounded(p.mean), rounded(p.rstd)
	got, got2 := p.grad(CPU), p.grad2(CPU)
	for i := range want {
		within(t, "grad "+[]string{"dx", "dgamma", "dbeta"}[i], got[i], want[i], 1e-5)
		within(t, "grad2 "+[]string{"dg", "dx", "dgamma"}[i], got2[i], want2[i], 1e-5)
	}
}

func TestBatchNormMasksAgree(t *testing.T) { eachVectorSet(t, checkBatchNormMasksAgree) }

func checkBatchNormMasksAgree(t *testing.T) {
	const m, c = 4001, 13
	p := newNormCase(m, c, true, 14)
	for i := range p.g {
		p.g[i], p.u[i] = 1, 1
	}
	y := p.forward(CPU)
	p.mean, p.rstd = y[1], y[2]
	var want [c]float64
	for i, v := range y[0] {
		if v > 0 {
			want[i%c]++
		}
	}
	within(t, "dbeta counts the positive outputs", p.grad(CPU)[2], want[:], 0)
	for i := range p.wb {
		p.wg[i], p.wb[i] = 0, 1e6 // makes dg nonzero wherever the mask is set
	}
	for i, v := range p.grad2(CPU)[0] {
		if (v != 0) != (y[0][i] > 0) {
			t.Fatalf("element %d: dg = %g where y = %g", i, v, y[0][i])
		}
	}
}
