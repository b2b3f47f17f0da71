package autograd_test

import (
	"fmt"

	"gradgrad/autograd"
	"gradgrad/kernels"
)

// The gradient of x³ and, because a gradient is a value like any other, its
// gradient.
func ExampleGrad() {
	t := autograd.NewTape(kernels.CPU64)
	defer t.Close()
	x := t.Watch(autograd.New64(kernels.CPU64, []float64{1, 2, 3}, 3))
	y := autograd.Sum(autograd.Mul(x, autograd.Mul(x, x)))

	first := autograd.Grad(y, x)[0]
	second := autograd.Grad(autograd.Sum(first), x)[0]
	fmt.Println(first.Float64s(), second.Float64s())
	// Output: [3 12 27] [6 12 18]
}

// One step of training a linear model under a penalty on the norm of its input
// gradient.
func ExampleBackward() {
	dev := kernels.CPU64
	w := autograd.NewParam("w", autograd.New64(dev, []float64{3, 4}, 2))
	images := autograd.New64(dev, []float64{1, 0, 0, 1}, 2, 2)

	t := autograd.NewTape(dev)
	defer t.Close()
	x := t.Watch(images)
	score := autograd.Sum(autograd.Mul(x, t.Watch(w.Value)), 1) // x·w for each image
	g := autograd.Grad(autograd.Sum(score), x)[0]               // w, for each image
	penalty := autograd.Mean(autograd.Norm(g))                  // |w|
	autograd.Backward(penalty, w)

	fmt.Printf("%.3f %.3f\n", penalty.Item(), w.Grad().Float64s())
	// Output: 5.000 [0.600 0.800]
}

// Misuse panics with a typed value; Catch makes it an error.
func ExampleCatch() {
	multiply := func(a, b *autograd.Value) (err error) {
		defer autograd.Catch(&err)
		autograd.MatMul(a, b)
		return nil
	}
	a := autograd.Full(kernels.CPU, 1, 2, 3)
	fmt.Println(multiply(a, a))
	// Output: autograd: matmul of [2 3] and [2 3]: want as many columns in the first matrix as rows in the second
}

// A value that is done with gives its memory back as soon as no derivative rule
// needs it.
func ExampleValue_Done() {
	t := autograd.NewTape(kernels.CPU)
	defer t.Close()
	x := t.Full(1, 1000)
	y := autograd.Scale(x, 2)
	before, _, _ := t.Memory()
	x.Done()
	after, _, _ := t.Memory()
	fmt.Println(before, after, y.Size())
	// Output: 8000 4000 1000
}

// Observe sees every operation that runs: here a count of those of a gradient.
func ExampleTape_Observe() {
	t := autograd.NewTape(kernels.CPU)
	defer t.Close()
	x := t.Watch(autograd.Full(kernels.CPU, 0.5, 3))
	y := autograd.Sum(autograd.Tanh(x))
	t.Observe(func(op *autograd.Op, _, out []*autograd.Value) { fmt.Println(op.Name, out[0].Shape()) })
	autograd.Grad(y, x)
	// Output:
	// reshape [1 1 1]
	// broadcast [1 3 1]
	// reshape [3]
	// mul [3]
	// scale [3]
	// scale [3]
	// mul [3]
}
