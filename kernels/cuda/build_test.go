//go:build cuda && cgo

package cuda_test

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gradgrad/internal/cudrv"
)

// TestBinary builds the program as make cuda does and looks into it: the 64-bit entry
// points are the ones linked (cuMemAlloc_v2; cuMemAlloc takes 32-bit addresses), none
// is left to be found by the loader, and no driver library is needed to start. It runs the
// small experiment on the CPU and, where there is no driver, answers -device cuda with
// the error.
func TestBinary(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "cifar")
	build := exec.Command("go", "build", "-tags", "cuda", "-o", bin, "gradgrad/cmd/cifar")
	build.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	f, err := elf.Open(bin)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	libs, err := f.ImportedLibraries()
	if err != nil || slices.ContainsFunc(libs, func(l string) bool { return strings.Contains(l, "cuda") }) {
		t.Errorf("it needs %v, %v", libs, err)
	}
	imported, err := f.ImportedSymbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range imported {
		if strings.HasPrefix(s.Name, "cu") && s.Name[2] >= 'A' && s.Name[2] <= 'Z' {
			t.Errorf("%s is left to the loader", s.Name)
		}
	}
	linked(t, f)
	demo := exec.Command(bin, "demo", "-quick", "-quiet", "-out", filepath.Join(t.TempDir(), "demo"))
	if out, err := demo.CombinedOutput(); err != nil || !strings.Contains(string(out), "The report is") {
		t.Errorf("the demo on the CPU: %v\n%s", err, out)
	}
	if cudrv.State() == nil {
		return
	}
	run := exec.Command(bin, "bench", "-device", "cuda", "-cases", "machine")
	out, err := run.CombinedOutput()
	if want := cudrv.State().Error() + "; use -device cpu"; err == nil || run.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), want) {
		t.Errorf("%v: %s, which does not say %q", err, out, want)
	}
}

// linked checks the names of the driver calls in the symbol table.
func linked(t *testing.T, f *elf.File) {
	t.Helper()
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, s := range symbols {
		have[s.Name] = true
	}
	list, err := os.ReadFile("../../internal/cudrv/symbols.txt")
	if err != nil {
		t.Fatal(err)
	}
	second := 0
	for _, name := range strings.Fields(string(list)) {
		base, versioned := strings.CutSuffix(name, "_v2")
		if !have[name] {
			t.Errorf("%s is not linked", name)
		}
		if versioned {
			second++
			if have[base] {
				t.Errorf("%s, the 32-bit call, is linked", base)
			}
		}
	}
	if second < 40 {
		t.Errorf("only %d entry points with a second version", second)
	}
}
