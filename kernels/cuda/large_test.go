package cuda_test

import (
	"errors"
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

// refused is the error that a kernel panics with.
func refused(dev kernels.Device, k *kernels.Kernel, a *kernels.Args) (err error) {
	defer func() { err, _ = recover().(error) }()
	dev.Run(k, a)
	return nil
}
