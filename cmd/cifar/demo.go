package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"gradgrad/datasets"
	"gradgrad/greg"
	"gradgrad/internal/app"
	"gradgrad/internal/atomicfile"
	"gradgrad/internal/cli"
	"gradgrad/kernels"
	"gradgrad/models"
	"gradgrad/ood"
	"gradgrad/report"
)

const demoHelp = `Draws all images itself: ten classes of shapes and textures, auxiliary outliers of kinds of their own, and seven
families of out-of-distribution images that no training sees. It trains a small network with cross-entropy, then
fine-tunes it twice from the same start, with the Energy loss and with GReg, and judges all three.

It prints the table and leaves three ordinary run directories (ce, energy, greg) and report.html in -out. A minute
or two on two cores.`

// demoFile marks a directory as a demo's, which the next demo may replace.
const demoFile = "demo.json"

// demo is one run of the small experiment.
type demo struct {
	env    *cli.Env
	dir    string
	plan   demoPlan
	device string // as given
	dev    kernels.Device
	began  time.Time
	id     datasets.Set
	aux    datasets.Set
	test   datasets.Set
	ood    []datasets.Set
	ids    map[string]greg.SetID // of id, aux and test
	digest map[string]string     // of what evaluations read
	scored map[string]*greg.Scored
}

func setupDemo(f *cli.Flags) cli.Action {
	out := f.String("out", filepath.Join("runs", "demo"), "DIR: for everything; an older demo there is replaced")
	seed := f.Int("seed", 1, "N: of weights and order of images")
	compute := cli.ComputeFlags(f)
	quick := f.Bool("quick", false, "a twentieth of the images and steps: to see that it works, not what comes out")
	return func(ctx context.Context, env *cli.Env, _ []string) error {
		if *seed < 0 {
			return cli.Wrong("-seed %d: it may not be negative", *seed)
		}
		dev, err := compute.Open()
		if err != nil {
			return err
		}
		d := &demo{env: env, dir: *out, plan: fullDemo(uint64(*seed)), device: compute.Device, dev: dev, began: time.Now(),
			ids: map[string]greg.SetID{}, digest: map[string]string{}, scored: map[string]*greg.Scored{}}
		if *quick {
			d.plan = d.plan.quick()
		}
		return d.run(ctx)
	}
}

func (d *demo) run(ctx context.Context) error {
	err := d.compute(ctx)
	if errors.Is(err, context.Canceled) {
		return &cli.Interrupted{Advice: "a demo cannot go on where it ended; to begin it anew: " + d.env.Invocation(pkg) + " " + cli.Quote(d.env.Argv[1:]...)}
	}
	if err != nil {
		return err
	}
	table, err := d.table()
	if err != nil {
		return err
	}
	if err := app.PrintReadable(d.env, table); err != nil {
		return err
	}
	findings, err := d.findings()
	if err != nil {
		return err
	}
	page, err := d.page(table, findings)
	if err != nil {
		return err
	}
	path := filepath.Join(d.dir, "report.html")
	if err := report.WriteHTML(path, *page); err != nil {
		return err
	}
	for _, line := range findings {
		fmt.Fprintln(d.env.Stdout, line)
	}
	fmt.Fprintf(d.env.Stdout, "The report is %s (%s).\n", path, time.Since(d.began).Round(time.Second))
	return nil
}

// compute draws, trains and judges.
func (d *demo) compute(ctx context.Context) error {
	if err := d.clearOut(); err != nil {
		return err
	}
	if err := d.draw(ctx); err != nil {
		return err
	}
	for _, method := range demoMethods {
		if err := d.method(ctx, method); err != nil {
			return err
		}
	}
	return nil
}

// clearOut makes the directory, or empties it if it is an older demo's.
func (d *demo) clearOut() error {
	marker := filepath.Join(d.dir, demoFile)
	entries, err := os.ReadDir(d.dir)
	if err == nil && len(entries) > 0 && !app.IsFile(marker) {
		return fmt.Errorf("%s holds something that is not a demo (there is no %s in it): choose another directory with -out", d.dir, demoFile)
	}
	for _, name := range append([]string{"report.html"}, demoMethods...) {
		if err := os.RemoveAll(filepath.Join(d.dir, name)); err != nil {
			return fmt.Errorf("the older demo cannot be replaced: %w; choose another directory with -out", err)
		}
	}
	if err := cli.Create(d.dir); err != nil {
		return err
	}
	about, err := json.MarshalIndent(map[string]any{"plan": d.plan, "program": greg.ThisProgram()}, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(marker, append(about, '\n'))
}

// draw makes all sets.
func (d *demo) draw(ctx context.Context) (err error) {
	p := d.plan
	d.env.Say("drawing %s images of %dx%d", app.Thousands(2*p.Train+p.Test+len(demoFamilies)*p.OOD), p.Size, p.Size)
	flags := &cli.Sets{}
	open := func(spec string, train bool) (datasets.Set, greg.SetID, error) {
		return flags.Open(ctx, d.env, spec, cli.Want{Train: train, Size: p.Size})
	}
	for _, s := range []struct {
		key, family string
		n           int
		set         *datasets.Set
	}{{"id", "shapes", p.Train, &d.id}, {"aux", "outliers", p.Train, &d.aux}, {"test", "shapes-test", p.Test, &d.test}} {
		var id greg.SetID
		if *s.set, id, err = open(fmt.Sprintf("%s#%d", s.family, s.n), s.key != "test"); err != nil {
			return err
		}
		d.ids[s.key] = id
	}
	d.digest[d.test.Name()] = d.ids["test"].SHA256
	for _, family := range demoFamilies {
		set, id, err := open(fmt.Sprintf("%s#%d", family, p.OOD), false)
		if err != nil {
			return err
		}
		d.ood, d.digest[family] = append(d.ood, set), id.SHA256
	}
	return nil
}

// method trains with one method and judges the result.
func (d *demo) method(ctx context.Context, method string) error {
	j, err := d.begin(ctx, method)
	if err != nil {
		return err
	}
	defer j.Close()
	if err := j.Train(ctx, d.env); err != nil {
		return err
	}
	c := greg.NewClassifier(j.Run.Trainer.Model, j.Run.Record.Config.Normalize, d.dev)
	defer c.Close()
	scores, err := ood.ParseScores("energy,msp")
	if err != nil {
		return err
	}
	scored, err := app.Evaluate(ctx, d.env, c, greg.Evaluation{ID: d.test, OOD: d.ood, Scores: scores})
	if err != nil {
		return err
	}
	config := j.Run.Record.Config
	app.Identify(scored.Results, config.Model, &config, int64(j.Run.Trainer.Done()))
	scored.Results.Versions["device"], scored.Results.Versions["precision"] = d.device, cli.PrecisionOf(d.dev)
	scored.Results.Checkpoint, scored.Results.Digests = j.Run.Dir, d.digest
	scored.Results.Command = d.env.Invocation(pkg) + " " + cli.Quote(d.env.Argv[1:]...)
	d.scored[method] = scored
	return scored.Write(filepath.Join(j.Run.Dir, app.EvalDir))
}

// begin prepares the run of a method. The fine-tuning ones start from the same
// weights and see the same images in the same order.
func (d *demo) begin(ctx context.Context, method string) (*app.Job, error) {
	config, err := d.plan.config(method)
	if err != nil {
		return nil, err
	}
	j := &app.Job{Device: d.dev, ID: d.id, Test: d.test}
	rec := greg.Record{Sets: map[string]greg.SetID{"id": d.ids["id"], "test": d.ids["test"]}, Device: d.device, Precision: cli.PrecisionOf(d.dev), Program: greg.ThisProgram(), Command: d.env.Argv}
	if config.Loss.NeedsAux() {
		j.Aux, rec.Sets["aux"] = d.aux, d.ids["aux"]
		rec.Init = filepath.Join(d.dir, "ce")
	}
	model, err := models.New(config.Model, d.dev, config.Seed)
	if err != nil {
		return nil, err
	}
	if rec.Init != "" {
		w, err := cli.ReadWeights(ctx, rec.Init, "", config.Model.Classes)
		if err != nil {
			return nil, err
		}
		if err := w.Load(model); err != nil {
			return nil, err
		}
	}
	trainer, err := greg.NewTrainer(config, model, d.dev)
	if err != nil {
		return nil, err
	}
	trainer.GradEvery = gradEvery
	j.Run, err = greg.NewRun(filepath.Join(d.dir, method), rec, trainer)
	return j, err
}

// table compares the methods, from the files that they left.
func (d *demo) table() (*report.Table, error) {
	var dirs []string
	for _, m := range demoMethods {
		dirs = append(dirs, filepath.Join(d.dir, m, app.EvalDir))
	}
	return report.LoadTable(dirs...)
}
