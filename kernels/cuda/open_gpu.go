//go:build cuda && cgo

package cuda

import (
	"fmt"

	"gorgonia.org/cu"

	"gradgrad/internal/cudrv"
	"gradgrad/kernels"
)

// openGPU opens GPU number n.
func openGPU(n int) (kernels.Device, error) {
	if err := cudrv.State(); err != nil {
		return nil, &unavailable{err.Error() + "; use -device cpu"}
	}
	count, err := cu.NumDevices()
	if err != nil {
		return nil, &unavailable{fmt.Sprintf("the NVIDIA driver does not count its GPUs: %v; use -device cpu", err)}
	}
	if count == 0 {
		return nil, &unavailable{"the NVIDIA driver finds no GPU: see what nvidia-smi lists, and whether CUDA_VISIBLE_DEVICES hides it; use -device cpu"}
	}
	if n >= count {
		return nil, &unavailable{fmt.Sprintf("there is no GPU %d; this machine has %d, counted from 0", n, count)}
	}
	drv, err := newGPU(n)
	if err != nil {
		return nil, fmt.Errorf("cuda: opening GPU %d: %w", n, err)
	}
	return New(fmt.Sprintf("cuda:%d", n), drv)
}
