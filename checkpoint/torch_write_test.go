package checkpoint

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// everyType has a tensor of every element type that PyTorch files hold, a scalar,
// an empty one, and names that are not ASCII.
func everyType() *File {
	f := &File{Metadata: map[string]string{"arch": "wrn-40-2", "epoch": "3", "ångström": "Å"}}
	for _, d := range []DType{F64, F32, F16, BF16, I64, I32, I16, I8, U8, Bool} {
		t := Tensor{Name: "t." + string(d), Shape: []int{2, 3, 1}, DType: d, Data: make([]byte, 6*d.Size())}
		for i := range t.Data {
			t.Data[i] = byte(i * 37 % 2) // also a bool
		}
		f.Tensors = append(f.Tensors, t)
	}
	f.Tensors = append(f.Tensors, New("scalar.é", nil, []int64{1 << 40}), New("none", []int{0, 4}, []float32{}))
	return f
}

func TestWritePyTorchComesBack(t *testing.T) {
	for _, key := range []string{"state_dict", "model", ""} {
		path := filepath.Join(t.TempDir(), "m.pth")
		want := everyType()
		if err := WritePyTorch(path, want, key); err != nil {
			t.Fatal(err)
		}
		got, err := ImportPyTorch(context.Background(), path)
		if err != nil {
			t.Fatalf("key %q: %v", key, err)
		}
		if len(got.Tensors) != len(want.Tensors) {
			t.Fatalf("key %q: %d tensors, want %d", key, len(got.Tensors), len(want.Tensors))
		}
		for i, w := range want.Tensors {
			g := got.Tensors[i]
			if g.Name != w.Name || g.DType != w.DType || !bytes.Equal(g.Data, w.Data) || len(g.Shape) != len(w.Shape) || len(w.Shape) > 0 && !reflect.DeepEqual(g.Shape, w.Shape) {
				t.Errorf("key %q: read %s %s %v, wrote %s %s %v", key, g.Name, g.DType, g.Shape, w.Name, w.DType, w.Shape)
			}
		}
		if key != "" && !reflect.DeepEqual(got.Metadata, want.Metadata) {
			t.Errorf("key %q: metadata %v, want %v", key, got.Metadata, want.Metadata)
		}
	}
}

// TestWritePyTorchAligns reads the local headers: data that is not at a multiple
// of 64 cannot be mapped by every reader.
func TestWritePyTorchAligns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.pth")
	if err := WritePyTorch(path, everyType(), "state_dict"); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	members := 0
	for at := 0; bytes.HasPrefix(data[at:], []byte("PK\x03\x04")); members++ {
		size := int(binary.LittleEndian.Uint32(data[at+18:]))
		name, extra := int(binary.LittleEndian.Uint16(data[at+26:])), int(binary.LittleEndian.Uint16(data[at+28:]))
		start := at + 30 + name + extra
		if start%64 != 0 {
			t.Errorf("%s begins at %d", data[at+30:at+30+name], start)
		}
		at = start + size
	}
	if want := 3 + len(everyType().Tensors); members != want {
		t.Errorf("%d members, want %d", members, want)
	}
}

func TestWritePyTorchRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.pth")
	f := &File{Tensors: []Tensor{New("wide", []int{1}, []uint32{1})}}
	if err := WritePyTorch(path, f, ""); err == nil || !strings.Contains(err.Error(), "wide") {
		t.Errorf("a tensor of type U32: error %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a file was left")
	}
}

// TestTorchReadsIt asks PyTorch itself, where GRADGRAD_PYTHON names a Python that
// has it.
func TestTorchReadsIt(t *testing.T) {
	python := os.Getenv("GRADGRAD_PYTHON")
	if python == "" {
		t.Skip("GRADGRAD_PYTHON names no Python with torch")
	}
	path := filepath.Join(t.TempDir(), "m.pth")
	if err := WritePyTorch(path, everyType(), "state_dict"); err != nil {
		t.Fatal(err)
	}
	script := "import torch, sys\n" +
		"f = torch.load(sys.argv[1], weights_only=True, mmap=True)\n" +
		"for n, t in f['state_dict'].items(): print(n, t.dtype, list(t.shape), t.is_contiguous(), float(t.double().sum()))\n"
	out, err := exec.Command(python, "-c", script, path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"t.F32 torch.float32 [2, 3, 1] True", "t.BF16 torch.bfloat16 [2, 3, 1] True", "t.BOOL torch.bool [2, 3, 1] True 3.0",
		"t.U8 torch.uint8 [2, 3, 1] True 3.0", "scalar.é torch.int64 [] True 1099511627776.0", "none torch.float32 [0, 4] True 0.0"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("PyTorch read\n%s\nwant %q in it", out, want)
		}
	}
}
