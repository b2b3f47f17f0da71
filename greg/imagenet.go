package greg

import (
	"fmt"
	"slices"
	"strings"

	"gradgrad/datasets"
)

type largePreset struct {
	name, about string
	set         func(c *Config, classes int)
	notes       []string
}

// largePresets are the methods on ImageNet by name; each changes what largeScale
// makes of the preset of the same name. Notes say where the paper, the authors'
// code and this preset differ, and by which flags to have it otherwise.
var largePresets = []largePreset{
	{"ce", "cross-entropy, the first stage: Adam 1e-4, 20 epochs", func(*Config, int) {}, []string{
		"the paper begins with a pre-trained network and does not say how it learned the in-distribution classes; this is GReg's own schedule: from random weights, -epochs 90 -lr 0.001"}},
	{"oe", "outlier exposure fine-tuning (arXiv:1812.04606)", func(*Config, int) {}, []string{otherMethods}},
	{"energy", "Energy fine-tuning (arXiv:2010.03759): equation (1) alone", func(*Config, int) {}, []string{otherMethods, largeMargins}},
	{"dos", "DOS (arXiv:2306.02031) from random weights: the hardest outlier of every cluster, one output more", func(c *Config, classes int) {
		fromScratch(c)
		perEpoch(c, classes, 600000)
		c.Sampling.Restarts = 5
	}, []string{
		"the example for DOS in the README of GReg's authors: Adam 0.01, 100 epochs, batches of 64, 600,000 candidates an epoch; the rate falls where their program lets it by default, and it begins with random weights here, as their example of GReg does",
		"the clusters and restarts are DOS's own; their copy of it has -restarts 3 -rank-from 16 -rank-to 384 unless told otherwise",
		"to fine-tune as greg+ does: -init with -epochs 15 -lr 0.0001 -milestones 0.6667 -batch 32 -aux-batch 32 -clusters 32"}},
	{"greg", "GReg (arXiv:2404.12368) fine-tuning: equations (1) and (3), as printed", func(*Config, int) {}, []string{largeRate, largeMargins,
		"the authors' example (greg-code): from random weights, 100 epochs, Adam 0.01, 64 + 64, equation (3) in the variant code, running statistics twice a step"}},
	{"greg-code", "GReg as the authors' example for ImageNet runs it, from random weights", func(c *Config, _ int) {
		fromScratch(c)
	}, []string{"the paper fine-tunes a pre-trained network in 20 epochs with 32 + 32 (greg)"}},
	{"greg+", "GReg+ fine-tuning: GReg on the outliers that Algorithm 1 chooses", largeClusters, []string{largeRate, largeMargins,
		"the authors' example (greg+-code): 20 classes, 25 epochs, 1,000,000 candidates an epoch, equation (3) in the variant code, running statistics twice a step"}},
	{"greg+-code", "GReg+ as the authors' example for ImageNet-20 runs it", func(c *Config, classes int) {
		largeClusters(c, classes)
		c.Epochs, c.Milestones = 25, []float64{10. / 25}
		perEpoch(c, classes, 1000000)
	}, []string{"the paper: 15 epochs, 600,000 candidates an epoch (greg+)"}},
	{"energy-cluster", "energy-only clustering: GReg+ without the gradient term", largeClusters, []string{largeRate, largeMargins}},
}

const (
	largeRate    = "the learning rate, 1e-4 and a tenth of it from epoch 10 on, is that of the authors' README for GReg+; the paper uses Adam and that epoch, too"
	largeMargins = "the margins are those of the authors' code for every set; those of the Energy paper are -m-in -23 -m-aux -5"
	otherMethods = "neither the method's paper nor GReg's gives settings for ImageNet: the loss is the method's own, the rest is GReg's"
)

// imageNetPerClass is about the number of training images of an ImageNet class.
const imageNetPerClass = 1300

// largeScale are the settings that all methods share on ImageNet: Adam with its
// usual constants and without weight decay, 1e-4 and a tenth of it from epoch 10 on,
// 32 + 32 images, random resized crops.
func largeScale(c *Config) {
	c.Optimizer, c.Decay, c.Momentum, c.Nesterov = "adam", 0, 0, false
	c.Epochs, c.LR, c.MinLR, c.Schedule, c.Milestones, c.FirstStep = 20, 1e-4, 0, "multistep", []float64{0.5}, 0
	c.Batch, c.DropLast, c.Model.Dropout = 32, true, 0
	if c.Loss.NeedsAux() {
		c.AuxBatch = 32
	}
	if c.Loss.UsesMargins() {
		c.Loss.MarginIn, c.Loss.MarginAux = -25, -7
	}
	c.AugmentID, c.AugmentAux = datasets.RandomResizedCrop(), datasets.RandomResizedCrop()
}

// fromScratch is the schedule of the authors' examples that begin with random weights.
func fromScratch(c *Config) {
	c.Epochs, c.LR, c.Milestones, c.Batch, c.AuxBatch = 100, 0.01, []float64{0.5, 0.75, 0.9}, 64, 64
}

// largeClusters are the settings of GReg+: 600,000 candidates an epoch, 15 epochs, two
// outliers of each cluster.
func largeClusters(c *Config, classes int) {
	c.Epochs, c.Milestones, c.AuxBatch = 15, []float64{10. / 15}, 2*c.Batch
	perEpoch(c, classes, 600000)
}

// perEpoch chooses outliers every step, among so many candidates an epoch and in as
// many clusters as a batch has images.
func perEpoch(c *Config, classes, candidates int) {
	c.Sampling.PerEpoch, c.Sampling.Clusters, c.Sampling.Shard = candidates, c.Batch, 32
	c.CountCandidates(imageNetPerClass * classes)
}

// ImageNetMethods lists the methods that have settings for ImageNet, each with one
// line about it.
func ImageNetMethods() (names, about []string) {
	for _, p := range largePresets {
		names, about = append(names, p.name), append(about, p.about)
	}
	return names, about
}

// ImageNetPreset returns the settings of a method for classes of ImageNet: those of
// the paper's large-scale experiment (DenseNet-121 at 224 pixels, fine-tuned with
// Adam; GReg in 20 epochs, GReg+ in 15), for DOS those of its authors' example, and for
// the other methods the nearest to them. [ImageNetNotes] says what is not the paper's own.
func ImageNetPreset(method string, classes int) (Config, error) {
	i := slices.IndexFunc(largePresets, func(p largePreset) bool { return p.name == method })
	if i < 0 {
		names, _ := ImageNetMethods()
		return Config{}, fmt.Errorf("greg: no method named %q has settings for ImageNet; there are %s", method, strings.Join(names, ", "))
	}
	c, err := Preset(method, classes)
	if err != nil {
		return c, err
	}
	largeScale(&c)
	largePresets[i].set(&c, classes)
	return c, nil
}

// ImageNetNotes are sentences about the settings of a method on ImageNet: where the
// paper, the authors' code and [ImageNetPreset] differ.
func ImageNetNotes(method string) []string {
	for _, p := range largePresets {
		if p.name == method {
			return p.notes
		}
	}
	return nil
}
