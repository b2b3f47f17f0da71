package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gradgrad/checkpoint"
	"gradgrad/kernels"
	"gradgrad/models"
)

func run(args ...string) (code int, stdout, stderr string) {
	var o, e bytes.Buffer
	code = program().Main(append([]string{"convert"}, args...), &o, &e)
	return code, o.String(), e.String()
}

func weights(t *testing.T) string {
	t.Helper()
	m, err := models.New(models.Config{Arch: "densenet-10-4", Classes: 5}, kernels.CPU, 1)
	if err != nil {
		t.Fatal(err)
	}
	f, err := models.State(m)
	if err != nil {
		t.Fatal(err)
	}
	f.Metadata["epoch"] = "7"
	f.Tensors = append(f.Tensors, checkpoint.New("optim.momentum", []int{1}, []float32{1}))
	path := filepath.Join(t.TempDir(), "in.safetensors")
	if err := checkpoint.Write(path, f); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestThereAndBack(t *testing.T) {
	in, dir := weights(t), t.TempDir()
	pth, back := filepath.Join(dir, "m.pth.tar"), filepath.Join(dir, "back.safetensors")
	if code, _, stderr := run("-names", "greg", in, pth); code != 0 || !strings.Contains(stderr, "densenet-10-4, 5 classes") {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if code, _, stderr := run(pth, back); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	ctx := context.Background()
	first, err := checkpoint.Open(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	last, err := checkpoint.Open(ctx, back)
	if err != nil {
		t.Fatal(err)
	}
	if last.Metadata["epoch"] != "7" {
		t.Errorf("metadata %v", last.Metadata)
	}
	if len(last.Tensors) != len(first.Tensors)-1 {
		t.Errorf("%d tensors, want the %d of the network", len(last.Tensors), len(first.Tensors)-1)
	}
	for i, got := range last.Tensors {
		if got.Name != first.Tensors[i].Name || !bytes.Equal(got.Data, first.Tensors[i].Data) {
			t.Errorf("%s is not %s as it was", got.Name, first.Tensors[i].Name)
		}
	}
	code, out, _ := run("show", pth)
	if code != 0 || !strings.Contains(out, "network: densenet-10-4, 5 classes") || !strings.Contains(out, "linear.weight") {
		t.Errorf("show: exit code %d\n%s", code, out)
	}
}

// TestWeightsThatAreNotFinite are converted bit for bit, and the user is told, even
// with -quiet.
func TestWeightsThatAreNotFinite(t *testing.T) {
	in, dir := weights(t), t.TempDir()
	f, err := checkpoint.Open(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	poison := func(name string, with ...float32) {
		for i := range f.Tensors {
			if x := &f.Tensors[i]; x.Name == name {
				v, err := x.Float32s()
				if err != nil {
					t.Fatal(err)
				}
				copy(v, with)
				*x = checkpoint.New(name, x.Shape, v)
				return
			}
		}
		t.Fatalf("there is no %s", name)
	}
	for i, step := range []struct{ name, want string }{
		{"fc.bias", "fc.bias holds 2 NaN, 1 infinite: the network has diverged"},
		{"bn1.weight", "holds 2 NaN, 1 infinite, another tensor such values too: the network has"},
		{"conv1.weight", "conv1.weight holds 2 NaN, 1 infinite, 2 other tensors such values too: the network has"},
	} {
		poison(step.name, nan, inf, nan)
		bad, out := filepath.Join(dir, "bad.safetensors"), filepath.Join(dir, fmt.Sprintf("out%d.safetensors", i))
		if err := checkpoint.Write(bad, f); err != nil {
			t.Fatal(err)
		}
		code, _, stderr := run("-quiet", bad, out)
		if code != 0 || !strings.Contains(stderr, "out"+fmt.Sprint(i)+".safetensors: warning: ") || !strings.Contains(stderr, step.want) {
			t.Errorf("exit code %d, %q", code, stderr)
		}
		got, err := checkpoint.Open(t.Context(), out)
		if err != nil {
			t.Fatal(err)
		}
		was, _ := f.Lookup(step.name)
		if is, ok := got.Lookup(step.name); !ok || !bytes.Equal(is.Data, was.Data) {
			t.Errorf("%s is not as it was", step.name)
		}
	}
	if code, out, _ := run("show", filepath.Join(dir, "bad.safetensors")); code != 0 || strings.Count(out, "  2 NaN, 1 infinite\n") != 3 {
		t.Errorf("show: exit code %d\n%s", code, out)
	}
	if code, _, stderr := run(in, filepath.Join(dir, "good.safetensors")); code != 0 || strings.Contains(stderr, "warning") {
		t.Errorf("sound weights: exit code %d, %q", code, stderr)
	}
}

func TestRefuses(t *testing.T) {
	in, dir := weights(t), t.TempDir()
	taken := filepath.Join(dir, "taken.pth")
	if err := os.WriteFile(taken, []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(dir, "cut.safetensors")
	data, err := os.ReadFile(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cut, data[:len(data)/2], 0o666); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out.pth")
	for _, x := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{in}, 2, "two files"},
		{[]string{in, filepath.Join(dir, "out.bin")}, 2, "extension"},
		{[]string{"-names", "nobody", in, out}, 2, "naming convention"},
		{[]string{in, taken}, 1, "-force"},
		{[]string{cut, out}, 1, "cut.safetensors"},
		{[]string{filepath.Join(dir, "missing.pth"), out}, 1, "missing.pth"},
		{[]string{"-arch", "wrn-40-2", in, out}, 1, "another architecture"},
		{[]string{in, filepath.Join(dir, "no", "such", "out.pth")}, 1, "no such file or directory"},
	} {
		code, _, stderr := run(x.args...)
		if code != x.code || !strings.Contains(stderr, x.want) {
			t.Errorf("%v: exit code %d, want %d; %q, want %q in it", x.args, code, x.code, stderr, x.want)
		}
	}
	if mine, _ := os.ReadFile(taken); string(mine) != "mine" {
		t.Error("a file that was there was replaced")
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a refused conversion left a file")
	}
	if code, _, stderr := run("-force", in, taken); code != 0 {
		t.Errorf("-force: exit code %d, %s", code, stderr)
	}
}
