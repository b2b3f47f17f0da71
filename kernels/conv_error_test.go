package kernels

import (
	"math"
	"math/rand/v2"
	"testing"
)

// convErrors is what the algorithms promise, by channels: the largest error over the
// largest value, with the inputs of a network.
var convErrors = []struct {
	channels                    int
	direct, winograd2, winograd float64
}{
	{16, 1.5e-6, 1e-6, 5e-6}, {64, 1.5e-6, 1e-6, 5e-6}, {128, 2e-6, 1e-6, 6e-6}, {256, 3e-6, 1.5e-6, 8e-6}, {512, 5e-6, 2e-6, 12e-6},
}

func TestConvErrors(t *testing.T) {
	for _, e := range convErrors {
		images, sizes := 2, []int{16}
		if e.channels > 128 {
			images, sizes = 1, []int{8, 4}
		}
		if e.channels > 256 && testing.Short() {
			continue
		}
		for _, size := range sizes {
			p := newConvProblem(square(images, size, e.channels, e.channels, 3, 1, 1))
			t.Run(convName(p.g), func(t *testing.T) {
				eachTileSet(t, func(t *testing.T) {
					p.check(t, ConvDirect, e.direct)
					p.check(t, ConvWinograd2, e.winograd2)
					p.check(t, ConvWinograd, e.winograd)
				})
			})
		}
	}
}

func (p *convProblem) check(t *testing.T, algorithm ConvAlgorithm, promised float64) {
	for i, err := range p.errors(algorithm) {
		direction := []string{"forward", "input gradient", "weight gradient"}[i]
		t.Logf("%s, %s: %.1e", algorithm, direction, err)
		if !(err < promised) {
			t.Errorf("%s, %s: error %.1e of the largest value, promised %.1e", algorithm, direction, err, promised)
		}
	}
}

// convProblem is a convolution with its three results in float64: forward, and the
// gradients of the input and of the weights.
type convProblem struct {
	g        ConvAttr
	x, w, dy []float32
	want     [3][]float64
}

func newConvProblem(g ConvAttr) *convProblem {
	r := rand.New(rand.NewPCG(11, uint64(g.C)))
	p := &convProblem{g: g, x: make([]float32, g.N*g.H*g.W*g.C), w: make([]float32, g.patchLen()*g.K), dy: make([]float32, g.N*g.OutH*g.OutW*g.K)}
	for i := range p.x {
		p.x[i] = float32(max(0, r.NormFloat64())) // behind a ReLU
	}
	for i := range p.dy {
		p.dy[i] = float32(r.NormFloat64())
	}
	for i := range p.w {
		p.w[i] = float32(r.NormFloat64() * math.Sqrt(2/float64(g.patchLen())))
	}
	wide := func(s []float32) []float64 {
		out := make([]float64, len(s))
		convert(out, s)
		return out
	}
	p.want = convResults(wide(p.x), wide(p.w), wide(p.dy), &g)
	return p
}

func convResults[T Float](x, w, dy []T, g *ConvAttr) [3][]T {
	y, dx, dw := make([]T, len(dy)), make([]T, len(x)), make([]T, len(w))
	ConvForward(y, x, w, g)
	ConvInputGrad(dx, dy, w, g)
	ConvWeightGrad(dw, x, dy, g)
	return [3][]T{y, dx, dw}
}

// errors is the largest error of each result over its largest value.
func (p *convProblem) errors(algorithm ConvAlgorithm) (out [3]float64) {
	g := p.g
	g.Algorithm = algorithm
	for d, got := range convResults(p.x, p.w, p.dy, &g) {
		worst, largest := 0.0, 0.0
		for i, v := range got {
			worst = max(worst, math.Abs(float64(v)-p.want[d][i]))
			largest = max(largest, math.Abs(p.want[d][i]))
		}
		out[d] = worst / largest
	}
	return out
}
