package kernels

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
)

// denseCase is one problem of the affineconv kernels; every number is exact in
// float32, and no ReLU bit depends on rounding.
type denseCase struct {
	at              AffineConvAttr
	c               int
	scale, shift, w []float64
	g               []float64
	parts, us, onto [][]float64
}

func newDenseCase(m, k int, widths ...int) *denseCase {
	r := rand.New(rand.NewPCG(uint64(m), uint64(k)))
	p := &denseCase{at: AffineConvAttr{M: m, K: k, Widths: widths, Full: true}}
	for _, n := range widths {
		p.c += n
	}
	p.scale, p.shift = normals(r, p.c, 0.5, 0.4), normals(r, p.c, 0.1, 0.5)
	p.scale[p.c/2] = 0
	p.w, p.g = normals(r, p.c*k, 0, 0.3), normals(r, m*k, 0.1, 1)
	lo := 0
	for _, n := range widths {
		x := normals(r, m*n, 0.2, 1)
		for i, v := range x {
			if math.Abs(v*p.scale[lo+i%n]+p.shift[lo+i%n]) < 1e-4 {
				x[i] += 1
			}
		}
		p.parts = append(p.parts, x)
		p.us, p.onto = append(p.us, normals(r, m*n, 0, 1)), append(p.onto, normals(r, m*n, 0, 1))
		lo += n
	}
	return p
}

func (p *denseCase) forward(d Device) [][]float64 {
	return runOn(d, AffineConv, &p.at, append([][]float64{p.scale, p.shift, p.w}, p.parts...), p.at.M*p.at.K)
}

func (p *denseCase) grad(d Device, onto [][]float64) [][]float64 {
	in := append([][]float64{p.g, p.scale, p.shift, p.w}, p.parts...)
	return runOn(d, AffineConvGrad, &p.at, append(in, onto...), p.gradSizes()...)
}

func (p *denseCase) gradSizes() (sizes []int) {
	for _, x := range p.parts {
		sizes = append(sizes, len(x))
	}
	return append(sizes, p.c, p.c, p.c*p.at.K)
}

func (p *denseCase) grad2(d Device) [][]float64 {
	in := append([][]float64{p.g, p.scale, p.shift, p.w}, p.parts...)
	return runOn(d, AffineConvGrad2, &p.at, append(in, p.us...), p.at.M*p.at.K, p.c, p.c*p.at.K)
}

// direct computes all three kernels from their definitions, element by element.
func (p *denseCase) direct() (forward, grad, grad2 [][]float64) {
	m, k := p.at.M, p.at.K
	y, dg := make([]float64, m*k), make([]float64, m*k)
	dscale, dshift, dw := make([]float64, p.c), make([]float64, p.c), make([]float64, p.c*k)
	dscale2, dw2 := make([]float64, p.c), make([]float64, p.c*k)
	lo := 0
	for i, n := range p.at.Widths {
		d := make([]float64, m*n)
		for e, x := range p.parts[i] {
			row, c := e/n, lo+e%n
			if !(p.scale[c]*x+p.shift[c] > 0) {
				continue
			}
			h, u, gh := p.scale[c]*x+p.shift[c], 0., 0.
			if p.us[i] != nil {
				u = p.us[i][e]
			}
			for j := range k {
				w, g := p.w[c*k+j], p.g[row*k+j]
				y[row*k+j] += h * w
				dg[row*k+j] += p.scale[c] * u * w
				gh += g * w
				dw[c*k+j] += h * g
				dw2[c*k+j] += p.scale[c] * u * g
				dscale2[c] += w * u * g
			}
			d[e] = p.scale[c] * gh
			dscale[c] += gh * x
			dshift[c] += gh
		}
		grad = append(grad, d)
		lo += n
	}
	return [][]float64{y}, append(grad, dscale, dshift, dw), [][]float64{dg, dscale2, dw2}
}

// denseShapes are parts of all kinds: narrow and wide, few rows and several blocks.
var denseShapes = []struct {
	m, k   int
	widths []int
}{
	{1, 1, []int{1}}, {5, 3, []int{2, 1}}, {700, 48, []int{24, 12, 12}}, {4100, 48, []int{108, 12, 12, 12}},
	{333, 70, []int{33, 16, 8, 7}}, {100, 20, []int{256}}, {2000, 5, []int{4, 4, 4, 4, 4}},
}

func TestAffineConvMatchesItsDefinition(t *testing.T) {
	eachVectorSet(t, func(t *testing.T) {
		for _, s := range denseShapes {
			p := newDenseCase(s.m, s.k, s.widths...)
			if len(s.widths) == 2 {
				p.us[1] = nil
			}
			forward, grad, grad2 := p.direct()
			for dev, tol := range map[Device]float64{CPU64: 1e-12, CPU: 3e-6} {
				name := fmt.Sprintf("%s %v ", dev.Name(), s)
				for i, got := range p.forward(dev) {
					within(t, fmt.Sprint(name, "result ", i), got, forward[i], tol)
				}
				for i, got := range p.grad(dev, nil) {
					within(t, fmt.Sprint(name, "grad ", i), got, grad[i], tol)
				}
				for i, got := range p.grad2(dev) {
					within(t, fmt.Sprint(name, "grad2 ", i), got, grad2[i], tol)
				}
			}
		}
	})
}

// TestAffineConvGradAdds adds to some of the parts' cotangents, elsewhere and in
// place.
func TestAffineConvGradAdds(t *testing.T) {
	eachVectorSet(t, func(t *testing.T) {
		p := newDenseCase(1500, 48, 24, 12, 12, 5)
		p.onto[1] = nil
		for dev, tol := range map[Device]float64{CPU64: 1e-13, CPU: 1e-6} {
			want := p.grad(dev, nil)
			for i, v := range p.onto {
				for j := range v {
					want[i][j] += v[j]
				}
			}
			apart := p.grad(dev, p.onto)
			a := &Args{Attr: &p.at}
			for _, v := range append([][]float64{p.g, p.scale, p.shift, p.w}, p.parts...) {
				a.In = append(a.In, bufferOf(dev, v))
			}
			for i, n := range p.gradSizes() {
				a.Out = append(a.Out, dev.Alloc(n))
				if i < len(p.onto) {
					var onto Buffer
					if p.onto[i] != nil {
						onto = bufferOf(dev, p.onto[i])
						a.Out[i] = onto
					}
					a.In = append(a.In, onto)
				}
			}
			dev.Run(AffineConvGrad, a)
			for i := range want {
				within(t, fmt.Sprint(dev.Name(), " elsewhere ", i), apart[i], want[i], tol)
				got := make([]float64, len(want[i]))
				dev.Read64(got, a.Out[i])
				within(t, fmt.Sprint(dev.Name(), " in place ", i), got, apart[i], 0)
			}
		}
	})
}

// TestAffineConvShortPartsPanic: the assembly looks at no lengths, so they are looked at
// before it.
func TestAffineConvShortPartsPanic(t *testing.T) {
	eachVectorSet(t, func(t *testing.T) {
		for name, spoil := range map[string]func(p *denseCase) func(Device) [][]float64{
			"part 1":              func(p *denseCase) func(Device) [][]float64 { p.parts[1] = p.parts[1][:50*12]; return p.forward },
			"companion of part 0": func(p *denseCase) func(Device) [][]float64 { p.us[0] = p.us[0][:50*24]; return p.grad2 },
			"addend to part 1": func(p *denseCase) func(Device) [][]float64 {
				p.onto[1] = p.onto[1][:50*12]
				return func(d Device) [][]float64 { return p.grad(d, p.onto) }
			},
		} {
			run := spoil(newDenseCase(100, 3, 24, 12))
			for _, d := range []Device{CPU, CPU64} {
				func() {
					defer func() {
						var e *SizeError
						if err, ok := recover().(error); !ok || !errors.As(err, &e) || e.Operand != name || e.Rows != 100 {
							t.Errorf("%s: panic value %v, want a *SizeError for %s", d.Name(), err, name)
						}
					}()
					run(d)
				}()
			}
		}
	})
}

func bufferOf(dev Device, v []float64) Buffer {
	b := dev.Alloc(len(v))
	dev.Write64(b, v)
	return b
}

// TestAffineConvMasksAgree counts, in sums of ones, what each kernel lets pass.
func TestAffineConvMasksAgree(t *testing.T) {
	eachVectorSet(t, func(t *testing.T) {
		const m, c = 3001, 29
		r := rand.New(rand.NewPCG(5, 5))
		p := newDenseCase(m, 1, 12, 17)
		p.scale, p.shift = normals(r, c, 1, 0.5), normals(r, c, 0, 1e-7) // many elements next to zero
		for _, v := range []([]float64){p.w, p.g, p.us[0], p.us[1]} {
			for i := range v {
				v[i] = 1
			}
		}
		grad, grad2 := p.grad(CPU, nil), p.grad2(CPU)
		within(t, "elements that pass", grad2[1], grad[3], 0) // dscale of the one, dshift of the other
		lo := 0
		for i, n := range p.at.Widths {
			q := *p
			q.at.Widths, q.parts, q.c = []int{1}, nil, 1
			for j := range n {
				q.scale, q.shift = p.scale[lo+j:][:1], p.shift[lo+j:][:1]
				column := make([]float64, m)
				for row := range m {
					column[row] = p.parts[i][row*n+j]
				}
				q.parts = [][]float64{column}
				count := 0.
				for _, h := range q.forward(CPU)[0] {
					if h > 0 {
						count++
					}
				}
				if count != grad[3][lo+j] {
					t.Errorf("channel %d: %g elements pass forward and %g backward", lo+j, count, grad[3][lo+j])
				}
			}
			lo += n
		}
	})
}

func TestAffineConvSameBitsForAnyGOMAXPROCS(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	p := newDenseCase(9000, 48, 60, 12, 12)
	n := newNormCase(9000, 12, false, 3)
	var first [][]float64
	for _, procs := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(procs)
		got := append(append(p.forward(CPU), p.grad(CPU, nil)...), p.grad2(CPU)...)
		xh := runOn(CPU, Normalise, &n.at, [][]float64{n.x}, len(n.x), 12, 12, 12)
		got = append(append(got, xh...), runOn(CPU, NormaliseGrad, &n.at, [][]float64{n.g, xh[0], xh[1], nil}, len(n.x))...)
		got = append(got, runOn(CPU, NormaliseGrad2, &n.at, [][]float64{n.u, n.g, xh[0], xh[1], n.wg}, len(n.x), len(n.x), 12, 12)...)
		if first == nil {
			first = got
		}
		for i := range got {
			if worst(got[i], first[i]) != 0 {
				t.Errorf("output %d differs between GOMAXPROCS 1 and %d", i, procs)
			}
		}
	}
}

func TestAffineConvPassesNaN(t *testing.T) {
	eachVectorSet(t, func(t *testing.T) {
		p := newDenseCase(100, 3, 12, 12)
		p.parts[1][50*12+4] = math.NaN()
		for i, v := range p.forward(CPU)[0] {
			if math.IsNaN(v) != (i/3 == 50) {
				t.Fatalf("row %d: y = %g", i/3, v)
			}
		}
	})
}

// TestNormaliseIsBatchNorm compares the three kernels with those of batch norm with
// scale 1 and shift 0: the derivatives of both are the same functions of x.
func TestNormaliseIsBatchNorm(t *testing.T) {
	eachVectorSet(t, func(t *testing.T) {
		for _, s := range normShapes {
			if s[0] < 5 {
				continue // the projection is nearly zero there
			}
			p := newNormCase(s[0], s[1], false, 4)
			p.at.NoDW = true
			for c := range p.gamma {
				p.gamma[c], p.beta[c] = 1, 0
			}
			for dev, tol := range map[Device]float64{CPU64: 1e-12, CPU: 1e-5} {
				p.mean, p.rstd, p.wg, p.wb = nil, nil, nil, nil
				y := p.forward(dev)
				p.mean, p.rstd = y[1], y[2]
				n, c := len(p.x), s[1]
				got := runOn(dev, Normalise, &p.at, [][]float64{p.x}, n, c, c, c)
				for i, want := range [][]float64{y[0], y[2], y[1], y[3]} {
					within(t, fmt.Sprint(dev.Name(), s, "result ", i), got[i], want, 0)
				}
				dx := runOn(dev, NormaliseGrad, &p.at, [][]float64{p.g, got[0], got[1], nil}, n)[0]
				within(t, fmt.Sprint(dev.Name(), s, "dx"), dx, p.grad(dev)[0], tol)
				second := runOn(dev, NormaliseGrad2, &p.at, [][]float64{p.u, p.g, got[0], got[1], nil}, n, n, c, c)
				want := p.grad2(dev)
				within(t, fmt.Sprint(dev.Name(), s, "dg"), second[0], want[0], tol)
				dx2 := runOn(dev, NormaliseGrad, &p.at, [][]float64{second[1], got[0], got[1], second[2]}, n)[0]
				within(t, fmt.Sprint(dev.Name(), s, "dx2"), dx2, want[1], tol)
			}
		}
	})
}
