// Command cifar trains and judges classifiers that know when an image is none of
// theirs: Gradient-Regularized Out-of-Distribution Detection (arXiv:2404.12368)
// at the scale of CIFAR.
//
//	cifar                 a complete small experiment on images that the program draws itself
//	cifar train ...       train or fine-tune a network; killed runs go on with -resume
//	cifar eval ...        judge a checkpoint on in- and out-of-distribution sets
//	cifar table DIR...    set evaluations side by side, in the paper's layout
//	cifar report RUN...   one HTML page: table, curves, histograms
//	cifar figures RUN...  the paper's figures, one file each
//	cifar sweep FILE      make all runs that a file lists, and their table
//	cifar sets            data sets that can be named, and whether they are there
//	cifar fetch NAME...   download their files
//	cifar bench ...       images and GFLOP per second
//	cifar help VERB       the flags of a verb
//
// Exit codes are those of package internal/cli.
package main

import (
	"os"

	"gradgrad/greg"
	"gradgrad/internal/app"
	"gradgrad/internal/cli"
)

const pkg = "./cmd/cifar" // for go run

func main() { os.Exit(program().Main(os.Args, os.Stdout, os.Stderr)) }

// experiment is the paper's experiments on CIFAR.
var experiment = &app.Experiment{
	Name: "cifar", Package: pkg, Arch: "wrn-40-2", Normalize: "greg", Methods: greg.Methods, Preset: greg.Preset,
	Examples: map[string][]string{
		"train": {
			"train -id cifar10 -out runs/base -method ce -arch wrn-16-1 -epochs 20",
			"train -id cifar10 -aux aux.tar.zst -method greg -init runs/base -out runs/greg"},
		"eval": {
			"eval -checkpoint runs/greg -id cifar10 -ood svhn=test_32x32.mat,dtd=dtd32.tar.zst -scores energy,msp",
			"eval -checkpoint densenet.pth.tar -normalize dice -id cifar10 -ood svhn -out runs/densenet"},
		"table":  {"table runs/*/eval -format latex -o table.tex"},
		"report": {"report runs/base runs/energy runs/greg -o report.html -figures docs/img"},
		"figures": {
			"figures -out docs/img runs/energy runs/greg",
			"figures -which tsne -ood svhn,textures -out docs/img -format png runs/greg"},
		"sweep": {
			"sweep sweeps/table1.toml -plan",
			"sweep sweeps/table1.toml",
			"sweep sweeps/table1.toml -scale 0.1 -set arch=wrn-16-1 -set aux=aux.tar.zst -only '*/greg-*'"},
		"sets":  {"sets", "sets svhn lsun-c"},
		"fetch": {"fetch cifar10 svhn textures", "fetch -verify cifar10"},
	},
}

func program() *cli.Program {
	verbs := []cli.Verb{{Name: "demo", About: "a complete small experiment, without any data", Help: demoHelp, Setup: setupDemo}}
	verbs = append(verbs, experiment.Verbs()...)
	verbs = append(verbs, cli.Verb{Name: "bench", About: "measure images and GFLOP per second", Help: benchHelp, Setup: setupBench})
	return &cli.Program{
		Name:    experiment.Name,
		About:   "train image classifiers that detect out-of-distribution images (GReg, arXiv:2404.12368)",
		Default: "demo",
		Verbs:   verbs,
		Version: experiment.Version,
	}
}
