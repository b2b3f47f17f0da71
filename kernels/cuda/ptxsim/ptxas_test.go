package ptxsim

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// assemble gives a source to NVIDIA's assembler, so that what the tests feed the
// simulator is PTX and not merely what the simulator takes for it. PTXAS names the
// program; it comes with the CUDA toolkit and with the wheel nvidia-cuda-nvcc.
func assemble(t *testing.T, arch, src string) {
	t.Helper()
	ptxas := os.Getenv("PTXAS")
	if ptxas == "" {
		ptxas = "ptxas"
	}
	if _, err := exec.LookPath(ptxas); err != nil {
		t.Skip("no ptxas: set PTXAS to check the sources of the tests with NVIDIA's assembler")
	}
	file := filepath.Join(t.TempDir(), "test.ptx")
	if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(ptxas, "-arch="+arch, "-o", os.DevNull, file).CombinedOutput()
	if err != nil {
		t.Errorf("ptxas: %v\n%s", err, out)
	}
}

func TestAssembler(t *testing.T) {
	files, err := filepath.Glob("testdata/*.ptx")
	if err != nil || len(files) == 0 {
		t.Fatal("no kernels in testdata", err)
	}
	for _, f := range files {
		t.Run(f, func(t *testing.T) { assemble(t, "sm_80", source(t, filepath.Base(f))) })
	}
	t.Run("instructions", func(t *testing.T) {
		var code strings.Builder
		for _, c := range slices.Concat(integerCases, bitCases, predicateCases, floatCases, convertCases) {
			code.WriteString(c.code + "\n")
		}
		assemble(t, "sm_90", operation(code.String(), ""))
	})
	t.Run("faults", func(t *testing.T) {
		for _, c := range faultCases {
			assemble(t, "sm_80", snippet(c.body))
		}
	})
	t.Run("warps", func(t *testing.T) {
		for _, c := range warpCases {
			assemble(t, "sm_80", snippet(c.body))
		}
	})
}
