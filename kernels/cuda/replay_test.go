package cuda_test

import (
	"slices"
	"strings"
	"testing"

	"gradgrad/autograd"
	"gradgrad/kernels"
)

// descent is gradient descent on sum (w-x)^2, on a device.
type descent struct {
	w, x    *autograd.Value
	tape    *autograd.Tape
	p       *autograd.Param
	kernel  *kernels.Kernel
	args    kernels.Args
	cuts    []int // where the updates of pieces begin and end
	setRate func(lr float64)
}

// updates are the kernels of the optimisers, for the weights in one or in several pieces,
// whose updates are joined.
var updates = []struct {
	name           string
	adam, nesterov bool
	cuts           []int
}{
	{"sgd", false, false, []int{0, 5}},
	{"nesterov, joined", false, true, []int{0, 2, 5}},
	{"sgd, joined", false, false, []int{0, 1, 3, 5}},
	{"adam", true, false, []int{0, 5}},
	{"adam, joined", true, false, []int{0, 2, 5}},
}

func newDescent(dev kernels.Device, i int) *descent {
	u := updates[i]
	w := autograd.New64(dev, []float64{1, 2, 3, 4, 5}, 5)
	d := &descent{w: w, x: autograd.New64(dev, []float64{0, 1, 0, 1, 0}, 5), tape: autograd.NewTape(dev), p: autograd.NewParam("w", w), cuts: u.cuts}
	m, v := autograd.Full(dev, 0, 5), autograd.Full(dev, 0, 5)
	d.args = kernels.Args{In: make([]kernels.Buffer, 1), Out: []kernels.Buffer{w.Buffer(), m.Buffer(), v.Buffer()}}
	if u.adam {
		at := &kernels.AdamAttr{Beta1: 0.9, Beta2: 0.99, Eps: 1e-8}
		d.kernel, d.args.Attr, d.setRate = kernels.Adam, at, func(lr float64) { at.LR = lr; at.Step++ }
	} else {
		at := &kernels.SGDAttr{Momentum: 0.9, Decay: 0.01, Nesterov: u.nesterov}
		d.kernel, d.args.Attr, d.args.Out, d.setRate = kernels.SGD, at, d.args.Out[:2], func(lr float64) { at.LR = lr }
	}
	return d
}

// step is one update.
func (d *descent) step() {
	diff := autograd.Sub(d.tape.Watch(d.w), d.x)
	autograd.Backward(autograd.Sum(autograd.Mul(diff, diff)), d.p)
	d.args.In[0] = d.p.Grad().Buffer()
	dev := d.w.Device()
	for k, lo := range d.cuts[:len(d.cuts)-1] {
		piece := kernels.Args{Attr: d.args.Attr}
		for _, b := range d.args.In {
			piece.In = append(piece.In, dev.Slice(b, lo, d.cuts[k+1]-lo))
		}
		for _, b := range d.args.Out {
			piece.Out = append(piece.Out, dev.Slice(b, lo, d.cuts[k+1]-lo))
		}
		dev.Run(d.kernel, &piece)
	}
	d.w.Changed()
	d.p.ClearGrad()
	d.tape.Release()
}

// TestReplay repeats a captured step, with another learning rate each time, and gets
// the bits of steps that were run one by one.
func TestReplay(t *testing.T) {
	dev := device(t)
	for i, u := range updates {
		once, again := newDescent(dev, i), newDescent(dev, i)
		for range 4 {
			once.setRate(0.1)
			again.setRate(0.1)
			once.step()
			again.step()
		}
		r, err := dev.Capture(again.step)
		if err != nil {
			t.Fatal(err)
		}
		for _, lr := range []float64{0.1, 0.05, 0.2} {
			once.setRate(lr)
			again.setRate(lr)
			once.step()
			if err := r.Launch(); err != nil {
				t.Fatal(err)
			}
		}
		if want, got := once.w.Float32s(), again.w.Float32s(); !slices.Equal(got, want) || slices.Equal(got, newDescent(kernels.CPU, i).w.Float32s()) {
			t.Errorf("%s: %v, not %v", u.name, got, want)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// times counts how often work is run and replayed on the host's behalf.
type times int

func (c *times) Again() { *c++ }
func (c *times) Undo()  { *c-- }

// TestRepeater does work of two sizes in turns. The larger one makes the tape move its
// memory, after which the smaller one is captured anew: it would write to memory that
// is gone. Each is counted as often as it is done.
func TestRepeater(t *testing.T) {
	for _, eager := range []bool{false, true} {
		dev := device(t)
		tape := autograd.NewTape(dev)
		r := autograd.NewRepeater(tape)
		r.Eager = eager
		count := new(times)
		work := func(n int) func() {
			in, out := autograd.Full(dev, 0, n), autograd.Full(dev, 0)
			do := func() {
				defer tape.Release()
				*count++
				x := tape.Watch(in).Detach()
				sum := autograd.Sum(autograd.Mul(autograd.AddScalar(x, 1), autograd.Add(x, x)))
				dev.Run(kernels.Copy, &kernels.Args{Out: []kernels.Buffer{out.Buffer()}, In: []kernels.Buffer{sum.Buffer()}})
			}
			round := float32(0)
			return func() {
				round++
				dev.Write(in.Buffer(), slices.Repeat([]float32{round}, n))
				if err := r.Do(n, count, do); err != nil {
					t.Fatal(err)
				}
				if got, want := out.Item(), float64(n)*float64((round+1)*2*round); got != want {
					t.Errorf("eager %v, %d elements, time %g: %g, not %g", eager, n, round, got, want)
				}
			}
		}
		small, large := work(100), work(20000)
		for _, f := range []func(){small, small, small, large, small, large, large, small, large} {
			f()
		}
		if *count != 9 {
			t.Errorf("eager %v: counted %d times, not 9", eager, *count)
		}
		if moves := tape.Moves(); moves == 0 {
			t.Error("the tape has not moved its memory: the test shows nothing")
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		tape.Close()
	}
}

// TestCaptureErrors is about what cannot be captured.
func TestCaptureErrors(t *testing.T) {
	dev := simulated(t)
	b := dev.Alloc(1)
	dev.Write(b, []float32{7})
	_, err := dev.Capture(func() { dev.Read(make([]float32, 1), b) })
	if err == nil || !strings.Contains(err.Error(), "to the host") {
		t.Errorf("reading: %v", err)
	}
	if _, err := dev.Capture(func() { _, err = dev.Capture(func() {}) }); err != nil {
		t.Error(err)
	}
	if err == nil || !strings.Contains(err.Error(), "inside a capture") {
		t.Errorf("a capture in a capture: %v", err)
	}
	got := make([]float32, 1)
	if dev.Read(got, b); got[0] != 7 {
		t.Errorf("after that: %v", got)
	}
}
