package app

import (
	"fmt"
	"strings"

	"gradgrad/greg"
	"gradgrad/internal/cli"
)

// Experiment is what tells one program from another.
type Experiment struct {
	Name    string // of the program
	Package string // its path for go run, such as ./cmd/cifar
	// What train takes where no flag says otherwise: an architecture, a
	// normalisation.
	Arch, Normalize string
	// Methods lists the methods, each with one line about it; Preset gives the
	// settings of one for a number of in-distribution classes.
	Methods func() (names, about []string)
	Preset  func(method string, classes int) (greg.Config, error)
	// Notes, where there are some, are sentences about the settings of a method, such
	// as where papers and their code differ; train prints them.
	Notes func(method string) []string
	// Sets is how sets are opened where no flag says otherwise, EvalBatch the number
	// of images that eval looks at at a time, 0 for 128.
	Sets      cli.Sets
	EvalBatch int
	// Examples are command lines without the program's name, by verb.
	Examples map[string][]string
}

// Verbs are the verbs of the experiment's program.
func (x *Experiment) Verbs() []cli.Verb {
	verbs := append(x.steps().Verbs,
		cli.Verb{Name: "table", About: "set evaluations side by side in the paper's layout", Args: "DIR|results.json...", Help: tableHelp, Setup: x.setupTable},
		cli.Verb{Name: "report", About: "one HTML page about runs: table, curves, histograms", Args: "RUN...", Help: reportHelp, Setup: x.setupReport},
		cli.Verb{Name: "figures", About: "draw the paper's figures from runs", Args: "RUN...", Help: figuresHelp, Setup: x.setupFigures},
		cli.Verb{Name: "sweep", About: "make all runs that a file lists, and their table", Args: "FILE", Help: sweepHelp, Setup: x.setupSweep},
		cli.Verb{Name: "sets", About: "list the data sets that can be named, and whether they are there", Args: "NAME...", Help: setsHelp, Setup: setupSets},
		cli.Verb{Name: "fetch", About: "download the files of data sets", Args: "NAME...", Help: fetchHelp, Setup: setupFetch},
	)
	for i := range verbs {
		verbs[i].Help += x.examples(verbs[i].Name)
	}
	return verbs
}

// steps is a program of the two verbs that a sweep is made of.
func (x *Experiment) steps() *cli.Program {
	return &cli.Program{Name: x.Name, Verbs: []cli.Verb{
		{Name: "train", About: "train or fine-tune a network into a run directory", Help: x.trainHelp(), Setup: x.setupTrain},
		{Name: "eval", About: "judge a checkpoint on in- and out-of-distribution sets", Help: x.evalHelp(), Setup: x.setupEval},
	}}
}

// examples is the end of a verb's help text.
func (x *Experiment) examples(verb string) string {
	var b strings.Builder
	lead := "\n\nExample: "
	for _, line := range x.Examples[verb] {
		fmt.Fprintf(&b, "%s%s %s", lead, x.Name, line)
		lead = "\n         "
	}
	return b.String()
}

// Version is a line that says what the program is.
func (x *Experiment) Version() string {
	return greg.ThisProgram().Line(x.Name)
}
