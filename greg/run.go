package greg

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"gradgrad/checkpoint"
	"gradgrad/datasets"
	"gradgrad/internal/atomicfile"
	"gradgrad/internal/dirlock"
	"gradgrad/kernels"
	"gradgrad/models"
)

// The files of a run directory. The checkpoint is checkpoint.RunFile.
const (
	RecordFile  = "config.json"   // what was asked for, with what data and program
	MetricsFile = "metrics.jsonl" // one line a step
)

// Record is what a run directory says about its run.
type Record struct {
	Config    Config           `json:"config"`
	Sets      map[string]SetID `json:"sets"`               // "id" and "aux"
	Init      string           `json:"init,omitempty"`     // the checkpoint that training began with
	NewHead   bool             `json:"new_head,omitempty"` // its last layer was left out
	Device    string           `json:"device"`
	Precision string           `json:"precision,omitempty"`  // what convolutions multiplied in; "" in records of version 0.1 is fp32
	Every     int              `json:"save_every,omitempty"` // steps between checkpoints; 0 means 200
	GradEvery int              `json:"grad_every,omitempty"` // steps between measurements of L_gradS, of the trainer
	Program   Program          `json:"program"`
	Command   []string         `json:"command"`
}

// SetID names a set of images and, by its digest, its content.
type SetID struct {
	Spec   string `json:"spec"` // as given to datasets.Open
	Name   string `json:"name"`
	Images int    `json:"images"`
	SHA256 string `json:"sha256"`
	// What was taken of the set, where it is not all of it.
	Limit     int    `json:"limit,omitempty"`      // so many images, chosen at random
	ClassFile string `json:"class_file,omitempty"` // the classes listed in this file
}

// Program says what computed something.
type Program struct {
	Version string `json:"version"` // of this module
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

// Line says in one line what the program of that name is.
func (p Program) Line(name string) string {
	text := fmt.Sprintf("%s, gradgrad %s, %s, %s/%s", name, p.Version, p.Go, p.OS, p.Arch)
	if p.Commit != "" {
		text += ", commit " + p.Commit
	}
	return text
}

// ThisProgram describes the running program.
func ThisProgram() Program {
	p := Program{Version: "(devel)", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			p.Version = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				p.Commit = s.Value
			}
		}
	}
	return p
}

// Run is a training run with a directory: its record, its checkpoint and its
// metrics. A run that ended anyhow, by kill -9 too, goes on from its last
// checkpoint and ends in the same bits. The directory is locked against other
// processes until Close.
type Run struct {
	Dir     string
	Record  Record
	Trainer *Trainer
	// Every is the number of steps between checkpoints, the record's to begin
	// with; one is also written at the end of every epoch, at the end and on
	// interruption.
	Every int

	saved int // step of the last checkpoint, -1 without
	lock  *dirlock.Lock
}

// ErrRunExists is wrapped by the error of [NewRun] for a directory that holds a
// run.
var ErrRunExists = errors.New("the directory holds a run already")

// NewRun begins a run in a directory, which is made if need be.
func NewRun(dir string, rec Record, t *Trainer) (*Run, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("greg: cannot make the run directory: %w", err)
	}
	lock, err := lockRun(dir)
	if err != nil {
		return nil, err
	}
	rec.Config, rec.GradEvery = t.Config, t.GradEvery
	if err := begin(dir, rec); err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	return &Run{Dir: dir, Record: rec, Trainer: t, Every: rec.Every, saved: -1, lock: lock}, nil
}

// lockRun makes sure that no other process trains in the directory.
func lockRun(dir string) (*dirlock.Lock, error) {
	lock, err := dirlock.Take(dir)
	var held *dirlock.HeldError
	if errors.As(err, &held) && held.PID != 0 {
		return nil, fmt.Errorf("greg: another process (pid %d) is training in %s: wait for it, or end it%s", held.PID, dir, held.Way)
	}
	if err != nil {
		return nil, fmt.Errorf("greg: cannot train in %s: %w", dir, err)
	}
	return lock, nil
}

// begin writes the record of a new run.
func begin(dir string, rec Record) error {
	if _, err := os.Stat(filepath.Join(dir, RecordFile)); err == nil {
		return fmt.Errorf("greg: %s: %w; go on with it (-resume) or choose another directory", dir, ErrRunExists)
	}
	data, err := json.MarshalIndent(rec, "", "  ")
	if err != nil {
		return err
	}
	if err := atomicfile.Write(filepath.Join(dir, RecordFile), append(data, '\n')); err != nil {
		return fmt.Errorf("greg: cannot begin the run: %w", err)
	}
	return nil
}

// Close gives the directory back to other processes. It does not close the
// trainer.
func (r *Run) Close() error { return r.lock.Release() }

// ReadRecord reads the record of a run directory.
func ReadRecord(dir string) (rec Record, err error) {
	path := filepath.Join(dir, RecordFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return rec, fmt.Errorf("greg: %s is not a run directory: it has no %s: %w", dir, RecordFile, err)
	}
	if err != nil {
		return rec, fmt.Errorf("greg: cannot read the run: %w", err)
	}
	if err := json.Unmarshal(data, &rec); err != nil {
		return rec, fmt.Errorf("greg: %s is damaged: %w", path, err)
	}
	return rec, nil
}

// OpenRun goes on with the run in a directory: from its checkpoint or, when it
// ended before there was one, from the beginning (init then gives the initial
// weights again, if the run had any).
func OpenRun(ctx context.Context, dir string, dev kernels.Device, init func(models.Model) error) (*Run, error) {
	if _, err := ReadRecord(dir); err != nil {
		return nil, err // before there is a lock in a directory of another kind
	}
	lock, err := lockRun(dir)
	if err != nil {
		return nil, err
	}
	r, err := open(ctx, dir, dev, init)
	if err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	r.lock = lock
	return r, nil
}

func open(ctx context.Context, dir string, dev kernels.Device, init func(models.Model) error) (*Run, error) {
	rec, err := ReadRecord(dir)
	if err != nil {
		return nil, err
	}
	m, err := models.New(rec.Config.Model, dev, rec.Config.Seed)
	if err != nil {
		return nil, err
	}
	t, err := NewTrainer(rec.Config, m, dev)
	if err != nil {
		return nil, err
	}
	t.GradEvery = rec.GradEvery
	r := &Run{Dir: dir, Record: rec, Trainer: t, Every: rec.Every, saved: -1}
	f, err := checkpoint.Open(ctx, filepath.Join(dir, checkpoint.RunFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if init != nil {
			err = init(m)
		} else {
			err = nil
		}
	case err == nil:
		err = t.Restore(f)
		r.saved = t.done
	}
	if err != nil {
		return nil, fmt.Errorf("greg: cannot resume %s: %w", dir, err)
	}
	return r, r.trimMetrics()
}

// trimMetrics drops the lines of steps that will be done again, and a last line
// that was cut off.
func (r *Run) trimMetrics() error {
	path := filepath.Join(r.Dir, MetricsFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("greg: cannot read the metrics: %w", err)
	}
	var kept bytes.Buffer
	for line := range bytes.Lines(data) {
		var s Step
		if json.Unmarshal(line, &s) != nil || s.Step > r.Trainer.done {
			break
		}
		kept.Write(line)
	}
	if kept.Len() == len(data) {
		return nil
	}
	return atomicfile.Write(path, kept.Bytes())
}

// Train trains to the end, writing metrics and checkpoints; each is told of every
// step. When ctx is cancelled it finishes the step in hand, writes a checkpoint
// and returns an error that wraps ctx.Err().
func (r *Run) Train(ctx context.Context, id, aux datasets.Set, each func(Step)) (err error) {
	log, err := os.OpenFile(filepath.Join(r.Dir, MetricsFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return fmt.Errorf("greg: cannot write the metrics: %w", err)
	}
	defer func() {
		if e := log.Close(); err == nil && e != nil {
			err = fmt.Errorf("greg: cannot write the metrics: %w", e)
		}
	}()
	w := bufio.NewWriter(log)
	enc := json.NewEncoder(w)
	every := r.Every
	if every <= 0 {
		every = 200
	}
	perEpoch := max(r.Trainer.PerEpoch(id), 1)
	for s, err := range r.Trainer.Steps(ctx, id, aux) {
		if err != nil {
			if ctx.Err() == nil {
				return errors.Join(r.wayOut(err), w.Flush()) // a step that failed may have moved running statistics: nothing to save
			}
			if e := r.save(w); e != nil {
				return fmt.Errorf("greg: interrupted, and then: %w", e)
			}
			return err
		}
		if err := enc.Encode(s); err != nil {
			return fmt.Errorf("greg: cannot write the metrics: %w", err)
		}
		if each != nil {
			each(s)
		}
		if s.Step%every == 0 || s.Step%perEpoch == 0 {
			if err := r.save(w); err != nil {
				return err
			}
		}
	}
	return r.save(w)
}

// save writes the metrics so far, then the checkpoint: never more steps in the
// checkpoint than in the metrics.
func (r *Run) save(metrics *bufio.Writer) error {
	if err := metrics.Flush(); err != nil {
		return fmt.Errorf("greg: cannot write the metrics: %w", err)
	}
	if r.saved == r.Trainer.done {
		return nil
	}
	f, err := r.Trainer.Checkpoint()
	if err != nil {
		return err
	}
	if err := r.Trainer.finite(f); err != nil {
		return r.wayOut(err)
	}
	if err := checkpoint.Write(filepath.Join(r.Dir, checkpoint.RunFile), f); err != nil {
		left := "there is none yet"
		if r.saved >= 0 {
			left = fmt.Sprintf("that of step %d is kept", r.saved)
		}
		return fmt.Errorf("greg: cannot write the checkpoint of step %d (%s): %w", r.Trainer.done, left, err)
	}
	r.saved = r.Trainer.done
	return nil
}

// wayOut says after a divergence what is left of the run and how to do better;
// it leaves other errors alone.
func (r *Run) wayOut(err error) error {
	var diverged *DivergedError
	if !errors.As(err, &diverged) {
		return err
	}
	left, from := "no checkpoint was written yet", ""
	if r.saved >= 0 {
		left, from = fmt.Sprintf("the checkpoint of step %d is kept", r.saved), ", and -init "+r.Dir+" if it is to begin with that checkpoint"
	}
	return fmt.Errorf("%w; %s; going on would come to the same: lower the learning rate, clip the gradient or warm up in a new run (-out with another directory%s)", err, left, from)
}

// ReadMetrics reads the steps of a run directory.
func ReadMetrics(dir string) ([]Step, error) {
	f, err := os.Open(filepath.Join(dir, MetricsFile))
	if err != nil {
		return nil, fmt.Errorf("greg: cannot read the metrics: %w", err)
	}
	defer f.Close()
	var steps []Step
	dec := json.NewDecoder(bufio.NewReader(f))
	for dec.More() {
		var s Step
		if err := dec.Decode(&s); err != nil {
			return nil, fmt.Errorf("greg: the metrics of %s are damaged after step %d: %w", dir, len(steps), err)
		}
		steps = append(steps, s)
	}
	return steps, nil
}
