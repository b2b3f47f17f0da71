package models

import (
	"testing"

	"gradgrad/autograd"
	"gradgrad/layers"
)

// peak runs a forward (and in train mode a backward) on shapes alone and returns
// the largest memory of the tape in units of the given number of float32s.
func peak(t *testing.T, arch string, batch, unit int, train bool) float64 {
	t.Helper()
	m := blank(t, Config{Arch: arch, Classes: 10})
	tape := autograd.NewTape(shapesOnly{})
	p := layers.Inference(tape)
	if train {
		p = layers.Training(tape, 1, 0)
	}
	logits, _ := m.Forward(p, tape.Full(0, batch, 32, 32, 3))
	if train {
		autograd.Backward(autograd.Sum(logits), m.Params()...)
	}
	_, most, _ := tape.Memory()
	return float64(most) / 4 / float64(batch) / float64(unit)
}

// TestInferenceMemory checks that inference holds a few activations, not the sum
// of them all. The unit is the largest activation.
func TestInferenceMemory(t *testing.T) {
	for _, c := range []struct {
		arch string
		unit int // floats of the largest activation of one image
		most float64
	}{
		{"wrn-40-2", 32 * 32 * 32, 3.2},
		{"resnet18", 32 * 32 * 64, 3.2},
		{"densenet101", 32 * 32 * 216, 2.2},
	} {
		if got := peak(t, c.arch, 128, c.unit, false); got > c.most {
			t.Errorf("inference of %s peaks at %.2f times its largest activation, want at most %v", c.arch, got, c.most)
		}
	}
}

// TestTrainingMemory bounds what a training step holds by what the rules read:
// the operand of every convolution and of every batch norm.
func TestTrainingMemory(t *testing.T) {
	for _, arch := range []string{"wrn-40-2", "resnet18", "densenet101"} {
		m := blank(t, Config{Arch: arch, Classes: 10})
		tape := autograd.NewTape(shapesOnly{})
		read := 0
		tape.Observe(func(op *autograd.Op, in, _ []*autograd.Value) {
			if op.Name == "conv" || op.Name == "batchnorm" || op.Name == "batchnorm.add" {
				read += in[0].Size()
			}
		})
		m.Forward(layers.Training(tape, 1, 0), tape.Full(0, 128, 32, 32, 3))
		got := peak(t, arch, 128, read/128, true)
		t.Logf("%s: training peaks at %.3f times the operands of convolutions and batch norms", arch, got)
		if got > 1.1 {
			t.Errorf("training %s peaks at %.3f times what its rules read", arch, got)
		}
	}
}
