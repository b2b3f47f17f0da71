package models_test

import (
	"fmt"

	"gradgrad/autograd"
	"gradgrad/kernels"
	"gradgrad/layers"
	"gradgrad/models"
	"gradgrad/optim"
)

// Score two images.
func Example() {
	m, err := models.New(models.Config{Arch: "wrn-10-1", Classes: 10}, kernels.CPU, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	tape := autograd.NewTape(kernels.CPU)
	images := make([]float32, 2*32*32*3) // normalised pixels, rows of red, green, blue
	logits, features := m.Forward(layers.Inference(tape), tape.New(images, 2, 32, 32, 3))
	fmt.Println("parameters:", models.ParamCount(m))
	fmt.Println("logits:", logits.Shape(), "features:", features.Shape())
	// Output:
	// parameters: 77850
	// logits: [2 10] features: [2 64]
}

// One training step.
func ExampleNew_training() {
	m, err := models.New(models.Config{Arch: "wrn-10-1", Classes: 2}, kernels.CPU, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	opt := optim.NewSGD(m.Params(), optim.SGDConfig{Momentum: 0.9, Decay: 5e-4, Nesterov: true})
	tape := autograd.NewTape(kernels.CPU)
	images := make([]float32, 2*8*8*3)
	for i := range images[:8*8*3] {
		images[i] = float32(i%2) - 0.5 // the first image has stripes
	}
	for step := range 20 {
		p := layers.Training(tape, 1, uint64(step))
		logits, _ := m.Forward(p, tape.New(images, 2, 8, 8, 3))
		loss := autograd.CrossEntropy(logits, tape.Labels([]int{0, 1}, 2))
		if step%19 == 0 {
			fmt.Printf("step %2d: learned %v\n", step, loss.Item() < 0.1)
		}
		autograd.Backward(loss, m.Params()...)
		opt.Step(0.1)
		tape.Release()
	}
	// Output:
	// step  0: learned false
	// step 19: learned true
}

func ExampleMultiplyAdds() {
	n, err := models.MultiplyAdds(models.Config{Arch: "wrn-40-2", Classes: 10}, 32)
	fmt.Println(n, err)
	// Output: 327599360 <nil>
}

// An unknown name is answered with the known ones.
func ExampleConfig() {
	_, err := models.New(models.Config{Arch: "vgg16", Classes: 10}, kernels.CPU, 1)
	fmt.Println(err)
	// Output: models: no architecture is called "vgg16": choose one of wrn-D-K, resnet18, resnet18-imagenet, densenet101, densenet-DEPTH-K, densenet121
}
