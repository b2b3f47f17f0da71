//go:build !cuda

package cuda

import (
	"fmt"

	"gradgrad/kernels"
)

// openGPU says that this program was built without the driver.
func openGPU(int) (kernels.Device, error) {
	return nil, fmt.Errorf("this program was built without CUDA (make cuda builds one with it); use -device cpu: %w", kernels.ErrUnavailable)
}
