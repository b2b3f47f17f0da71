package autograd_test

import (
	"errors"
	"testing"

	"gradgrad/autograd"
	"gradgrad/kernels"
)

// TestRecomputeEveryOp puts every sample of every row into a part that is recomputed,
// between operations that compute its operands and read its result, and is done with
// all values as soon as it can be: value, gradient and second derivative have the bits
// that they have without recomputation.
func TestRecomputeEveryOp(t *testing.T) {
	for o := range autograd.Ops() {
		for _, s := range o.Samples() {
			inside := func(in []*autograd.Value) *autograd.Value {
				moved := make([]*autograd.Value, len(in))
				for i, v := range in {
					moved[i] = autograd.Scale(v, 1)
				}
				y := s.F(moved)
				defer y.Done()
				finish(moved, nil)
				return autograd.Scale(y, 1)
			}
			usual, again := s, s
			usual.F = inside
			again.F = func(in []*autograd.Value) (y *autograd.Value) {
				tape := tapeOf(in)
				tape.Recompute(func() { y = inside(in) })
				return y
			}
			for _, early := range []bool{false, true} {
				want, got := chain(usual, kernels.CPU64, all, early), chain(again, kernels.CPU64, all, early)
				if err := compare(o.Name+" "+s.Name, got, want, 0); err != nil {
					t.Errorf("early %v: %v", early, err)
				}
			}
		}
	}
}

func tapeOf(in []*autograd.Value) *autograd.Tape {
	for _, v := range in {
		if v.Tape() != nil {
			return v.Tape()
		}
	}
	return nil
}

// TestRecompute counts how often the operations of a part run, and what it holds.
func TestRecompute(t *testing.T) {
	tape := autograd.NewTape(kernels.CPU64)
	defer tape.Close()
	runs := map[string]int{}
	tape.Observe(func(op *autograd.Op, _, _ []*autograd.Value) { runs[op.Name]++ })
	x := tape.Watch(autograd.New64(kernels.CPU64, []float64{0.1, 0.2, 0.3, 0.4}, 4))
	before, _, _ := tape.Memory()
	var y *autograd.Value
	tape.Recompute(func() {
		tape.Recompute(func() { // belongs to the outer part
			a := autograd.Exp(x)
			b := autograd.Tanh(a)
			a.Done()
			y = autograd.Sigmoid(b)
			b.Done()
		})
	})
	if now, _, _ := tape.Memory(); now-before != 32 {
		t.Errorf("a part with one result of 32 bytes holds %d", now-before)
	}
	s := autograd.Sum(y)
	y.Done()
	if runs["exp"] != 1 || runs["tanh"] != 1 || runs["sigmoid"] != 1 {
		t.Errorf("runs before any derivative: %v", runs)
	}
	g := autograd.Grad(s, x)[0]
	if runs["exp"] != 2 || runs["tanh"] != 2 || runs["sigmoid"] != 2 {
		t.Errorf("runs after a first derivative: %v", runs)
	}
	p := autograd.NewParam("unused", autograd.New64(kernels.CPU64, []float64{1}, 1))
	autograd.Backward(autograd.Sum(autograd.Mul(g, g)), p)
}

// TestRecomputeAfterChange: an operand that is changed between a part and its derivative
// is found, as without recomputation.
func TestRecomputeAfterChange(t *testing.T) {
	tape := autograd.NewTape(kernels.CPU64)
	defer tape.Close()
	p := autograd.New64(kernels.CPU64, []float64{1, 2}, 2)
	x := tape.Watch(p)
	var y *autograd.Value
	tape.Recompute(func() {
		a := autograd.Mul(x, x)
		y = autograd.Exp(a)
		a.Done()
	})
	p.Changed()
	err := caught(func() { autograd.Grad(autograd.Sum(y), x) })
	var usage *autograd.UsageError
	if !errors.As(err, &usage) {
		t.Errorf("got %v, want a UsageError", err)
	}
}
