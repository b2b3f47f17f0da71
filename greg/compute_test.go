package greg

import (
	"encoding/json"
	"strings"
	"testing"

	"gradgrad/kernels"
)

// TestRecomputeTrainsTheSame: with recomputation the losses of a run and its weights have
// the same bits, and the record says that it was used.
func TestRecomputeTrainsTheSame(t *testing.T) {
	c := smallConfig(t, "greg")
	plain := newTrainer(t, c)
	want := trainAll(t, plain)
	c.Recompute = true
	again := newTrainer(t, c)
	got := trainAll(t, again)
	for i := range want {
		if got[i].Loss != want[i].Loss {
			t.Fatalf("step %d: loss %v, without recomputation %v", i, got[i].Loss, want[i].Loss)
		}
	}
	for i, p := range again.Model.Params() {
		q := plain.Model.Params()[i]
		for k, v := range p.Value.Float32s() {
			if v != q.Value.Float32s()[k] {
				t.Fatalf("%s, element %d: %v, without recomputation %v", p.Name, k, v, q.Value.Float32s()[k])
			}
		}
	}
	if s := stored(t, c); !strings.Contains(s, `"recompute":true`) {
		t.Errorf("the record is %s", s)
	}
}

// TestConvAlgorithmIsStored: the algorithm is part of the record, and left out where it is
// the default, as in the records of older runs.
func TestConvAlgorithmIsStored(t *testing.T) {
	c := smallConfig(t, "greg")
	if s := stored(t, c); strings.Contains(s, `"conv"`) || strings.Contains(s, `"recompute"`) {
		t.Errorf("the default is stored: %s", s)
	}
	for _, a := range []kernels.ConvAlgorithm{kernels.ConvDirect, kernels.ConvWinograd, kernels.ConvWinograd2} {
		c.Conv = a
		var back Config
		if err := json.Unmarshal([]byte(stored(t, c)), &back); err != nil || back.Conv != a {
			t.Errorf("%v comes back as %v, %v", a, back.Conv, err)
		}
	}
	var back Config
	if err := json.Unmarshal([]byte(`{"conv":"fourier"}`), &back); err == nil || !strings.Contains(err.Error(), "winograd2") {
		t.Errorf("an unknown algorithm: %v", err)
	}
}

func stored(t *testing.T, c Config) string {
	t.Helper()
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
