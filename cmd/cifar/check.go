package main

import (
	"regexp"
	"slices"
	"strings"

	"gradgrad/datasets"
	"gradgrad/greg"
	"gradgrad/internal/cli"
	"gradgrad/models"
)

// check looks at the flags of a new run before any file is read.
func (t *trainFlags) check() error {
	if *t.id == "" {
		return cli.Wrong("-id is needed: the in-distribution set")
	}
	// Margins may be checked only once the number of classes is known: until
	// then they are those of 100, which are the widest.
	preset, err := greg.Preset(*t.method, 100)
	if err != nil {
		return cli.AsWrong(err)
	}
	c := preset
	t.settings.apply(&c)
	if err := t.settings.idle(preset, c); err != nil {
		return err
	}
	if err := c.Check(); err != nil {
		return cli.AsWrong(err)
	}
	switch {
	case c.Loss.NeedsAux() && *t.aux == "":
		return cli.Wrong("the method %s needs auxiliary outliers: name a set with -aux", c.Method)
	case !c.Loss.NeedsAux() && *t.aux != "":
		return cli.Wrong("the method %s uses no auxiliary outliers: leave -aux out, or choose another -method", c.Method)
	case *t.classes != "" && *t.aux == "":
		return cli.Wrong("-aux-classes chooses classes of -aux, which is missing")
	case *t.normalize != "" && !slices.Contains(datasets.PresetNames(), *t.normalize):
		return cli.Wrong("-normalize %s: it must be one of %s", *t.normalize, strings.Join(datasets.PresetNames(), ", "))
	case *t.arch == "":
		return nil
	}
	c.Model.Arch = *t.arch
	return checkNetwork(c.Model)
}

// numbered are names of architectures with numbers in them.
var numbered = regexp.MustCompile(`^(wrn|densenet)-\d+-\d+$`)

// checkNetwork returns an error of wrong flags for a network that cannot be made.
func checkNetwork(c models.Config) error {
	_, err := models.MultiplyAdds(c, benchSide)
	if err != nil && numbered.MatchString(c.Arch) && strings.Contains(err.Error(), "no architecture") {
		return cli.Wrong("-arch %s: its numbers are out of range: depth and width are such as in wrn-16-1, wrn-40-2 or densenet-40-12", c.Arch)
	}
	return cli.AsWrong(err)
}

// idle returns an error for a flag that would have no effect on a run, or would
// turn the method into another one. preset is the method, c what the flags make
// of it.
func (s *settings) idle(preset, c greg.Config) error {
	for _, g := range s.given {
		lacks := ""
		switch g.name {
		case "lambda-s":
			lacks = unless(preset.Loss.LambdaS != 0, "method "+c.Method, "an energy term (L_S)")
		case "lambda-grad", "variant":
			lacks = unless(preset.Loss.LambdaGrad != 0, "method "+c.Method, "a gradient term (L_gradS)")
		case "m-in", "m-aux":
			lacks = unless(preset.Loss.NeedsAux(), "method "+c.Method, "energy margins")
		case "aux-batch", "augment-aux":
			lacks = unless(preset.Loss.NeedsAux(), "method "+c.Method, "auxiliary outliers")
		case "milestones":
			lacks = unless(c.Schedule == "multistep", "schedule "+c.Schedule, "milestones (-schedule multistep has)")
		case "min-lr", "first-step":
			lacks = unless(c.Schedule == "cosine", "schedule "+c.Schedule, "such a setting (-schedule cosine has)")
		case "momentum", "nesterov":
			lacks = unless(c.Optimizer != "adam", "optimiser "+c.Optimizer, "such a setting (-optimizer sgd has)")
		}
		if lacks != "" {
			return cli.Wrong("-%s %s would do nothing: %s; leave it out", g.name, g.text, lacks)
		}
	}
	return nil
}

func unless(has bool, who, what string) string {
	if has {
		return ""
	}
	return "the " + who + " does not have " + what
}
