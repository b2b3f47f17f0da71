package models

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"gradgrad/layers"
)

// Config determines a network but for its weights. It is stored in checkpoints
// as JSON.
type Config struct {
	// Arch is the name of the architecture, such as "wrn-40-2"; see the package
	// documentation. Depth and width are part of the name.
	Arch string `json:"arch"`
	// Classes is the number of logits.
	Classes int `json:"classes"`
	// Reject says that the last of the logits stands for "none of the classes", as
	// in DOS, NTOM and OpenMix.
	Reject bool `json:"reject,omitempty"`
	// Dropout is the probability of the dropout between the convolutions of a wide
	// ResNet's blocks; 0 for none. Other networks have none.
	Dropout float64 `json:"dropout,omitempty"`
	// Reduction is the share of channels that a transition of densenet-DEPTH-K
	// keeps; 0 means 0.5.
	Reduction float64 `json:"reduction,omitempty"`
}

// Answers is the number of classes that the network can tell apart: its logits
// but for one that rejects.
func (c Config) Answers() int {
	if c.Reject {
		return c.Classes - 1
	}
	return c.Classes
}

// Known lists the names of architectures; capitals stand for numbers.
func Known() []string {
	return []string{"wrn-D-K", "resnet18", "resnet18-imagenet", "densenet101", "densenet-DEPTH-K", "densenet121"}
}

// architecture is a config understood: how to build the body, and the name of
// the head.
type architecture struct {
	head string
	body func(b *layers.Builder) (body, int)
}

var (
	wrnName      = regexp.MustCompile(`^wrn-([1-9]\d{0,3})-([1-9]\d?)$`)
	denseNetName = regexp.MustCompile(`^densenet-([1-9]\d{0,3})-([1-9]\d{0,2})$`)
)

func (c Config) architecture() (architecture, error) {
	if err := c.check(); err != nil {
		return architecture{}, err
	}
	switch c.Arch {
	case "resnet18":
		return architecture{"fc", resNet18}, nil
	case "resnet18-imagenet":
		return architecture{"fc", resNet18ImageNet}, nil
	case "densenet101":
		return c.denseNet(100, 12)
	case "densenet121":
		return architecture{"classifier", denseNet121}, nil
	}
	if d, k, ok := numbers(wrnName, c.Arch); ok {
		if d < 10 || (d-4)%6 != 0 {
			return architecture{}, fmt.Errorf("models: %s: the depth of a wide ResNet is 6n+4, such as 10, 16, 28 or 40", c.Arch)
		}
		return architecture{"fc", func(b *layers.Builder) (body, int) { return wideResNet(b, d, k, c.Dropout) }}, nil
	}
	if d, k, ok := numbers(denseNetName, c.Arch); ok {
		return c.denseNet(d, k)
	}
	return architecture{}, fmt.Errorf("models: no architecture is called %q: choose one of %s", c.Arch, strings.Join(Known(), ", "))
}

func (c Config) denseNet(depth, growth int) (architecture, error) {
	if denseLayers(depth) < 1 {
		return architecture{}, fmt.Errorf("models: %s: the depth of a DenseNet-BC is at least 10 (6n+4 for n layers in a block)", c.Arch)
	}
	reduction := c.Reduction
	if reduction == 0 {
		reduction = 0.5
	}
	return architecture{"fc", func(b *layers.Builder) (body, int) { return denseNet(b, depth, growth, reduction) }}, nil
}

// check looks at the numbers of a config.
func (c Config) check() error {
	switch {
	case c.Classes < 1:
		return fmt.Errorf("models: %s with %d classes: a classifier has at least 1", c.Arch, c.Classes)
	case c.Answers() < 1:
		return fmt.Errorf("models: %s with %d outputs of which the last rejects: there must be a class beside it", c.Arch, c.Classes)
	case !(c.Dropout >= 0 && c.Dropout < 1):
		return fmt.Errorf("models: %s with dropout %g: a probability from 0 to below 1 is wanted", c.Arch, c.Dropout)
	case c.Dropout > 0 && !wrnName.MatchString(c.Arch):
		return fmt.Errorf("models: dropout %g: only wide ResNets (wrn-D-K) have dropout; leave it at 0 for %s", c.Dropout, c.Arch)
	case !(c.Reduction >= 0 && c.Reduction <= 1):
		return fmt.Errorf("models: %s with reduction %g: a share of channels above 0, up to 1, is wanted", c.Arch, c.Reduction)
	case c.Reduction > 0 && !denseNetName.MatchString(c.Arch):
		return fmt.Errorf("models: reduction %g: only densenet-DEPTH-K has it as a parameter; leave it at 0 for %s", c.Reduction, c.Arch)
	}
	return nil
}

// numbers reads the two numbers of a name.
func numbers(pattern *regexp.Regexp, name string) (a, b int, ok bool) {
	m := pattern.FindStringSubmatch(name)
	if m == nil {
		return 0, 0, false
	}
	a, _ = strconv.Atoi(m[1]) // digits only, and few
	b, _ = strconv.Atoi(m[2])
	return a, b, true
}
