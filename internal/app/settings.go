package app

import (
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gradgrad/datasets"
	"gradgrad/greg"
	"gradgrad/internal/cli"
	"gradgrad/internal/number"
	"gradgrad/kernels"
)

// setting is a flag that changes one field of a greg.Config.
type setting struct {
	name, usage string
	at          func(c *greg.Config) any // the field
}

// settingGroups are the flags of train by the group of its help text. Their
// defaults are the method's.
var settingGroups = []struct {
	title    string
	settings []setting
}{
	{"Length (defaults are those of the method)", []setting{
		{"epochs", "N: passes over the in-distribution set", func(c *greg.Config) any { return &c.Epochs }},
		{"max-steps", "N: end after so many steps, if that is earlier", func(c *greg.Config) any { return &c.MaxSteps }},
		{"batch", "N: in-distribution images in a step", func(c *greg.Config) any { return &c.Batch }},
		{"aux-batch", "N: auxiliary images in a step", func(c *greg.Config) any { return &c.AuxBatch }},
		{"with-replacement", "let an auxiliary image come more than once in a step where the set is smaller than -aux-batch, augmented anew each time", func(c *greg.Config) any { return &c.Replacement }},
		{"drop-last", "leave out an epoch's last, smaller batch", func(c *greg.Config) any { return &c.DropLast }},
	}},
	{"Loss: CE + lambda-s L_S + lambda-grad L_gradS, L_S being the method's outlier term", []setting{
		{"variant", "paper|code: reading of equation (3)", func(c *greg.Config) any { return &c.Loss.Variant }},
		{"lambda-s", "X: weight of the outlier term, such as equation (1)", func(c *greg.Config) any { return &c.Loss.LambdaS }},
		{"lambda-grad", "X: weight of the gradient term, equation (3)", func(c *greg.Config) any { return &c.Loss.LambdaGrad }},
		{"m-in", "E: energies of in-distribution images belong below it", func(c *greg.Config) any { return &c.Loss.MarginIn }},
		{"m-aux", "E: energies of auxiliary images belong above it", func(c *greg.Config) any { return &c.Loss.MarginAux }},
		{"grad-of", "energy|msp|loss: whose gradient is penalised; msp and loss are two readings of OE+Grad", func(c *greg.Config) any { return &c.Loss.GradOf }},
		{"grad-in", "P: with msp, in-distribution images count from this probability up", func(c *greg.Config) any { return &c.Loss.GradIn }},
		{"grad-aux", "P: with msp, auxiliary images count from this probability down", func(c *greg.Config) any { return &c.Loss.GradAux }},
		{"dual-rate", "X: let lambda-grad follow the gradient term at this rate, 0.1 in the authors' code (default 0: no)", func(c *greg.Config) any { return &c.DualRate }},
		{"dual-target", "X: the gradient term at which it rests, 0.01 in the authors' code", func(c *greg.Config) any { return &c.DualTarget }},
		{"alpha", "X: of balanced, how much the prior moves energies", func(c *greg.Config) any { return &c.Loss.Alpha }},
		{"gamma", "X: of balanced, power of the prior", func(c *greg.Config) any { return &c.Loss.Gamma }},
		{"prior", "P,...: of balanced, shares of the classes among outliers (default counted with the weights of -init)", func(c *greg.Config) any { return &c.Prior }},
		{"mix-at", "input|manifold: of openmix, where images are mixed; manifold is the default of the authors' code", func(c *greg.Config) any { return &c.Loss.MixAt }},
		{"mix-beta", "X: of openmix, shares are drawn from Beta(X, X)", func(c *greg.Config) any { return &c.Loss.MixBeta }},
	}},
	{"Choice of auxiliary images (sizes shrink in proportion where the set is smaller)", []setting{
		{"candidates", "N: images to choose among: of a step for greg+ and dos, else of an epoch", func(c *greg.Config) any { return &c.Sampling.Candidates }},
		{"candidates-per-epoch", "N: of greg+ and dos, images to choose among in an epoch, from which those of a step follow", func(c *greg.Config) any { return &c.Sampling.PerEpoch }},
		{"shard", "N: of methods that choose, candidates in memory at a time (default 128)", func(c *greg.Config) any { return &c.Sampling.Shard }},
		{"clusters", "N: of greg+ and dos, k of k-means", func(c *greg.Config) any { return &c.Sampling.Clusters }},
		{"restarts", "N: of greg+ and dos, runs of k-means", func(c *greg.Config) any { return &c.Sampling.Restarts }},
		{"represent", "NAME: what is clustered: " + strings.Join(greg.Representations(), ", "), func(c *greg.Config) any { return &c.Sampling.Represent }},
		{"two-way", "take the highest of every cluster as well as the lowest", func(c *greg.Config) any { return &c.Sampling.TwoWay }},
		{"rank-from", "N: of greg+ and dos, leave out so many of the lowest candidates", func(c *greg.Config) any { return &c.Sampling.From }},
		{"rank-to", "N: of greg+ and dos, and those from this rank on; 0 for none", func(c *greg.Config) any { return &c.Sampling.To }},
		{"keep", "N: of ntom and poem, images chosen for an epoch", func(c *greg.Config) any { return &c.Sampling.Keep }},
		{"pool-from", "N: of ntom and poem, a pool that is not the whole set begins at image N or later", func(c *greg.Config) any { return &c.Sampling.FirstFrom }},
		{"skip", "X: of ntom, share of the hardest candidates that is left out", func(c *greg.Config) any { return &c.Sampling.Skip }},
		{"conf", "X: of poem, distance of the targets from zero", func(c *greg.Config) any { return &c.Sampling.Conf }},
		{"sigma", "X: of poem, variance of the prior", func(c *greg.Config) any { return &c.Sampling.Sigma }},
		{"noise", "X: of poem, variance of the noise", func(c *greg.Config) any { return &c.Sampling.Noise }},
		{"window", "N: of poem, epochs whose outliers the posterior knows", func(c *greg.Config) any { return &c.Sampling.Window }},
		{"aux-order", "shuffle|offset|file: of methods that do not choose; offset as in the code of OE and Energy, file as in that of balanced", func(c *greg.Config) any { return &c.AuxOrder }},
		{"aux-first", "N: use the first N auxiliary images only (30000 in the code of balanced)", func(c *greg.Config) any { return &c.AuxFirst }},
	}},
	{"Optimiser", []setting{
		{"optimizer", "sgd|adam: method", func(c *greg.Config) any { return &c.Optimizer }},
		{"lr", "X: learning rate", func(c *greg.Config) any { return &c.LR }},
		{"min-lr", "X: learning rate at the end of the cosine", func(c *greg.Config) any { return &c.MinLR }},
		{"schedule", "NAME: of the learning rate: cosine, multistep or constant", func(c *greg.Config) any { return &c.Schedule }},
		{"milestones", "X,...: shares of the run at which multistep divides by ten, such as 0.5,0.75,0.9", func(c *greg.Config) any { return &c.Milestones }},
		{"warmup", "N: steps of linear warm-up", func(c *greg.Config) any { return &c.Warmup }},
		{"first-step", "0|1: the schedule's step at the first update", func(c *greg.Config) any { return &c.FirstStep }},
		{"momentum", "X: of SGD", func(c *greg.Config) any { return &c.Momentum }},
		{"nesterov", "Nesterov's momentum", func(c *greg.Config) any { return &c.Nesterov }},
		{"weight-decay", "X: on all parameters", func(c *greg.Config) any { return &c.Decay }},
		{"clip-norm", "X: largest norm of the whole gradient, 0 for any", func(c *greg.Config) any { return &c.ClipNorm }},
	}},
	{"Network and images", []setting{
		{"dropout", "P: probability of dropout in wide ResNets", func(c *greg.Config) any { return &c.Model.Dropout }},
		{"reduction", "X: share of channels that transitions of densenet-DEPTH-K keep", func(c *greg.Config) any { return &c.Model.Reduction }},
		{"stat-updates", "N: updates of the running statistics in a step, 2 as in the authors' code", func(c *greg.Config) any { return &c.StatUpdates }},
		{"augment", "NAME: of in-distribution images: none, flip-crop, crop-flip, crop-flip-jitter (of poem) or resized-crop (of ImageNet)", func(c *greg.Config) any { return &c.AugmentID }},
		{"augment-aux", "NAME: of auxiliary images: none, flip-crop, crop-flip, crop-flip-jitter or resized-crop", func(c *greg.Config) any { return &c.AugmentAux }},
		{"conv", "NAME: how 3x3 convolutions are computed: " + strings.Join(kernels.ConvAlgorithms(), ", ") + "; direct and winograd2 round less", func(c *greg.Config) any { return &c.Conv }},
		{"recompute", "compute blocks again for derivatives instead of keeping what they compute: less memory, more time, the same bits", func(c *greg.Config) any { return &c.Recompute }},
		{"seed", "N: of weights, order of images, augmentation, dropout", func(c *greg.Config) any { return &c.Seed }},
	}},
}

// settings are the values of those flags that the user gave, in order.
type settings struct{ given []*settingFlag }

// define adds the flags to a verb.
func (s *settings) define(f *cli.Flags) {
	for _, g := range settingGroups {
		f.Group(g.title)
		for _, one := range g.settings {
			f.Var(&settingFlag{setting: one, all: s}, one.name, one.usage)
		}
	}
}

// apply changes a config to what the flags say.
func (s *settings) apply(c *greg.Config) {
	for _, g := range s.given {
		parseField(g.at(c), g.text) // succeeded once already
	}
	chosen := func(name string) bool {
		return slices.ContainsFunc(s.given, func(g *settingFlag) bool { return g.name == name })
	}
	if chosen("candidates") && !chosen("candidates-per-epoch") {
		c.Sampling.PerEpoch = 0
	}
	if chosen("lr") && !chosen("min-lr") && c.LR >= 0 {
		c.MinLR = min(c.MinLR, c.LR) // the default is for the default
	}
}

// contradictions names the flags that say otherwise than a config.
func (s *settings) contradictions(c greg.Config) (names []string) {
	for _, g := range s.given {
		changed := c
		parseField(g.at(&changed), g.text)
		was, _ := json.Marshal(c)
		if is, _ := json.Marshal(changed); string(is) != string(was) {
			names = append(names, "-"+g.name+" "+g.text)
		}
	}
	return names
}

// settingFlag is one of the flags.
type settingFlag struct {
	setting
	all  *settings
	text string
}

func (s *settingFlag) String() string { return s.text }

// IsBoolFlag lets -nesterov stand for -nesterov=true.
func (s *settingFlag) IsBoolFlag() bool {
	if s.at == nil {
		return false // package flag asks the zero value
	}
	_, is := s.at(new(greg.Config)).(*bool)
	return is
}

// Set implements flag.Value: it checks the text and remembers it.
func (s *settingFlag) Set(text string) error {
	if err := parseField(s.at(new(greg.Config)), text); err != nil {
		return err
	}
	s.text = text
	if !slices.Contains(s.all.given, s) {
		s.all.given = append(s.all.given, s)
	}
	return nil
}

var _ flag.Value = (*settingFlag)(nil)

// augmentations are what -augment takes.
var augmentations = map[string]func() *datasets.Augment{
	"none":             func() *datasets.Augment { return nil },
	"flip-crop":        datasets.FlipThenCrop,
	"crop-flip":        datasets.CropThenFlip,
	"crop-flip-jitter": datasets.CropFlipJitter,
	"resized-crop":     datasets.RandomResizedCrop,
}

// parseField gives a field the value that text says.
func parseField(field any, text string) (err error) {
	switch p := field.(type) {
	case *int:
		*p, err = strconv.Atoi(text)
	case *uint64:
		*p, err = strconv.ParseUint(text, 10, 64)
	case *float64:
		*p, err = number.Parse(text)
		return err
	case *bool:
		*p, err = strconv.ParseBool(text)
	case *string:
		*p = text
	case *kernels.ConvAlgorithm:
		if *p, err = kernels.ParseConvAlgorithm(text); err != nil {
			return fmt.Errorf("it must be one of %s", strings.Join(kernels.ConvAlgorithms(), ", "))
		}
	case *greg.Variant:
		if *p = greg.Variant(text); *p != greg.Paper && *p != greg.Code {
			return fmt.Errorf("it must be %s or %s", greg.Paper, greg.Code)
		}
	case *greg.MixAt:
		*p = greg.MixAt(text)
		if text == "input" {
			*p = greg.MixImages
		}
		if *p != greg.MixImages && *p != greg.MixManifold {
			return fmt.Errorf("it must be input or %s", greg.MixManifold)
		}
	case *greg.GradOf:
		*p = greg.GradOf(text)
		if text == "energy" {
			*p = greg.GradEnergy
		}
		if *p != greg.GradEnergy && *p != greg.GradMSP && *p != greg.GradLoss {
			return fmt.Errorf("it must be energy, %s or %s", greg.GradMSP, greg.GradLoss)
		}
	case *[]float64:
		*p = nil // never the memory of another config
		for _, part := range strings.Split(text, ",") {
			x, err := number.Parse(strings.TrimSpace(part))
			if err != nil {
				return err
			}
			*p = append(*p, x)
		}
	case **datasets.Augment:
		make, ok := augmentations[text]
		if !ok {
			return fmt.Errorf("it must be none, flip-crop, crop-flip, crop-flip-jitter or resized-crop")
		}
		*p = make()
	default:
		panic(fmt.Sprintf("no flag can set a %T", field))
	}
	if err != nil {
		return fmt.Errorf("%q is not a value of its kind", text)
	}
	return nil
}
