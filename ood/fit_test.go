package ood

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// everything are the fitted scores of a small network on its own data.
func everything(t *testing.T, list string) ([]Score, IDData, Outputs) {
	t.Helper()
	rng := rand.New(rand.NewPCG(20, 0))
	net := &affine{w: make([]float64, 3*6), b: []float64{.1, 0, -.1}, in: 6}
	for i := range net.w {
		net.w[i] = rng.NormFloat64()
	}
	head := &Head{Classes: 3, Dim: 6}
	for _, w := range net.w {
		head.W = append(head.W, float32(w))
	}
	head.B = []float32{.1, 0, -.1}
	features := make([]float32, 90*6)
	for i := range features {
		features[i] = max(0, float32(rng.NormFloat64()+.3))
	}
	out, _ := net.Forward(features, 90)
	for i := range out.N {
		out.Labels = append(out.Labels, i%3)
	}
	all, err := ParseScores(list)
	if err != nil {
		t.Fatal(err)
	}
	id := batches(out)
	id.Model, id.Head = net, head
	return all, id, out
}

// TestFitAll: fitting together gives what fitting alone gives, in one pass.
func TestFitAll(t *testing.T) {
	const list = "all,react:q=90,knn:k=3,vim:d=2,mahalanobis:eps=0.01"
	together, id, out := everything(t, list)
	alone, _, _ := everything(t, list)
	passes, data := 0, id.Batches
	id.Batches = func(yield func(Outputs, error) bool) {
		passes++
		data(yield)
	}
	if err := FitAll(together, id); err != nil {
		t.Fatal(err)
	}
	if passes != 1 {
		t.Errorf("%d passes over the data, want 1", passes)
	}
	if len(together) < len(published)+4 {
		t.Fatalf("%d scores, want at least %d", len(together), len(published)+4)
	}
	all, err := ScoreAll(together, Single(rows(out, 0, 40), rows(out, 40, out.N)))
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range alone {
		one := id
		one.Batches = data
		if err := s.Fit(one); err != nil {
			t.Fatalf("%s: %v", s.Key, err)
		}
		if got, want := all[together[i].Key], scores(t, s, out); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: together %v, alone %v", s.Key, got[:3], want[:3])
		}
		a, err := json.Marshal(s.Params())
		b, _ := json.Marshal(together[i].Params())
		if err != nil || !bytes.Equal(a, b) || a[0] != '{' {
			t.Errorf("%s: parameters %s and %s, %v", s.Key, a, b, err)
		}
	}
}

// TestFitAllScoresLogitsOnly: what needs no data reads none.
func TestFitAllReadsNothing(t *testing.T) {
	some, id, _ := everything(t, "msp,ash-s,odin")
	id.Batches = func(func(Outputs, error) bool) { t.Error("the data were read") }
	if err := FitAll(some, id); err != nil {
		t.Error(err)
	}
}

func TestFitAllErrors(t *testing.T) {
	broken := errors.New("disk on fire")
	failing := func(after ...Outputs) iter.Seq2[Outputs, error] {
		return func(yield func(Outputs, error) bool) {
			for _, out := range after {
				if !yield(out, nil) {
					return
				}
			}
			yield(Outputs{}, broken)
		}
	}
	_, _, out := everything(t, "msp")
	some, id, _ := everything(t, "dice,knn:k=3,line")
	id.Batches = failing(out)
	if err := FitAll(some, id); !errors.Is(err, broken) {
		t.Errorf("data that fail: %v", err)
	}
	unlabelled := out
	unlabelled.Labels = nil
	strange := out
	strange.Labels = make([]int, out.N)
	strange.Labels[3] = 3
	oneClass := out
	oneClass.Labels = make([]int, out.N)
	narrow := withConstant(out)
	short := filepath.Join(t.TempDir(), "short.npy")
	if err := WriteNPY(short, []float32{1, 2}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		list, says string
		change     func(*IDData)
	}{
		{"dice,line", "line: ood: the score needs the labels", func(id *IDData) { id.Batches = Single(unlabelled) }},
		{"mahalanobis", "label 3", func(id *IDData) { id.Batches = Single(strange) }},
		{"line", "label 3", func(id *IDData) { id.Batches = Single(strange) }},
		{"line", "no image of class 1", func(id *IDData) { id.Batches = Single(oneClass) }},
		{"line", "7 features", func(id *IDData) { id.Batches = Single(narrow) }},
		{"dice", "7 mean features", func(id *IDData) { id.Batches = Single(narrow) }},
		{"vim", "7 features", func(id *IDData) { id.Batches = Single(narrow) }},
		{"react:q=90,vim", "no image", func(id *IDData) { id.Batches = Single() }},
		{"dice", "6 and of 7", func(id *IDData) { id.Batches = Single(out, narrow) }},
		{"knn", "choose a smaller k", func(id *IDData) { id.Batches = Single(rows(out, 0, 49)) }},
		{"vim:d=6", "want 1 to 5", func(*IDData) {}},
		{"mahalanobis", "do not vary", func(id *IDData) { id.Batches = Single(rows(out, 0, 1)) }},
		{"knn", "there is none", func(id *IDData) { id.Batches = nil }},
		{"react", "final linear layer", func(id *IDData) { id.Head = nil }},
		{"scale", "5 weights", func(id *IDData) { id.Head = &Head{W: make([]float32, 5), Classes: 2, Dim: 3} }},
		{"ash-b", "1 biases", func(id *IDData) { id.Head = &Head{W: make([]float32, 6), B: make([]float32, 1), Classes: 2, Dim: 3} }},
		{"odin", "needs the model", func(id *IDData) { id.Model = nil }},
		{"dice:stat=/no/such.npy", "dice: ood: stat=/no/such.npy is no file of mean features that can be read: ood: open /no/such.npy: ", func(*IDData) {}},
		{"dice:stat=" + short, "2 mean features in stat=" + short, func(*IDData) {}},
	} {
		bad, id, _ := everything(t, c.list)
		c.change(&id)
		if err := FitAll(bad, id); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q in it", c.list, err, c.says)
		}
	}
}

// TestUnfitted: a score that was not fitted, and outputs of another network, end
// in errors.
func TestUnfitted(t *testing.T) {
	all, id, out := everything(t, "react,dice,dice+react,line,ash-p,scale,mahalanobis,knn,vim,odin,odin:eps=auto")
	dst := make([]float64, out.N)
	for _, s := range all {
		if err := s.Score(dst, out); !errors.Is(err, errNoFit) {
			t.Errorf("%s before Fit: %v", s.Key, err)
		}
	}
	if err := FitAll(all, id); err != nil {
		t.Fatal(err)
	}
	other := withConstant(out)
	for _, s := range all {
		if err := s.Score(dst[1:], out); err == nil {
			t.Errorf("%s: no room for a score and no error", s.Key)
		}
		if s.Needs()&NeedFeatures == 0 {
			continue
		}
		if err := s.Score(dst, other); err == nil {
			t.Errorf("%s: features of another network and no error", s.Key)
		}
		bare := out
		bare.Features = nil
		if err := s.Score(dst, bare); err == nil {
			t.Errorf("%s: no features and no error", s.Key)
		}
	}
	if err := all[0].Score(nil, Outputs{Classes: 3, Dim: 6}); err != nil {
		t.Errorf("no images: %v", err)
	}
}

// TestStrangeFeatures: what is no score is an error, what is nothing is scored.
func TestStrangeFeatures(t *testing.T) {
	id := IDData{Head: toyHead}
	s := fitted(t, "ash-s:p=50", id)
	below := headOutputs(toyHead, []float32{-1e-3, -1e-3, -1000, -1000}) // the factor overflows
	if err := s.Score(make([]float64, 1), below); err == nil || !strings.Contains(err.Error(), "ReLU") {
		t.Errorf("features for which the score is no number: %v", err)
	}
	none := headOutputs(toyHead, make([]float32, 4))
	for _, text := range []string{"ash-p", "ash-b", "ash-s", "scale", "react", "gradnorm"} {
		want := LogSumExp(toyHead.B, 1)
		if text == "gradnorm" {
			want = 0
		}
		near(t, text, scores(t, fitted(t, text, id), none)[0], want, 1e-7)
	}
}

// TestSameBits: the linear algebra gives the same bits on any number of cores, at
// sizes that it divides among them.
func TestSameBits(t *testing.T) {
	head, train := randomHead(40, 700, 150, 5)
	_, test := randomHead(41, 200, 150, 5)
	test = headOutputs(head, test.Features)
	var want [][]float64
	for _, cores := range []int{1, 2, 5} {
		old := runtime.GOMAXPROCS(cores)
		id := batches(train)
		id.Head = head
		var got [][]float64
		for _, text := range []string{"mahalanobis", "knn", "vim"} {
			got = append(got, scores(t, fitted(t, text, id), test))
		}
		runtime.GOMAXPROCS(old)
		if want == nil {
			want = got
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("%d cores give other bits than one", cores)
		}
	}
}
