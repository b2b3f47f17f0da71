package greg

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gradgrad/autograd"
	"gradgrad/kernels"
	"gradgrad/layers"
	"gradgrad/models"
)

// TestFixedIsTheSame: what is detected is decided without looking, to the same loss and
// the same gradients as with a look at the scores. Batch norm makes the score of every
// image depend on the others, so that one that is not detected has a gradient too.
func TestFixedIsTheSame(t *testing.T) {
	const n, m, side = 4, 3, 8
	net, err := models.New(models.Config{Arch: "wrn-10-1", Classes: 5}, kernels.CPU, 3)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	x := make([]float64, (n+m)*side*side*3)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	step := func(l Loss, fixed bool) (terms map[string]float64, hits []bool, grads [][]float64) {
		tape := autograd.NewTape(kernels.CPU)
		defer tape.Close()
		out := l.Of(layers.Training(tape, 1, 0), net, Batch{Images: tape.New64(x, n+m, side, side, 3), Labels: []int{0, 1, 2, 3}, Fixed: fixed})
		terms = map[string]float64{"total": out.Total.Item(), "L_grad": out.LGrad.Item()}
		if out.Detected != nil {
			for _, c := range out.Detected.Float64s() {
				hits = append(hits, c != 0)
			}
		}
		autograd.Backward(out.Total, net.Params()...)
		for _, p := range net.Params() {
			grads = append(grads, p.Grad().Float64s())
			p.ClearGrad()
		}
		return terms, hits, grads
	}
	tape := autograd.NewTape(kernels.CPU)
	defer tape.Close()
	logits, _ := net.Forward(layers.Training(tape, 1, 0), tape.New64(x, n+m, side, side, 3))
	s := autograd.Neg(autograd.LogSumExp(logits)).Float64s()
	in, aux := slices.Sorted(slices.Values(s[:n]))[1], slices.Sorted(slices.Values(s[n:]))[1] // the bounds themselves count in one reading
	for _, v := range []Variant{Paper, Code} {
		for name, l := range map[string]Loss{
			"some": {MarginIn: in, MarginAux: aux}, "none": {MarginIn: -1e3, MarginAux: 1e3}, "all": {MarginIn: 1e3, MarginAux: -1e3},
			"forced":           {MarginIn: -1e3, MarginAux: 1e3, ForceHits: true},
			"of probabilities": {GradOf: GradMSP, GradIn: 0.3, GradAux: 0.3},
		} {
			l.LambdaS, l.LambdaGrad, l.Variant = 0.1, 1, v
			want, hits, gradients := step(l, false)
			got, fixedHits, fixed := step(l, true)
			for what, x := range want {
				if math.Abs(got[what]-x) > 1e-5*math.Abs(x) {
					t.Errorf("%s, %s: %s is %g, not %g", v, name, what, got[what], x)
				}
			}
			if hits == nil {
				hits = make([]bool, n+m)
			}
			if !slices.Equal(fixedHits, hits) {
				t.Errorf("%s, %s: %v are detected, not %v", v, name, fixedHits, hits)
			}
			off, length := 0.0, 0.0
			for i := range gradients {
				for j, g := range gradients[i] {
					off += (fixed[i][j] - g) * (fixed[i][j] - g)
					length += g * g
				}
			}
			if math.Sqrt(off) > 1e-5*math.Sqrt(length) {
				t.Errorf("%s, %s: the gradient is off by %g of %g", v, name, math.Sqrt(off), math.Sqrt(length))
			}
		}
	}
}
