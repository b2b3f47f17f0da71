package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"gradgrad/internal/atomicfile"
	"gradgrad/internal/cli"
	"gradgrad/internal/sweep"
)

const sweepHelp = `Runs the trainings and evaluations that a sweep file lists, one after the other, and makes one table of them. What is
done is skipped and what was cut off goes on, so the same command can be given again and again. A run that fails does
not stop the others, except those that begin with its weights. As each begins, what is left of the whole is guessed
from the runs before it. Flags that eval would refuse, and sets to judge on that are not there, end it before the first
run. The files of the paper's tables are in sweeps/; package internal/sweep describes the format.

-plan shows the runs without making them, with the time that each would take here: a few steps of each kind are timed
on drawn images. -scale shrinks the epochs of every run, -set replaces a flag of train in every run, -only chooses
runs (and then writes no table); each says what it changed, and results of a changed sweep go into a directory of their own.`

// sweepFlags is what sweep was asked for.
type sweepFlags struct {
	x         *Experiment
	plan      *bool
	scale     *float64
	set, only *[]string
	out, data *string
	skipBad   *bool
	compute   *cli.Compute
	epochs    *epochs
}

func (x *Experiment) setupSweep(f *cli.Flags) cli.Action {
	s := &sweepFlags{x: x}
	f.Group("What")
	s.plan = f.Bool("plan", false, "show the runs and how long they would take, and make none")
	s.scale = f.Float("scale", 1, "X: multiply the epochs of every run, to at least 1")
	s.set = f.Repeated("set", "FLAG=VALUE: a flag of train for every run, instead of the file's (may be repeated)")
	s.only = f.List("only", "PATTERN,...: the runs of these names, such as '*/greg-*', with those that they begin with")
	s.out = f.String("out", "", "DIR: where the runs go, instead of the file's")
	f.Group("For all runs")
	s.data = f.String("data", "", "DIR: folder of the sets, as for train")
	s.skipBad = f.Bool("skip-bad", false, "leave out pictures that cannot be read, as for train")
	s.compute = cli.ComputeFlags(f)
	return s.run
}

func (s *sweepFlags) run(ctx context.Context, env *cli.Env, args []string) error {
	if len(args) != 1 {
		return cli.Wrong("name one sweep file, such as sweeps/table1.toml")
	}
	sw, err := s.read(ctx, env, args[0])
	if err != nil {
		return err
	}
	if *s.plan {
		return s.showPlan(ctx, env, sw)
	}
	if err := s.checkSets(ctx, env, sw); err != nil {
		return err
	}
	return s.execute(ctx, env, sw)
}

// read reads the file and changes it as the flags say.
func (s *sweepFlags) read(ctx context.Context, env *cli.Env, path string) (*sweep.Sweep, error) {
	set, err := sweep.ParseFlags(*s.set)
	if err != nil {
		return nil, cli.Wrong("-set: %w", err)
	}
	sw, err := sweep.Read(path, set)
	if err != nil {
		return nil, err
	}
	if err := sw.Choose(*s.only); err != nil {
		return nil, cli.Wrong("-only: %w", err)
	}
	if err := s.check(ctx, env, sw); err != nil {
		return nil, err
	}
	s.epochs = s.newEpochs(ctx, env)
	if *s.scale != 1 {
		changes, err := sw.Scale(*s.scale, s.epochs.of)
		if err != nil {
			return nil, cli.Wrong("-scale: %w", err)
		}
		for _, c := range changes {
			env.Say("%s: -%s %s instead of %s", c.Run, c.Flag, c.To, c.From)
		}
	}
	for _, name := range sw.Merged {
		env.Say("%s: two runs of the file are the same now; the first one's settings hold", name)
	}
	for name, value := range set {
		env.Say("all runs: -%s %s", name, value)
	}
	if *s.out != "" {
		sw.Out = *s.out
	} else if *s.scale != 1 || len(set) > 0 {
		sw.Out += changedSuffix(*s.scale, set)
		env.Say("changed runs go into %s", sw.Out)
	}
	return sw, nil
}

// changedSuffix tells the directory of a changed sweep from the whole one's.
func changedSuffix(scale float64, set sweep.Flags) string {
	parts := set.Args()
	if scale != 1 {
		parts = append(parts, fmt.Sprintf("-scale=%g", scale))
	}
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|#= `, r) {
			return '_'
		}
		return r
	}, strings.Join(parts, ""))
}

// execute makes the runs and the tables.
func (s *sweepFlags) execute(ctx context.Context, env *cli.Env, sw *sweep.Sweep) error {
	failed := map[string]error{} // runs without trained weights
	failures := 0
	var evaluated []string
	p := s.newPace(sw)
	for i, r := range sw.Runs {
		dir, left := runDir(sw, r.Name), ""
		if !p.done[r.Name] {
			left = p.left(sw.Runs[i:])
		}
		env.Say("\n[%d of %d] %s%s", i+1, len(sw.Runs), r.Name, left)
		err := failed[r.Init]
		if err != nil {
			err = fmt.Errorf("it begins with %s, which failed", r.Init)
		} else {
			err = s.make(ctx, env, sw, r, dir)
		}
		var stopped *cli.Interrupted
		if errors.As(err, &stopped) || ctx.Err() != nil {
			return &cli.Interrupted{Advice: fmt.Sprintf("%d of %d runs are done; go on with the same command: %s %s", i, len(sw.Runs), env.Invocation(s.x.Package), cli.Quote(env.Argv[1:]...))}
		}
		if err != nil {
			env.Complain("%s failed: %v", r.Name, err)
			if state, bad := readState(dir, r); bad != nil || !state.Trained {
				failed[r.Name] = err // and so will what begins with it
			}
			failures++
			continue
		}
		if state, err := readState(dir, r); err == nil && !p.done[r.Name] {
			p.add(r, state.Seconds)
		}
		if r.Eval != nil {
			evaluated = append(evaluated, filepath.Join(dir, EvalDir))
		}
	}
	if err := s.tables(env, sw, evaluated); err != nil {
		return err
	}
	if failures > 0 {
		return fmt.Errorf("%d of %d runs failed; once what they need is there, the same command makes them and skips the others", failures, len(sw.Runs))
	}
	return nil
}

// runDir is the directory of a run.
func runDir(sw *sweep.Sweep, name string) string {
	return filepath.Join(sw.Out, filepath.FromSlash(name))
}

// tables makes the tables of the runs that have results.
func (s *sweepFlags) tables(env *cli.Env, sw *sweep.Sweep, evaluated []string) error {
	if len(evaluated) == 0 {
		return nil
	}
	t, err := s.x.LoadTable(evaluated...)
	if err != nil {
		return err
	}
	if len(*s.only) > 0 {
		sw.Tables = nil // they are of all runs
	}
	for _, name := range sw.Tables {
		path := filepath.Join(sw.Out, filepath.FromSlash(name))
		format, err := sweepFormat(name)
		if err != nil {
			return err
		}
		if err := atomicfile.WriteTo(path, func(w io.Writer) error { return t.Write(w, format) }); err != nil {
			return err
		}
	}
	if sw.Title != "" {
		fmt.Fprintf(env.Stdout, "%s\n\n", sw.Title)
	}
	return PrintReadable(env, t)
}
