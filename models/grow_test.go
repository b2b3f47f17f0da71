package models

import (
	"slices"
	"testing"

	"gradgrad/kernels"
)

// TestGrow puts three classes into a network with a fourth output: the classes are
// the checkpoint's, the fourth is the network's own.
func TestGrow(t *testing.T) {
	old := newModel(t, Config{Arch: "wrn-10-1", Classes: 3}, kernels.CPU, 1)
	m := newModel(t, Config{Arch: "wrn-10-1", Classes: 4, Reject: true}, kernels.CPU, 2)
	f, err := State(old)
	if err != nil {
		t.Fatal(err)
	}
	last := slices.Clone(m.Head().Weight.Value.Float32s()[3*64:])
	if Load(m, f) == nil {
		t.Fatal("loaded without an output more")
	}
	grown, err := Grow(m, f)
	if err != nil {
		t.Fatal(err)
	}
	if err := Load(m, grown); err != nil {
		t.Fatal(err)
	}
	w, b := m.Head().Weight.Value.Float32s(), m.Head().Bias.Value.Float32s()
	if !slices.Equal(w[:3*64], old.Head().Weight.Value.Float32s()) || !slices.Equal(b[:3], old.Head().Bias.Value.Float32s()) {
		t.Error("the classes are not those of the checkpoint")
	}
	if !slices.Equal(w[3*64:], last) || len(b) != 4 {
		t.Error("the fourth output is not the network's own")
	}
	if same, err := Grow(old, f); err != nil || same != f {
		t.Errorf("a network that does not reject: %v", err)
	}
	whole, _ := State(m)
	if same, err := Grow(m, whole); err != nil || same != whole {
		t.Errorf("a checkpoint that rejects already: %v", err)
	}
}

// TestKeepHead puts a network of other classes into a model: all of it but the last
// layer, which stays the model's own.
func TestKeepHead(t *testing.T) {
	old := newModel(t, Config{Arch: "densenet-10-4", Classes: 7}, kernels.CPU, 1)
	for _, c := range []Config{{Arch: "densenet-10-4", Classes: 3}, {Arch: "densenet-10-4", Classes: 4, Reject: true}} {
		m := newModel(t, c, kernels.CPU, 2)
		own := slices.Clone(m.Head().Weight.Value.Float32s())
		f, err := State(old)
		if err != nil {
			t.Fatal(err)
		}
		if f, err = KeepHead(m, f); err != nil {
			t.Fatal(err)
		}
		if err := Load(m, f); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(m.Head().Weight.Value.Float32s(), own) {
			t.Error("the head is not the model's own")
		}
		for i, p := range m.Params() {
			if q := old.Params()[i]; p != m.Head().Weight && p != m.Head().Bias && !slices.Equal(p.Value.Float32s(), q.Value.Float32s()) {
				t.Errorf("parameter %d is not that of the checkpoint", i)
			}
		}
	}
}
