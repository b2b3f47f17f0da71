package gradcheck_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	ag "gradgrad/autograd"
	"gradgrad/autograd/gradcheck"
	"gradgrad/kernels"
)

func values(x ...float64) *ag.Value { return ag.New64(kernels.CPU64, x, len(x)) }

// Detach hides a factor from the derivative: order 1 sees it at once where it is
// in the function, order 2 where it is in the gradient.
func ExampleCheck() {
	x, y := values(0.5, -1), values(2, 3)
	right := func(in ...*ag.Value) *ag.Value { return ag.Mul(ag.Exp(in[0]), in[1]) }
	wrong := func(in ...*ag.Value) *ag.Value { return ag.Mul(ag.Exp(in[0]).Detach(), in[1]) }
	fmt.Println(gradcheck.Check(2, right, x, y))
	var e *gradcheck.Error
	fmt.Println(errors.As(gradcheck.Check(2, wrong, x, y), &e), "order", e.Order, "input", e.Input)
	// Output:
	// <nil>
	// true order 1 input 0
}

func TestRightFunctions(t *testing.T) {
	for name, f := range map[string]gradcheck.Func{
		"vector to vector": func(in ...*ag.Value) *ag.Value { return ag.Tanh(ag.Mul(in[0], in[1])) },
		"a scalar":         func(in ...*ag.Value) *ag.Value { return ag.Sum(ag.LogSumExp(in[0])) },
		"one that is linear": func(in ...*ag.Value) *ag.Value {
			return ag.Add(in[0], in[1])
		},
		"a gradient": func(in ...*ag.Value) *ag.Value {
			return ag.Grad(ag.Sum(ag.Mul(ag.Exp(in[0]), in[1])), in[0])[0]
		},
		"one that ignores an input": func(in ...*ag.Value) *ag.Value { return ag.Exp(in[1]) },
		"one that ignores all":      func(in ...*ag.Value) *ag.Value { return in[0].Tape().Full(1, 3) },
	} {
		if err := gradcheck.Check(3, f, values(0.3, -0.7), values(1.2, 0.4)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWrongFunctions hides a dependency from each order and looks where the
// error is said to be.
func TestWrongFunctions(t *testing.T) {
	for order, f := range map[int]gradcheck.Func{
		1: func(in ...*ag.Value) *ag.Value {
			return ag.Add(ag.Mul(in[1], in[1]), ag.Mul(in[0], in[0].Detach()))
		},
		// The gradient of z where its value is 0 is right: 2x. It does not
		// depend on x as far as autograd can see.
		2: func(in ...*ag.Value) *ag.Value {
			x := in[0]
			z := ag.Mul(ag.Sub(x, x.Detach()), ag.Scale(x.Detach(), 2))
			return ag.Add(ag.Mul(in[1], in[1]), ag.Add(ag.Mul(x.Detach(), x.Detach()), z))
		},
	} {
		err := gradcheck.Check(3, f, values(0.3, 0.8), values(1.2, 0.5))
		var e *gradcheck.Error
		if !errors.As(err, &e) {
			t.Errorf("order %d: got %v, want a *gradcheck.Error", order, err)
			continue
		}
		if e.Order != order || e.Input != 0 || e.Index != 0 || e.By != "Grad" {
			t.Errorf("the error is %v, want order %d, input 0, element 0", e, order)
		}
		if math.Abs(e.Got-e.Want) < gradcheck.Tolerance {
			t.Errorf("%g and %g are not different", e.Got, e.Want)
		}
	}
}

// TestMisuse: what autograd panics with comes back as an error.
func TestMisuse(t *testing.T) {
	bad := func(in ...*ag.Value) *ag.Value { return ag.Add(in[0], in[1]) }
	err := gradcheck.Check(2, bad, values(1, 2), values(1, 2, 3))
	var shape *ag.ShapeError
	if !errors.As(err, &shape) {
		t.Errorf("got %v, want a *ShapeError", err)
	}
	narrow := ag.New(kernels.CPU, []float32{0.5, 0.25}, 2)
	if err := gradcheck.Check(2, bad, narrow, narrow); err != nil {
		t.Errorf("inputs on another device: %v", err)
	}
}
