package greg

import (
	"math"
	"testing"

	"gradgrad/autograd"
	"gradgrad/kernels"
	"gradgrad/layers"
)

// linearNet is the network without batch norm whose loss is worked out by hand:
// logits = x·Wᵀ + b on "images" of two numbers.
type linearNet struct{ w, b *autograd.Param }

func newLinearNet(dev kernels.Device) *linearNet {
	return &linearNet{
		autograd.NewParam("w", autograd.New(dev, []float32{2, -1, 0, 1.5, -1, 0.5}, 3, 2)),
		autograd.NewParam("b", autograd.New(dev, []float32{0.5, 0, -0.5}, 3)),
	}
}

func (n *linearNet) Forward(p *layers.Pass, x *autograd.Value) (logits, features *autograd.Value) {
	flat := autograd.Reshape(x, x.Dim(0), -1)
	return autograd.Linear(flat, p.Param(n.w), p.Param(n.b)), autograd.Reshape(x, x.Dim(0), -1)
}

var linearBatch = []float32{3, 1, 0.2, 0.1, -1, 2, 0.1, -0.2}

func linearTerms(t *testing.T, l Loss) (*autograd.Tape, *linearNet, *Terms) {
	t.Helper()
	tape := autograd.NewTape(kernels.CPU64)
	t.Cleanup(tape.Close)
	net := newLinearNet(kernels.CPU64)
	// The fourth decimal of the inputs' exact values counts: 0.1 in float32 is not 0.1.
	x := tape.New64([]float64{3, 1, 0.2, 0.1, -1, 2, 0.1, -0.2}, 4, 1, 1, 2)
	return tape, net, l.Terms(layers.Training(tape, 1, 0), net, x, []int{0, 1}, false)
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1.5e-6) {
		t.Errorf("%s is %.6f, want %.6f", what, got, want)
	}
}

// TestLossOfTheLinearNetwork holds both readings of equation (3) against the
// numbers worked out for this network.
func TestLossOfTheLinearNetwork(t *testing.T) {
	for _, v := range []struct {
		variant      Variant
		grads, total float64
	}{{Paper, 1.707990, 2.602734}, {Code, 0.426998, 1.321741}} {
		l := Loss{LambdaS: 0.1, LambdaGrad: 1, MarginIn: -3, MarginAux: -1.5, Variant: v.variant}
		_, _, terms := linearTerms(t, l)
		near(t, "CE", terms.CE.Item(), 0.615869)
		near(t, "L_S", terms.LS.Item(), 2.788742)
		near(t, string(v.variant)+" L_gradS", terms.LGrad.Item(), v.grads)
		near(t, string(v.variant)+" total", terms.Total.Item(), v.total)
		for i, want := range []float64{-5.518350, -1.363389, -3.202642, -1.307523} {
			near(t, "S", terms.Scores.Float64s()[i], want)
		}
		if terms.Hits != [2]int{1, 1} {
			t.Errorf("hits are %v, want 1 and 1", terms.Hits)
		}
	}
}

// TestGradientOfTheLoss compares Backward with differences, for both readings;
// the hits stay what they are near these parameters.
func TestGradientOfTheLoss(t *testing.T) {
	for _, variant := range []Variant{Paper, Code} {
		l := Loss{LambdaS: 0.1, LambdaGrad: 1, MarginIn: -3, MarginAux: -1.5, Variant: variant}
		_, net, terms := linearTerms(t, l)
		checkWeights(t, string(variant), l, net, terms)
	}
}

// TestNothingDetected: without hits the gradient term is 0, costs nothing and has
// no derivative.
func TestNothingDetected(t *testing.T) {
	l := Loss{LambdaS: 0.1, LambdaGrad: 1, MarginIn: -50, MarginAux: 50, Variant: Paper}
	_, net, terms := linearTerms(t, l)
	if terms.LGrad.Item() != 0 || terms.Grad != nil {
		t.Fatalf("L_gradS is %g with gradient %v, want 0 and none", terms.LGrad.Item(), terms.Grad)
	}
	autograd.Backward(terms.Total, net.w)
	plain := l
	plain.LambdaGrad = 0
	_, other, same := linearTerms(t, plain)
	autograd.Backward(same.Total, other.w)
	for i, g := range net.w.Grad().Float64s() {
		if g != other.w.Grad().Float64s()[i] {
			t.Fatalf("the derivative differs from the loss without the term: %g", g)
		}
	}
}

// TestMeasureChangesNothing: measuring the gradient norm leaves loss and
// derivative alone, bit for bit.
func TestMeasureChangesNothing(t *testing.T) {
	l := Loss{LambdaS: 0.1, MarginIn: -3, MarginAux: -1.5, Variant: Paper}
	run := func(measure bool) (float64, []float64, *Terms) {
		tape := autograd.NewTape(kernels.CPU)
		defer tape.Close()
		net := newLinearNet(kernels.CPU)
		terms := l.Terms(layers.Training(tape, 1, 0), net, tape.New(linearBatch, 4, 1, 1, 2), []int{0, 1}, measure)
		total := terms.Total.Item()
		if measure {
			near(t, "measured L_gradS", terms.LGrad.Item(), 1.707990)
		}
		autograd.Backward(terms.Total, net.w)
		return total, net.w.Grad().Float64s(), terms
	}
	total, grad, without := run(false)
	total2, grad2, _ := run(true)
	if without.LGrad != nil || total != total2 {
		t.Fatalf("totals %g and %g", total, total2)
	}
	for i := range grad {
		if grad[i] != grad2[i] {
			t.Fatalf("derivative %d: %g and %g", i, grad[i], grad2[i])
		}
	}
}
