//go:build cuda && cgo

package cudrv

import "fmt"

// advice is what to do about results of cuInit.
var advice = map[int]string{
	34:  "this is the stub of a CUDA toolkit; let the loader find the driver's own libcuda.so.1 first (LD_LIBRARY_PATH)",
	100: "it finds no GPU; see what nvidia-smi lists, whether CUDA_VISIBLE_DEVICES hides it, and in a container whether it was started with its GPUs (docker run --gpus all)",
	802: "the GPUs are not ready; on machines with NVSwitch the fabric manager must run (systemctl status nvidia-fabricmanager)",
	803: "its kernel module is of another version, as after an update; restart the machine",
	804: "this GPU does not allow the newer libcuda.so.1 of a compatibility package; take it out of LD_LIBRARY_PATH",
	999: "its kernel modules do not answer, as after an update or a suspend; see what nvidia-smi says, load nvidia_uvm (modprobe nvidia_uvm) or restart the machine",
}

// notStarted is what to say when cuInit gives an error code, with the driver's own text.
func notStarted(code int, text string) error {
	hint, ok := advice[code]
	if !ok {
		hint = "see what nvidia-smi says"
	}
	if text == "" {
		text = "which it does not explain"
	}
	return fmt.Errorf("the NVIDIA driver does not start (error %d, %s): %s", code, text, hint)
}
