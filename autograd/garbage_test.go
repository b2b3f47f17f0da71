package autograd_test

import (
	"testing"

	"gradgrad/autograd"
	"gradgrad/internal/testkit"
	"gradgrad/kernels"
	"gradgrad/optim"
)

// TestNoGarbage counts the allocations of a training step with a gradient penalty, after
// a few to warm up: there are none. Values are done with as soon as they can be; those
// that are not would be left to the garbage collector, since somebody may hold them.
func TestNoGarbage(t *testing.T) {
	const n, in, hidden, classes = 8, 12, 16, 3
	tape := autograd.NewTape(kernels.CPU)
	defer tape.Close()
	pattern := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(i*7919%23-11) / 50
		}
		return x
	}
	var params []*autograd.Param
	for _, s := range [][]int{{hidden, in}, {hidden}, {classes, hidden}, {classes}} {
		size := s[0]
		if len(s) > 1 {
			size *= s[1]
		}
		params = append(params, autograd.NewParam("", autograd.New(kernels.CPU, pattern(size), s...)))
	}
	opt := optim.NewSGD(params, optim.SGDConfig{Momentum: 0.9, Decay: 1e-4, Nesterov: true})
	x, labels := pattern(n*in), []float32{0, 1, 2, 0, 1, 2, 0, 1}
	step := func() {
		defer tape.Release()
		done := func(vs ...*autograd.Value) {
			for _, v := range vs {
				v.Done()
			}
		}
		data := tape.New(x, n, in)
		images := tape.Watch(data)
		a := autograd.Linear(images, tape.Watch(params[0].Value), tape.Watch(params[1].Value))
		h := autograd.ReLU(a)
		logits := autograd.Linear(h, tape.Watch(params[2].Value), tape.Watch(params[3].Value))
		score := autograd.LogSumExp(logits)
		total := autograd.Sum(score)
		gs := autograd.Grad(total, images)
		norms := autograd.Norm(gs[0])
		penalty := autograd.Mean(norms)
		classesOf := tape.New(labels, n)
		ce := autograd.CrossEntropy(logits, classesOf)
		scaled := autograd.Scale(penalty, 0.5)
		loss := autograd.Add(ce, scaled)
		done(a, h, logits, score, total, gs[0], norms, penalty, classesOf, ce, scaled)
		autograd.Backward(loss, params...)
		opt.Step(0.01)
		done(loss, images, data)
	}
	for range 10 {
		step()
	}
	for _, threads := range []int{1, 2} {
		if got := testkit.Mallocs(threads, 20, step); got != 0 {
			t.Errorf("%v allocations in a step with %d threads, want none", got, threads)
		}
	}
}
