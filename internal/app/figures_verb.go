package app

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"

	"gradgrad/greg"
	"gradgrad/internal/cli"
	"gradgrad/ood"
	"gradgrad/report"
)

const figuresHelp = `Draws the figures of the paper from run directories, one file each:

  training    energy loss, gradient norm, cross-entropy and accuracy over training (the paper's Figure 3)
  scores      histograms of a score on known and unknown images, with the 95 % line (Figure 4), a run each
  roc         ROC curves: one a set for each run, and one a run on all sets together
  clusters    FPR95 over the number of clusters, where runs differ in it (Table 7)
  tsne        t-SNE map of features or pixels of known and unknown images (Figure 1b), a run each; it runs the network

Everything but tsne comes from the files in the directories.`

var figureKinds = []string{"training", "scores", "roc", "clusters", "tsne"}

// figureFlags is what figures was asked for.
type figureFlags struct {
	out, format, score *string
	which              *[]string
	tsne               tsneFlags
}

func (x *Experiment) setupFigures(f *cli.Flags) cli.Action {
	v := new(figureFlags)
	f.Group("What")
	v.out = f.String("out", "figures", "DIR: where the figures go")
	v.format = f.String("format", "svg", "svg|png: kind of files")
	v.which = f.List("which", "KIND,...: see above (default all but tsne)")
	v.score = f.String("score", "energy", "NAME: the score that is drawn; the first one of a run that lacks it")
	v.tsne.define(f, x.Sets)
	return v.run
}

func (v *figureFlags) run(ctx context.Context, env *cli.Env, dirs []string) error {
	kinds := *v.which
	if len(kinds) == 0 {
		kinds = figureKinds[:len(figureKinds)-1]
	}
	for _, k := range kinds {
		if !slices.Contains(figureKinds, k) {
			return cli.Wrong("-which %s: there are %s", k, strings.Join(figureKinds, ", "))
		}
	}
	if *v.format != "svg" && *v.format != "png" {
		return cli.Wrong("-format %s: svg or png", *v.format)
	}
	if len(dirs) == 0 {
		return cli.Wrong("name run directories")
	}
	if err := cli.Create(*v.out); err != nil {
		return err
	}
	runs, _, err := describeRuns(dirs)
	if err != nil {
		return err
	}
	drawn := drawings{}
	for _, k := range kinds {
		figures, err := v.draw(ctx, env, k, runs)
		if err != nil {
			return err
		}
		for _, f := range figures {
			path := filepath.Join(*v.out, drawn.add(f.name, f.Figure)+"."+*v.format)
			if err := f.Write(path); err != nil {
				return err
			}
			fmt.Fprintf(env.Stdout, "%s\n", path)
		}
	}
	if len(drawn) == 0 {
		return fmt.Errorf("there is nothing to draw: the runs have no evaluation yet (the verb eval makes one), or none of what -which names")
	}
	return nil
}

// namedFigure is a figure with the name of its file, which others may have too.
type namedFigure struct {
	*report.Figure
	name string
}

func (v *figureFlags) draw(ctx context.Context, env *cli.Env, kind string, runs []NamedRun) (figures []namedFigure, err error) {
	switch kind {
	case "training":
		curves, err := TrainingFigures(runs, append(slices.Clone(Penalties), otherCurves...))
		for _, f := range curves {
			figures = append(figures, namedFigure{f, slugOf(f.Title)})
		}
		return figures, err
	case "clusters":
		return clusterFigure(runs, *v.score)
	case "tsne":
		return v.tsne.draw(ctx, env, runs)
	}
	var all []report.ROC
	for _, r := range runs {
		e, err := readEvaluation(r, *v.score)
		if err != nil {
			return nil, err
		}
		if e == nil {
			continue
		}
		f, err := e.figure(kind)
		if err != nil {
			return nil, err
		}
		figures = append(figures, namedFigure{f, kind + "-" + slugOf(r.Name)})
		all = append(all, report.ROC{Name: r.Name, ID: e.id.Values, OOD: e.together()})
	}
	if kind == "roc" && len(all) > 1 {
		f, err := report.ROCCurves("ROC on all sets together", all...)
		if err != nil {
			return nil, err
		}
		figures = append(figures, namedFigure{f, "roc"})
	}
	return figures, nil
}

// evaluation is one score of a run on its sets.
type evaluation struct {
	run   NamedRun
	score ood.ScoreResult
	id    report.Scores
	sets  []report.Scores
}

// readEvaluation reads a run's raw scores: of the score of that name, or of its
// first; nil where it was not judged.
func readEvaluation(r NamedRun, score string) (*evaluation, error) {
	dir := resultsIn(r.Dir)
	if !IsFile(filepath.Join(dir, ood.ResultsFile)) {
		return nil, nil
	}
	results, err := ood.ReadResults(dir)
	if err != nil {
		return nil, err
	}
	if len(results.Scores) == 0 {
		return nil, fmt.Errorf("%s holds no scores", dir)
	}
	e := &evaluation{run: r, score: results.Scores[0]}
	if s, ok := results.Score(score); ok {
		e.score = s
	}
	read := func(set string) (report.Scores, error) {
		values, err := ood.ReadNPY(greg.ScoreFile(dir, e.score.Name, set))
		return report.Scores{Name: set, Values: values}, err
	}
	if e.id, err = read(results.ID); err != nil {
		return nil, err
	}
	for _, s := range e.score.Sets {
		one, err := read(s.Name)
		if err != nil {
			return nil, err
		}
		e.sets = append(e.sets, one)
	}
	return e, nil
}

func (e *evaluation) figure(kind string) (*report.Figure, error) {
	if kind == "scores" {
		return report.ScoreHistogram(e.run.Name, e.score.Name+" score", e.id, e.sets...)
	}
	var rocs []report.ROC
	for _, s := range e.sets {
		rocs = append(rocs, report.ROC{Name: s.Name, ID: e.id.Values, OOD: s.Values})
	}
	return report.ROCCurves(e.run.Name+", "+e.score.Name+" score", rocs...)
}

// together are the scores of all OOD sets.
func (e *evaluation) together() (all []float64) {
	for _, s := range e.sets {
		all = append(all, s.Values...)
	}
	return all
}

// clusterFigure draws FPR95 over the number of clusters of runs that differ in it.
func clusterFigure(runs []NamedRun, score string) ([]namedFigure, error) {
	type key struct {
		line     string
		clusters int
	}
	values := map[key][]float64{}
	for _, r := range runs {
		rec, err := greg.ReadRecord(r.Dir)
		if err != nil {
			return nil, err
		}
		e, err := readEvaluation(r, score)
		if err != nil {
			return nil, err
		}
		c := rec.Config
		if e == nil || c.Sampling.Clusters == 0 {
			continue
		}
		k := key{fmt.Sprintf("%s, %s, %s", rec.Sets["id"].Name, c.Model.Arch, c.Method), c.Sampling.Clusters}
		values[k] = append(values[k], e.score.Average().FPR95)
	}
	keys := slices.SortedFunc(maps.Keys(values), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.clusters, b.clusters))
	})
	var trends []report.Trend
	for _, k := range keys {
		if n := len(trends); n == 0 || trends[n-1].Name != k.line {
			trends = append(trends, report.Trend{Name: k.line})
		}
		t := &trends[len(trends)-1]
		t.X = append(t.X, float64(k.clusters))
		mean, std := stat.PopMeanStdDev(values[k], nil)
		t.Mean, t.Std = append(t.Mean, mean), append(t.Std, std)
	}
	trends = slices.DeleteFunc(trends, func(t report.Trend) bool { return len(t.X) < 2 })
	if len(trends) == 0 {
		return nil, nil
	}
	f, err := report.TrendPlot("FPR95 over the number of clusters", "clusters", "average FPR95, %", trends...)
	return []namedFigure{{f, "clusters"}}, err
}
