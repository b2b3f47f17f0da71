package models

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"

	"gradgrad/checkpoint"
	"gradgrad/kernels"
)

// TestNamingsComeBack writes every network under every convention as a PyTorch
// file, guesses what it is, and loads it into other weights.
func TestNamingsComeBack(t *testing.T) {
	for _, arch := range []string{"wrn-10-1", "resnet18", "resnet18-imagenet", "densenet-10-4", "densenet121"} {
		cfg := Config{Arch: arch, Classes: 3}
		var states [2]*checkpoint.File // in turns, so that every load changes the weights
		var m Model
		for i := range states {
			var err error
			if m, err = New(cfg, kernels.CPU, uint64(i)); err != nil {
				t.Fatal(err)
			}
			states[i] = stateOf(t, m)
		}
		large := ParamCount(m) > 1e6
		for i, n := range Namings() {
			want := states[i%2]
			if large && n.Name != "greg" && n.Name != "torchvision-old" {
				continue // slow, and no other convention touches their names
			}
			path := filepath.Join(t.TempDir(), "m.pth")
			if err := checkpoint.WritePyTorch(path, Rename(want, n), n.Key); err != nil {
				t.Fatal(err)
			}
			f, err := checkpoint.Open(context.Background(), path)
			if err != nil {
				t.Fatal(err)
			}
			f.Metadata = nil // a bare file
			guessed, err := Guess(f)
			if err != nil || guessed.Classes != 3 || guessed.Arch != arch {
				t.Errorf("%s as %s: guessed %+v, %v", arch, n.Name, guessed, err)
			}
			if err := Load(m, f); err != nil {
				t.Errorf("%s as %s: %v", arch, n.Name, err)
				continue
			}
			for i, got := range stateOf(t, m).Tensors {
				if !bytes.Equal(got.Data, want.Tensors[i].Data) {
					t.Errorf("%s as %s: %s is another", arch, n.Name, got.Name)
				}
			}
		}
	}
}

// TestNames looks at the names that differ between repositories.
func TestNames(t *testing.T) {
	states := map[string]*checkpoint.File{}
	for _, x := range []struct{ naming, arch, has, hasNot string }{
		{"greg", "densenet-10-4", "linear.weight", "fc.weight"},
		{"dice", "densenet-10-4", "fc.weight", "linear.weight"},
		{"greg", "resnet18", "layer2.0.shortcut.0.weight", "layer2.0.downsample.0.weight"},
		{"greg", "resnet18", "fc.weight", "linear.weight"},
		{"torchvision", "resnet18", "layer2.0.downsample.1.running_mean", "layer2.0.shortcut.1.running_mean"},
		{"openood", "resnet18-imagenet", "layer2.0.shortcut.0.weight", "layer2.0.downsample.0.weight"},
		{"torchvision", "densenet121", "features.denseblock2.denselayer12.norm2.weight", "features.denseblock2.denselayer12.norm.2.weight"},
		{"torchvision-old", "densenet121", "features.denseblock2.denselayer12.norm.2.weight", "features.denseblock2.denselayer12.norm2.weight"},
		{"torchvision-old", "densenet121", "features.denseblock1.denselayer1.conv.1.weight", "features.denseblock1.denselayer1.conv1.weight"},
		{"torchvision-old", "densenet121", "classifier.weight", "fc.weight"},
		{"energy", "wrn-10-1", "fc.bias", "linear.bias"},
	} {
		if states[x.arch] == nil {
			m, err := New(Config{Arch: x.arch, Classes: 3}, kernels.CPU, 1)
			if err != nil {
				t.Fatal(err)
			}
			states[x.arch] = stateOf(t, m)
		}
		n, err := FindNaming(x.naming)
		if err != nil {
			t.Fatal(err)
		}
		f := Rename(states[x.arch], n)
		if _, ok := f.Lookup(x.has); !ok {
			t.Errorf("%s as %s lacks %s", x.arch, x.naming, x.has)
		}
		if _, ok := f.Lookup(x.hasNot); ok {
			t.Errorf("%s as %s has %s", x.arch, x.naming, x.hasNot)
		}
	}
	if _, err := FindNaming("nobody"); err == nil || !strings.Contains(err.Error(), "torchvision-old") {
		t.Errorf("an unknown convention: %v", err)
	}
}
