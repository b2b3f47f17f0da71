package optim_test

import (
	"fmt"

	"gradgrad/autograd"
	"gradgrad/kernels"
	"gradgrad/optim"
)

// Fit a line through three points.
func Example() {
	w := autograd.NewParam("w", autograd.Full(kernels.CPU64, 0, 1, 1))
	b := autograd.NewParam("b", autograd.Full(kernels.CPU64, 0, 1))
	params := []*autograd.Param{w, b}
	opt := optim.NewSGD(params, optim.SGDConfig{Momentum: 0.9, Nesterov: true})
	const steps = 200
	rate := optim.Warmup(10, 0.1, optim.Cosine(0.05, 0, steps-10))
	tape := autograd.NewTape(kernels.CPU64)
	for step := range steps {
		x, y := tape.New64([]float64{0, 1, 2}, 3, 1), tape.New64([]float64{1, 3, 5}, 3, 1)
		miss := autograd.Sub(autograd.Linear(x, tape.Watch(w.Value), tape.Watch(b.Value)), y)
		autograd.Backward(autograd.Mean(autograd.Mul(miss, miss)), params...)
		opt.Step(rate(step))
		tape.Release()
	}
	fmt.Printf("y = %.3f x + %.3f\n", w.Value.Item(), b.Value.Item())
	// Output: y = 2.000 x + 1.000
}

func ExampleMultiStep() {
	const perEpoch = 100
	rate := optim.MultiStep(0.1, 0.1, 50*perEpoch, 75*perEpoch)
	for _, epoch := range []int{0, 49, 50, 75} {
		fmt.Printf("epoch %d: %.4f\n", epoch, rate(epoch*perEpoch))
	}
	// Output:
	// epoch 0: 0.1000
	// epoch 49: 0.1000
	// epoch 50: 0.0100
	// epoch 75: 0.0010
}
