package main

import (
	"context"
	"math"
	"math/rand/v2"
	"runtime"

	"gradgrad/internal/machine"
	"gradgrad/kernels"
)

func measureMachine() measurement {
	return measurement{Case: "machine", CopyGB: machine.CopyBandwidth(),
		GFLOPS: kernels.PeakFMA(runtime.GOMAXPROCS(0))} // 0, without assembly, is left out
}

// noise is n numbers from N(0, 1).
func noise(n int) []float32 {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	xs := make([]float32, n)
	for i := range xs {
		xs[i] = float32(r.NormFloat64())
	}
	return xs
}

// onDevice is a buffer of n random numbers.
func onDevice(dev kernels.Device, n int) kernels.Buffer {
	b := dev.Alloc(n)
	dev.Write(b, noise(n))
	return b
}

// timeKernel runs a kernel and prints a line.
func (b benchFlags) timeKernel(ctx context.Context, dev kernels.Device, m measurement, flops float64, k *kernels.Kernel, a *kernels.Args, say func(measurement) error) error {
	peak := kernels.PeakFMA(runtime.GOMAXPROCS(0))
	t, least, err := b.clock(ctx, dev, func() error {
		dev.Run(k, a)
		return nil
	})
	if err != nil {
		return err
	}
	m.Seconds, m.GFLOPS, m.Best, m.Operations = t, flops/t/1e9, flops/least/1e9, 1
	if b.compute.Device == "cpu" && peak > 0 {
		m.OfPeak = m.Best / peak
	}
	for _, x := range append(a.In, a.Out...) {
		m.Bytes += int64(x.Len() * dev.DType().Size())
	}
	m.PeakMiB = float64(m.Bytes) / (1 << 20)
	return say(m)
}

func (b benchFlags) gemm(ctx context.Context, dev kernels.Device, say func(measurement) error) error {
	n := b.n
	x, y, z := onDevice(dev, n*n), onDevice(dev, n*n), dev.Alloc(n*n)
	defer free(dev, x, y, z)
	a := &kernels.Args{In: []kernels.Buffer{x, y}, Out: []kernels.Buffer{z}, Attr: &kernels.MatmulAttr{Batch: 1, M: n, N: n, K: n}}
	flops := 2 * float64(n) * float64(n) * float64(n)
	return b.timeKernel(ctx, dev, measurement{Case: "gemm", N: n}, flops, kernels.Matmul, a, say)
}

// convolution times the three directions of a convolution.
func (b benchFlags) convolution(ctx context.Context, dev kernels.Device, say func(measurement) error) error {
	const images, side, channels = 128, 32, 64
	attr := &kernels.ConvAttr{N: images, H: side, W: side, C: channels, OutH: side, OutW: side, K: channels, KH: 3, KW: 3,
		StrideH: 1, StrideW: 1, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1, Algorithm: b.conv}
	size, weights := images*side*side*channels, 9*channels*channels
	x, y, w := onDevice(dev, size), onDevice(dev, size), onDevice(dev, weights)
	defer free(dev, x, y, w)
	flops := 2 * float64(size) * 9 * channels
	for _, c := range []struct {
		name   string
		k      *kernels.Kernel
		in     []kernels.Buffer
		result kernels.Buffer
	}{
		{"conv-fprop", kernels.Conv, []kernels.Buffer{x, w}, y},
		{"conv-dgrad", kernels.ConvDX, []kernels.Buffer{y, w}, x},
		{"conv-wgrad", kernels.ConvDW, []kernels.Buffer{x, y}, w},
	} {
		a := &kernels.Args{In: c.in, Out: []kernels.Buffer{c.result}, Attr: attr}
		few := *attr
		few.N = 2
		m := measurement{Case: c.name, Error: kernelError(dev, c.k, &few, c.in, c.result)}
		if err := b.timeKernel(ctx, dev, m, flops, c.k, a, say); err != nil {
			return err
		}
	}
	return nil
}

// kernelError runs a kernel, with an attribute that asks for the fronts of its operands
// only, on the device and in float64, and returns the largest difference over the
// largest value.
func kernelError(dev kernels.Device, k *kernels.Kernel, attr any, in []kernels.Buffer, result kernels.Buffer) float64 {
	run := func(d kernels.Device) []float64 {
		args := &kernels.Args{Attr: attr}
		for _, b := range in {
			x := make([]float64, b.Len())
			dev.Read64(x, b)
			c := d.Alloc(b.Len())
			d.Write64(c, x)
			args.In = append(args.In, c)
		}
		out := d.Alloc(result.Len())
		d.Write64(out, make([]float64, result.Len()))
		args.Out = []kernels.Buffer{out}
		d.Run(k, args)
		y := make([]float64, result.Len())
		d.Read64(y, out)
		free(d, append(args.In, out)...)
		return y
	}
	got, want := run(dev), run(kernels.CPU64)
	diff, top := 0.0, 0.0
	for i, v := range want {
		diff, top = max(diff, math.Abs(got[i]-v)), max(top, math.Abs(v))
	}
	return diff / top
}

func free(dev kernels.Device, buffers ...kernels.Buffer) {
	for _, b := range buffers {
		dev.Free(b)
	}
}
