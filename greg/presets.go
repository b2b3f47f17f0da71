package greg

import (
	"fmt"
	"slices"
	"strings"

	"gradgrad/datasets"
	"gradgrad/models"
)

// presets are the methods by name; each changes the common settings. classes is
// the number of in-distribution classes.
var presets = []struct {
	name, about string
	set         func(c *Config, classes int)
}{
	{"ce", "cross-entropy from scratch: SGD, learning rate 0.1, cosine", func(c *Config, _ int) {
		c.Epochs, c.LR, c.Loss, c.AuxBatch = 100, 0.1, Loss{Variant: Paper}, 0
	}},
	{"oe", "outlier exposure fine-tuning (arXiv:1812.04606); from scratch: -epochs 100 -lr 0.1", func(c *Config, _ int) {
		fineTuning(c)
		c.Loss = Loss{Outliers: Uniform, LambdaS: 0.5, Variant: Paper}
	}},
	{"oe-grad", "OE with the gradient norm of its score, the largest probability", func(c *Config, classes int) {
		fineTuning(c)
		c.Loss = Loss{Outliers: Uniform, LambdaS: 0.5, LambdaGrad: 1, Variant: Paper, GradOf: GradMSP, GradIn: 0.9, GradAux: 2 / float64(classes)}
	}},
	{"energy", "Energy fine-tuning (arXiv:2010.03759): equation (1) alone", func(c *Config, _ int) {
		fineTuning(c)
		c.Loss.LambdaGrad = 0
	}},
	{"balanced", "Balanced Energy fine-tuning (arXiv:2306.10485)", func(c *Config, classes int) {
		fineTuning(c)
		c.Epochs = 20
		c.Loss.Outliers, c.Loss.LambdaGrad, c.Loss.Alpha, c.Loss.Gamma = Balanced, 0, 10, 0.05
		if classes >= 100 {
			c.Loss.Alpha, c.Loss.Gamma = 100, 0.005
		}
	}},
	{"poem", "POEM (arXiv:2206.13687) from scratch: outliers near a sampled boundary", poem},
	{"poem-grad", "POEM with equation (3)", func(c *Config, classes int) {
		poem(c, classes)
		c.Loss.LambdaGrad = 1
	}},
	{"openmix", "OpenMix (arXiv:2303.17093) from scratch: images mixed with outliers, one output more", func(c *Config, _ int) {
		scratch(c)
		c.Epochs, c.Milestones, c.Nesterov, c.Decay = 200, []float64{0.5, 0.75}, false, 5e-4
		c.Batch, c.AuxBatch, c.Model.Reject = 128, 128, true
		c.Loss = Loss{Outliers: Mixed, LambdaS: 1, MixBeta: 10, Variant: Paper}
		c.AugmentID, c.DropLast = datasets.CropThenFlip(), false
	}},
	{"ntom", "NTOM (arXiv:2006.15207) from scratch: hard outliers by rank, one output more", func(c *Config, _ int) {
		scratch(c)
		absent(c)
		c.AuxBatch, c.AugmentID, c.DropLast = 128, datasets.CropThenFlip(), false
		c.Sampling = Sampling{Sampler: SampleRanks, Candidates: 400000, Skip: 0.125, Keep: 100000}
	}},
	{"dos", "DOS (arXiv:2306.02031) from scratch: the hardest outlier of every cluster, one output more", func(c *Config, _ int) {
		scratch(c)
		absent(c)
		c.Sampling = clusters(5, false)
	}},
	{"dos-greg", "DOS as GReg's code runs it: ranks 16 to 384, 3 restarts, Adam", func(c *Config, _ int) {
		scratch(c)
		absent(c)
		asCommitted(c)
		c.Sampling = clusters(3, false)
		c.Sampling.From = 16
	}},
	{"greg", "GReg (arXiv:2404.12368): equations (1) and (3), as printed", func(*Config, int) {}},
	{"greg-code", "GReg as the authors' code computes it", func(c *Config, _ int) {
		c.Loss.Variant, c.Loss.MarginIn, c.Loss.MarginAux, c.StatUpdates = Code, -25, -7, 2
	}},
	{"greg+", "GReg+ from scratch: GReg on the outliers that Algorithm 1 chooses", gregPlus},
	{"greg+-code", "GReg+ as the authors' code computes it, with Adam", func(c *Config, classes int) {
		gregPlus(c, classes)
		asCommitted(c)
		c.Loss.Variant, c.Loss.MarginIn, c.Loss.MarginAux = Code, -25, -7
	}},
	{"energy-cluster", "energy-only clustering: GReg+ without the gradient term", func(c *Config, classes int) {
		gregPlus(c, classes)
		c.Loss.LambdaGrad = 0
	}},
}

// fineTuning are the settings of the OE and Energy papers for a trained wide
// ResNet. Their code steps the schedule before the first update.
func fineTuning(c *Config) {
	c.Epochs, c.Batch, c.AuxBatch, c.DropLast = 10, 128, 256, false
	c.Decay, c.FirstStep, c.Model.Dropout = 5e-4, 1, 0.3
}

// scratch are the settings that most methods share which train from random weights.
func scratch(c *Config) {
	c.Epochs, c.LR, c.Schedule, c.Milestones = 100, 0.1, "multistep", []float64{0.5, 0.75, 0.9}
}

// absent is the loss of methods with an output for none of the classes.
func absent(c *Config) {
	c.Loss, c.Model.Reject = Loss{Outliers: Absent, LambdaS: 1, Variant: Paper}, true
}

// asCommitted is what the authors' code does in runs that choose outliers: Adam
// without weight decay and, for a logged norm, a second forward in train mode.
func asCommitted(c *Config) {
	c.Optimizer, c.Decay, c.StatUpdates = "adam", 0, 2
}

func clusters(restarts int, twoWay bool) Sampling {
	return Sampling{Sampler: SampleClusters, Candidates: 384, Clusters: 64, Restarts: restarts, TwoWay: twoWay, Represent: "norm"}
}

func gregPlus(c *Config, _ int) {
	scratch(c)
	c.Epochs, c.Milestones, c.AuxBatch = 60, []float64{50.0 / 60}, 128
	c.Sampling = clusters(3, true)
}

func poem(c *Config, classes int) {
	scratch(c)
	c.AugmentID, c.DropLast = datasets.CropFlipJitter(), false
	c.Loss.LambdaGrad, c.Loss.MarginIn, c.Loss.MarginAux = 0, -25, -7
	c.Sampling = Sampling{Sampler: SamplePosterior, Candidates: 400000, FirstFrom: 10000, Keep: 50000, Conf: 3, Sigma: 20, Noise: 0.5, Window: 4}
	if classes >= 100 {
		c.Epochs, c.Milestones = 200, []float64{0.3, 0.6, 0.9}
	}
}

// Methods lists the presets, each with one line about it.
func Methods() (names, about []string) {
	for _, p := range presets {
		names, about = append(names, p.name), append(about, p.about)
	}
	return names, about
}

// Preset returns the settings of a method for fine-tuning or training on
// classes like CIFAR-10's or CIFAR-100's (by their number, which decides the
// energy margins of the Energy paper: m_in -23, or -27 from 100 classes on).
// Methods that reject have a network with one output more. Dropout in wide ResNets is
// 0.3 for OE, Energy and Balanced Energy and 0 for the others, as in GReg's code.
func Preset(method string, classes int) (Config, error) {
	names, _ := Methods()
	i := slices.Index(names, method)
	if i < 0 {
		return Config{}, fmt.Errorf("greg: no method named %q; there are %s", method, strings.Join(names, ", "))
	}
	c := Config{
		Method: method,
		Loss:   Loss{LambdaS: 0.1, LambdaGrad: 1, MarginIn: -23, MarginAux: -5, Variant: Paper},
		Epochs: 20, Batch: 64, AuxBatch: 64, DropLast: true,
		Optimizer: "sgd", Momentum: 0.9, Nesterov: true, Decay: 1e-4,
		LR: 1e-3, MinLR: 1e-6, Schedule: "cosine", StatUpdates: 1,
		AugmentID: datasets.FlipThenCrop(), AugmentAux: datasets.CropThenFlip(),
	}
	if classes >= 100 {
		c.Loss.MarginIn = -27
	}
	presets[i].set(&c, classes)
	c.Model.Classes = classes
	if c.Model.Reject {
		c.Model.Classes++
	}
	return c, nil
}

// SetNetwork gives the config a network, such as that of the weights which training
// begins with. Its outputs are the method's, and so is the dropout where the network
// can have one: weights do not bring theirs along.
func (c *Config) SetNetwork(m models.Config) {
	m.Classes, m.Reject, m.Dropout = c.Model.Classes, c.Model.Reject, 0
	if strings.HasPrefix(m.Arch, "wrn-") {
		m.Dropout = c.Model.Dropout
	}
	c.Model = m
}
