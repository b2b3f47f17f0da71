// Command detect tells pictures that a classifier can judge from pictures that
// are none of its kind.
//
//	detect calibrate -model RUN -id SET -out m.safetensors   choose a threshold, once
//	detect -model m.safetensors PATH...                      judge pictures, folders, lists
//
// Exit codes: 0 all pictures are in-distribution, 3 at least one is out, and
// otherwise those of package internal/cli.
package main

import (
	"os"

	"gradgrad/greg"
	"gradgrad/internal/cli"
)

const pkg = "./cmd/detect" // for go run

func main() { os.Exit(program().Main(os.Args, os.Stdout, os.Stderr)) }

func program() *cli.Program {
	return &cli.Program{
		Name:     "detect",
		About:    "tell pictures that a classifier can judge from those that it cannot",
		Default:  "help",
		Implicit: "judge",
		Verbs: []cli.Verb{
			{Name: "judge", About: "score pictures and decide: in or out", Args: "PATH...", Help: judgeHelp, Setup: setupJudge},
			{Name: "calibrate", About: "choose the threshold of a score and keep it with the weights", Help: calibrateHelp(), Setup: setupCalibrate},
		},
		Version: func() string { return greg.ThisProgram().Line("detect") },
	}
}
