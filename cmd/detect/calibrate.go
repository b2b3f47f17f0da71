package main

import (
	"context"
	"errors"
	"strings"

	"gradgrad/datasets"
	"gradgrad/greg"
	"gradgrad/internal/cli"
	"gradgrad/models"
	"gradgrad/ood"
	"gradgrad/report/progress"
)

func calibrateHelp() string {
	return "Runs a trained network over in-distribution images that it was not trained on, chooses the threshold that the\n" +
		"share -tpr of them reaches, and writes weights, score and threshold into one file for detect judge.\n\nScores:\n  " +
		strings.Join(ood.ScoreHelp(), "\n  ") + "\n(those that learn from training images cannot be kept in a file)\n\n" + cli.DescribeSets("cifar") +
		"\n\nExample: detect calibrate -model runs/greg -id cifar10 -out m.safetensors"
}

type calibrateFlags struct {
	model, id, score, out *string
	arch, normalize       *string
	compute               *cli.Compute
	tpr                   *float64
	sets                  *cli.Sets
}

func setupCalibrate(f *cli.Flags) cli.Action {
	c := new(calibrateFlags)
	f.Group("What")
	c.model = f.String("model", "", "PATH: a run directory, a .safetensors or a PyTorch file")
	c.id = f.String("id", "", "SET: in-distribution images that the network was not trained on, with classes")
	c.score = f.String("score", "energy", "SCORE: parameters after a colon, as in energy:t=2")
	c.tpr = f.Float("tpr", 0.95, "X: share of those images that is to be accepted")
	c.out = f.String("out", "", "FILE: where the detector goes, such as m.safetensors")
	c.compute = cli.ComputeFlags(f)
	f.Group("For files that no run of this project has written")
	c.arch = f.String("arch", "", "NAME: architecture, where the file does not tell: "+strings.Join(models.Known(), ", "))
	c.normalize = f.String("normalize", "", "NAME: normalisation: "+strings.Join(datasets.PresetNames(), ", "))
	f.Group("Data")
	c.sets = cli.SetFlags(f)
	return c.run
}

func (c *calibrateFlags) check() error {
	switch {
	case *c.model == "":
		return cli.Wrong("-model is needed: a run directory or a file with weights")
	case *c.id == "":
		return cli.Wrong("-id is needed: in-distribution images that the network was not trained on")
	case *c.out == "":
		return cli.Wrong("-out is needed: the file of the detector, such as m.safetensors")
	case !(*c.tpr > 0 && *c.tpr <= 1):
		return cli.Wrong("-tpr %g: a share above 0 and at most 1, such as 0.95", *c.tpr)
	}
	if _, err := ood.ParseScores(*c.score); err != nil {
		return cli.Wrong("-score: %w", err)
	}
	return c.sets.Check()
}

func (c *calibrateFlags) run(ctx context.Context, env *cli.Env, _ []string) error {
	if err := c.check(); err != nil {
		return err
	}
	dev, err := c.compute.Open()
	if err != nil {
		return err
	}
	w, err := cli.ReadWeights(ctx, *c.model, *c.arch, 0)
	if err != nil {
		return err
	}
	normalize, err := w.Normalize(*c.normalize, datasets.NameOf(*c.id))
	if err != nil {
		return err
	}
	trained := greg.Config{Method: "ce"}
	want := cli.Want{}
	if w.Config != nil {
		trained, want.Size = *w.Config, w.Config.Size
	}
	set, id, err := c.sets.Open(ctx, env, *c.id, want)
	if err != nil {
		return err
	}
	if err := w.FitSet(env, *c.id, len(set.Classes())); err != nil {
		return err
	}
	m, err := w.Network(dev)
	if err != nil {
		return err
	}
	net := greg.NewClassifier(m, normalize, dev)
	defer net.Close()
	line := env.Progress(progress.Options{Label: "calibrating", Total: int64(set.Len()), Unit: "images"})
	d, err := greg.Calibrate(ctx, net, trained, *c.score, set, id, *c.tpr, func(done, _ int) { line.Update(int64(done), int64(done)) })
	line.Finish()
	if errors.Is(err, context.Canceled) {
		return &cli.Interrupted{Advice: "no detector was written"}
	}
	if err != nil {
		return err
	}
	if err := d.Save(*c.out); err != nil {
		return err
	}
	env.Say("%s\nthe detector is in %s; judge pictures with: %s %s PATH...", d, *c.out, env.Invocation(pkg), cli.Quote("-model", *c.out))
	return nil
}
