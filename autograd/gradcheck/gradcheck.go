// Package gradcheck compares derivatives of any order with central differences
// in float64. Use it on functions of your own:
//
//	err := gradcheck.Check(2, func(in ...*autograd.Value) *autograd.Value {
//		return autograd.Mul(autograd.Exp(in[0]), in[1])
//	}, x, y)
//
// Order 1 checks the gradient. Order 2 checks the gradient of a random linear
// function of the gradient, which is what a gradient penalty differentiates; it
// also checks that derivative with respect to the cotangent. Order n goes on in
// the same way. Each derivative is taken twice, by Grad and by Backward, which
// must agree.
package gradcheck

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gradgrad/autograd"
	"gradgrad/kernels"
)

// Func maps values to a value of any shape, by operations of autograd only. It
// must not be random and not depend on anything else that changes.
type Func func(in ...*autograd.Value) *autograd.Value

// Error tells where a derivative differs from central differences.
type Error struct {
	Order, Input, Index int     // which derivative, with respect to which element
	Got, Want           float64 // by autograd; by differences
	By                  string  // "Grad" or "Backward"
}

func (e *Error) Error() string {
	return fmt.Sprintf("gradcheck: order %d: derivative with respect to element %d of input %d: %s gives %.9g, differences %.9g",
		e.Order, e.Index, e.Input, e.By, e.Got, e.Want)
}

// step is a compromise for float64: truncation and rounding errors are both
// about 1e-10 where the function is of size 1.
const step = 1e-5

// Tolerance is the largest accepted difference, relative to the larger of 1 and
// the largest derivative of the input.
const Tolerance = 2e-7

// Check returns nil when all derivatives of f up to the given order agree with
// differences at the given inputs, an *Error when one does not, and the error of
// autograd when f cannot be computed. Inputs on any device are copied to
// [kernels.CPU64].
func Check(order int, f Func, at ...*autograd.Value) (err error) {
	defer autograd.Catch(&err)
	c := &checker{rand: rand.New(rand.NewPCG(1, 2))}
	for _, v := range at {
		c.in = append(c.in, point{v.Float64s(), v.Shape()})
	}
	c.user = len(at)
	t := autograd.NewTape(kernels.CPU64)
	y := f(c.values(t)...)
	c.in = append(c.in, c.random(y.Shape()))
	t.Close()
	scalar := func(in []*autograd.Value) *autograd.Value {
		return autograd.Sum(autograd.Mul(f(in[:c.user]...), in[len(in)-1]))
	}
	for n := 1; n <= order; n++ {
		if err := c.compare(n, scalar); err != nil {
			return err
		}
		scalar = c.directional(scalar)
	}
	return nil
}

// point is an input: elements and shape.
type point struct {
	x     []float64
	shape []int
}

type checker struct {
	in   []point // the user's inputs, then the cotangent of the result
	user int
	rand *rand.Rand
}

func (c *checker) random(shape []int) point {
	n := 1
	for _, d := range shape {
		n *= d
	}
	p := point{make([]float64, n), shape}
	for i := range p.x {
		p.x[i] = c.rand.Float64()*2 - 1
	}
	return p
}

func (c *checker) values(t *autograd.Tape) []*autograd.Value {
	vs := make([]*autograd.Value, len(c.in))
	for i, p := range c.in {
		vs[i] = t.Watch(autograd.New64(kernels.CPU64, p.x, p.shape...))
	}
	return vs
}

// scalarFunc is a scalar function of all inputs and the cotangent.
type scalarFunc func(in []*autograd.Value) *autograd.Value

// directional turns s into the sum over inputs of <v, ds/dinput> for random
// directions v.
func (c *checker) directional(s scalarFunc) scalarFunc {
	var dirs []point
	for _, p := range c.in {
		dirs = append(dirs, c.random(p.shape))
	}
	return func(in []*autograd.Value) *autograd.Value {
		y := s(in)
		if !y.Tracked() {
			return y.Tape().Full(0)
		}
		var total *autograd.Value
		for i, g := range autograd.Grad(y, in...) {
			part := autograd.Sum(autograd.Mul(g, y.Tape().New64(dirs[i].x, dirs[i].shape...)))
			if total == nil {
				total = part
			} else {
				total = autograd.Add(total, part)
			}
		}
		return total
	}
}

func (c *checker) compare(order int, s scalarFunc) error {
	want := c.differences(s)
	for _, by := range []string{"Grad", "Backward"} {
		got := c.derivative(s, by)
		for i := range want {
			scale := 1.0
			for _, w := range want[i] {
				scale = max(scale, math.Abs(w))
			}
			for j := range want[i] {
				if d := math.Abs(got[i][j] - want[i][j]); !(d <= Tolerance*scale) {
					return &Error{order, i, j, got[i][j], want[i][j], by}
				}
			}
		}
	}
	return nil
}

func (c *checker) derivative(s scalarFunc, by string) [][]float64 {
	t := autograd.NewTape(kernels.CPU64)
	defer t.Close()
	out := make([][]float64, len(c.in))
	for i, p := range c.in {
		out[i] = make([]float64, len(p.x))
	}
	if by == "Grad" {
		in := c.values(t)
		if y := s(in); y.Tracked() {
			for i, g := range autograd.Grad(y, in...) {
				out[i] = g.Float64s()
			}
		}
		return out
	}
	var params []*autograd.Param
	var in []*autograd.Value
	for _, p := range c.in {
		params = append(params, autograd.NewParam("", autograd.New64(kernels.CPU64, p.x, p.shape...)))
		in = append(in, t.Watch(params[len(params)-1].Value))
	}
	if y := s(in); y.Tracked() {
		autograd.Backward(y, params...)
	}
	for i, p := range params {
		if g := p.Grad(); g != nil {
			out[i] = g.Float64s()
		}
	}
	return out
}

func (c *checker) differences(s scalarFunc) [][]float64 {
	t := autograd.NewTape(kernels.CPU64)
	defer t.Close()
	value := func() float64 {
		defer t.Release()
		return s(c.values(t)).Item()
	}
	out := make([][]float64, len(c.in))
	for i, p := range c.in {
		out[i] = make([]float64, len(p.x))
		for j, x := range p.x {
			h := step * max(1, math.Abs(x))
			p.x[j] = x + h
			up := value()
			p.x[j] = x - h
			down := value()
			p.x[j] = x
			out[i][j] = (up - down) / (2 * h)
		}
	}
	return out
}
