package cuda_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"gradgrad/kernels"
	"gradgrad/kernels/cuda"
)

// TestLargeTensorsAreRefused gives kernels 2^32 elements, which their indices cannot
// count, though each length of a shape is small.
func TestLargeTensorsAreRefused(t *testing.T) {
	dev, err := cuda.New("dry", &dry{launches: map[string]int{}})
	if err != nil {
		t.Fatal(err)
	}
	x := dev.Alloc(1 << 32)
	c := dev.Alloc(1 << 16)
	for _, a := range []struct {
		kernel *kernels.Kernel
		args   kernels.Args
	}{
		{kernels.Sum, kernels.Args{In: []kernels.Buffer{x}, Out: []kernels.Buffer{c}, Attr: &kernels.ReduceAttr{Outer: 1, Reduce: 1 << 16, Inner: 1 << 16}}},
		{kernels.Exp, kernels.Args{In: []kernels.Buffer{x}, Out: []kernels.Buffer{x}}},
		{kernels.Conv, kernels.Args{In: []kernels.Buffer{x, c}, Out: []kernels.Buffer{x}, Attr: square(1<<16, 256, 1, 1, 1, 1, 0, 1, 1)}},
	} {
		err := refused(dev, a.kernel, &a.args)
		var de *kernels.DeviceError
		if !errors.As(err, &de) || !strings.Contains(err.Error(), "2^31") || !strings.Contains(err.Error(), a.kernel.Name) {
			t.Errorf("%s: %v", a.kernel.Name, err)
		}
	}
}

// TestWideGrids runs products at the border of what a grid has along y and z: 65,535
// blocks run, one more is an error that names the kernel.
func TestWideGrids(t *testing.T) {
	drv := newTall()
	dev, err := cuda.New("dry", drv)
	if err != nil {
		t.Fatal(err)
	}
	x := dev.Alloc(1 << 23) // nothing is read: all operands are this one
	run := func(k *kernels.Kernel, attr any, ins, outs int) error {
		a := kernels.Args{Attr: attr}
		for range ins {
			a.In = append(a.In, x)
		}
		for range outs {
			a.Out = append(a.Out, x)
		}
		drv.forget()
		return refused(dev, k, &a)
	}
	const most = 65535
	for _, extra := range []int{0, 1} {
		for _, c := range []struct {
			kernel    *kernels.Kernel
			attr      any
			ins, outs int
		}{
			{kernels.Matmul, &kernels.MatmulAttr{Batch: most + extra, M: 2, N: 3, K: 4}, 2, 1},
			{kernels.Matmul, &kernels.MatmulAttr{Batch: most + extra, M: 2, N: 3, K: 4, TransA: true}, 2, 1},
			{kernels.Matmul, &kernels.MatmulAttr{Batch: most + extra, M: 2, N: 3, K: 4, TransB: true}, 2, 1},
			{kernels.Matmul, &kernels.MatmulAttr{Batch: 1, M: 1, N: 64 * (most + extra), K: 4}, 2, 1},
			{kernels.Conv, square(1, 2, most+extra, most+extra, 1, 1, 0, 1, most+extra), 2, 1},
			{kernels.ConvDW, square(40, 4, most+extra, most+extra, 1, 1, 0, 1, most+extra), 2, 1},
			{kernels.AffineConv, &kernels.AffineConvAttr{M: 1, K: 64 * (most + extra), Widths: []int{4}}, 4, 1},
		} {
			err := run(c.kernel, c.attr, c.ins, c.outs)
			if extra == 0 {
				if blocks := slices.Concat(slices.Collect(maps.Values(drv.y)), slices.Collect(maps.Values(drv.z))); err != nil || !slices.Contains(blocks, most) {
					t.Errorf("%s %+v: blocks %v, %v", c.kernel.Name, c.attr, blocks, err)
				}
				continue
			}
			var de *kernels.DeviceError
			if len(drv.launches) > 0 || !errors.As(err, &de) || !strings.Contains(err.Error(), "65535") || !strings.Contains(err.Error(), c.kernel.Name) {
				t.Errorf("%s %+v: %v", c.kernel.Name, c.attr, err)
			}
		}
	}
}

// refused is the error that a kernel panics with.
func refused(dev kernels.Device, k *kernels.Kernel, a *kernels.Args) (err error) {
	defer func() { err, _ = recover().(error) }()
	dev.Run(k, a)
	return nil
}
