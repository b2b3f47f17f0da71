package layers_test

import (
	"fmt"

	"gradgrad/autograd"
	"gradgrad/kernels"
	"gradgrad/layers"
)

// A small classifier, run once for training and once for scoring.
func Example() {
	b := layers.NewBuilder(kernels.CPU, 1)
	body := []layers.Layer{
		b.Conv("conv1", 3, 3, 8, autograd.Square(1, 1)),
		b.BatchNorm("bn1", 8, true),
		layers.Dropout{P: 0.1},
	}
	head := b.Linear("fc", 8, 2)
	for _, e := range b.Entries() {
		fmt.Println(e.Name())
	}

	tape := autograd.NewTape(kernels.CPU)
	forward := func(p *layers.Pass) *autograd.Value {
		x := tape.Full(0.5, 4, 16, 16, 3)
		return head.Forward(p, autograd.GlobalAvgPool(p.Through(x, body...)))
	}
	loss := autograd.CrossEntropy(forward(layers.Training(tape, 1, 0)), tape.Labels([]int{0, 1, 1, 0}, 2))
	autograd.Backward(loss, b.Params()...)
	fmt.Println("gradient of fc.weight:", head.Weight.Grad().Shape())
	tape.Release()

	fmt.Println("scores:", forward(layers.Inference(tape)).Shape())
	// Output:
	// conv1.weight
	// bn1.weight
	// bn1.bias
	// bn1.running_mean
	// bn1.running_var
	// bn1.num_batches_tracked
	// fc.weight
	// fc.bias
	// gradient of fc.weight: [2 8]
	// scores: [4 2]
}
