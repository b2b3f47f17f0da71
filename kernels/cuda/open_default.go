//go:build !cuda || !cgo

package cuda

import "gradgrad/kernels"

// openGPU says that this program was built without the driver.
func openGPU(int) (kernels.Device, error) {
	return nil, &unavailable{"this program was built without CUDA (make cuda builds it with); use -device cpu"}
}
