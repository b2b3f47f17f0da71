package app

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
	preset, err := t.x.Preset(*t.method, 100)
	if err != nil {
		return cli.AsWrong(err)
	}
	preset.SetNetwork(models.Config{Arch: *t.arch})
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
	case *t.newHead && *t.init == "":
		return cli.Wrong("-new-head leaves out the last layer of -init, which is missing")
	case *t.classes != "" && *t.aux == "":
		return cli.Wrong("-aux-classes chooses classes of -aux, which is missing")
	case *t.normalize != "" && !slices.Contains(datasets.PresetNames(), *t.normalize):
		return cli.Wrong("-normalize %s: it must be one of %s", *t.normalize, strings.Join(datasets.PresetNames(), ", "))
	case c.Loss.Outliers == greg.Balanced && len(c.Prior) == 0 && *t.init == "":
		return cli.Wrong("the method %s counts classes with the weights that it begins with: name trained ones with -init, or give -prior", c.Method)
	case *t.gradEvery < 0:
		return cli.Wrong("-grad-every %d: a number of steps is wanted, or 0 for never", *t.gradEvery)
	case *t.gradEvery > 0 && !c.Loss.Measurable():
		return cli.Wrong("-grad-every %d: the method %s has no outliers with energy margins, and equation (3) needs both; leave it out", *t.gradEvery, c.Method)
	case *t.arch == "":
		return nil
	}
	return CheckNetwork(c.Model)
}

// smallSide is a size of images, in pixels, that every network can read.
const smallSide = 32

// numbered are names of architectures with numbers in them.
var numbered = regexp.MustCompile(`^(wrn|densenet)-\d+-\d+$`)

// CheckNetwork returns an error of wrong flags for a network that cannot be made.
func CheckNetwork(c models.Config) error {
	_, err := models.MultiplyAdds(c, smallSide)
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
			lacks = unless(preset.Loss.LambdaS != 0, "method "+c.Method, "an outlier term (L_S)")
		case "lambda-grad", "variant":
			lacks = unless(preset.Loss.LambdaGrad != 0, "method "+c.Method, "a gradient term (L_gradS)")
		case "m-in", "m-aux":
			lacks = unless(c.Loss.UsesMargins(), "method "+c.Method, "energy margins")
		case "aux-batch", "augment-aux":
			lacks = unless(preset.Loss.NeedsAux(), "method "+c.Method, "auxiliary outliers")
		case "milestones":
			lacks = unless(c.Schedule == "multistep", "schedule "+c.Schedule, "milestones (-schedule multistep has)")
		case "min-lr", "first-step":
			lacks = unless(c.Schedule == "cosine", "schedule "+c.Schedule, "such a setting (-schedule cosine has)")
		case "momentum", "nesterov":
			lacks = unless(c.Optimizer != "adam", "optimiser "+c.Optimizer, "such a setting (-optimizer sgd has)")
		default:
			lacks = s.lacksTerm(g.name, preset, c)
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

// lacksTerm looks at the settings of outlier terms and of the choice of images.
func (s *settings) lacksTerm(name string, preset, c greg.Config) string {
	method := "method " + c.Method
	switch name {
	case "grad-of":
		return unless(preset.Loss.LambdaGrad != 0, method, "a gradient term (L_gradS)")
	case "dual-rate", "dual-target":
		return unless(preset.Loss.LambdaGrad != 0 && c.DualRate != 0, method, "a weight that follows its gradient term (-dual-rate makes it)")
	case "grad-in", "grad-aux":
		return unless(preset.Loss.LambdaGrad != 0 && c.Loss.GradOf == greg.GradMSP, method, "probabilities in its gradient term (-grad-of msp has)")
	case "alpha", "gamma", "prior":
		return unless(c.Loss.Outliers == greg.Balanced, method, "a prior (balanced has)")
	case "mix-beta", "mix-at":
		return unless(c.Loss.Outliers == greg.Mixed, method, "mixed images (openmix has)")
	case "candidates", "shard":
		return unless(preset.Sampling.Sampler != "", method, "candidates (greg+, dos, ntom and poem have)")
	case "candidates-per-epoch", "clusters", "restarts", "represent", "two-way", "rank-from", "rank-to":
		return unless(preset.Sampling.Sampler == greg.SampleClusters, method, "clusters (greg+ and dos have)")
	case "keep", "pool-from":
		return unless(preset.Sampling.Keep > 0, method, "a choice for an epoch (ntom and poem have)")
	case "skip":
		return unless(preset.Sampling.Sampler == greg.SampleRanks, method, "a share to leave out (ntom has)")
	case "conf", "sigma", "noise", "window":
		return unless(preset.Sampling.Sampler == greg.SamplePosterior, method, "a posterior (poem has)")
	case "aux-order":
		return unless(preset.Loss.NeedsAux() && preset.Sampling.Sampler == "", method, "an order of reading")
	case "aux-first", "with-replacement":
		return unless(preset.Loss.NeedsAux(), method, "auxiliary outliers")
	}
	return ""
}
