package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
)

// runOn runs a kernel on device d: inputs are copied in, outputs of the given
// sizes copied out. A nil input stays a nil buffer.
func runOn(d Device, k *Kernel, attr any, in [][]float64, out ...int) [][]float64 {
	a := &Args{Attr: attr}
	for _, v := range in {
		if v == nil {
			a.In = append(a.In, nil)
			continue
		}
		b := d.Alloc(len(v))
		d.Write64(b, v)
		a.In = append(a.In, b)
	}
	for _, n := range out {
		a.Out = append(a.Out, d.Alloc(n))
	}
	d.Run(k, a)
	res := make([][]float64, len(out))
	for i, n := range out {
		res[i] = make([]float64, n)
		d.Read64(res[i], a.Out[i])
	}
	return res
}

// normCase is one problem; every number is exact in float32.
type normCase struct {
	at               NormAttr
	x, gamma, beta   []float64
	g, u, wg, wb     []float64
	mean, rstd, vari []float64
}

func normals(r *rand.Rand, n int, mean, std float64) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = float64(float32(mean + std*r.NormFloat64()))
	}
	return v
}

func newNormCase(m, c int, relu bool, seed uint64) *normCase {
	r := rand.New(rand.NewPCG(seed, 1))
	p := &normCase{at: NormAttr{M: m, C: c, Eps: 1e-5, ReLU: relu}}
	p.x = normals(r, m*c, 0.3, 1)
	p.gamma, p.beta = normals(r, c, 1, 0.4), normals(r, c, 0.1, 0.5)
	p.g, p.u = normals(r, m*c, 0.1, 1), normals(r, m*c, -0.1, 1)
	p.wg, p.wb = normals(r, c, 0, 1), normals(r, c, 0, 1)
	return p
}

// clearMask moves the elements whose ReLU bit depends on rounding, and fixes the
// statistics: those of the float64 device, rounded to float32.
func (p *normCase) clearMask() {
	for range 3 {
		y := p.forward(CPU64)
		s := p.at.C
		for i, v := range y[0] {
			if p.at.ReLU && math.Abs(bnDirect(p, i, y)) < 1e-3 {
				p.x[i] += float64(float32(0.05 * math.Copysign(1, v-0.5)))
				p.x[i] = float64(float32(p.x[i] + 0.01*float64(i%s)/float64(s)))
			}
		}
	}
	y := p.forward(CPU64)
	p.mean, p.rstd, p.vari = rounded(y[1]), rounded(y[2]), rounded(y[3])
}

func rounded(v []float64) []float64 {
	out := make([]float64, len(v))
	for i := range v {
		out[i] = float64(float32(v[i]))
	}
	return out
}

// bnDirect is element i before the ReLU.
func bnDirect(p *normCase, i int, y [][]float64) float64 {
	c := i % p.at.C
	return (p.x[i]-y[1][c])*y[2][c]*p.gamma[c] + p.beta[c]
}

func (p *normCase) forward(d Device) [][]float64 {
	n, c := p.at.M*p.at.C, p.at.C
	return runOn(d, BatchNorm, &p.at, [][]float64{p.x, p.gamma, p.beta}, n, c, c, c)
}

func (p *normCase) grad(d Device) [][]float64 {
	n, c := p.at.M*p.at.C, p.at.C
	return runOn(d, BatchNormGrad, &p.at, [][]float64{p.g, p.x, p.gamma, p.beta, p.mean, p.rstd}, n, c, c)
}

func (p *normCase) grad2(d Device) [][]float64 {
	n, c := p.at.M*p.at.C, p.at.C
	return runOn(d, BatchNormGrad2, &p.at, [][]float64{p.u, p.wg, p.wb, p.g, p.x, p.gamma, p.beta, p.mean, p.rstd}, n, n, c)
}

// worst is the largest difference divided by the largest value.
func worst(a, b []float64) float64 {
	var diff, size float64
	for i := range a {
		d := math.Abs(a[i] - b[i])
		if math.IsNaN(d) {
			return math.Inf(1)
		}
		diff, size = max(diff, d), max(size, math.Abs(b[i]))
	}
	if diff == 0 {
		return 0
	}
	return diff / size
}

func within(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	if e := worst(got, want); e > tol {
		t.Errorf("%s: error %.2g of the largest value, allowed %.2g", what, e, tol)
	}
}

// direct computes batch norm from its definition, two passes in float64.
func (p *normCase) direct() (y, mean, rstd, vari []float64) {
	m, c := p.at.M, p.at.C
	y, mean, rstd, vari = make([]float64, m*c), make([]float64, c), make([]float64, c), make([]float64, c)
	for j := range c {
		for i := range m {
			mean[j] += p.x[i*c+j] / float64(m)
		}
		for i := range m {
			d := p.x[i*c+j] - mean[j]
			vari[j] += d * d / float64(m)
		}
		rstd[j] = 1 / math.Sqrt(vari[j]+p.at.Eps)
		for i := range m {
			v := (p.x[i*c+j]-mean[j])*rstd[j]*p.gamma[j] + p.beta[j]
			if p.at.ReLU {
				v = max(v, 0)
			}
			y[i*c+j] = v
		}
	}
	return
}

var normShapes = [][2]int{{1, 1}, {2, 3}, {5, 16}, {7, 12}, {300, 36}, {513, 17}, {4097, 24}, {1000, 342}, {3000, 64}, {129, 512}, {20000, 16}}

func TestBatchNormMatchesItsDefinition(t *testing.T) {
	eachVectorSet(t, checkBatchNormMatchesItsDefinition)
}

func checkBatchNormMatchesItsDefinition(t *testing.T) {
	for _, s := range normShapes {
		for _, relu := range []bool{false, true} {
			p := newNormCase(s[0], s[1], relu, 1)
			y, mean, rstd, vari := p.direct()
			for _, d := range []struct {
				dev Device
				tol float64
			}{{CPU64, 1e-13}, {CPU, 1e-6}} {
				name := fmt.Sprintf("%s %v relu=%v ", d.dev.Name(), s, relu)
				got := p.forward(d.dev)
				within(t, name+"y", got[0], y, d.tol)
				within(t, name+"mean", got[1], mean, d.tol)
				within(t, name+"rstd", got[2], rstd, d.tol)
				within(t, name+"var", got[3], vari, d.tol)
			}
		}
	}
}

// TestBatchNormLargeMean covers channels whose mean is far above their deviation,
// where the mean of squares minus the squared mean keeps no digit, and a first row
// that is unlike all others.
func TestBatchNormLargeMean(t *testing.T) { eachVectorSet(t, checkBatchNormLargeMean) }

func checkBatchNormLargeMean(t *testing.T) {
	for _, c := range []int{3, 16, 40} {
		p := newNormCase(9000, c, false, 2)
		r := rand.New(rand.NewPCG(3, 1))
		copy(p.x, normals(r, len(p.x), 1000, 1))
		for i := range c {
			p.x[i] = 0
		}
		_, mean, rstd, vari := p.direct()
		got := p.forward(CPU)
		within(t, "mean", got[1], mean, 1e-7)
		within(t, "rstd", got[2], rstd, 1e-6)
		within(t, "var", got[3], vari, 1e-6)
	}
}

func TestBatchNormSameBitsForAnyGOMAXPROCS(t *testing.T) {
	eachVectorSet(t, checkBatchNormSameBitsForAnyGOMAXPROCS)
}

func checkBatchNormSameBitsForAnyGOMAXPROCS(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, s := range [][2]int{{20000, 12}, {9001, 64}, {3000, 341}} {
		p := newNormCase(s[0], s[1], true, 15)
		p.restat()
		p.mean, p.rstd = rounded(p.mean), rounded(p.rstd)
		var first [][]float64
		for _, procs := range []int{1, 2, 4} {
			runtime.GOMAXPROCS(procs)
			got := append(append(p.forward(CPU), p.grad(CPU)...), p.grad2(CPU)...)
			if first == nil {
				first = got
			}
			for i := range got {
				if worst(got[i], first[i]) != 0 {
					t.Errorf("%v: output %d differs between GOMAXPROCS 1 and %d", s, i, procs)
				}
			}
		}
	}
}

func TestChannelAffine(t *testing.T) { eachVectorSet(t, checkChannelAffine) }

func checkChannelAffine(t *testing.T) {
	for _, s := range normShapes {
		for _, relu := range []bool{false, true} {
			p := newNormCase(s[0], s[1], relu, 16)
			want := make([]float64, len(p.x))
			for i, v := range p.x {
				want[i] = math.FMA(v, p.gamma[i%s[1]], p.beta[i%s[1]])
				if relu {
					want[i] = max(want[i], 0)
				}
			}
			for _, d := range []Device{CPU, CPU64} {
				got := runOn(d, ChannelAffine, &p.at, [][]float64{p.x, p.gamma, p.beta}, len(p.x))
				within(t, d.Name(), got[0], want, map[Device]float64{CPU: 1e-7, CPU64: 0}[d])
			}
		}
	}
}

func TestBatchNormPassesNaN(t *testing.T) { eachVectorSet(t, checkBatchNormPassesNaN) }

func checkBatchNormPassesNaN(t *testing.T) {
	p := newNormCase(300, 24, true, 17)
	p.x[100*24+5] = math.NaN()
	for i, v := range p.forward(CPU)[0] {
		if math.IsNaN(v) != (i%24 == 5) {
			t.Fatalf("channel %d: y = %g", i%24, v)
		}
	}
}

// TestStreamedStoresGiveTheSameBits calls the elementwise passes directly: by
// themselves they stream tensors that are too large for a test.
func TestStreamedStoresGiveTheSameBits(t *testing.T) { eachVectorSet(t, checkStreamedStores) }

func checkStreamedStores(t *testing.T) {
	const w, n = 48, 48*701 + 5
	r := rand.New(rand.NewPCG(18, 1))
	tensor := func(n int) []float32 { return vecData[float32](r, n)[:n] }
	x, g, u, y, z, k := tensor(n), tensor(n), tensor(n), tensor(n), tensor(n), tensor(12*w)
	run := func(stream bool) [][]float32 {
		out := [][]float32{tensor(n), tensor(n), tensor(n), tensor(n), tensor(n), tensor(n), tensor(n), tensor(n)}
		applyRows(out[0], x, k, w, 0, stream)
		gradRows(out[1], g, x, k, w, stream)
		grad2Rows(out[2], out[3], u, g, x, k, w, stream)
		applyAddRows(out[4], x, g, k, w, 0, stream)
		gradAddRows(out[5], g, x, u, k, w, stream)
		tangentRows(out[6], out[7], u, g, x, y, z, k, w, stream)
		return out
	}
	want := run(false)
	for i, got := range run(true) {
		for j := range got {
			if got[j] != want[i][j] {
				t.Fatalf("output %d element %d: %g streamed, %g not", i, j, got[j], want[i][j])
			}
		}
	}
}
