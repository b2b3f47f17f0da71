package ood

import (
	"math"
	"strings"
	"testing"
)

// TestAbsent: two classes and a third logit for none; probabilities worked out
// by hand for these logits.
func TestAbsent(t *testing.T) {
	out := Outputs{N: 4, Classes: 2, Logits: []float32{4, 1, 0.5, 2.5, 1, 1.5, 3, -1}, Absent: []float32{-2, 0, 0.5, 0}}
	got := make([]float64, 4)
	if err := (Absent{}).Score(got, out); err != nil {
		t.Fatal(err)
	}
	for i, p := range []float64{.002356, .067425, .186324, .046613} {
		if math.Abs(got[i]-(1-p)) > 1e-6 {
			t.Errorf("image %d: %.6f, want %.6f", i, got[i], 1-p)
		}
	}
	// A probability of none so near 1 that 1 - p would be zero.
	far := Outputs{N: 1, Classes: 1, Logits: []float32{-50}, Absent: []float32{50}}
	if (Absent{}).Score(got[:1], far); got[0] == 0 || math.Abs(got[0]/math.Exp(-100)-1) > 1e-12 {
		t.Errorf("%g, want exp(-100)", got[0])
	}
	out.Absent = nil
	if err := (Absent{}).Score(got, out); err == nil || !strings.Contains(err.Error(), "none of the classes") {
		t.Errorf("without the logit: %v", err)
	}
}
