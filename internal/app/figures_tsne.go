package app

import (
	"context"
	"errors"
	"fmt"

	"gradgrad/datasets"
	"gradgrad/greg"
	"gradgrad/internal/cli"
	"gradgrad/internal/tsne"
	"gradgrad/report"
	"gradgrad/report/progress"
)

// tsneFlags choose what a t-SNE map shows.
type tsneFlags struct {
	of, id     *string
	ood        *[]string
	points     *int
	perplexity *float64
	seed       *int
	sets       *cli.Sets
	compute    *cli.Compute
}

func (t *tsneFlags) define(f *cli.Flags, sets cli.Sets) {
	f.Group("For tsne")
	t.of = f.String("of", "features", "features|pixels: what is mapped; features are those before the network's last layer")
	t.id = f.String("id", "", "SET: known images (default the test images of the run)")
	t.ood = f.List("ood", "SET,...: unknown images")
	t.points = f.Int("points", 400, "N: images of each set, chosen at random")
	t.perplexity = f.Float("perplexity", 0, "X: effective number of neighbours (default 30)")
	t.seed = f.Int("seed", 1, "N: of the map")
	f.Group("Data")
	t.sets = sets.Flags(f)
	t.compute = cli.ComputeFlags(f)
}

func (t *tsneFlags) draw(ctx context.Context, env *cli.Env, runs []NamedRun) (figures []namedFigure, err error) {
	switch {
	case *t.of != "features" && *t.of != "pixels":
		return nil, cli.Wrong("-of %s: features or pixels", *t.of)
	case len(*t.ood) == 0:
		return nil, cli.Wrong("tsne needs -ood: unknown images to map beside the known ones")
	case *t.points < 2:
		return nil, cli.Wrong("-points %d: at least 2 images of each set", *t.points)
	case *t.seed < 0:
		return nil, cli.Wrong("-seed %d: it must not be negative", *t.seed)
	}
	for _, r := range runs {
		f, err := t.one(ctx, env, r)
		if errors.Is(err, context.Canceled) {
			return nil, err
		}
		if err != nil {
			return nil, fmt.Errorf("t-SNE of %s: %w", r.Dir, err)
		}
		figures = append(figures, namedFigure{f, "tsne-" + *t.of + "-" + slugOf(r.Name)})
	}
	return figures, nil
}

// one maps the images as one run sees them.
func (t *tsneFlags) one(ctx context.Context, env *cli.Env, r NamedRun) (*report.Figure, error) {
	rec, err := greg.ReadRecord(r.Dir)
	if err != nil {
		return nil, err
	}
	id := *t.id
	if id == "" {
		if id = rec.Sets["test"].Spec; id == "" {
			return nil, cli.Wrong("-id is needed: the run names no test images")
		}
	}
	dev, err := t.compute.Open()
	if err != nil {
		return nil, err
	}
	w, err := cli.ReadWeights(ctx, r.Dir, "", 0)
	if err != nil {
		return nil, err
	}
	m, err := w.Network(dev)
	if err != nil {
		return nil, err
	}
	net := greg.NewClassifier(m, rec.Config.Normalize, dev)
	defer net.Close()
	var values []float32
	var names []string
	var counts []int
	for _, spec := range append([]string{id}, *t.ood...) {
		sets := *t.sets
		sets.Limit = *t.points
		set, _, err := sets.Open(ctx, env, spec, cli.Want{Size: rec.Config.Size})
		if err != nil {
			return nil, err
		}
		if values, err = t.vectors(ctx, net, set, values); err != nil {
			return nil, err
		}
		names, counts = append(names, set.Name()), append(counts, set.Len())
	}
	return t.plot(ctx, env, r, values, names, counts)
}

// vectors appends what stands for each image of a set.
func (t *tsneFlags) vectors(ctx context.Context, net *greg.Classifier, set datasets.Set, to []float32) ([]float32, error) {
	for out, err := range net.Outputs(ctx, set, *t.of == "pixels") {
		if err != nil {
			return nil, err
		}
		if *t.of == "pixels" {
			to = append(to, out.Images...)
		} else {
			to = append(to, out.Features...)
		}
	}
	return to, nil
}

func (t *tsneFlags) plot(ctx context.Context, env *cli.Env, r NamedRun, values []float32, names []string, counts []int) (*report.Figure, error) {
	n := 0
	for _, c := range counts {
		n += c
	}
	const iterations = 1000
	line := env.Progress(progress.Options{Label: "t-SNE", Total: iterations, Unit: "iterations"})
	defer line.Finish()
	at, err := tsne.Embed(ctx, values, n, tsne.Options{Perplexity: *t.perplexity, Iterations: iterations, Seed: uint64(*t.seed),
		Progress: func(done, _ int) { line.Update(int64(done), int64(done)) }})
	if err != nil {
		return nil, err
	}
	var groups []report.Points
	for i, c := range counts {
		groups = append(groups, report.Points{Name: names[i], XY: at[:c]})
		at = at[c:]
	}
	return report.ScatterPlot(fmt.Sprintf("%s: t-SNE of %s", r.Name, *t.of), groups...)
}
