// Command imagenet is the large-scale experiment of Gradient-Regularized
// Out-of-Distribution Detection (arXiv:2404.12368): DenseNet-121 on pictures of 224
// pixels, a few classes of ImageNet in distribution and all others as auxiliary
// outliers.
//
//	imagenet train ...       train or fine-tune a network; killed runs go on with -resume
//	imagenet eval ...        judge a checkpoint on in- and out-of-distribution sets
//	imagenet table DIR...    set evaluations side by side, in the paper's layout
//	imagenet report RUN...   one HTML page: table, curves, histograms
//	imagenet figures RUN...  the paper's figures, one file each
//	imagenet sweep FILE      make all runs that a file lists, and their table
//	imagenet sets            data sets that can be named, and whether they are there
//	imagenet fetch NAME...   download their files
//	imagenet help VERB       the flags of a verb
//
// The recipe has two stages: a network learns the classes with cross-entropy, from
// random weights or from a pre-trained network whose last layer is replaced
// (-new-head), and GReg or another method fine-tunes it:
//
//	imagenet train -id imagenet10 -method ce -init densenet121.pth -new-head -normalize imagenet -out runs/base
//	imagenet train -id imagenet10 -aux imagenet10-aux -method greg+ -init runs/base -out runs/greg+
//	imagenet eval -checkpoint runs/greg+ -ood textures,places,sun,inaturalist
//
// Pictures stay on disk and are decoded when they are needed, candidates for
// Algorithm 1 in shards (-shard), so a set of any size fits any machine. Training
// images are random resized crops; test images are resized to 256 by their shorter
// side, and their central 224 pixels taken.
//
// The verbs and the exit codes are those of command cifar.
package main

import (
	"os"

	"gradgrad/greg"
	"gradgrad/internal/app"
	"gradgrad/internal/cli"
)

func main() { os.Exit(program().Main(os.Args, os.Stdout, os.Stderr)) }

// experiment is the paper's experiment on ImageNet.
var experiment = &app.Experiment{
	Name: "imagenet", Package: "./cmd/imagenet", Arch: "densenet121", Normalize: "imagenet",
	Methods: greg.ImageNetMethods, Preset: greg.ImageNetPreset, Notes: greg.ImageNetNotes,
	Sets:      cli.Sets{Stream: true, DefaultSize: 224, Transform: "imagenet"},
	EvalBatch: 32,
	Examples: map[string][]string{
		"train": {
			"train -id imagenet10 -method ce -init densenet121.pth -new-head -normalize imagenet -out runs/base",
			"train -id imagenet10 -aux imagenet10-aux -method greg+ -init runs/base -out runs/greg+"},
		"eval":    {"eval -checkpoint runs/greg+ -ood textures,places,sun,inaturalist"},
		"table":   {"table runs/*/eval -format latex -o table.tex"},
		"report":  {"report runs/base runs/greg runs/greg+ -o report.html"},
		"figures": {"figures -out figures runs/greg runs/greg+"},
		"sweep":   {"sweep sweeps/table3.toml -plan", "sweep sweeps/table3.toml"},
		"sets":    {"sets", "sets imagenet10 imagenet10-aux"},
		"fetch":   {"fetch textures inaturalist"},
	},
}

func program() *cli.Program {
	return &cli.Program{
		Name:    experiment.Name,
		About:   "GReg (arXiv:2404.12368) at the scale of ImageNet",
		Default: "help",
		Verbs:   experiment.Verbs(),
		Version: experiment.Version,
	}
}
