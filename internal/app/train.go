package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"gradgrad/datasets"
	"gradgrad/greg"
	"gradgrad/internal/cli"
	"gradgrad/kernels"
	"gradgrad/models"
	"gradgrad/report/progress"
)

func (x *Experiment) trainHelp() string {
	names, about := x.Methods()
	var b strings.Builder
	b.WriteString("Trains a network and leaves a run directory: config.json (settings, data, program), metrics.jsonl (a line a\n" +
		"step) and checkpoint.safetensors. Ctrl-C finishes the step and saves; -resume goes on, in the same bits.\n\nMethods:\n")
	for i, n := range names {
		fmt.Fprintf(&b, "  %-10s %s\n", n, about[i])
	}
	b.WriteString("\n" + cli.Wrap("Architectures: "+strings.Join(models.Known(), ", ")+".") + "\n\n" + cli.DescribeSets(x.Name))
	return b.String()
}

// defaultMethod is what train trains by.
const defaultMethod = "greg"

// trainFlags is what train was asked for.
type trainFlags struct {
	x                      *Experiment
	id, aux, classes, test *string
	method, arch, init     *string
	out, normalize         *string
	compute                *cli.Compute
	resume, newHead        *bool
	capture                *bool
	every, gradEvery       *int
	sets                   *cli.Sets
	settings               settings
	given                  func(flag string) bool
}

func (x *Experiment) setupTrain(f *cli.Flags) cli.Action {
	t := &trainFlags{x: x, given: f.Given}
	f.Group("What")
	t.id = f.String("id", "", "SET: in-distribution images, with classes")
	t.aux = f.String("aux", "", "SET: auxiliary outliers")
	t.classes = f.String("aux-classes", "", "FILE: keep the classes of -aux that this JSON file lists")
	t.test = f.String("test", "", "SET: test images for the accuracy at the end (default the test split of -id, where there is one)")
	t.method = f.String("method", defaultMethod, "NAME: see above")
	t.arch = f.String("arch", "", "NAME: architecture, see above (default that of -init, else "+x.Arch+")")
	t.init = f.String("init", "", "PATH: begin with the weights of a run directory, a .safetensors or a PyTorch file")
	t.newHead = f.Bool("new-head", false, "take all of -init but its last layer, such as that of 1,000 classes, which begins with random weights")
	t.normalize = f.String("normalize", "", "NAME: normalisation: "+strings.Join(datasets.PresetNames(), ", ")+" (default that of -init, else "+x.Normalize+")")
	t.out = f.String("out", "", "DIR: the run directory")
	t.resume = f.Bool("resume", false, "go on with the run in -out; its own settings hold")
	t.every = f.Int("save-every", 200, "N: steps between checkpoints; every epoch ends with one too")
	t.gradEvery = f.Int("grad-every", 0, "N: measure L_gradS, equation (3), every N steps also where the loss does not contain it, for curves with and without; the weights are the same bits (default never)")
	t.compute = cli.ComputeFlags(f)
	t.capture = f.Bool("capture", true, "on a GPU, capture a step and replay it as one launch; -capture=false runs every operation by itself, to the same bits, for profiles and to find out which one fails")
	f.Group("Data")
	t.sets = t.x.Sets.Flags(f)
	t.settings.define(f)
	return t.run
}

func (t *trainFlags) run(ctx context.Context, env *cli.Env, _ []string) error {
	if err := t.sets.Check(); err != nil {
		return err
	}
	if *t.out == "" {
		return cli.Wrong("-out is needed: the directory of the run")
	}
	if *t.every < 1 {
		return cli.Wrong("-save-every %d: at least 1 step lies between checkpoints", *t.every)
	}
	prepare := t.begin
	if *t.resume {
		prepare = t.goOn
	}
	j, err := prepare(ctx, env)
	if err != nil {
		return err
	}
	defer j.Close()
	j.Run.Trainer.Eager = !*t.capture
	if t.given("save-every") {
		j.Run.Every = *t.every
	}
	j.describe(env, t.x)
	if err := j.Train(ctx, env); err != nil {
		return t.interrupted(env, j, err)
	}
	return t.finish(ctx, env, j)
}

// Job is a run with its sets.
type Job struct {
	Run           *greg.Run
	Device        kernels.Device
	ID, Aux, Test datasets.Set // Aux and Test may be nil
}

// Close gives back memory and the directory.
func (j *Job) Close() error {
	j.Run.Trainer.Close()
	return j.Run.Close()
}

// begin prepares a new run.
func (t *trainFlags) begin(ctx context.Context, env *cli.Env) (*Job, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	if IsFile(filepath.Join(*t.out, greg.RecordFile)) { // say so before reading images
		return nil, fmt.Errorf("%s: %w; go on with it (-resume) or choose another directory", *t.out, greg.ErrRunExists)
	}
	dev, err := t.compute.Open()
	if err != nil {
		return nil, err
	}
	j := &Job{Device: dev}
	rec := greg.Record{Device: t.compute.Device, Precision: cli.PrecisionOf(dev), Every: *t.every, Program: greg.ThisProgram(), Command: env.Argv, Init: *t.init, NewHead: *t.newHead, Sets: map[string]greg.SetID{}}
	if err := t.openSets(ctx, env, j, rec.Sets); err != nil {
		return nil, err
	}
	config, weights, err := t.config(ctx, j)
	if err != nil {
		return nil, err
	}
	model, err := models.New(config.Model, dev, config.Seed)
	if err != nil {
		return nil, cli.AsWrong(err)
	}
	if weights != nil {
		if err := weights.Load(model); err != nil {
			return nil, err
		}
	}
	trainer, err := greg.NewTrainer(config, model, dev)
	if err != nil {
		return nil, cli.AsWrong(err)
	}
	trainer.GradEvery = *t.gradEvery
	if err := trainer.CheckSets(j.ID, j.Aux); err != nil {
		return nil, err // before there is a run
	}
	j.Run, err = greg.NewRun(*t.out, rec, trainer)
	return j, err
}

// openSets opens the sets of a new run.
func (t *trainFlags) openSets(ctx context.Context, env *cli.Env, j *Job, ids map[string]greg.SetID) (err error) {
	open := func(key, spec string, w cli.Want) (datasets.Set, error) {
		set, id, err := t.sets.Open(ctx, env, spec, w)
		ids[key] = id
		return set, err
	}
	if j.ID, err = open("id", *t.id, cli.Want{Train: true, Cut: true}); err != nil {
		return err
	}
	h, w := j.ID.Size()
	if h != w {
		return fmt.Errorf("the images of %s are %dx%d: bring them to squares with -size", *t.id, w, h)
	}
	if len(j.ID.Classes()) == 0 {
		return fmt.Errorf("the set %s has no classes: training needs labels, such as folders of a class each", *t.id)
	}
	if *t.aux != "" {
		if j.Aux, err = open("aux", *t.aux, cli.Want{Train: true, Cut: true, Size: h, Classes: *t.classes}); err != nil {
			return err
		}
	}
	spec := *t.test
	if spec == "" {
		if spec = testSpec(*t.id); spec == "" {
			return nil
		}
	}
	if j.Test, err = open("test", spec, cli.Want{Size: h}); err != nil {
		return err
	}
	one, err := t.oneSplit(ctx, env, ids["id"], ids["test"])
	if err != nil {
		return err
	}
	if one {
		j.Test = nil
		delete(ids, "test")
	}
	return nil
}

// oneSplit tells whether the test images are the training images: those of a set
// without a test split. The two may have been brought to size in different ways.
func (t *trainFlags) oneSplit(ctx context.Context, env *cli.Env, id, test greg.SetID) (bool, error) {
	if t.x.Sets.Stream && id.Spec == test.Spec && id.SHA256 != test.SHA256 {
		_, uncut, err := t.sets.Open(ctx, env, id.Spec, cli.Want{Train: true})
		return uncut.SHA256 == test.SHA256, err
	}
	return id.SHA256 == test.SHA256, nil
}

// testSpec is the spec of the test split beside a training set; empty where the
// user has chosen a part of a set.
func testSpec(id string) string {
	name := id[strings.IndexByte(id, '=')+1:]
	family, _, part := strings.Cut(name, "#")
	switch {
	case !part:
		return id
	case family == "shapes":
		return strings.TrimSuffix(id, name) + family
	}
	return ""
}

// config makes the settings of a new run, and reads its initial weights.
func (t *trainFlags) config(ctx context.Context, j *Job) (c greg.Config, weights *cli.Weights, err error) {
	classes := len(j.ID.Classes())
	if c, err = t.x.Preset(*t.method, classes); err != nil {
		return c, nil, cli.AsWrong(err)
	}
	preset := *t.normalize
	if preset == "" && *t.init == "" {
		preset = t.x.Normalize
	}
	if *t.init != "" {
		if weights, err = cli.ReadWeights(ctx, *t.init, *t.arch, classes); err != nil {
			return c, nil, err
		}
		weights.NewHead = *t.newHead
		c.SetNetwork(weights.Model)
		if c.Normalize, err = weights.Normalize(preset, j.ID.Name()); err != nil {
			return c, nil, err
		}
	} else if c.Normalize, err = datasets.Preset(preset, j.ID.Name()); err != nil {
		return c, nil, cli.AsWrong(err)
	} else {
		c.SetNetwork(models.Config{Arch: cmp.Or(*t.arch, t.x.Arch)})
	}
	c.Size, _ = j.ID.Size()
	t.settings.apply(&c)
	c.CountCandidates(j.ID.Len())
	return c, weights, cli.AsWrong(c.Check())
}

// Train runs to the end, with progress.
func (j *Job) Train(ctx context.Context, env *cli.Env) error {
	line := env.Progress(progress.Options{Label: j.Run.Record.Config.Method, Total: int64(j.Run.Trainer.Total(j.ID)), Start: int64(j.Run.Trainer.Done()), Unit: "images"})
	defer line.Finish()
	images := int64(0)
	t := j.Run.Trainer
	if t.Config.Sampling.Sampler != greg.SampleClusters { // those of a step are looked at in no time
		t.Looking = func(done, total int) {
			line.Update(int64(t.Done()), images, progress.Term{Name: "looked at", Value: float64(done)}, progress.Term{Name: "of", Value: float64(total)})
		}
	}
	return j.Run.Train(ctx, j.ID, j.Aux, func(s greg.Step) {
		images += int64(s.Images)
		line.Update(int64(s.Step), images, terms(s)...)
	})
}

// terms are the parts of a step's loss for the progress line.
func terms(s greg.Step) []progress.Term {
	ts := []progress.Term{{Name: "loss", Value: s.Loss}, {Name: "ce", Value: s.CE}}
	if name, value, ok := s.Outlier(); ok {
		ts = append(ts, progress.Term{Name: name, Value: value})
	}
	if s.LGrad != nil {
		ts = append(ts, progress.Term{Name: "L_grad", Value: *s.LGrad})
	}
	return append(ts, progress.Term{Name: "acc", Value: s.Accuracy})
}

// interrupted turns a cancelled run's error into advice how to go on.
func (t *trainFlags) interrupted(env *cli.Env, j *Job, err error) error {
	if !errors.Is(err, context.Canceled) {
		return err
	}
	words := []string{"train", "-resume", "-out", *t.out}
	if t.sets.Data != "" {
		words = append(words, "-data", t.sets.Data)
	}
	if t.sets.SkipBad {
		words = append(words, "-skip-bad")
	}
	return &cli.Interrupted{Advice: fmt.Sprintf("the checkpoint of step %d is written; go on with: %s %s",
		j.Run.Trainer.Done(), env.Invocation(t.x.Package), cli.Quote(words...))}
}

// finish tests the network and says what can be done next.
func (t *trainFlags) finish(ctx context.Context, env *cli.Env, j *Job) error {
	dir := j.Run.Dir
	if j.Test != nil {
		c := greg.NewClassifier(j.Run.Trainer.Model, j.Run.Record.Config.Normalize, j.Device)
		defer c.Close()
		accuracy, err := c.Accuracy(ctx, j.Test, nil)
		if errors.Is(err, context.Canceled) {
			return &cli.Interrupted{Advice: "the run in " + dir + " is complete, only its test accuracy was not measured"}
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(env.Stdout, "test accuracy %.2f %% (%d images of %s)\n", accuracy, j.Test.Len(), j.Test.Name())
	}
	env.Say("the run is in %s; judge it with: %s %s -ood SET,...", dir, env.Invocation(t.x.Package), cli.Quote("eval", "-checkpoint", dir))
	return nil
}
