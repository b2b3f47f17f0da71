package greg

import (
	"math"
	"testing"

	"gradgrad/autograd"
	"gradgrad/autograd/gradcheck"
	"gradgrad/kernels"
	"gradgrad/layers"
)

// logitNet is a network that answers with its input: images [n, 1, 1, classes].
type logitNet struct{}

func (logitNet) Forward(p *layers.Pass, x *autograd.Value) (logits, features *autograd.Value) {
	return autograd.Reshape(x, x.Dim(0), -1), autograd.Reshape(x, x.Dim(0), -1)
}

// toyLogits are two in-distribution rows and two outliers for which the terms of
// all methods were worked out in float64.
var toyLogits = []float64{4, 1, -2, .5, 2.5, 0, 1, 1.5, .5, 3, -1, 0}

func toyTerms(t *testing.T, l Loss, b Batch) *Terms {
	t.Helper()
	tape := autograd.NewTape(kernels.CPU64)
	t.Cleanup(tape.Close)
	b.Images = tape.New64(toyLogits, 4, 1, 1, 3)
	return l.Of(layers.Training(tape, 1, 0), logitNet{}, b)
}

func TestOutlierTermsOfTheToyBatch(t *testing.T) {
	energies := Loss{LambdaS: 0.1, MarginIn: -5, MarginAux: -2, Variant: Paper}
	balanced := energies
	balanced.Outliers, balanced.Alpha, balanced.Gamma = Balanced, 10, 0.75
	for name, c := range map[string]struct {
		loss            Loss
		batch           Batch
		ce, term, total float64
	}{
		"OE":       {Loss{Outliers: Uniform, LambdaS: 0.5, Variant: Paper}, Batch{Labels: []int{0, 2}}, 1.373840, 1.789743, 2.268712},
		"Energy":   {energies, Batch{Labels: []int{0, 2}}, 1.373840, 3.687172, 1.742557},
		"Balanced": {balanced, Batch{Labels: []int{0, 2}, Prior: []float64{.6, .3, .1}}, 1.373840, 28.676653 + (.900704+5.305034)/2, 4.551792},
		"OpenMix":  {Loss{Outliers: Mixed, LambdaS: 1, MixBeta: 10, Variant: Paper}, Batch{Labels: []int{0, 1}, Share: 0.4}, .123840, 2.473077, 2.596917},
		"DOS":      {Loss{Outliers: Absent, LambdaS: 1, Variant: Paper}, Batch{Labels: []int{0, 1}}, .123840, 2.373077, 2.496917},
	} {
		terms := toyTerms(t, c.loss, c.batch)
		near(t, name+": CE", terms.CE.Item(), c.ce)
		near(t, name+": term", terms.LS.Item(), c.term)
		near(t, name+": total", terms.Total.Item(), c.total)
	}
	for i, want := range []float64{-4.050946, -2.696734, -2.180270, -3.065884} {
		near(t, "S", toyTerms(t, energies, Batch{Labels: []int{0, 2}}).Scores.Float64s()[i], want)
	}
	for i, want := range []float64{.538953, .320463, .140584} {
		near(t, "sharpened prior", sharpened([]float64{.6, .3, .1}, 0.75)[i], want)
	}
}

// TestScoresLeaveTheRejectingOutputOut: S is of the classes alone.
func TestScoresLeaveTheRejectingOutputOut(t *testing.T) {
	terms := toyTerms(t, Loss{Outliers: Absent, LambdaS: 1, Variant: Paper}, Batch{Labels: []int{0, 1}})
	s := terms.Scores.Float64s()
	for i := range s {
		a, b := toyLogits[3*i], toyLogits[3*i+1]
		near(t, "S of two classes", s[i], -math.Log(math.Exp(a)+math.Exp(b)))
	}
	for i, want := range []float64{.002356, .067425, .186324, .046613} {
		near(t, "p of none", absentProbability(toyLogits[3*i+2], -s[i]), want)
	}
}

// TestTermsAgainstDifferences checks every outlier term, and the score of OE+Grad,
// to the order at which a gradient penalty differentiates them.
func TestTermsAgainstDifferences(t *testing.T) {
	const n = 2
	balanced := Loss{MarginIn: -5, MarginAux: -2, Alpha: 10, Gamma: 0.75}
	for name, f := range map[string]gradcheck.Func{
		"oe":     func(in ...*autograd.Value) *autograd.Value { return uniformTerm(in[0]) },
		"absent": func(in ...*autograd.Value) *autograd.Value { return absentTerm(in[0]) },
		"openmix": func(in ...*autograd.Value) *autograd.Value {
			return mixedTerm(in[0], Batch{Labels: []int{0, 1, 2, 0}, Share: 0.4})
		},
		"balanced": func(in ...*autograd.Value) *autograd.Value {
			return balanced.balancedTerm(autograd.Neg(autograd.LogSumExp(in[0])), in[0], n, []float64{.6, .3, .1})
		},
		"energy": func(in ...*autograd.Value) *autograd.Value {
			return balanced.energy(autograd.Neg(autograd.LogSumExp(in[0])), n)
		},
		"msp": func(in ...*autograd.Value) *autograd.Value { return autograd.Sum(maxProbability(in[0])) },
	} {
		if err := gradcheck.Check(2, f, autograd.New64(kernels.CPU64, toyLogits, 4, 3)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestGradientOfOtherScores holds OE+Grad's two readings against numbers worked out
// for the linear network, whose inputs have two elements.
func TestGradientOfOtherScores(t *testing.T) {
	norms := []float64{.057124, .780502, .210786, .710155}
	scores := []float64{.981818, .569276, .816571, .665296}
	l := Loss{Outliers: Uniform, LambdaS: 0.5, LambdaGrad: 1, Variant: Paper, GradOf: GradMSP, GradIn: 0.9, GradAux: 2.0 / 3}
	_, _, terms := linearTerms(t, l)
	if terms.Hits != [2]int{1, 1} {
		t.Errorf("hits are %v: of %v those from .9 up and down from 2/3", terms.Hits, scores)
	}
	near(t, "L_grad of the probabilities", terms.LGrad.Item(), (norms[0]+norms[3])/2)
	for i, want := range []float64{norms[0], 0, 0, norms[3]} {
		near(t, "norm", terms.Norms.Float64s()[i], want)
	}
	l.GradIn, l.GradAux = 0.5, 0.9 // every image
	_, _, terms = linearTerms(t, l)
	for i, want := range norms {
		near(t, "norm", terms.Norms.Float64s()[i], want)
	}
	near(t, "mean norms", terms.LGrad.Item(), (norms[0]+norms[1]+norms[2]+norms[3])/2)
	lse := []float64{2.869308, 1.340857} // LSE - mean z of the outliers
	near(t, "OE term", terms.LS.Item(), (lse[0]+lse[1])/2)

	l.GradOf = GradLoss
	_, net, terms := linearTerms(t, l)
	// Outliers enter the loss as 0.5 mean(LSE - mean z).
	for i, want := range []float64{1.107424, 1.068966} {
		near(t, "norm of the loss at an outlier", terms.Norms.Float64s()[2+i], want*0.5/2)
	}
	sum := 0.0
	for _, x := range terms.Norms.Float64s() {
		sum += x / 4
	}
	near(t, "L_grad of the loss", terms.LGrad.Item(), sum)
	near(t, "total", terms.Total.Item(), terms.CE.Item()+0.5*terms.LS.Item()+sum)
	checkWeights(t, "loss", l, net, terms)
	l.GradOf, l.GradIn, l.GradAux = GradMSP, 0.9, 2.0/3
	_, net, terms = linearTerms(t, l)
	checkWeights(t, "msp", l, net, terms)
}

// checkWeights compares the derivative of a loss by the linear network's weights
// with differences; the second-order part is in it.
func checkWeights(t *testing.T, name string, l Loss, net *linearNet, terms *Terms) {
	t.Helper()
	autograd.Backward(terms.Total, net.w)
	got, base := net.w.Grad().Float64s(), net.w.Value.Float64s()
	for i := range base {
		at := func(h float64) float64 {
			w := append([]float64{}, base...)
			w[i] += h
			tape := autograd.NewTape(kernels.CPU64)
			defer tape.Close()
			n := newLinearNet(kernels.CPU64)
			n.w = autograd.NewParam("w", autograd.New64(kernels.CPU64, w, 3, 2))
			x := tape.New64([]float64{3, 1, 0.2, 0.1, -1, 2, 0.1, -0.2}, 4, 1, 1, 2)
			return l.Terms(layers.Training(tape, 1, 0), n, x, []int{0, 1}, false).Total.Item()
		}
		const h = 1e-5
		if want := (at(h) - at(-h)) / (2 * h); math.Abs(got[i]-want) > 1e-8 {
			t.Errorf("%s: derivative %d is %.9f, differences give %.9f", name, i, got[i], want)
		}
	}
}

// TestMixing: one share a batch, from Beta(10, 10), mixed element by element.
func TestMixing(t *testing.T) {
	aux := []float32{0, 10, 20}
	mix([]float32{10, 10, 10, 99}, aux, 0.25)
	for i, want := range []float32{2.5, 10, 17.5} {
		if aux[i] != want {
			t.Errorf("element %d is %g, want %g", i, aux[i], want)
		}
	}
	sum, squares := 0.0, 0.0
	const n = 4000
	for step := range n {
		x := mixingShare(10, 3, step)
		sum, squares = sum+x, squares+(x-0.5)*(x-0.5)
	}
	if m, v := sum/n, squares/n; math.Abs(m-0.5) > 0.008 || math.Abs(v-1.0/84) > 0.0012 {
		t.Errorf("mean %.4f and variance %.5f; Beta(10, 10) has 1/2 and 1/84 = %.5f", m, v, 1.0/84)
	}
	if mixingShare(10, 3, 7) != mixingShare(10, 3, 7) || mixingShare(10, 3, 7) == mixingShare(10, 4, 7) {
		t.Error("the share is no function of seed and step")
	}
}

// TestScoresOfTheLinearNetwork: the scores of OE+Grad at every image, and the lengths
// of their gradients.
func TestScoresOfTheLinearNetwork(t *testing.T) {
	tape := autograd.NewTape(kernels.CPU64)
	defer tape.Close()
	x := tape.Watch(tape.New64([]float64{3, 1, 0.2, 0.1, -1, 2, 0.1, -0.2}, 4, 1, 1, 2))
	logits, _ := newLinearNet(kernels.CPU64).Forward(layers.Inference(tape), x)
	uniform := autograd.Sub(autograd.LogSumExp(logits), autograd.Mean(logits, 1))
	for name, c := range map[string]struct {
		score         *autograd.Value
		values, norms []float64
	}{
		"largest probability":      {maxProbability(logits), []float64{.981818, .569276, .816571, .665296}, []float64{.057124, .780502, .210786, .710155}},
		"distance from uniformity": {uniform, []float64{4.185016, 1.263389, 2.869308, 1.340857}, []float64{2.077589, .776728, 1.107424, 1.068966}},
	} {
		norms := autograd.Norm(autograd.Grad(autograd.Sum(c.score), x)[0]).Float64s()
		for i, v := range c.score.Float64s() {
			near(t, name, v, c.values[i])
			near(t, "gradient of the "+name, norms[i], c.norms[i])
		}
	}
}
