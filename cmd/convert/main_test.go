package main

import (
	"bytes"
	"context"
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
