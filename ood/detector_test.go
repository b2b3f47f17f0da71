package ood

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

var toy = Outputs{Logits: []float32{2, .5, -1}, N: 1, Classes: 3}

func scoreOne(t *testing.T, list string, out Outputs) float64 {
	t.Helper()
	scores, err := ParseScores(list)
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]float64, 1)
	if err := scores[0].Score(dst, out); err != nil {
		t.Fatal(err)
	}
	return dst[0]
}

func TestToyLogits(t *testing.T) {
	near(t, "msp", scoreOne(t, "msp", toy), .785597, 5e-7)
	near(t, "energy", scoreOne(t, "energy", toy), 2.241311, 5e-7)
	near(t, "energy T=2", scoreOne(t, "energy:t=2", toy), 3.055951, 5e-7)
	var zero [1]float64
	if err := (Energy{}).Score(zero[:], toy); err != nil {
		t.Fatal(err)
	}
	near(t, "zero value", zero[0], 2.241311, 5e-7)
}

func TestScoresAreStable(t *testing.T) {
	huge := Outputs{Logits: []float32{3e38, -3e38}, N: 1, Classes: 2}
	near(t, "energy", scoreOne(t, "energy", huge), float64(float32(3e38)), 1e30)
	near(t, "msp", scoreOne(t, "msp", huge), 1, 0)
	low := Outputs{Logits: []float32{-5000, -5000}, N: 1, Classes: 2}
	near(t, "energy", scoreOne(t, "energy", low), -5000+math.Ln2, 1e-9)
	near(t, "msp", scoreOne(t, "msp", low), .5, 0)
}

func TestParseScores(t *testing.T) {
	scores, err := ParseScores("energy, msp,energy:t=2")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct{ key, params string }{{"energy", "{}"}, {"msp", "{}"}, {"energy:t=2", `{"t":2}`}} {
		params, err := json.Marshal(scores[i].Params())
		if err != nil || scores[i].Key != want.key || string(params) != want.params {
			t.Errorf("score %d: key %q params %s (%v), want %v", i, scores[i].Key, params, err, want)
		}
	}
	only, err := ParseScores("energy:t=2")
	if err != nil || only[0].Key != "energy" {
		t.Errorf("a score alone keeps its name: %v, %v", only, err)
	}
	for list, says := range map[string]string{
		"":                   "unknown score",
		"energy,":            "unknown score",
		"enrgy":              "want msp, maxlogit",
		"energy:t":           "key=value",
		"energy:":            "key=value",
		"energy:t=1;t=2":     "each key once",
		"energy:t=two":       "want a number",
		"energy:t=nan":       "want a number",
		"energy:t=0":         "must be positive",
		"energy:t=+Inf":      "must be positive",
		"energy:temp=2":      "want t",
		"msp:t=2":            "has none",
		"msp,msp":            "twice",
		"energy:t=1,energy:": "key=value",
	} {
		if _, err := ParseScores(list); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q in it", list, err, says)
		}
	}
	if help := strings.Join(ScoreHelp(), "\n"); !strings.Contains(help, "energy ") || !strings.Contains(help, "msp ") {
		t.Errorf("help: %s", help)
	}
}

func TestRegisterPanics(t *testing.T) {
	for _, name := range []string{"energy", "", "Energy", "a b"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Register(%q) did not panic", name)
				}
			}()
			Register(name, "", nil)
		}()
	}
}

func TestOutputsCheck(t *testing.T) {
	good := Outputs{Logits: make([]float32, 6), Features: make([]float32, 8), Labels: []int{0, 1}, N: 2, Classes: 3, Dim: 4}
	if err := good.Check(NeedFeatures); err != nil {
		t.Error(err)
	}
	for name, bad := range map[string]func(o *Outputs){
		"logits":      func(o *Outputs) { o.Logits = o.Logits[1:] },
		"classes":     func(o *Outputs) { o.Classes = 0 },
		"negative":    func(o *Outputs) { o.N = -2 },
		"features":    func(o *Outputs) { o.Features = o.Features[1:] },
		"dim":         func(o *Outputs) { o.Dim = 0 },
		"no features": func(o *Outputs) { o.Features = nil },
		"labels":      func(o *Outputs) { o.Labels = o.Labels[1:] },
	} {
		o := good
		bad(&o)
		if o.Check(NeedFeatures) == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if good.Check(NeedImages) == nil {
		t.Error("no images: no error")
	}
	if (MSP{}).Score(make([]float64, 1), good) == nil {
		t.Error("dst too short: no error")
	}
}

func TestCorrect(t *testing.T) {
	o := Outputs{Logits: []float32{1, 2, 0, 3, 3, 1, 0, 0, 5}, Labels: []int{1, 0, 1}, N: 3, Classes: 3}
	if n, err := o.Correct(); err != nil || n != 2 { // the tie goes to the first class
		t.Errorf("%d, %v; want 2", n, err)
	}
	o.Labels = nil
	if _, err := o.Correct(); err == nil {
		t.Error("no labels: no error")
	}
}
