package ood

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// line1 is a score that is the image's first value times a factor; it remembers
// how many images it was fitted on.
type line1 struct {
	Factor float64 `json:"factor"`
	fitted int
}

func (*line1) Name() string  { return "line1" }
func (l *line1) Params() any { return l }
func (*line1) Needs() Needs  { return NeedData | NeedImages }
func (l *line1) Fit(id IDData) error {
	return collect(id, NeedImages, func(out Outputs) error {
		l.fitted += out.N
		return nil
	})
}

func (l *line1) Score(dst []float64, out Outputs) error {
	for i := range dst {
		dst[i] = l.Factor * math.Abs(float64(part(out.Images, i, out.N)[0]))
	}
	return nil
}

// TestTunedChooses: ID images have a large first value, noise and means of images
// of both signs do not; the candidate with the right sign must win, the first of
// two that rank alike.
func TestTunedChooses(t *testing.T) {
	rng := rand.New(rand.NewPCG(30, 0))
	net := &affine{w: []float64{1, 1}, b: []float64{0}, in: 2}
	const n = 200
	images := make([]float32, 2*n)
	for i := range n {
		images[2*i] = float32(5 + rng.Float64())
		if rng.IntN(2) == 0 {
			images[2*i] *= -1
		}
	}
	out, _ := net.Forward(images, n)
	a, b, c := &line1{Factor: -1}, &line1{Factor: 2}, &line1{Factor: 3}
	tuned := &Tuned{Candidates: []Detector{a, b, c}}
	id := batches(out)
	id.Model = net
	if err := tuned.Fit(id); err != nil {
		t.Fatal(err)
	}
	if tuned.chosen != b {
		t.Errorf("chose %+v among %+v", tuned.chosen, tuned.tried)
	}
	if a.fitted != n*3/4 || b.fitted != n*3/4 || tuned.images != n/4 {
		t.Errorf("fitted on %d and %d images, %d held back, of %d", a.fitted, b.fitted, tuned.images, n)
	}
	if got := tuned.tried; len(got) != 3 || got[1].NoiseAUROC < 99 || got[1].MixAUROC < 60 || math.Abs(got[0].NoiseAUROC+got[1].NoiseAUROC-100) > 1e-9 || got[2].MixAUROC != got[1].MixAUROC {
		t.Errorf("AUROCs %+v", got)
	}
	params, err := json.Marshal(tuned.Params())
	if err != nil || !strings.Contains(string(params), `"chosen":{"factor":2}`) || !strings.Contains(string(params), `"images":50`) {
		t.Errorf("parameters %s, %v", params, err)
	}
	if got, want := scores(t, tuned, out)[7], 2*math.Abs(float64(images[14])); got != want {
		t.Errorf("score %g, the chosen one gives %g", got, want)
	}
	again := &Tuned{Candidates: []Detector{&line1{Factor: -1}, &line1{Factor: 2}, &line1{Factor: 3}}}
	if err := again.Fit(id); err != nil || again.tried[0].NoiseAUROC != tuned.tried[0].NoiseAUROC {
		t.Errorf("another choice from the same data: %+v, %v", again.tried, err)
	}
}

func TestTunedErrors(t *testing.T) {
	net := &affine{w: []float64{1}, b: []float64{0}, in: 1}
	out, _ := net.Forward(make([]float32, 7), 7)
	broken := errors.New("broken")
	for says, id := range map[string]IDData{
		"needs the model": {Batches: Single(out)},
		"too few":         {Batches: Single(out), Model: net},
		"the images":      {Batches: Single(rows(out, 0, 7).without()), Model: net},
		"broken":          {Batches: Single(rows(joined(out, out, out), 0, 20)), Model: Func(func([]float32, int) (Outputs, error) { return Outputs{}, broken })},
	} {
		if err := (&Tuned{Candidates: []Detector{&line1{}}}).Fit(id); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q in it", err, says)
		}
	}
}

func (o Outputs) without() Outputs {
	o.Images = nil
	return o
}

func joined(outs ...Outputs) (all Outputs) {
	for _, o := range outs {
		all = all.with(o)
	}
	return all
}

// TestThinned: of any number of images it keeps some at even distances from the
// first on, and never more than it may.
func TestThinned(t *testing.T) {
	for _, n := range []int{1, 2, tuneImages - 1, tuneImages, tuneImages + 1, 2*tuneImages + 3, 5*tuneImages - 1} {
		s := &thinned{stride: 1}
		for i := 0; i < n; i += 2 {
			out := Outputs{Classes: 1}
			for k := i; k < min(n, i+2); k++ {
				out = out.with(Outputs{Logits: []float32{float32(k)}, N: 1, Classes: 1})
			}
			s.add(out)
		}
		want := (n + s.stride - 1) / s.stride
		if s.rows.N != want || want > tuneImages || n >= tuneImages && want <= tuneImages/2-1 {
			t.Fatalf("%d images: %d kept at distance %d", n, s.rows.N, s.stride)
		}
		for k, v := range s.rows.Logits {
			if int(v) != k*s.stride {
				t.Fatalf("%d images: number %g is kept at place %d, distance %d", n, v, k, s.stride)
			}
		}
	}
}

// TestAuto: the words of -scores make a choice of the grid's values, all of them.
func TestAuto(t *testing.T) {
	for text, want := range map[string]int{
		"odin:eps=auto": 10, "line:pa=auto;pw=auto": 9, "react:q=auto": 4, "knn:k=auto": 5, "mahalanobis:eps=auto": 7,
		"dice:p=auto": 5, "dice+react:p=auto;c=2": 5, "ash-s:p=auto": 7, "scale:p=auto": 7, "gen:gamma=auto;m=7": 5,
	} {
		scores, err := ParseScores(text)
		if err != nil {
			t.Error(err)
			continue
		}
		tuned, ok := scores[0].Detector.(*Tuned)
		name, _, _ := strings.Cut(text, ":")
		if !ok || len(tuned.Candidates) != want || scores[0].Key != name {
			t.Errorf("%s: key %s, %T with %d candidates, want %d", text, scores[0].Key, scores[0].Detector, len(tuned.Candidates), want)
			continue
		}
		seen := map[string]bool{}
		for _, c := range tuned.Candidates {
			params, _ := json.Marshal(c.Params())
			seen[string(params)] = true
		}
		if len(seen) != want {
			t.Errorf("%s: the candidates' settings repeat: %v", text, seen)
		}
	}
	for text, says := range map[string]string{
		"energy:t=auto":        "want a number",
		"odin:std=auto":        "want 0 or 1",
		"odin:eps=auto;t=0":    "must be positive",
		"odin:eps=auto;what=1": "unknown parameter",
		"react:q=auto;c=1":     "give one",
	} {
		if _, err := ParseScores(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q in it", text, err, says)
		}
	}
}

// TestAutoEndToEnd: every automatic choice works on a small network.
func TestAutoEndToEnd(t *testing.T) {
	all, id, out := everything(t, "odin:eps=auto,react:q=auto,dice:p=auto,ash-s:p=auto,gen:gamma=auto,mahalanobis:eps=auto,line:pa=auto;pw=auto")
	if err := FitAll(all, id); err != nil {
		t.Fatal(err)
	}
	got, err := ScoreAll(all, Single(out))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if len(got[s.Key]) != out.N {
			t.Errorf("%s: %d scores", s.Key, len(got[s.Key]))
		}
	}
}
