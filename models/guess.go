package models

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"gradgrad/checkpoint"
)

// ErrUnknown is wrapped by the error of [Guess] when a checkpoint holds none of
// the known networks.
var ErrUnknown = errors.New("no known network")

// Guess tells which network a checkpoint holds: what [State] stored, or, for a
// bare PyTorch file, what the names and shapes of its tensors say. They do not say
// everything: a wide ResNet's dropout is 0 then, a DenseNet's reduction the usual.
func Guess(f *checkpoint.File) (Config, error) {
	if s, ok := f.Metadata[configKey]; ok {
		return stored(s)
	}
	k := keysOf(f)
	classes := 0
	for _, h := range heads {
		if s := k[h+".weight"]; len(s) == 2 {
			classes = s[0]
		}
	}
	if arch := k.arch(); arch != "" && classes > 0 {
		c := Config{Arch: arch, Classes: classes}
		if _, err := c.architecture(); err == nil {
			return c, nil
		}
	}
	return Config{}, fmt.Errorf("models: the checkpoint holds %w (it knows %s): name the architecture and check that the file is a state dict of it", ErrUnknown, strings.Join(Known(), ", "))
}

// stored reads the config of one of our checkpoints.
func stored(s string) (Config, error) {
	var c Config
	if err := json.Unmarshal([]byte(s), &c); err != nil {
		return Config{}, fmt.Errorf("models: the checkpoint's config %q cannot be read; the file is damaged or of another version: %w", s, err)
	}
	if _, err := c.architecture(); err != nil {
		return Config{}, fmt.Errorf("models: the checkpoint's config %q is not usable: %w", s, err)
	}
	return c, nil
}

// keys are the shapes of a file's tensors by name, in PyTorch's layout.
type keys map[string][]int

func keysOf(f *checkpoint.File) keys {
	k := keys{}
	for _, t := range f.Tensors {
		k[oldNorm.Replace(bare(t.Name))] = t.Shape
	}
	return k
}

// dim is axis i of a convolution's weight, 0 where there is none.
func (k keys) dim(name string, i int) int {
	if s := k[name]; len(s) == 4 {
		return s[i]
	}
	return 0
}

// run counts the names that pattern gives for first, first+1, ...
func (k keys) run(pattern string, first int) int {
	n := 0
	for k[fmt.Sprintf(pattern, first+n)] != nil {
		n++
	}
	return n
}

// arch names the architecture, "" when it is none of ours.
func (k keys) arch() string {
	n := k.run("block1.layer.%d.conv1.weight", 0)
	switch {
	case k.dim("features.conv0.weight", 2) == 7:
		if k.run("features.denseblock3.denselayer%d.conv1.weight", 1) == 24 && k.dim("features.denseblock1.denselayer1.conv2.weight", 0) == 32 {
			return "densenet121"
		}
	case k.dim("trans1.conv1.weight", 0) > 0 && k.dim("block1.layer.0.conv1.weight", 2) == 1:
		growth := k.dim("block1.layer.0.conv2.weight", 0)
		if n == 16 && growth == 12 {
			return "densenet101"
		}
		return fmt.Sprintf("densenet-%d-%d", 6*n+4, growth)
	case n > 0 && k.dim("block1.layer.0.conv1.weight", 2) == 3:
		return fmt.Sprintf("wrn-%d-%d", 6*n+4, k.dim("block1.layer.0.conv1.weight", 0)/16)
	case k.run("layer4.%d.conv1.weight", 0) == 2 && k.run("layer4.%d.conv3.weight", 0) == 0:
		if k.dim("conv1.weight", 2) == 7 {
			return "resnet18-imagenet"
		}
		return "resnet18"
	}
	return ""
}
