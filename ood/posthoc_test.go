package ood

import (
	"math"
	"testing"
)

// The toy head of the reference vectors: four features, three classes.
var (
	toyHead = &Head{
		W: []float32{1, .5, -.3, .2, -.4, .8, .6, -.1, .3, -.7, .2, .5},
		B: []float32{.1, 0, -.1}, Classes: 3, Dim: 4,
	}
	toyFeature = headOutputs(toyHead, []float32{.2, 1.5, 0, .9})
)

// headOutputs are the outputs of a network with a given head for features.
func headOutputs(head *Head, features []float32) Outputs {
	out := Outputs{Features: features, N: len(features) / head.Dim, Classes: head.Classes, Dim: head.Dim}
	z, h := make([]float64, head.Classes), make([]float64, head.Dim)
	for i := range out.N {
		widen(h, out.Feature(i))
		head.logits(z, h)
		for _, v := range z {
			out.Logits = append(out.Logits, float32(v))
		}
	}
	return out
}

// fitted parses one score and fits it.
func fitted(t *testing.T, text string, id IDData) Detector {
	t.Helper()
	scores, err := ParseScores(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := FitAll(scores, id); err != nil {
		t.Fatal(err)
	}
	return scores[0].Detector
}

func scores(t *testing.T, d Detector, out Outputs) []float64 {
	t.Helper()
	dst := make([]float64, out.N)
	if err := d.Score(dst, out); err != nil {
		t.Fatalf("%s: %v", d.Name(), err)
	}
	return dst
}

func TestToyHead(t *testing.T) {
	for c, want := range []float64{1.23, 1.03, -.64} {
		near(t, "logit", float64(toyFeature.Logits[c]), want, 1e-6)
	}
	near(t, "energy", scoreOne(t, "energy", toyFeature), 1.909481, 1e-6)
	p := make([]float64, 3)
	softmax(p, toyFeature.Logits, 1)
	for c, want := range []float64{.506880, .414998, .078122} {
		near(t, "p", p[c], want, 1e-6)
	}
}

func TestLogitVectors(t *testing.T) {
	for text, want := range map[string]float64{
		"msp": .785597, "maxlogit": 2, "energy": 2.241311, "energy:t=2": 3.055951, "entropy": -.565791,
		"gen": -2.381266, "gen:gamma=0.1;m=3": -2.381266, "gen:m=2": -1.660991, "gen:gamma=0.5": -.984486,
	} {
		near(t, text, scoreOne(t, text, toy), want, 6e-7)
	}
}

func TestHeadVectors(t *testing.T) {
	mean := Single(Outputs{Logits: []float32{0, 0, 0}, Features: []float32{.4, 1, .1, .6}, N: 1, Classes: 3, Dim: 4})
	for text, want := range map[string]float64{
		"react:c=1":           1.665881,
		"dice:p=70":           2.027732,
		"dice+react:p=70;c=1": 1.769880,
		"gradnorm":            3.981294,
		"ash-p:p=50":          1.845618,
		"ash-b:p=50":          1.779619,
		"ash-s:p=50":          3.783380,
		"scale:p=50":          3.956957,
	} {
		d := fitted(t, text, IDData{Head: toyHead, Batches: mean})
		near(t, text, scores(t, d, toyFeature)[0], want, 1.5e-6)
	}
}

func TestShapedFeatures(t *testing.T) {
	for kind, want := range map[ASHKind][]float64{
		ASHP: {0, 1.5, 0, .9}, ASHB: {0, 1.3, 0, 1.3}, ASHS: {0, 4.431767, 0, 2.659060},
	} {
		h, room := []float64{.2, 1.5, 0, .9}, make([]float64, 4)
		(&ASH{Kind: kind, P: 50}).shape(h, room)
		for j := range h {
			near(t, string(kind), h[j], want[j], 1e-6)
		}
	}
}

// TestASHCounts: D - roundHalfEven(D q/100) features stay.
func TestASHCounts(t *testing.T) {
	for _, c := range []struct {
		dim  int
		p    float64
		want int
	}{{342, 65, 120}, {342, 85, 51}, {342, 90, 34}, {342, 95, 17}, {512, 90, 51}, {512, 95, 26}, {5, 50, 3}, {3, 50, 1}, {4, 100, 1}, {4, 0, 4}} {
		h := make([]float64, c.dim) // all equal: ties must not change the count
		room := make([]float64, c.dim)
		for j := range h {
			h[j] = 1
		}
		(&ASH{Kind: ASHP, P: c.p}).shape(h, room)
		kept := 0
		for j, v := range h {
			if v != 0 {
				kept++
				if j >= c.want {
					t.Errorf("of equal features number %d stayed, want the first %d", j, c.want)
				}
			}
		}
		if kept != c.want {
			t.Errorf("%d features, p=%g: %d stay, want %d", c.dim, c.p, kept, c.want)
		}
	}
}

// TestDICEWeights: the masked weights of the vector, by the logits they leave.
func TestDICEWeights(t *testing.T) {
	s := sparsify(toyHead, []float64{.4, 1, .1, .6}, 70)
	for i, keep := range []bool{true, true, false, false, false, true, false, false, false, false, false, true} {
		if (s.W[i] != 0) != keep {
			t.Errorf("weight %d: %g, want kept %v", i, s.W[i], keep)
		}
	}
	z := make([]float64, 3)
	s.logits(z, []float64{.2, 1.5, 0, .9})
	for c, want := range []float64{1.05, 1.2, .35} {
		near(t, "logit", z[c], want, 1e-6)
	}
}

func TestLINeVector(t *testing.T) {
	means := Single(Outputs{
		Logits: make([]float32, 9), Labels: []int{0, 1, 2}, N: 3, Classes: 3, Dim: 4,
		Features: []float32{.5, 1.2, .05, .7, .1, 1, .6, .2, .6, .3, .2, .9},
	})
	l := fitted(t, "line:c=1;pa=50;pw=60", IDData{Head: toyHead, Batches: means}).(*LINe)
	near(t, "conf", scores(t, l, toyFeature)[0], 1.688595, 1.5e-6)
	for i, want := range []float64{.5, .6, -.015, .14, -.04, .8, .36, -.02, .18, -.21, .04, .45} {
		near(t, "contribution", l.shapley[i], want, 1e-6)
	}
	near(t, "activation threshold", l.cuts[0].feature, .32, 1e-6)
	near(t, "weight threshold", l.cuts[0].weight, .0532, 1e-6)
	z := make([]float64, 3)
	l.prune(z, []float64{.2, 1, 0, .9}, 0)
	for c, want := range []float64{.8, .8, -.04} {
		near(t, "logit", z[c], want, 1e-6)
	}
}

// sixPoints are the training features of the Mahalanobis and KNN vectors.
var sixPoints = Outputs{
	Features: []float32{1, 0, 1.2, .4, .8, -.1, -1, 1, -1.3, 1.2, -.8, .7},
	Logits:   make([]float32, 12), Labels: []int{0, 0, 0, 1, 1, 1}, N: 6, Classes: 2, Dim: 2,
}

var query = Outputs{Features: []float32{.5, .5}, Logits: make([]float32, 2), N: 1, Classes: 2, Dim: 2}

func TestMahalanobisVector(t *testing.T) {
	m := fitted(t, "mahalanobis", IDData{Batches: Single(sixPoints)}).(*Mahalanobis)
	near(t, "conf", scores(t, m, query)[0], -4.970067, 5e-6)
	u, _, err := m.nearest(make([]float64, 1), query)
	if err != nil {
		t.Fatal(err)
	}
	for c, want := range []float64{9.940134, 70.216249} {
		near(t, "squared distance", squaredDistance(u.RawRowView(0), m.centres.RawRowView(c)), want, 5e-5)
	}
	for i, want := range []float64{29.321930, 2.565669, 2.565669, 22.724496} { // A Aᵀ is the inverse of the covariance
		var p float64
		for k := range 2 {
			p += m.whiten.At(i/2, k) * m.whiten.At(i%2, k)
		}
		near(t, "inverse covariance", p, want, 2e-5)
	}
}

func TestKNNVector(t *testing.T) {
	for k, want := range []float64{.211146, .585786, .772119, 2, 2.079936, 2.133038} {
		d := &KNN{K: k + 1}
		if err := d.Fit(IDData{Batches: Single(sixPoints)}); err != nil {
			t.Fatal(err)
		}
		near(t, "squared distance", math.Pow(scores(t, d, query)[0], 2), want, 1e-6)
	}
	near(t, "k=2", scores(t, fitted(t, "knn:k=2", IDData{Batches: Single(sixPoints)}), query)[0], -.765367, 1e-6)
}

func TestViMVector(t *testing.T) {
	head := &Head{W: []float32{1, .2, -.3, -.5, .7, .4}, B: []float32{.1, -.2}, Classes: 2, Dim: 3}
	train := headOutputs(head, []float32{1, .2, .1, .9, .1, -.2, 1.3, .4, .2, .2, 1, .1, .1, 1.2, -.1, .4, .8, .3})
	v := fitted(t, "vim:d=1", IDData{Head: head, Batches: Single(train)}).(*ViM)
	for j, want := range []float64{-.105517, .159929, .088228} {
		near(t, "origin", v.origin[j], want, 1e-6)
	}
	near(t, "alpha", v.Alpha, 1.601563, 2e-6)
	out := headOutputs(head, []float32{.5, .5, .5})
	near(t, "energy", LogSumExp(out.Row(0), 1), 1.043249, 1e-6)
	near(t, "virtual logit", v.Alpha*v.residuals(out)[0], .685534, 1e-6)
	near(t, "conf", scores(t, v, out)[0], .357715, 1e-6)
	for dim, want := range map[int]int{342: 171, 512: 256, 128: 64, 1024: 512, 2048: 1000} {
		if d := principalDim(dim); d != want {
			t.Errorf("%d features: d=%d, want %d", dim, d, want)
		}
	}
}

// TestODINVector: a linear network of two inputs, and the toy logits at T=1000.
func TestODINVector(t *testing.T) {
	net := &affine{w: []float64{1, -.5, .3, .8}, b: []float64{0, .1}, in: 2}
	out, _ := net.Forward([]float32{.4, -.2}, 1)
	d := fitted(t, "odin:t=10;eps=0.05;std=0", IDData{Model: net, Unit: []float32{7}})
	near(t, "conf", scores(t, d, out)[0], .513496720, 1e-8)
	grad, _ := net.Gradient(out.Images, lossCotangent(out, 10), 1)
	for i, want := range []float64{-.034230, .063570} {
		near(t, "gradient", float64(grad[i])/10, want, 1e-6)
	}
	d = fitted(t, "odin:t=10;eps=0.005", IDData{Model: net, Unit: []float32{10}}) // the same step in pixels
	near(t, "pixels", scores(t, d, out)[0], .513496720, 1e-8)

	same := &affine{w: []float64{0, 0, 0}, b: []float64{2, .5, -1}, in: 1}
	out, _ = same.Forward([]float32{0}, 1)
	near(t, "T=1000", scores(t, fitted(t, "odin:eps=0", IDData{Model: same}), out)[0], .333833458, 1e-9)
}

// TestSignOfZero: where the gradient is 0 (and -0) the step goes down.
func TestSignOfZero(t *testing.T) {
	moved := against([]float32{1, 1, 1, 1}, []float32{0, float32(math.Copysign(0, -1)), -2, 3}, .5, nil)
	for i, want := range []float32{.5, .5, 1.5, .5} {
		if moved[i] != want {
			t.Errorf("value %d: %g, want %g", i, moved[i], want)
		}
	}
}

// affine is a network without a hidden layer; its features are its input.
type affine struct {
	w, b []float64
	in   int
}

func (m *affine) Forward(x []float32, n int) (Outputs, error) {
	out := Outputs{Images: x, Features: x, N: n, Classes: len(m.b), Dim: m.in}
	for i := range n {
		for c, z := range m.b {
			for j := range m.in {
				z += m.w[c*m.in+j] * float64(x[i*m.in+j])
			}
			out.Logits = append(out.Logits, float32(z))
		}
	}
	return out, nil
}

func (m *affine) Gradient(_, ct []float32, n int) ([]float32, error) {
	g := make([]float32, n*m.in)
	for i := range n {
		for c := range m.b {
			for j := range m.in {
				g[i*m.in+j] += ct[i*len(m.b)+c] * float32(m.w[c*m.in+j])
			}
		}
	}
	return g, nil
}

func (m *affine) FeatureGradient(_, ct []float32, _ int) ([]float32, error) { return ct, nil }
