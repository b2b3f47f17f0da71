package kernels

import (
	"math/rand/v2"
	"testing"
)

// addCase is a problem of batch norm with a sum and ReLU; results lists what the
// three kernels return, each with and without what is optional.
type addCase struct {
	at                  NormAttr
	x, skip, g, u, tm   []float64
	gamma, beta, wg, wb []float64
	mean, rstd, y       []float64
}

func newAddCase(m, c int) *addCase {
	r := rand.New(rand.NewPCG(uint64(m), uint64(c)))
	draw := func(n int, mean float64) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = float64(float32(mean + r.NormFloat64()))
		}
		return v
	}
	p := &addCase{at: NormAttr{M: m, C: c, Eps: 1e-5}, x: draw(m*c, 2), skip: draw(m*c, 0), g: draw(m*c, 1), u: draw(m*c, -1), tm: draw(m*c, 0),
		gamma: draw(c, 0), beta: draw(c, 0), wg: draw(c, 0), wb: draw(c, 0)}
	out := p.run(CPU64, BatchNormAdd, []int{m * c, c, c, c}, nil, p.x, p.gamma, p.beta, p.skip)
	p.y, p.mean, p.rstd = out[0], out[1], out[2]
	return p
}

// run runs a kernel; result i lies in the memory of operand over[i]-1 if that is
// positive.
func (p *addCase) run(dev Device, k *Kernel, sizes, over []int, in ...[]float64) (out [][]float64) {
	a := &Args{Attr: &p.at}
	for _, v := range in {
		if v == nil {
			a.In = append(a.In, nil)
			continue
		}
		b := dev.Alloc(len(v))
		dev.Write64(b, v)
		a.In = append(a.In, b)
	}
	for i, n := range sizes {
		if i < len(over) && over[i] > 0 {
			a.Out = append(a.Out, a.In[over[i]-1])
			continue
		}
		a.Out = append(a.Out, dev.Alloc(n))
	}
	dev.Run(k, a)
	for _, b := range a.Out {
		v := make([]float64, b.Len())
		dev.Read64(v, b)
		out = append(out, v)
	}
	return out
}

// all runs everything on a device.
func (p *addCase) all(dev Device) (out [][]float64) {
	n, c := p.at.M*p.at.C, p.at.C
	first, second := []int{n, n, c, c}, []int{n, n, c}
	keep := func(results [][]float64) { out = append(out, results...) }
	keep(p.run(dev, BatchNormAdd, []int{n, c, c, c}, nil, p.x, p.gamma, p.beta, p.skip))
	keep(p.run(dev, ChannelAffine, []int{n}, nil, p.x, p.gamma, p.beta, p.skip))
	keep(p.run(dev, BatchNormGrad, []int{n, c, c}, []int{7}, p.g, p.x, p.gamma, p.beta, p.mean, p.rstd, p.skip))
	keep(p.run(dev, BatchNormGrad, []int{n, c, c}, nil, p.g, p.x, p.gamma, p.beta, p.mean, p.rstd, p.skip))
	keep(p.run(dev, BatchNormAddGrad, first, []int{1}, p.g, p.x, p.gamma, p.mean, p.rstd, p.y))
	keep(p.run(dev, BatchNormAddGrad, first, []int{1, 8}, p.g, p.x, p.gamma, p.mean, p.rstd, p.y, nil, p.skip))
	keep(p.run(dev, BatchNormAddGrad2, second, nil, p.tm, p.u, p.wg, p.wb, p.g, p.x, p.gamma, p.mean, p.rstd, p.y))
	keep(p.run(dev, BatchNormAddGrad2, second, []int{1, 5}, p.tm, p.u, p.wg, p.wb, p.g, p.x, p.gamma, p.mean, p.rstd, p.y))
	p.at.NoDW = true
	defer func() { p.at.NoDW = false }()
	keep(p.run(dev, BatchNormAddGrad2, second, []int{2, 5}, p.tm, p.u, nil, nil, p.g, p.x, p.gamma, p.mean, p.rstd, p.y))
	return out
}

// TestBatchNormAdd compares the kernels with the same in float64, whose derivatives
// autograd's tests check, with and without results that take the place of operands.
func TestBatchNormAdd(t *testing.T) { eachVectorSet(t, checkBatchNormAdd) }

func checkBatchNormAdd(t *testing.T) {
	for _, s := range [][2]int{{33, 17}, {700, 16}, {1001, 24}, {5000, 64}} {
		p := newAddCase(s[0], s[1])
		want := p.all(CPU64)
		for i, got := range p.all(CPU) {
			if e := worst(got, want[i]); e > 5e-6 {
				t.Errorf("%d rows of %d channels, result %d: error %.2g of the largest value", s[0], s[1], i, e)
			}
		}
	}
}

// TestBatchNormAddSum adds batch norm, a sum and ReLU up from the kernels of each.
func TestBatchNormAddSum(t *testing.T) {
	p := newAddCase(50, 6)
	n, c := p.at.M*p.at.C, p.at.C
	y := p.run(CPU64, BatchNorm, []int{n, c, c, c}, nil, p.x, p.gamma, p.beta)[0]
	gm := make([]float64, n)
	for i, v := range y {
		y[i] = max(0, v+p.skip[i])
		if y[i] > 0 {
			gm[i] = p.g[i]
		}
	}
	within(t, "y", p.y, y, 1e-15)
	within(t, "affine", p.run(CPU64, ChannelAffine, []int{n}, nil, p.x, p.gamma, p.beta, p.skip)[0], affineOf(p), 1e-15)
	first := p.run(CPU64, BatchNormGrad, []int{n, c, c}, nil, gm, p.x, p.gamma, p.beta, p.mean, p.rstd)
	got := p.run(CPU64, BatchNormAddGrad, []int{n, n, c, c}, nil, p.g, p.x, p.gamma, p.mean, p.rstd, p.y)
	within(t, "gm", got[0], gm, 0)
	for i, name := range []string{"dx", "dgamma", "dbeta"} {
		within(t, name, got[i+1], first[i], 1e-14)
	}
}

func affineOf(p *addCase) []float64 {
	y := make([]float64, len(p.x))
	for i, v := range p.x {
		y[i] = v*p.gamma[i%p.at.C] + p.beta[i%p.at.C] + p.skip[i]
	}
	return y
}
