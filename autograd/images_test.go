package autograd

import (
	"errors"
	"testing"

	"gradgrad/kernels"
)

// TestImages puts bytes on tapes of both CPUs.
func TestImages(t *testing.T) {
	at := &kernels.ImageAttr{N: 1, H: 1, W: 2, Std: [3]float32{1, 1, 1}}
	packed := append(make([]byte, 12), 0, 51, 102, 153, 204, 255)
	for _, dev := range []kernels.Device{kernels.CPU, kernels.CPU64} {
		tape := NewTape(dev)
		got := tape.Images(tape.Bytes(packed), at)
		if s := got.Shape(); len(s) != 4 || s[2] != 2 {
			t.Errorf("shape %v", s)
		}
		for i, v := range got.Float64s() {
			if d := v - float64(i)/5; d > 1e-6 || d < -1e-6 {
				t.Errorf("%s: element %d is %v", dev.Name(), i, v)
			}
		}
		tape.Close()
	}
	var err error
	func() {
		defer Catch(&err)
		tape := NewTape(kernels.CPU)
		tape.Images(tape.Bytes(packed[:14]), at)
	}()
	var shape *ShapeError
	if !errors.As(err, &shape) {
		t.Errorf("too few bytes: %v", err)
	}
}
