//go:build cuda && cgo

package cudrv

// The linker's search path comes before that of package cu, which looks for a
// libcuda of its own.

// #cgo LDFLAGS: -Wl,--as-needed -L${SRCDIR}/link -ldl
// int cudrv_state(void);
// int cudrv_code(void);
// const char *cudrv_text(void);
import "C"

import "fmt"

// State is nil when there is a driver that works, else it says what is missing, in
// one sentence without advice. Package cu has begun the driver before main.
func State() error {
	switch C.cudrv_state() {
	case 1:
		return nil
	case 2:
		return fmt.Errorf("no NVIDIA driver: libcuda.so.1 not found")
	case 3:
		return fmt.Errorf("the NVIDIA driver cannot be used: error %d, %s", int(C.cudrv_code()), C.GoString(C.cudrv_text()))
	}
	return fmt.Errorf("the NVIDIA driver was not started")
}
