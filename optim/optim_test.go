package optim

import (
	"errors"
	"math"
	"strings"
	"testing"

	"gradgrad/autograd"
	"gradgrad/internal/testkit"
	"gradgrad/kernels"
)

// square minimises w² from 1 for three steps.
func square(t *testing.T, opt func([]*autograd.Param) Optimizer, want [3]float64) {
	t.Helper()
	w := autograd.NewParam("w", autograd.Full(kernels.CPU64, 1))
	o := opt([]*autograd.Param{w})
	tape := autograd.NewTape(kernels.CPU64)
	for step, x := range want {
		leaf := tape.Watch(w.Value)
		autograd.Backward(autograd.Mul(leaf, leaf), w)
		o.Step(0.1)
		tape.Release()
		if got := w.Value.Item(); math.Abs(got-x) > 1e-9 {
			t.Errorf("step %d: w is %.9f, want %.9f", step, got, x)
		}
	}
}

func TestCheckValues(t *testing.T) {
	square(t, sgd(SGDConfig{Momentum: 0.9, Decay: 0.01, Nesterov: true}), [3]float64{.618100000, .219237610, -.111651094})
	square(t, adam(AdamConfig{}), [3]float64{.900000000, .800412229, .701586273})
}

func TestCosineCheckValues(t *testing.T) {
	const steps = 20 * 781
	s := Cosine(1e-3, 1e-6, steps)
	for step, want := range map[int]float64{0: 1e-3, 781: 9.93850326e-4, steps / 2: 5.005e-4, steps - 1: 1.0000101e-6, steps: 1e-6, steps + 5: 1e-6} {
		if got := s(step); math.Abs(got-want) > 1e-8*want {
			t.Errorf("step %d: %.9g, want %.9g", step, got, want)
		}
	}
	if a, b := s.From(1)(780), s(781); a != b {
		t.Errorf("begun at 1, step 780 is %v, want %v", a, b)
	}
}

// TestStaleDerivativePanics checks that a derivative cannot be taken through
// weights that a step has changed.
func TestStaleDerivativePanics(t *testing.T) {
	for name, make := range optimisers {
		w := autograd.NewParam("w", autograd.Full(kernels.CPU, 2))
		tape := autograd.NewTape(kernels.CPU)
		leaf := tape.Watch(w.Value)
		loss := autograd.Mul(leaf, leaf)
		other := autograd.NewTape(kernels.CPU)
		autograd.Backward(autograd.Scale(other.Watch(w.Value), 3), w)
		make([]*autograd.Param{w}).Step(0.1)
		err := func() (err error) {
			defer autograd.Catch(&err)
			autograd.Backward(loss, w)
			return nil
		}()
		if e := new(autograd.UsageError); !errors.As(err, &e) {
			t.Errorf("%s: a derivative through changed weights: %v", name, err)
		}
	}
}

func TestLoadStateRefuses(t *testing.T) {
	params := func(name string, n int) []*autograd.Param {
		return []*autograd.Param{autograd.NewParam(name, autograd.Full(kernels.CPU64, 1, n))}
	}
	a := NewAdam(params("w", 3), AdamConfig{})
	other := NewAdam(params("w", 2), AdamConfig{}).State()
	if err := a.LoadState(other); err == nil || !strings.Contains(err.Error(), "optim.w.exp_avg has 2 numbers") {
		t.Errorf("state of another size: %v", err)
	}
	good := NewAdam(params("w", 3), AdamConfig{}).State()
	good[0].Data[0] = 5
	if err := a.LoadState(good[:2]); err == nil || !strings.Contains(err.Error(), "lacks optim.w.step") {
		t.Errorf("state without step: %v", err)
	}
	if a.State()[0].Data[0] != 0 {
		t.Error("a refused state changed the optimiser")
	}
	s := NewSGD(params("w", 3), SGDConfig{Momentum: 0.9})
	if err := s.LoadState(good); err == nil || !strings.Contains(err.Error(), "another optimiser") {
		t.Errorf("Adam's state for SGD: %v", err)
	}
}

func TestClipLeavesSmallGradients(t *testing.T) {
	w := autograd.NewParam("w", autograd.Full(kernels.CPU64, 1, 4))
	c := NewClipper([]*autograd.Param{w}, 10)
	if n := c.Clip(); n != 0 {
		t.Errorf("norm %v without gradients", n)
	}
	tape := autograd.NewTape(kernels.CPU64)
	autograd.Backward(autograd.Scale(autograd.Sum(tape.Watch(w.Value)), 3), w)
	if n := c.Clip(); n != 6 || w.Grad().Float64s()[0] != 3 {
		t.Errorf("norm %v, gradient %v; want 6 and 3", n, w.Grad().Float64s())
	}
}

// still is a CPU whose kernels do nothing: what is allocated on it, the optimiser
// allocates.
type still struct{ kernels.Device }

func (still) Run(*kernels.Kernel, *kernels.Args) {}

// TestStepsMakeNoGarbage counts the allocations of a step in steady state, up to
// clearing the gradients, which allocates nothing, and of clipping.
func TestStepsMakeNoGarbage(t *testing.T) {
	dev := still{kernels.CPU}
	var params []*autograd.Param
	tape := autograd.NewTape(dev)
	sum := tape.Full(0)
	for _, name := range []string{"a", "b", "c"} {
		p := autograd.NewParam(name, autograd.Full(dev, 1, 100))
		params = append(params, p)
		sum = autograd.Add(sum, autograd.Sum(tape.Watch(p.Value)))
	}
	autograd.Backward(sum, params...)
	clip := NewClipper(params, 1e-9)
	for name, make := range optimisers {
		opt := make(params).(interface{ apply(lr float64) })
		step := func() {
			clip.Clip()
			opt.apply(0.1)
		}
		if n := testkit.Mallocs(2, 20, step); n != 0 {
			t.Errorf("a step of %s allocates %v times", name, n)
		}
	}
}

// TestBoundIsClip: clipping without looking gives what clipping does, where there is
// something to clip and where there is not.
func TestBoundIsClip(t *testing.T) {
	for _, slope := range []float64{0, 0.1, 3, 100} {
		var got [2][]float64
		for i := range got {
			w := autograd.NewParam("w", autograd.Full(kernels.CPU64, 1, 4))
			tape := autograd.NewTape(kernels.CPU64)
			autograd.Backward(autograd.Scale(autograd.Sum(tape.Watch(w.Value)), slope), w)
			c := NewClipper([]*autograd.Param{w, autograd.NewParam("idle", autograd.Full(kernels.CPU64, 1, 2))}, 2)
			if i == 0 {
				c.Clip()
			} else {
				c.Bound()
			}
			got[i] = w.Grad().Float64s()
			tape.Close()
		}
		for i, want := range got[0] {
			if math.Abs(got[1][i]-want) > 1e-15*math.Abs(want) {
				t.Errorf("slope %g: %v, not %v", slope, got[1], got[0])
			}
		}
	}
}

// TestAgainCounts: a step that is counted and not run moves nothing but the count of
// the parameters that moved in the last one, and can be taken back.
func TestAgainCounts(t *testing.T) {
	w, idle := autograd.NewParam("w", autograd.Full(kernels.CPU64, 1)), autograd.NewParam("idle", autograd.Full(kernels.CPU64, 1))
	a := NewAdam([]*autograd.Param{w, idle}, AdamConfig{})
	tape := autograd.NewTape(kernels.CPU64)
	defer tape.Close()
	autograd.Backward(autograd.Scale(tape.Watch(w.Value), 1), w)
	a.Step(0.1)
	before := w.Value.Item()
	for i, f := range []func(){func() { a.Again(0.2) }, func() { a.Again(0.2) }, a.Undo} {
		f()
		if steps, want := [2]int{a.attrs[0].Step, a.attrs[1].Step}, [][2]int{{2, 0}, {3, 0}, {2, 0}}[i]; steps != want {
			t.Errorf("the steps are %v, want %v", steps, want)
		}
	}
	if a.attrs[0].LR != 0.2 || w.Value.Item() != before {
		t.Errorf("rate %g, weight %g; want 0.2 and %g", a.attrs[0].LR, w.Value.Item(), before)
	}
}
