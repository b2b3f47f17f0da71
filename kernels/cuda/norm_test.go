package cuda_test

import (
	"errors"
	"strings"
	"testing"

	"gradgrad/kernels"
)

// TestNoRows: a tensor without rows has no mean, which is an error that says so; where no
// mean is taken, nothing is done.
func TestNoRows(t *testing.T) {
	dev := simulated(t)
	at := &kernels.NormAttr{C: 3, Eps: 1e-5}
	lend := func(n int) kernels.Buffer {
		b := dev.Alloc(n)
		dev.Write(b, make([]float32, n))
		return b
	}
	buffers := func(sizes ...int) (all []kernels.Buffer) {
		for _, n := range sizes {
			all = append(all, lend(n))
		}
		return all
	}
	for _, c := range []struct {
		kernel  *kernels.Kernel
		in, out []int
	}{
		{kernels.BatchNorm, []int{0, 3, 3}, []int{0, 3, 3, 3}},
		{kernels.BatchNormGrad2, []int{0, 3, 3, 0, 0, 3, 3, 3, 3}, []int{0, 0, 3}},
		{kernels.NormaliseGrad, []int{0, 0, 3, 3}, []int{0}},
	} {
		err := refused(dev, c.kernel, &kernels.Args{Attr: at, In: buffers(c.in...), Out: buffers(c.out...)})
		var e *kernels.DeviceError
		if !errors.As(err, &e) || !strings.Contains(err.Error(), "running "+c.kernel.Name+": a tensor without rows") {
			t.Errorf("%s: %v", c.kernel.Name, err)
		}
	}
	if err := refused(dev, kernels.ChannelAffine, &kernels.Args{Attr: at, In: buffers(0, 3, 3), Out: buffers(0)}); err != nil {
		t.Error(err)
	}
}
