package models

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gradgrad/autograd"
	"gradgrad/checkpoint"
	"gradgrad/internal/testkit"
	"gradgrad/kernels"
	"gradgrad/layers"
)

func newModel(t *testing.T, cfg Config, dev kernels.Device, seed uint64) Model {
	t.Helper()
	m, err := New(cfg, dev, seed)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func stateOf(t *testing.T, m Model) *checkpoint.File {
	t.Helper()
	f, err := State(m)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// small are networks of every family that are quick to build.
var small = []Config{
	{Arch: "wrn-10-1", Classes: 3, Dropout: 0.25},
	{Arch: "resnet18", Classes: 3},
	{Arch: "resnet18-imagenet", Classes: 3},
	{Arch: "densenet-16-4", Classes: 3, Reduction: 0.6},
	{Arch: "densenet121", Classes: 3},
}

// TestRoundTrip writes every family to a file and reads it into a network with
// other weights, on the other device.
func TestRoundTrip(t *testing.T) {
	for _, cfg := range small {
		a := newModel(t, cfg, kernels.CPU, 1)
		for i, b := range a.Buffers() {
			if b.Value == nil {
				b.Count = int64(i)
			} else {
				kernels.CPU.Write(b.Value.Buffer(), []float32{float32(i)})
			}
		}
		path := filepath.Join(t.TempDir(), "m.safetensors")
		if err := checkpoint.Write(path, stateOf(t, a)); err != nil {
			t.Fatal(err)
		}
		f, err := checkpoint.Open(context.Background(), path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Guess(f)
		if err != nil || got != cfg {
			t.Fatalf("guessed %+v (%v), stored %+v", got, err, cfg)
		}
		b := newModel(t, got, kernels.CPU64, 2)
		if err := Load(b, f); err != nil {
			t.Fatal(err)
		}
		same(t, cfg.Arch, a, b)
	}
}

func same(t *testing.T, what string, a, b Model) {
	t.Helper()
	for i, x := range a.Entries() {
		y := b.Entries()[i]
		if v := valueOf(x); v == nil && x.Buffer.Count != y.Buffer.Count || v != nil && !slices.Equal(v.Float64s(), valueOf(y).Float64s()) {
			t.Errorf("%s: %s differs", what, x.Name())
		}
	}
}

// TestLayout writes one convolution by hand: PyTorch's [Cout, Cin, KH, KW].
func TestLayout(t *testing.T) {
	m := newModel(t, Config{Arch: "wrn-10-1", Classes: 2}, kernels.CPU, 1)
	f := stateOf(t, m)
	w, _ := f.Lookup("block2.layer.0.conv1.weight")
	if !slices.Equal(w.Shape, []int{32, 16, 3, 3}) {
		t.Fatalf("shape %v", w.Shape)
	}
	theirs, err := w.Float64s()
	if err != nil {
		t.Fatal(err)
	}
	ours := param(t, m, "block2.layer.0.conv1.weight")
	for o := range 32 {
		for i := range 16 {
			for y := range 3 {
				for x := range 3 {
					if a, b := theirs[((o*16+i)*3+y)*3+x], ours[((y*3+x)*16+i)*32+o]; a != b {
						t.Fatalf("out %d in %d row %d column %d: %v in the file, %v here", o, i, y, x, a, b)
					}
				}
			}
		}
	}
}

// TestOtherNames loads files with the names of other code bases and wrappers.
func TestOtherNames(t *testing.T) {
	for _, c := range []struct {
		arch   string
		rename *strings.Replacer
		prefix string
	}{
		{"densenet-16-4", strings.NewReplacer("fc.", "linear."), "module."},
		{"wrn-10-1", strings.NewReplacer("fc.", "classifier."), "module.resnet."},
		{"resnet18", strings.NewReplacer("shortcut", "downsample"), "resnet."},
		{"resnet18-imagenet", strings.NewReplacer("downsample", "shortcut"), ""},
		{"densenet121", strings.NewReplacer("denselayer1.norm1.", "denselayer1.norm.1.", "denselayer2.conv2.", "denselayer2.conv.2."), ""},
	} {
		cfg := Config{Arch: c.arch, Classes: 4}
		a, b := newModel(t, cfg, kernels.CPU, 1), newModel(t, cfg, kernels.CPU, 2)
		f := stateOf(t, a)
		f.Metadata = nil
		var kept []checkpoint.Tensor
		for _, x := range f.Tensors {
			x.Name = c.prefix + c.rename.Replace(x.Name)
			if !strings.HasSuffix(x.Name, "num_batches_tracked") { // as in old files
				kept = append(kept, x)
			}
		}
		f.Tensors = append(kept, checkpoint.New("optim.fc.bias.momentum", []int{4}, make([]float32, 4)))
		if got, err := Guess(f); err != nil || got != cfg {
			t.Errorf("%s renamed: guessed %+v, %v", c.arch, got, err)
		}
		if err := Load(b, f); err != nil {
			t.Errorf("%s renamed: %v", c.arch, err)
			continue
		}
		same(t, c.arch, a, b)
	}
}

// TestLoadRefuses changes a good file in every way that must not pass, and checks
// that the model stays as it was.
func TestLoadRefuses(t *testing.T) {
	cfg := Config{Arch: "wrn-10-1", Classes: 3}
	source := newModel(t, cfg, kernels.CPU, 1)
	rename := func(from, to string) func(*checkpoint.File) {
		return func(f *checkpoint.File) {
			x, _ := f.Lookup(from)
			x.Name = to
		}
	}
	for name, c := range map[string]struct {
		change func(*checkpoint.File)
		want   string
	}{
		"missing":    {func(f *checkpoint.File) { f.Tensors = f.Tensors[5:] }, "lacks conv1.weight, block1.layer.0.bn1.weight, block1.layer.0.bn1.bias and 2 more"},
		"unexpected": {func(f *checkpoint.File) { f.Tensors = append(f.Tensors, checkpoint.New("ema", nil, []float32{1})) }, "has unexpected ema"},
		"renamed":    {rename("bn1.weight", "bn9.weight"), "lacks bn1.weight; it has unexpected bn9.weight"},
		"twice": {func(f *checkpoint.File) {
			f.Tensors = append(f.Tensors, checkpoint.New("linear.bias", []int{3}, make([]float32, 3)))
		}, "fc.bias and linear.bias are both fc.bias"},
		"shape": {func(f *checkpoint.File) {
			x, _ := f.Lookup("bn1.bias")
			*x = checkpoint.New("bn1.bias", []int{8}, make([]float32, 8))
		}, "bn1.bias is [8], not [64]"},
		"type": {func(f *checkpoint.File) {
			x, _ := f.Lookup("bn1.bias")
			*x = checkpoint.New("bn1.bias", []int{64}, make([]int64, 64))
		}, "I64"},
		"counter": {func(f *checkpoint.File) {
			x, _ := f.Lookup("bn1.num_batches_tracked")
			*x = checkpoint.New(x.Name, []int{2}, make([]int64, 2))
		}, "not a single number"},
		"other network": {func(f *checkpoint.File) {
			*f = *stateOf(t, newModel(t, Config{Arch: "densenet-10-2", Classes: 3}, kernels.CPU, 1))
		}, "another architecture: it holds densenet-10-2 with 3 classes, not wrn-10-1"},
		"other width, bare": {func(f *checkpoint.File) {
			*f = *stateOf(t, newModel(t, Config{Arch: "wrn-10-2", Classes: 3}, kernels.CPU, 1))
			f.Metadata = nil
		}, "another architecture: it holds wrn-10-2"},
		"classes": {func(f *checkpoint.File) {
			*f = *stateOf(t, newModel(t, Config{Arch: "wrn-10-1", Classes: 7}, kernels.CPU, 1))
		}, "with 7 classes, not 3"},
	} {
		f := stateOf(t, source)
		c.change(f)
		m, before := newModel(t, cfg, kernels.CPU, 2), newModel(t, cfg, kernels.CPU, 2)
		if err := Load(m, f); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want something about %q", name, err, c.want)
		}
		same(t, name, m, before)
	}
}

func TestGuessRefuses(t *testing.T) {
	for name, f := range map[string]*checkpoint.File{
		"empty":   {},
		"other":   {Tensors: []checkpoint.Tensor{checkpoint.New("features.0.weight", []int{4, 3, 1, 1}, make([]float32, 12))}},
		"damaged": {Metadata: map[string]string{configKey: `{"arch": "wrn-40-2`}},
		"unknown": {Metadata: map[string]string{configKey: `{"arch": "vgg", "classes": 10}`}},
	} {
		if c, err := Guess(f); err == nil {
			t.Errorf("%s: guessed %+v", name, c)
		}
	}
}

// TestTorchOrder compares names, order and shapes with a list taken from the
// official checkpoint.
func TestTorchOrder(t *testing.T) {
	list, err := os.Open(testkit.Shared(t, "specs/checkpoint_keys_densenet_cifar10.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	f := stateOf(t, newModel(t, Config{Arch: "densenet101", Classes: 10}, kernels.CPU, 1))
	n := 0
	for s := bufio.NewScanner(list); s.Scan(); n++ {
		want := strings.Split(s.Text(), "\t")
		if n >= len(f.Tensors) {
			t.Fatalf("only %d tensors", n)
		}
		x := f.Tensors[n]
		shape := strings.ReplaceAll(fmt.Sprint(x.Shape), " ", ", ")
		dtype := map[checkpoint.DType]string{checkpoint.F32: "torch.float32", checkpoint.I64: "torch.int64"}[x.DType]
		if x.Name != want[0] || shape != want[1] || dtype != want[2] {
			t.Errorf("tensor %d is %s %s %s, want %v", n, x.Name, shape, dtype, want)
		}
	}
	if n != len(f.Tensors) {
		t.Errorf("%d tensors, want %d", len(f.Tensors), n)
	}
}

// TestTrainingStepChangesWhatItShould runs one forward and backward of every
// family: finite gradients for all parameters, statistics that moved.
func TestTrainingStep(t *testing.T) {
	for _, cfg := range small {
		m := newModel(t, cfg, kernels.CPU, 1)
		tape := autograd.NewTape(kernels.CPU)
		x := make([]float32, 2*32*32*3)
		for i := range x {
			x[i] = float32(i%17)/8 - 1
		}
		logits, features := m.Forward(layers.Training(tape, 1, 0), tape.New(x, 2, 32, 32, 3))
		if want := m.Head().Weight.Value.Dim(1); features.Dim(1) != want || logits.Dim(1) != cfg.Classes {
			t.Errorf("%s: %d features, %d logits", cfg.Arch, features.Dim(1), logits.Dim(1))
		}
		autograd.Backward(autograd.CrossEntropy(logits, tape.Labels([]int{0, 2}, cfg.Classes)), m.Params()...)
		for _, p := range m.Params() {
			if p.Grad() == nil {
				t.Fatalf("%s: %s has no gradient", cfg.Arch, p.Name)
			}
			for _, g := range p.Grad().Float32s() {
				if g-g != 0 {
					t.Fatalf("%s: gradient %v of %s", cfg.Arch, g, p.Name)
				}
			}
		}
		for _, b := range m.Buffers() {
			if b.Value == nil && b.Count != 1 {
				t.Errorf("%s: %s is %d", cfg.Arch, b.Name, b.Count)
			}
		}
	}
}
