package app

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"gradgrad/greg"
	"gradgrad/internal/cli"
)

// large is an experiment as cmd/imagenet has it, small one as cmd/cifar.
var large = &Experiment{Name: "imagenet", Package: "./cmd/imagenet", Arch: "densenet121", Normalize: "imagenet",
	Methods: greg.ImageNetMethods, Preset: greg.ImageNetPreset, Sets: cli.Sets{Stream: true, DefaultSize: 224, Transform: "imagenet"}}

var small = &Experiment{Name: "cifar", Package: "./cmd/cifar", Arch: "wrn-40-2", Normalize: "greg", Methods: greg.Methods, Preset: greg.Preset}

// TestSweepFiles parses the files of the paper's tables and asks train for every
// run: all that may be missing is the data.
func TestSweepFiles(t *testing.T) {
	files, err := filepath.Glob("../../sweeps/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no sweep files: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			x := small
			if filepath.Base(file) == "table3.toml" {
				x = large
			}
			for _, p := range problems(t, x, file) {
				t.Error(p)
			}
		})
	}
}

// flagsOf are the flags of a sweep without any data.
func flagsOf(t *testing.T, x *Experiment) *sweepFlags {
	s := &sweepFlags{x: x, plan: new(bool), scale: new(float64), set: new([]string), only: new([]string), out: new(string), data: new(string), skipBad: new(bool)}
	*s.scale, *s.data = 1, t.TempDir()
	t.Setenv("GRADGRAD_DATA", "")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	return s
}

func problems(t *testing.T, x *Experiment, file string) (wrong []string) {
	s := flagsOf(t, x)
	env := &cli.Env{Stdout: new(bytes.Buffer), Stderr: new(bytes.Buffer), Argv: []string{x.Name}, Quiet: true}
	sw, err := s.read(context.Background(), env, file)
	if err != nil {
		return []string{err.Error()}
	}
	for _, r := range sw.Runs {
		begins := r.Init != ""
		r.Init = "" // which is not there
		err := x.steps().Call(context.Background(), env, "train", s.trainArgs(sw, r, filepath.Join(t.TempDir(), "run")))
		missing := err != nil && (strings.Contains(err.Error(), "data set") && cli.ExitCode(err) != cli.Misuse || begins && strings.Contains(err.Error(), "with -init"))
		if !missing {
			wrong = append(wrong, fmt.Sprintf("%s: train: %v", r.Name, err))
		}
		if r.Eval == nil {
			continue
		}
		err = x.steps().Call(context.Background(), env, "eval", append(r.Eval.Args(), "-checkpoint="+t.TempDir()))
		if err == nil || cli.ExitCode(err) == cli.Misuse {
			wrong = append(wrong, fmt.Sprintf("%s: eval: %v", r.Name, err))
		}
	}
	return wrong
}
