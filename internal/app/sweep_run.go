package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gradgrad/greg"
	"gradgrad/internal/atomicfile"
	"gradgrad/internal/cli"
	"gradgrad/internal/sweep"
)

// sweepState is what a sweep remembers of a run, in the run's directory.
type sweepState struct {
	Train     sweep.Flags `json:"train"`
	Init      string      `json:"init,omitempty"`
	Eval      sweep.Flags `json:"eval,omitempty"`
	Trained   bool        `json:"trained"`
	Evaluated bool        `json:"evaluated"`
	// InitFile is as the sweep file says it. Seconds are those of the whole run, as
	// far as it was measured: 0 where it was not.
	InitFile string  `json:"init_file,omitempty"`
	Seconds  float64 `json:"seconds,omitempty"`
}

// done tells that nothing is left to do for a run.
func (st *sweepState) done(r sweep.Run) bool { return st.Trained && (st.Evaluated || r.Eval == nil) }

const sweepFile = "sweep.json"

// make brings a run from wherever it is to its end.
func (s *sweepFlags) make(ctx context.Context, env *cli.Env, sw *sweep.Sweep, r sweep.Run, dir string) error {
	state, err := readState(dir, r)
	if err != nil {
		return err
	}
	if state.done(r) {
		env.Say("it is done already")
		return nil
	}
	if !state.Trained {
		if err := state.write(dir); err != nil {
			return err
		}
		before, began := steps(dir), time.Now()
		if err := s.x.steps().Call(ctx, env, "train", s.trainArgs(sw, r, dir)); err != nil {
			return err
		}
		state.Trained, state.Seconds = true, whole(time.Since(began), before, steps(dir))
		if err := state.write(dir); err != nil {
			return err
		}
	}
	if r.Eval == nil {
		return nil
	}
	began := time.Now()
	if err := s.x.steps().Call(ctx, env, "eval", s.evalArgs(r, dir)); err != nil {
		return err
	}
	state.Evaluated = true
	if state.Seconds > 0 {
		state.Seconds += time.Since(began).Seconds()
	}
	return state.write(dir)
}

// readState reads what is known of a run; a run that another sweep has made in the
// same place is an error.
func readState(dir string, r sweep.Run) (*sweepState, error) {
	fresh := &sweepState{Train: r.Train, Init: r.Init, InitFile: r.InitFile, Eval: r.Eval}
	data, err := os.ReadFile(filepath.Join(dir, sweepFile))
	if errors.Is(err, fs.ErrNotExist) {
		return fresh, nil
	}
	if err != nil {
		return nil, err
	}
	var was sweepState
	if err := json.Unmarshal(data, &was); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w; remove the directory to make the run again", filepath.Join(dir, sweepFile), err)
	}
	if was.Init != r.Init || was.InitFile != r.InitFile {
		return nil, fmt.Errorf("the run in %s began with %q, and the file says %q now: remove the directory, or choose another with -out",
			dir, was.Init+was.InitFile, r.Init+r.InitFile)
	}
	if diff := differences(was.Train, r.Train); diff != "" {
		return nil, fmt.Errorf("the run in %s was made with other settings (%s): remove the directory, or choose another with -out", dir, diff)
	}
	fresh.Trained, fresh.Seconds = was.Trained, was.Seconds
	fresh.Evaluated = was.Evaluated && maps.Equal(was.Eval, r.Eval)
	return fresh, nil
}

// differences names the flags that were another.
func differences(was, is sweep.Flags) string {
	all := maps.Clone(was)
	maps.Copy(all, is)
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		w, had := was[name]
		n, has := is[name]
		switch {
		case had && !has:
			parts = append(parts, fmt.Sprintf("-%s %s, not given now", name, w))
		case !had && has:
			parts = append(parts, fmt.Sprintf("-%s was not given, %s now", name, n))
		case w != n:
			parts = append(parts, fmt.Sprintf("-%s %s, %s now", name, w, n))
		}
	}
	return strings.Join(parts, "; ")
}

func (st *sweepState) write(dir string) error {
	data, err := json.MarshalIndent(st, "", "  ")
	if err != nil {
		return err
	}
	if err := cli.Create(dir); err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, sweepFile), append(data, '\n'))
}

// trainArgs begins a run, or goes on with it.
func (s *sweepFlags) trainArgs(sw *sweep.Sweep, r sweep.Run, dir string) []string {
	args := append(r.Train.Args(), s.dataArgs()...)
	args = append(args, "-out="+dir)
	if r.Init != "" {
		args = append(args, "-init="+runDir(sw, r.Init))
	}
	if r.InitFile != "" {
		args = append(args, "-init="+sw.Path(r.InitFile))
	}
	if IsFile(filepath.Join(dir, greg.RecordFile)) {
		args = append(args, "-resume")
	}
	return args
}

// evalArgs judges a run.
func (s *sweepFlags) evalArgs(r sweep.Run, dir string) []string {
	return append(append(r.Eval.Args(), s.dataArgs()...), "-checkpoint="+dir)
}

// dataArgs are the flags of all runs.
func (s *sweepFlags) dataArgs() (args []string) {
	if *s.data != "" {
		args = append(args, "-data="+*s.data)
	}
	if *s.skipBad {
		args = append(args, "-skip-bad")
	}
	return append(args, s.compute.Args()...)
}
