//go:build cuda && cgo

package cuda_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gradgrad/kernels"
)

// onBroken marks the process that runs with a driver that does not work.
const onBroken = "GRADGRAD_BROKEN_DRIVER"

// needed are stand-ins for the calls that a driver must have.
const needed = `#define CALL(name) int name(void) { return 1; }
CALL(cuDevicePrimaryCtxRetain) CALL(cuMemAlloc_v2) CALL(cuMemHostAlloc) CALL(cuModuleLoadDataEx) CALL(cuLaunchKernel)
CALL(cuOccupancyMaxActiveBlocksPerMultiprocessor) CALL(cuStreamBeginCapture_v2) CALL(cuStreamEndCapture)
CALL(cuGraphInstantiate_v2) CALL(cuGraphLaunch)
`

// TestBrokenDrivers opens a GPU where libcuda.so.1 is there and does not work: the error
// says what is wrong and what to do.
func TestBrokenDrivers(t *testing.T) {
	const launch = "CALL(cuLaunchCooperativeKernel) "
	starts := func(code int, text string) string {
		return needed + launch + fmt.Sprintf(`int cuInit(unsigned f) { return %d; } int cuDeviceGetCount(int *n) { *n = 0; return 0; }
int cuGetErrorString(int e, const char **s) { *s = "%s"; return 0; }`, code, text)
	}
	for _, c := range []struct {
		name, source string // source begins with C or is no library at all
		want         []string
	}{
		{"no library", "not a library", []string{"cannot be loaded", "install the driver again"}},
		{"another library", "int other(void) { return 0; }", []string{"libcuda.so.1 has no cuInit", "no NVIDIA driver"}},
		{"too old", needed + "int cuInit(unsigned f) { return 0; } CALL(cuDeviceGetCount)", []string{"has no cuLaunchCooperativeKernel", "older than CUDA 11.0"}},
		{"unknown error", starts(999, "unknown error"), []string{"does not start (error 999, unknown error)", "nvidia_uvm", "restart"}},
		{"no devices", starts(100, "no CUDA-capable device is detected"), []string{"error 100, no CUDA-capable", "CUDA_VISIBLE_DEVICES", "--gpus all"}},
		{"versions", starts(803, "system has unsupported display driver / cuda driver combination"), []string{"another version", "restart the machine"}},
		{"stub", starts(34, "CUDA driver is a stub library"), []string{"the stub of a CUDA toolkit"}},
		{"something else", starts(304, ""), []string{"error 304, which it does not explain", "see what nvidia-smi says"}},
		{"none of its GPUs", starts(0, ""), []string{"finds no GPU", "CUDA_VISIBLE_DEVICES"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			said := openWith(t, c.source)
			for _, want := range append(c.want, "use -device cpu") {
				if !strings.Contains(said, want) {
					t.Errorf("%s\ndoes not say %q", said, want)
				}
			}
		})
	}
}

// openWith returns the error of a process that finds a libcuda.so.1 made of a source.
func openWith(t *testing.T, source string) string {
	t.Helper()
	dir := t.TempDir()
	lib, c := filepath.Join(dir, "libcuda.so.1"), filepath.Join(dir, "broken.c")
	to := c
	if !strings.Contains(source, "{") {
		to = lib
	}
	if err := os.WriteFile(to, []byte(source), 0o666); err != nil {
		t.Fatal(err)
	}
	if to == c {
		if out, err := exec.Command("gcc", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o", lib, c).CombinedOutput(); err != nil {
			t.Fatalf("gcc: %v\n%s", err, out)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	run := exec.Command(self, "-test.run", "^TestOnBroken$", "-test.v")
	run.Env = append(os.Environ(), onBroken+"=1", "LD_LIBRARY_PATH="+dir)
	out, err := run.CombinedOutput()
	_, said, found := strings.Cut(string(out), "opening says: ")
	if err != nil || !found {
		t.Fatalf("%v\n%s", err, out)
	}
	said, _, _ = strings.Cut(said, "\n")
	return said
}

// TestOnBroken prints what opening a GPU says.
func TestOnBroken(t *testing.T) {
	if os.Getenv(onBroken) == "" {
		t.Skip("TestBrokenDrivers runs this")
	}
	_, err := kernels.Open("cuda")
	if !errors.Is(err, kernels.ErrUnavailable) {
		t.Fatalf("%v", err)
	}
	t.Logf("opening says: %v", err)
}
