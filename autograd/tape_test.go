package autograd_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	ag "gradgrad/autograd"
	"gradgrad/kernels"
)

// caught runs f and returns the panic of autograd that ended it.
func caught(f func()) (err error) {
	defer ag.Catch(&err)
	f()
	return nil
}

// panics checks that f ends in a panic of type E whose text has all the words.
func panics[E error](t *testing.T, what string, f func(), words ...string) {
	t.Helper()
	err := caught(f)
	var want E
	if !errors.As(err, &want) {
		t.Errorf("%s: got %v, want a %T", what, err, want)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%s: %q does not say %q", what, err, w)
		}
	}
}

// leaf watches numbers on a fresh tape for CPU64.
func leaf(t *testing.T, data ...float64) (*ag.Tape, *ag.Value) {
	tape := ag.NewTape(kernels.CPU64)
	t.Cleanup(tape.Close)
	return tape, tape.Watch(ag.New64(kernels.CPU64, data, len(data)))
}

func equal(t *testing.T, what string, got *ag.Value, want ...float64) {
	t.Helper()
	if !slices.Equal(got.Float64s(), want) {
		t.Errorf("%s is %v, want %v", what, got.Float64s(), want)
	}
}

func TestDone(t *testing.T) {
	tape, x := leaf(t, 1, 2)
	y := ag.Exp(x)
	y.Done()
	equal(t, "a value that a rule needs", y, math.E, math.Exp(2))
	z := ag.Scale(x, 3)
	z.Done()
	z.Done()
	panics[*ag.LifetimeError](t, "reading after Done", func() { z.Float64s() }, "scale", "[2]")
	panics[*ag.LifetimeError](t, "computing after Done", func() { ag.Exp(z) }, "scale")
	panics[*ag.LifetimeError](t, "a view after Done", func() { z.Detach() }, "scale")
	panics[*ag.LifetimeError](t, "a shape after Done", func() { ag.Reshape(z, 1, 2) }, "scale")
	panics[*ag.LifetimeError](t, "a change after Done", func() { z.Changed() }, "scale")
	equal(t, "the gradient through values that are done with", ag.Grad(ag.Sum(y), x)[0], math.E, math.Exp(2))
	if err := caught(func() { ag.Backward(ag.Sum(ag.Mul(y, y))) }); err != nil {
		t.Error(err)
	}
	panics[*ag.LifetimeError](t, "reading when no rule needs it any more", func() { y.Float64s() }, "exp")
	if now, _, _ := tape.Memory(); now < 0 {
		t.Errorf("%d bytes are lent", now)
	}
}

func TestRelease(t *testing.T) {
	tape, x := leaf(t, 1, 2)
	y := ag.Sum(ag.Exp(x))
	tape.Release()
	panics[*ag.LifetimeError](t, "reading", func() { y.Item() }, "sum")
	panics[*ag.LifetimeError](t, "a derivative", func() { ag.Grad(y, x) }, "sum")
	panics[*ag.LifetimeError](t, "computing", func() { ag.Exp(x) }, "value")
	x2 := tape.Watch(ag.New64(kernels.CPU64, []float64{3}, 1))
	panics[*ag.LifetimeError](t, "a derivative with respect to", func() { ag.Grad(ag.Sum(x2), x) })
	equal(t, "the gradient on the tape used again", ag.Grad(ag.Sum(ag.Mul(x2, x2)), x2)[0], 6)
}

// TestViewsKeepMemory lets a value go while views of it live, and the reverse.
func TestViewsKeepMemory(t *testing.T) {
	tape, x := leaf(t, 1, 2, 3, 4)
	base, _, _ := tape.Memory()
	y := ag.Scale(x, 2)
	views := []*ag.Value{ag.Reshape(y, 2, 2), y.Detach(), ag.Reshape(y, 4), ag.Permute(y, 0), ag.Slice(y, 0, 0, 4),
		ag.BroadcastTo(y, 4), ag.SumTo(y, 4), ag.Dropout(y, 0, 1, 1), ag.Sum(ag.Reshape(y, 4, 1), 1)}
	y.Done()
	for _, v := range views {
		equal(t, "a view", v, 2, 4, 6, 8)
		if now, _, _ := tape.Memory(); now-base != 32 {
			t.Errorf("%d bytes are lent, want 32", now-base)
		}
		v.Done()
	}
	if now, _, _ := tape.Memory(); now != base+32 { // a view that Sum was given is not ours to end
		t.Errorf("%d bytes are lent after the last view", now-base)
	}
}

// TestWatch looks at leaves that share memory.
func TestWatch(t *testing.T) {
	tape := ag.NewTape(kernels.CPU64)
	defer tape.Close()
	v := ag.New64(kernels.CPU64, []float64{1, 2}, 2)
	x := tape.Watch(v)
	if tape.Watch(v) != x || tape.Watch(x) != x {
		t.Error("the same memory gives another leaf")
	}
	if s := tape.Watch(ag.Reshape(v, 2, 1)).Shape(); !slices.Equal(s, []int{2, 1}) {
		t.Errorf("watched with shape %v, want [2 1]", s)
	}
	z := ag.Scale(x, 3)
	x.Done()
	again := tape.Watch(v)
	equal(t, "a leaf that is watched again after Done", again, 1, 2)
	equal(t, "its gradient, of uses before and after", ag.Grad(ag.Sum(ag.Add(z, ag.Mul(again, again))), again)[0], 5, 7)
	gone := ag.New64(kernels.CPU64, []float64{1}, 1)
	gone.Done()
	panics[*ag.LifetimeError](t, "watching what is gone", func() { tape.Watch(gone) })
	panics[*ag.LifetimeError](t, "a parameter that is gone", func() { ag.Backward(ag.Sum(again), ag.NewParam("p", gone)) })

	y := ag.Mul(x, x)
	panics[*ag.UsageError](t, "watching what is computed", func() { tape.Watch(y) }, "Detach")
	fresh := tape.Watch(y.Detach())
	equal(t, "the gradient of a fresh leaf", ag.Grad(ag.Sum(ag.Mul(fresh, fresh)), fresh)[0], 2, 8)
	equal(t, "the gradient through Detach", ag.Grad(ag.Sum(ag.Mul(y.Detach(), x)), x)[0], 1, 4)

	other := ag.NewTape(kernels.CPU64)
	seen := other.Watch(y.Detach())
	tape.Release()
	equal(t, "a value that another tape watches", seen, 1, 4)
	other.Close()
	for _, tp := range []*ag.Tape{tape, other} {
		if now, _, _ := tp.Memory(); now != 0 {
			t.Errorf("%d bytes are lent at the end", now)
		}
	}
}

func TestTwoTapesTwoDevices(t *testing.T) {
	tape, x := leaf(t, 1, 2)
	_, y := leaf(t, 3, 4)
	panics[*ag.UsageError](t, "two tapes", func() { ag.Add(x, y) }, "add", "two tapes")
	panics[*ag.UsageError](t, "a derivative across tapes", func() { ag.Grad(ag.Sum(x), y) }, "Grad", "not watched")
	narrow := ag.New(kernels.CPU, []float32{1, 2}, 2)
	panics[*ag.UsageError](t, "two devices", func() { ag.Mul(x, narrow) }, "mul", "cpu64", "cpu")
	panics[*ag.UsageError](t, "a leaf of another device", func() { tape.Watch(narrow) }, "watch", "cpu64")
	free := ag.New64(kernels.CPU64, []float64{5, 6}, 2)
	if got := narrow.Float32s(); !slices.Equal(got, []float32{1, 2}) {
		t.Errorf("reads %v, want [1 2]", got)
	}
	equal(t, "with a free-standing value", ag.Add(x, free), 6, 8)
	panics[*ag.UsageError](t, "a derivative of a constant", func() { ag.Grad(ag.Sum(free)) }, "depend")
	panics[*ag.ShapeError](t, "a derivative of a vector", func() { ag.Grad(x, x) }, "Grad", "[2]", "scalar")
}

// TestChanged changes an operand in place between a pass and its derivative.
func TestChanged(t *testing.T) {
	tape := ag.NewTape(kernels.CPU64)
	defer tape.Close()
	p := ag.NewParam("p", ag.New64(kernels.CPU64, []float64{1, 2}, 2))
	x := tape.Watch(p.Value)
	y := ag.Sum(ag.Mul(x, x))
	sum := ag.Sum(ag.Scale(x, 2))
	p.Value.Changed()
	panics[*ag.UsageError](t, "Grad", func() { ag.Grad(y, x) }, "mul", "changed in place")
	equal(t, "a derivative that reads nothing", ag.Grad(sum, x)[0], 2, 2)
	panics[*ag.UsageError](t, "Backward", func() { ag.Backward(y, p) }, "mul", "changed in place")
	z := ag.Sum(ag.Mul(x, x)) // the tape goes on after a panic
	ag.Backward(z, p)
	equal(t, "the gradient at the new contents", p.Grad(), 2, 4)
}

// TestBackward looks at what Backward leaves.
func TestBackward(t *testing.T) {
	tape := ag.NewTape(kernels.CPU64)
	defer tape.Close()
	p := ag.NewParam("p", ag.New64(kernels.CPU64, []float64{1, 2}, 2))
	unused := ag.NewParam("unused", ag.New64(kernels.CPU64, []float64{1}, 1))
	x := tape.Watch(p.Value)
	h := ag.Mul(x, x)
	y := ag.Sum(h)
	ag.Backward(y, p, unused)
	equal(t, "the gradient", p.Grad(), 2, 4)
	if unused.Grad() != nil {
		t.Error("a parameter that nothing depends on has a gradient")
	}
	equal(t, "a value after Backward", h, 1, 4)
	panics[*ag.UsageError](t, "a second derivative of the same value", func() { ag.Backward(y, p) }, "spent")
	metric := ag.Sum(h) // may be computed, but no derivative passes
	equal(t, "what is computed after Backward", metric, 5)
	panics[*ag.UsageError](t, "a derivative through a spent record", func() { ag.Grad(ag.Scale(metric, 2), x) }, "spent", "scale")
	ag.Backward(ag.Sum(ag.Scale(ag.Add(x, h.Detach()), 3)), p)
	equal(t, "the sum of two gradients", p.Grad(), 5, 7)
	p.ClearGrad()
	if p.Grad() != nil {
		t.Error("a cleared gradient is still there")
	}
	ag.Backward(ag.Sum(x), p)
	equal(t, "the gradient after clearing", p.Grad(), 1, 1)
}

// TestGrad looks at gradients of odd things.
func TestGrad(t *testing.T) {
	tape, x := leaf(t, 1, 2)
	other := tape.Watch(ag.New64(kernels.CPU64, []float64{5, 6, 7}, 3))
	equal(t, "the gradient of something else", ag.Grad(ag.Sum(x), other)[0], 0, 0, 0)
	y := ag.Mul(x, x)
	z := ag.Sum(y)
	g := ag.Grad(z, z, y, x)
	equal(t, "dz/dz", g[0], 1)
	equal(t, "dz/dy", g[1], 1, 1)
	equal(t, "dz/dx", g[2], 2, 4)
	equal(t, "a step function's gradient", ag.Grad(ag.Sum(ag.Add(ag.Sign(x), x)), x)[0], 1, 1)

	// One cotangent for several arguments: each result can be done with alone.
	a, b := ag.Scale(x, 2), ag.Scale(x, 3)
	same := ag.Grad(ag.Sum(ag.Add(a, b)), a, b, a)
	same[0].Done()
	same[2].Done()
	equal(t, "the gradient beside one that is done with", same[1], 1, 1)
	equal(t, "its derivative", ag.Grad(ag.Sum(ag.Mul(ag.Grad(ag.Sum(ag.Mul(ag.Add(a, b), x)), x)[0], x)), x)[0], 20, 40)
}

// TestPanicInARule ends a derivative in the middle; the next one is not disturbed.
func TestPanicInARule(t *testing.T) {
	_, x := leaf(t, 1, 2)
	c := ag.New64(kernels.CPU64, []float64{3, 4}, 2)
	bad := ag.Mul(ag.Exp(x), c)
	c.Changed()
	total := ag.Add(ag.Sum(bad), ag.Sum(ag.Mul(x, x)))
	panics[*ag.UsageError](t, "the stale operand", func() { ag.Grad(total, x) }, "mul")
	equal(t, "the next gradient", ag.Grad(ag.Sum(ag.Mul(x, x)), x)[0], 2, 4)
}

func TestCatch(t *testing.T) {
	f := func(panicking any) (err error) {
		defer ag.Catch(&err)
		panic(panicking)
	}
	for _, want := range []error{&ag.ShapeError{}, &ag.LifetimeError{}, &ag.UsageError{}, &kernels.DeviceError{}} {
		if err := f(want); err != want {
			t.Errorf("caught %v, want %v", err, want)
		}
	}
	defer func() {
		if recover() != "other" {
			t.Error("another panic did not pass")
		}
	}()
	f("other")
}
