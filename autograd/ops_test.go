package autograd_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gradgrad/autograd"
	"gradgrad/autograd/gradcheck"
	"gradgrad/kernels"
)

// inputsOf draws the operands of a sample on a device, as free-standing values.
func inputsOf(s autograd.Sample, dev kernels.Device, seed uint64) []*autograd.Value {
	r := rand.New(rand.NewPCG(seed, 3))
	next := func() float64 {
		v := 0.3 + 1.2*r.Float64()
		if r.IntN(2) == 0 {
			return -v
		}
		return v
	}
	var in []*autograd.Value
	for i, shape := range s.Shapes {
		n := 1
		for _, d := range shape {
			n *= d
		}
		data := make([]float64, n)
		for j := range data {
			if s.Inputs != nil {
				data[j] = s.Inputs(i, next)
			} else {
				data[j] = next()
			}
		}
		in = append(in, autograd.New64(dev, data, shape...))
	}
	return in
}

// TestEveryOp checks every row of the table, at every sample: both orders of
// derivatives by differences in float64 (and the third, which shows that the
// second is a function and not a number); that its kernel is the row's, that
// rules read only what they say, float32 against float64 at both orders, and
// fused rows against their plain definition at both orders.
func TestEveryOp(t *testing.T) {
	for o := range autograd.Ops() {
		t.Run(o.Name, func(t *testing.T) {
			for i, s := range o.Samples() {
				t.Run(fmt.Sprintf("%d %s", i, s.Name), func(t *testing.T) {
					checkSample(t, o, s)
				})
			}
		})
	}
}

func checkSample(t *testing.T, o *autograd.Op, s autograd.Sample) {
	in := inputsOf(s, kernels.CPU64, 1)
	f := func(in ...*autograd.Value) *autograd.Value { return s.F(in) }
	if err := gradcheck.Check(3, f, in...); err != nil {
		t.Fatal(err)
	}
	if !reaches(o, s) {
		t.Errorf("the sample never runs %s", o.Name)
	}
	wide, narrow := chain(s, kernels.CPU64, nil), chain(s, kernels.CPU, nil)
	compare(t, "float32 against float64", narrow, wide, 2e-5)
	if o.Define != nil {
		compare(t, "fused against definition", wide, chain(s, kernels.CPU64, o), 1e-10)
	}
}

// reaches reports whether computing the sample runs the row.
func reaches(o *autograd.Op, s autograd.Sample) (seen bool) {
	t := autograd.NewTape(kernels.CPU64)
	defer t.Close()
	t.Observe(func(ran *autograd.Op, _, _ []*autograd.Value) { seen = seen || ran == o })
	var in []*autograd.Value
	for _, v := range inputsOf(s, kernels.CPU64, 1) {
		in = append(in, t.Watch(v))
	}
	s.F(in)
	return seen
}

// chain returns the value of a sample, its gradient and the gradient of a linear
// function of the gradient; with plain, the row is replaced by its definition.
func chain(s autograd.Sample, dev kernels.Device, plain *autograd.Op) [][]float64 {
	if plain != nil {
		defer autograd.UseDefinition(plain)()
	}
	t := autograd.NewTape(dev)
	defer t.Close()
	var in []*autograd.Value
	for _, v := range inputsOf(s, dev, 1) {
		in = append(in, t.Watch(v))
	}
	y := s.F(in)
	out := [][]float64{y.Float64s()}
	for range 2 {
		if !y.Tracked() {
			return out
		}
		weights := make([]float64, y.Size())
		for i := range weights {
			weights[i] = math.Sin(float64(3*i + 1))
		}
		gs := autograd.Grad(autograd.Sum(autograd.Mul(y, t.New64(weights, y.Shape()...))), in...)
		flat := make([]*autograd.Value, len(gs))
		for i, g := range gs {
			flat[i] = autograd.Reshape(g, -1)
		}
		y = autograd.Concat(0, flat...)
		out = append(out, y.Float64s())
	}
	return out
}

// compare bounds the largest difference over the largest value, per order.
func compare(t *testing.T, what string, got, want [][]float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d orders against %d", what, len(got), len(want))
	}
	for k := range want {
		if len(got[k]) != len(want[k]) {
			t.Fatalf("%s, order %d: %d elements against %d", what, k, len(got[k]), len(want[k]))
		}
		var diff, top float64
		for i := range want[k] {
			diff = max(diff, math.Abs(got[k][i]-want[k][i]))
			top = max(top, math.Abs(want[k][i]))
		}
		if !(diff <= tol*max(top, 1e-3)) {
			t.Errorf("%s, order %d: differs by %.3g of %.3g", what, k, diff, top)
		}
	}
}
