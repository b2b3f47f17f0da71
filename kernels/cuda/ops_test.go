package cuda_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gradgrad/autograd"
	"gradgrad/kernels"
)

// TestEveryOp runs the samples of autograd's table on the simulator, or on a GPU, values and two
// orders of derivatives, and compares them with the CPU in float64.
func TestEveryOp(t *testing.T) {
	for o := range autograd.Ops() {
		for i, s := range o.Samples() {
			t.Run(fmt.Sprintf("%s/%d %s", o.Name, i, s.Name), func(t *testing.T) {
				t.Parallel()
				got, err := chain(s, device(t))
				if err != nil {
					t.Fatal(err)
				}
				want, err := chain(s, kernels.CPU64)
				if err != nil {
					t.Fatal(err)
				}
				for order := range want {
					if err := compare(got[order], want[order], 0, 0); err != nil {
						t.Errorf("order %d: %v", order, err)
					}
				}
			})
		}
	}
}

// chain returns the value of a sample, its gradient, and the gradient of a linear
// function of the gradient, flat.
func chain(s autograd.Sample, dev kernels.Device) (out [][]float64, err error) {
	defer autograd.Catch(&err)
	t := autograd.NewTape(dev)
	defer t.Close()
	var in []*autograd.Value
	for _, v := range inputsOf(s, dev) {
		in = append(in, t.Watch(v))
	}
	y := s.F(in)
	out = append(out, y.Float64s())
	for range 2 {
		if !y.Tracked() {
			return out, nil
		}
		weights := make([]float64, y.Size())
		for i := range weights {
			weights[i] = math.Sin(float64(3*i + 1))
		}
		gs := autograd.Grad(autograd.Sum(autograd.Mul(y, t.New64(weights, y.Shape()...))), in...)
		for i, g := range gs {
			gs[i] = autograd.Reshape(g, -1)
		}
		y = autograd.Concat(0, gs...)
		out = append(out, y.Float64s())
	}
	return out, nil
}

// inputsOf draws the operands of a sample, away from kinks at 0.
func inputsOf(s autograd.Sample, dev kernels.Device) []*autograd.Value {
	r := rand.New(rand.NewPCG(1, 3))
	next := func() float64 {
		v := 0.3 + 1.2*r.Float64()
		if r.IntN(2) == 0 {
			return -v
		}
		return v
	}
	var in []*autograd.Value
	for i, shape := range s.Shapes {
		data := make([]float64, product(shape))
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
