package cuda

import (
	"fmt"
	"strconv"

	"gradgrad/kernels"
)

func init() {
	kernels.Register("cuda", func(suffix string) (kernels.Device, error) {
		n, err := deviceNumber(suffix)
		if err != nil {
			return nil, err
		}
		return openGPU(n)
	})
}

// unavailable says why there is no GPU here, and what to do.
type unavailable struct{ text string }

func (e *unavailable) Error() string { return "cuda: " + e.text }

// Unwrap is [kernels.ErrUnavailable].
func (e *unavailable) Unwrap() error { return kernels.ErrUnavailable }

// deviceNumber reads what stands behind the colon of cuda:1.
func deviceNumber(suffix string) (int, error) {
	if suffix == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(suffix)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("cuda: %q is not the number of a GPU; write cuda or cuda:1", suffix)
	}
	return n, nil
}
