package greg

import (
	"bytes"
	"math"
	"testing"
)

// TestLambdaFollows: the weight moves by the rule, from step to step and through a
// checkpoint, rests at 0, and comes back.
func TestLambdaFollows(t *testing.T) {
	c := smallConfig(t, "greg")
	c.DualRate, c.DualTarget = 0.5, 0.2
	whole := newTrainer(t, c)
	steps := trainTo(t, whole, 0)
	want := 1.0
	for _, s := range steps {
		if s.LambdaGrad == nil || math.Abs(*s.LambdaGrad-want) > 1e-12 || s.LGrad == nil {
			t.Fatalf("step %d reports %v, want a weight of %g", s.Step, s.LambdaGrad, want)
		}
		if energy := 0.1 * *s.LS; math.Abs(s.Loss-s.CE-energy-want**s.LGrad) > 1e-5*s.Loss {
			t.Fatalf("step %d: the loss %g has another weight than %g", s.Step, s.Loss, want)
		}
		want = max(want+0.5*(*s.LGrad-0.2), 0)
	}
	if want == 1 {
		t.Fatal("the weight has not moved")
	}
	first := newTrainer(t, c)
	trainTo(t, first, 5)
	again := resumed(t, first)
	trainTo(t, again, 0)
	if !bytes.Equal(encoded(t, whole), encoded(t, again)) {
		t.Error("resumed, it ends in other bits")
	}
	c.DualTarget = 5 // steeper than anything here: down to 0, where it is measured still
	measured := 0.0
	for _, s := range trainTo(t, newTrainer(t, c), 0)[1:] {
		if *s.LambdaGrad != 0 || s.LGrad == nil {
			t.Fatalf("step %d: weight %g of %v", s.Step, *s.LambdaGrad, s.LGrad)
		}
		measured += *s.LGrad
	}
	if measured == 0 {
		t.Error("without weight the term is not measured any more")
	}
	c.DualRate, c.DualTarget = -1, 0
	if c.Check() == nil {
		t.Error("a negative rate was accepted")
	}
	plain := smallConfig(t, "energy")
	plain.DualRate = 0.1
	if plain.Check() == nil {
		t.Error("a method without a gradient term was accepted")
	}
}
