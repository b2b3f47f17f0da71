package app

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"

	"gradgrad/datasets"
	"gradgrad/internal/cli"
	"gradgrad/internal/sweep"
)

// epochs knows how many epochs runs have.
type epochs struct {
	x       *Experiment
	count   func(spec string) (int, error) // the classes of a set
	classes map[string]int                 // by spec, of the sets that were opened
}

func (s *sweepFlags) newEpochs(ctx context.Context, env *cli.Env) *epochs {
	count := func(spec string) (int, error) {
		sets := s.x.Sets
		sets.Data, sets.SkipBad = *s.data, *s.skipBad
		set, _, err := sets.Open(ctx, env, spec, cli.Want{Train: true, Size: s.x.size()})
		if err != nil {
			return 0, err
		}
		return len(set.Classes()), nil
	}
	return &epochs{x: s.x, count: count, classes: map[string]int{}}
}

// of is the number of epochs of a run: its own or else those of its method, which may
// depend on the number of classes. Sets are opened only where it does and their names
// do not tell.
func (e *epochs) of(train sweep.Flags) (int, error) {
	if text, given := train["epochs"]; given {
		return strconv.Atoi(text)
	}
	method, id := cmp.Or(train["method"], defaultMethod), train["id"]
	few, err := e.x.Preset(method, 10)
	if err != nil {
		return 0, err
	}
	many, err := e.x.Preset(method, 100)
	if err != nil || few.Epochs == many.Epochs {
		return few.Epochs, err
	}
	n, err := e.classesOf(id)
	if err != nil {
		return 0, fmt.Errorf("method %s has %d epochs for few classes and %d for many, and how many the set %q has is not known (%w): say epochs in the file", method, few.Epochs, many.Epochs, id, err)
	}
	c, err := e.x.Preset(method, n)
	return c.Epochs, err
}

// classesOf is the number of classes of a set.
func (e *epochs) classesOf(spec string) (int, error) {
	if n := officialClasses(spec); n > 0 {
		return n, nil
	}
	if n, known := e.classes[spec]; known {
		return n, nil
	}
	n, err := e.count(spec)
	if err != nil {
		if n = officialClasses(datasets.NameOf(spec)); n == 0 {
			return 0, err
		}
	}
	e.classes[spec] = n
	return n, nil
}

// officialClasses is the number of classes of a published set, 0 for another.
func officialClasses(name string) int {
	switch name {
	case "cifar10", "svhn":
		return 10
	case "cifar100":
		return 100
	}
	for _, k := range datasets.KnownSets() {
		if k.Name == name && strings.HasPrefix(name, "imagenet") {
			return k.Test / 50
		}
	}
	return 0
}
