package models

import (
	"math"
	"runtime"
	"slices"
	"testing"

	"gradgrad/autograd"
	"gradgrad/kernels"
	"gradgrad/layers"
	"gradgrad/optim"
)

// TestSameBitsOnAnyNumberOfThreads trains a little with a gradient penalty on one,
// two and four threads.
func TestSameBitsOnAnyNumberOfThreads(t *testing.T) {
	for _, cfg := range []Config{{Arch: "wrn-10-2", Classes: 3, Dropout: 0.3}, {Arch: "densenet-16-12", Classes: 3}} {
		t.Run(cfg.Arch, func(t *testing.T) { sameBits(t, cfg) })
	}
}

func sameBits(t *testing.T, cfg Config) {
	train := func(threads int) []float32 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
		m := newModel(t, cfg, kernels.CPU, 1)
		opt := optim.NewSGD(m.Params(), optim.SGDConfig{Momentum: 0.9, Decay: 1e-3, Nesterov: true})
		clip := optim.NewClipper(m.Params(), 1)
		tape := autograd.NewTape(kernels.CPU)
		for step := range 3 {
			x := tape.Watch(tape.New64(draw(uint64(step), 6*16*16*3), 6, 16, 16, 3))
			logits, _ := m.Forward(layers.Training(tape, 1, uint64(step)), x)
			g := autograd.Grad(autograd.Sum(autograd.LogSumExp(logits)), x)[0]
			loss := autograd.Add(autograd.CrossEntropy(logits, tape.Labels([]int{0, 1, 2, 0, 1, 2}, 3)), autograd.Mean(autograd.Norm(g)))
			autograd.Backward(loss, m.Params()...)
			clip.Clip()
			opt.Step(0.1)
			tape.Release()
		}
		var state []float32
		for _, e := range m.Entries() {
			if v := valueOf(e); v != nil {
				state = append(state, v.Float32s()...)
			}
		}
		return state
	}
	one := train(1)
	for _, threads := range []int{2, 4} {
		if !slices.Equal(one, train(threads)) {
			t.Errorf("one and %d threads give different weights", threads)
		}
	}
	if slices.ContainsFunc(one, func(v float32) bool { return math.IsNaN(float64(v)) }) {
		t.Error("weights are not numbers")
	}
}
