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

// State is nil when there is a driver that works, else it says in one sentence what is
// wrong and, unless it is that there is none, where to look. Package cu has begun the
// driver before main.
func State() error {
	text := C.GoString(C.cudrv_text())
	switch C.cudrv_state() {
	case 1:
		return nil
	case 2:
		return fmt.Errorf("no NVIDIA driver: libcuda.so.1 not found")
	case 3:
		return notStarted(int(C.cudrv_code()), text)
	case 4:
		return fmt.Errorf("the library of the NVIDIA driver cannot be loaded (%s): install the driver again, for this processor", text)
	case 5:
		return fmt.Errorf("libcuda.so.1 has no %s: it is no NVIDIA driver, or one older than CUDA 11.0; install a newer one", text)
	}
	return fmt.Errorf("the NVIDIA driver was not started")
}
