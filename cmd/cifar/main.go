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
	"fmt"
	"os"

	"gradgrad/greg"
	"gradgrad/internal/cli"
)

const pkg = "./cmd/cifar" // for go run

func main() { os.Exit(program().Main(os.Args, os.Stdout, os.Stderr)) }

func program() *cli.Program {
	return &cli.Program{
		Name:    "cifar",
		About:   "train image classifiers that detect out-of-distribution images (GReg, arXiv:2404.12368)",
		Default: "demo",
		Verbs: []cli.Verb{
			{Name: "demo", About: "a complete small experiment, without any data", Help: demoHelp, Setup: setupDemo},
			{Name: "train", About: "train or fine-tune a network into a run directory", Help: trainHelp(), Setup: setupTrain},
			{Name: "eval", About: "judge a checkpoint on in- and out-of-distribution sets", Help: evalHelp(), Setup: setupEval},
			{Name: "table", About: "set evaluations side by side in the paper's layout", Args: "DIR|results.json...", Help: tableHelp, Setup: setupTable},
			{Name: "report", About: "one HTML page about runs: table, curves, histograms", Args: "RUN...", Help: reportHelp, Setup: setupReport},
			{Name: "figures", About: "draw the paper's figures from runs", Args: "RUN...", Help: figuresHelp, Setup: setupFigures},
			{Name: "sweep", About: "make all runs that a file lists, and their table", Args: "FILE", Help: sweepHelp, Setup: setupSweep},
			{Name: "sets", About: "list the data sets that can be named, and whether they are there", Args: "NAME...", Help: setsHelp, Setup: setupSets},
			{Name: "fetch", About: "download the files of data sets", Args: "NAME...", Help: fetchHelp, Setup: setupFetch},
			{Name: "bench", About: "measure images and GFLOP per second", Help: benchHelp, Setup: setupBench},
		},
		Version: version,
	}
}

func version() string {
	p := greg.ThisProgram()
	text := fmt.Sprintf("cifar, gradgrad %s, %s, %s/%s", p.Version, p.Go, p.OS, p.Arch)
	if p.Commit != "" {
		text += ", commit " + p.Commit
	}
	return text
}
