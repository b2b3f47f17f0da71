package app

import (
	"context"
	"fmt"
	"os"

	"gradgrad/internal/cli"
	"gradgrad/internal/sweep"
	"gradgrad/report"
)

// check looks at what would end in an error after days of training: tables of no
// format, weights to begin with that are not there, flags that eval does not take.
func (s *sweepFlags) check(ctx context.Context, env *cli.Env, sw *sweep.Sweep) error {
	for _, name := range sw.Tables {
		if _, err := sweepFormat(name); err != nil {
			return err
		}
	}
	for _, r := range sw.Runs {
		if file := sw.Path(r.InitFile); r.InitFile != "" {
			if _, err := os.Stat(file); err != nil {
				return fmt.Errorf("%s begins with the weights in %s (init-file), which cannot be read: %w", r.Name, file, err)
			}
		}
		err := s.askEval(ctx, env, sw, r, func(e *evalFlags) error {
			if _, err := e.plan(); err != nil {
				return err
			}
			_, err := e.algorithm(new(cli.Weights))
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", r.Name, err)
		}
	}
	return nil
}

// sweepFormat is the format of a table that a sweep file names.
func sweepFormat(name string) (report.Format, error) {
	f, err := tableFormat("", name)
	if err != nil {
		return f, fmt.Errorf("the table %q: its extension is none of txt, md, csv, json, tex", name)
	}
	return f, nil
}

// checkSets looks whether the sets are there that runs will be judged on.
func (s *sweepFlags) checkSets(ctx context.Context, env *cli.Env, sw *sweep.Sweep) error {
	for _, r := range sw.Runs {
		if state, err := readState(runDir(sw, r.Name), r); err == nil && state.done(r) {
			continue
		}
		err := s.askEval(ctx, env, sw, r, func(e *evalFlags) error {
			for _, spec := range *e.ood {
				if err := e.sets.Locate(spec, false); err != nil {
					return err
				}
			}
			if *e.id == "" {
				return nil
			}
			return e.sets.Locate(*e.id, false)
		})
		if err != nil {
			return fmt.Errorf("%s could not be judged, so no run was begun: %w; get the set, or leave such runs out with -only", r.Name, err)
		}
	}
	return nil
}

// askEval reads the flags that eval will get for a run, if it will be judged.
func (s *sweepFlags) askEval(ctx context.Context, env *cli.Env, sw *sweep.Sweep, r sweep.Run, ask func(*evalFlags) error) error {
	if r.Eval == nil {
		return nil
	}
	asking := &cli.Program{Name: s.x.Name, Verbs: []cli.Verb{{Name: "eval", Setup: func(f *cli.Flags) cli.Action {
		e := s.x.evalFlags(f)
		return func(context.Context, *cli.Env, []string) error { return ask(e) }
	}}}}
	return asking.Call(ctx, env, "eval", s.evalArgs(r, runDir(sw, r.Name)))
}
