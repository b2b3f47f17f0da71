package cuda_test

import (
	"errors"
	"fmt"

	"gradgrad/kernels"
	"gradgrad/kernels/cuda"
	"gradgrad/kernels/cuda/ptxsim"
)

// A simulated GPU is a device like any other, and its kernels are those of a real one.
func ExampleSimulate() {
	dev, err := cuda.Simulate(ptxsim.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	x := dev.Alloc(3)
	dev.Write(x, []float32{1, 2, 3})
	dev.Run(kernels.Scale, &kernels.Args{Out: []kernels.Buffer{x}, In: []kernels.Buffer{x}, Attr: &kernels.MapAttr{P: 10, Q: 1}})
	y := make([]float32, 3)
	dev.Read(y, x)
	report := dev.Machine().Report()[0]
	fmt.Println(y)
	fmt.Println(report.Kernel, "in", report.File, "moved", report.GlobalBytes, "bytes")
	// Output:
	// [11 21 31]
	// scale in elementwise.ptx moved 24 bytes
}

// Work that is captured can be repeated for the price of one launch.
func ExampleDevice_Capture() {
	dev, err := cuda.Simulate(ptxsim.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	x := dev.Alloc(1)
	dev.Write(x, []float32{1})
	double := func() {
		dev.Run(kernels.Add, &kernels.Args{Out: []kernels.Buffer{x}, In: []kernels.Buffer{x, x}, Attr: &kernels.MapAttr{}})
	}
	double() // once before, so that everything is loaded
	replay, err := dev.Capture(double)
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 9 {
		if err := replay.Launch(); err != nil {
			fmt.Println(err)
		}
	}
	y := make([]float32, 1)
	dev.Read(y, x)
	fmt.Println(y)
	// Output: [1024]
}

// Where there is no GPU, opening one is an error that says what is missing.
func Example() {
	_, err := kernels.Open("cuda:99")
	fmt.Println(errors.Is(err, kernels.ErrUnavailable))
	// Output: true
}
