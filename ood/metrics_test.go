package ood

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/integrate"
	"gonum.org/v1/gonum/stat"
)

var (
	idA  = []float64{5, 4, 4, 3, 2.5, 2, 1.5, 1, .5, .2}
	oodA = []float64{4.5, 2, 1.2, .4, .3, .1, -1, -2}
	idB  = []float64{9.1, 8.7, 8.2, 7.9, 7.5, 7.1, 6.8, 6.4, 6.1, 5.9, 5.6, 5.2, 4.9, 4.7, 4.3, 3.9, 3.4, 3.0, 2.2, 1.1}
	oodB = []float64{6.0, 4.8, 3.2, 2.9, 2.5, 2.2, 2.0, 1.5, 1.2, .9, .4, -.3}
)

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

// The vectors A and B of the specification; every number is exact to 6 digits. The
// areas and errors of DICE are what its authors' code gives for them.
func TestEvaluateVectors(t *testing.T) {
	type want struct{ fpr, in, out, det float64 }
	for _, v := range []struct {
		name    string
		id, ood []float64
		auroc   float64
		want    map[Convention]want
	}{
		{"A", idA, oodA, .768750, map[Convention]want{
			Paper:   {.625, .780505, .794240, .237500},
			DICE:    {.625, .700426, .722901, .222222},
			DOS:     {.375, .750426, .785401, .237500},
			OpenOOD: {.900, .750426, .785401, .237500},
		}},
		{"B", idB, oodB, .877083, map[Convention]want{
			Paper:   {.750, .926259, .815710, .158333},
			DICE:    {.416667, .899953, .768542, .156250},
			DOS:     {.416667, .924953, .810209, .158333},
			OpenOOD: {.550, .924953, .810209, .158333},
		}},
	} {
		for c, w := range v.want {
			m, err := Evaluate(v.id, v.ood, c)
			if err != nil {
				t.Fatal(err)
			}
			at := v.name + " " + c.String() + " "
			near(t, at+"AUROC", m.AUROC/100, v.auroc, 5e-7)
			near(t, at+"FPR95", m.FPR95/100, w.fpr, 5e-7)
			near(t, at+"AUPRIn", m.AUPRIn/100, w.in, 5e-7)
			near(t, at+"AUPROut", m.AUPROut/100, w.out, 5e-7)
			near(t, at+"DetectionError", m.DetectionError/100, w.det, 5e-7)
			if m.NID != len(v.id) || m.NOOD != len(v.ood) {
				t.Errorf("%s counts %d, %d", at, m.NID, m.NOOD)
			}
		}
	}
}

func TestEvaluateTiesAndSmallSets(t *testing.T) {
	flat := func(n int) []float64 { return slices.Repeat([]float64{3}, n) }
	for c := Paper; c <= OpenOOD; c++ {
		m, err := Evaluate(flat(7), flat(4), c)
		if err != nil {
			t.Fatal(err)
		}
		near(t, c.String()+" all equal: AUROC", m.AUROC, 50, 0)
		fpr := 100.0
		if c == DICE || c == DOS { // strict: a score equal to the threshold is rejected
			fpr = 0
		}
		near(t, c.String()+" all equal: FPR95", m.FPR95, fpr, 0)
		one, err := Evaluate([]float64{2}, []float64{1}, c)
		if err != nil {
			t.Fatal(err)
		}
		near(t, c.String()+" one each: AUROC", one.AUROC, 100, 0)
		near(t, c.String()+" one each: FPR95", one.FPR95, 0, 0)
		near(t, c.String()+" one each: detection error", one.DetectionError, 0, 0)
		worst, _ := Evaluate([]float64{1}, []float64{2}, c)
		near(t, c.String()+" reversed: AUROC", worst.AUROC, 0, 0)
		near(t, c.String()+" reversed: FPR95", worst.FPR95, 100, 0)
	}
}

func TestEvaluateErrors(t *testing.T) {
	ok := []float64{1, 2}
	if _, err := Evaluate(nil, ok, Paper); !errors.Is(err, ErrNoScores) {
		t.Errorf("empty ID: %v", err)
	}
	if _, err := Evaluate(ok, nil, Paper); !errors.Is(err, ErrNoScores) {
		t.Errorf("empty OOD: %v", err)
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if _, err := Evaluate([]float64{1, bad}, ok, Paper); err == nil {
			t.Errorf("ID %v: no error", bad)
		}
		if _, err := Evaluate(ok, []float64{bad}, Paper); err == nil {
			t.Errorf("OOD %v: no error", bad)
		}
	}
	if _, err := Evaluate(ok, ok, Convention(9)); err == nil {
		t.Error("convention 9: no error")
	}
}

func TestEvaluateLeavesArgumentsAlone(t *testing.T) {
	id, ood := slices.Clone(idA), slices.Clone(oodA)
	if _, err := Evaluate(id, ood, Paper); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(id, idA) || !slices.Equal(ood, oodA) {
		t.Error("the arguments were sorted")
	}
}

// random draws scores on a coarse grid, so that there are many ties.
func random(r *rand.Rand, n int, shift float64) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = math.Round(4*(r.NormFloat64()+shift)) / 4
	}
	return v
}

// Every metric against its definition, taken literally, in O(n^2).
func TestEvaluateAgainstDefinitions(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for trial := range 60 {
		id, ood := random(r, 1+r.IntN(40), 1), random(r, 1+r.IntN(40), 0)
		m, err := Evaluate(id, ood, Paper)
		if err != nil {
			t.Fatal(err)
		}
		pairs := 0.0
		for _, a := range id {
			for _, o := range ood {
				if a > o {
					pairs++
				} else if a == o {
					pairs += 0.5
				}
			}
		}
		near(t, "AUROC", m.AUROC, 100*pairs/float64(len(id)*len(ood)), 1e-9)
		near(t, "AUPRIn", m.AUPRIn, 100*slowAP(id, ood, 1), 1e-9)
		near(t, "AUPROut", m.AUPROut, 100*slowAP(ood, id, -1), 1e-9)
		near(t, "FPR95", m.FPR95, 100*slowFPR(id, ood), 1e-9)
		det := 0.5
		for _, th := range slices.Concat(id, ood) {
			det = min(det, (1-share(id, th, 1)+share(ood, th, 1))/2)
		}
		near(t, "DetectionError", m.DetectionError, 100*det, 1e-9)
		if t.Failed() {
			t.Fatalf("trial %d: id %v ood %v", trial, id, ood)
		}
	}
}

// share of v with sign*v >= sign*t.
func share(v []float64, t, sign float64) float64 {
	n := 0
	for _, x := range v {
		if sign*x >= sign*t {
			n++
		}
	}
	return float64(n) / float64(len(v))
}

func slowAP(pos, neg []float64, sign float64) float64 {
	ts := slices.Concat(pos, neg)
	slices.SortFunc(ts, func(a, b float64) int {
		if sign*a > sign*b {
			return -1
		}
		return 1
	})
	ap, prev := 0.0, 0.0
	for _, th := range slices.Compact(ts) {
		tp := share(pos, th, sign) * float64(len(pos))
		fp := share(neg, th, sign) * float64(len(neg))
		ap += (tp/float64(len(pos)) - prev) * tp / (tp + fp)
		prev = tp / float64(len(pos))
	}
	return ap
}

func slowFPR(id, ood []float64) float64 {
	ts := slices.Concat(id, ood)
	slices.Sort(ts)
	best, fpr := math.Inf(1), 0.0
	lowest := slices.Min(id)
	for _, th := range ts {
		if th < lowest { // past the first point of full recall
			continue
		}
		if d := math.Abs(share(id, th, 1) - .95); d < best {
			best, fpr = d, share(ood, th, 1)
		}
	}
	return fpr
}

// AUROC by an independent library, ties included.
func TestAUROCAgainstGonum(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	id, ood := random(r, 900, 1), random(r, 700, 0)
	y := slices.Concat(id, ood)
	classes := make([]bool, len(y))
	for i := range id {
		classes[i] = true
	}
	stat.SortWeightedLabeled(y, classes, nil)
	tpr, fpr, _ := stat.ROC(nil, y, classes, nil)
	m, err := Evaluate(id, ood, Paper)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "AUROC", m.AUROC/100, integrate.Trapezoidal(fpr, tpr), 1e-12)
}

func TestROC(t *testing.T) {
	pts, err := ROC(idA, oodA)
	if err != nil {
		t.Fatal(err)
	}
	area := 0.0
	for i := 1; i < len(pts); i++ {
		area += (pts[i].FPR - pts[i-1].FPR) * (pts[i].TPR + pts[i-1].TPR) / 2
	}
	near(t, "area", area, .768750, 1e-12)
	first, last := pts[0], pts[len(pts)-1]
	if first != (ROCPoint{math.Inf(1), 0, 0}) || last != (ROCPoint{-2, 1, 1}) {
		t.Errorf("ends %v, %v", first, last)
	}
	if _, err := ROC(nil, oodA); err == nil {
		t.Error("empty set: no error")
	}
}

func TestHistogram(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	a, b := make([]float64, 5000), make([]float64, 300)
	for i := range a {
		a[i] = 20 + r.NormFloat64()
	}
	for i := range b {
		b[i] = 5 + r.NormFloat64()
	}
	a[0] = 1e6 // one outlier must not squeeze the rest
	h, err := NewHistogram(0, a, b)
	if err != nil {
		t.Fatal(err)
	}
	if lo, hi := h.Edges[0], h.Edges[len(h.Edges)-1]; lo < 0 || lo > 5 || hi < 20 || hi > 30 {
		t.Errorf("range %v to %v", lo, hi)
	}
	for g, d := range h.Density {
		sum := 0.0
		for i, v := range d {
			sum += v * (h.Edges[i+1] - h.Edges[i])
		}
		near(t, "mass", sum, 1, 1e-12)
		if len(d) < 20 || len(d) > 80 {
			t.Errorf("set %d: %d bins", g, len(d))
		}
	}
	flat, err := NewHistogram(4, []float64{2, 2, 2})
	if err != nil || len(flat.Density[0]) != 4 {
		t.Errorf("all equal: %v, %v", flat, err)
	}
	for _, bad := range [][]float64{{}, {math.NaN()}, {-1e308, 1e308}} {
		if _, err := NewHistogram(0, bad); err == nil {
			t.Errorf("%v: no error", bad)
		}
	}
	if _, err := NewHistogram(0); err == nil {
		t.Error("no set: no error")
	}
}

func TestThreshold(t *testing.T) {
	p, err := Percentile([]float64{4, 1, 3, 2}, 90)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "percentile", p, 3.7, 1e-12)
	id := make([]float64, 21)
	for i := range id {
		id[i] = float64(20 - i)
	}
	th, err := Threshold(id, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "threshold", th, 1, 0) // rank 1 exactly, though 1-0.95 is not 0.05
	in := 0
	for _, s := range id {
		if Decide(s, th) == In {
			in++
		}
	}
	if in != 20 {
		t.Errorf("%d of 21 accepted, want 20", in)
	}
	for tpr, want := range map[float64]float64{1: 0, 0.5: 10} {
		if th, err := Threshold(id, tpr); err != nil || th != want {
			t.Errorf("tpr %v: %v, %v; want %v", tpr, th, err, want)
		}
	}
	if Decide(math.NaN(), 0) != Out || In.String() != "in" || Out.String() != "out" {
		t.Error("decisions")
	}
	for _, tpr := range []float64{0, -1, 1.01, 95, math.NaN()} {
		if _, err := Threshold(id, tpr); err == nil {
			t.Errorf("tpr %v: no error", tpr)
		}
	}
	if p, err := Percentile([]float64{-1.5e308, 1.5e308}, 50); err != nil || p != 0 {
		t.Errorf("percentile of huge values: %v, %v", p, err)
	}
	if _, err := Threshold(nil, 0.95); !errors.Is(err, ErrNoScores) {
		t.Errorf("no scores: %v", err)
	}
	if _, err := Percentile(id, 101); err == nil {
		t.Error("percentile 101: no error")
	}
}
