package models

import (
	"gradgrad/autograd"
	"gradgrad/kernels"
	"gradgrad/layers"
)

// ParamCount is the number of learnable numbers of a model.
func ParamCount(m Model) int {
	n := 0
	for _, p := range m.Params() {
		n += p.Value.Size()
	}
	return n
}

// MultiplyAdds counts the multiplications of convolutions and linear layers for
// one size x size image. Batch norm, activations, pooling and biases do not
// count, as is usual. The network is run on shapes alone.
func MultiplyAdds(cfg Config, size int) (n int64, err error) {
	defer autograd.Catch(&err)
	dev := new(counting)
	b := layers.NewBuilder(dev, 0)
	b.Blank = true
	m, err := build(cfg, b)
	if err != nil {
		return 0, err
	}
	tape := autograd.NewTape(dev)
	m.Forward(layers.Inference(tape), tape.Full(0, 1, size, size, 3))
	return dev.multiplyAdds, nil
}

// counting is a device that adds up what its kernels would multiply.
type counting struct {
	shapesOnly
	multiplyAdds int64
}

func (d *counting) Run(k *kernels.Kernel, a *kernels.Args) {
	d.multiplyAdds += int64(kernels.CostOf(k, a).MultiplyAdds)
}

// shapesOnly is a device without memory that computes nothing: what runs on it
// shows which operations there are, on which shapes.
type shapesOnly struct{}

// length is a buffer without memory; its address tells it from others.
type length struct{ n int }

func (b *length) Len() int { return b.n }

func (shapesOnly) Name() string               { return "shapes" }
func (shapesOnly) DType() kernels.DType       { return kernels.Float32 }
func (shapesOnly) Alloc(n int) kernels.Buffer { return &length{n} }
func (shapesOnly) Slice(_ kernels.Buffer, _, n int) kernels.Buffer {
	return &length{n}
}
func (shapesOnly) Free(kernels.Buffer)                    {}
func (shapesOnly) Write(kernels.Buffer, []float32)        {}
func (shapesOnly) Read(dst []float32, _ kernels.Buffer)   { clear(dst) }
func (shapesOnly) Write64(kernels.Buffer, []float64)      {}
func (shapesOnly) Read64(dst []float64, _ kernels.Buffer) { clear(dst) }
func (shapesOnly) Run(*kernels.Kernel, *kernels.Args)     {}
func (shapesOnly) Sync() error                            { return nil }
