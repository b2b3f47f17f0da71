package app

import (
	"fmt"
	"path/filepath"
	"slices"

	"gradgrad/greg"
	"gradgrad/ood"
	"gradgrad/report"
)

// NamedRun is a run directory under the name that figures show.
type NamedRun struct{ Name, Dir string }

// quantity is something that metrics.jsonl has a curve of.
type quantity struct{ key, title, y, caption string }

// Penalties are the two quantities of the paper's Figure 3, and what other methods
// have in the place of the first.
var Penalties = []quantity{
	{"l_s", "Energy loss", "L_S, equation (1)", "How far energies are on the wrong side of the margins, squared."},
	{"l_balanced", "Balanced energy loss", "L_S, balanced", "How far energies are on the wrong side of margins that depend on the class, squared."},
	{"l_oe", "Outlier exposure", "cross-entropy", "Cross-entropy of outliers with the uniform distribution; the logarithm of the number of classes at best."},
	{"l_absent", "None of the classes", "cross-entropy", "Cross-entropy of outliers with the output for none of the classes."},
	{"l_mixed", "Mixed images", "cross-entropy", "Cross-entropy of images mixed with outliers, with labels mixed in the same shares."},
	{"l_grads", "Gradient norm", "L_gradS, equation (3)", "How steep the score is around images that it gets right."},
}

// TrainingFigures draws quantities over the steps of those runs that have them.
func TrainingFigures(runs []NamedRun, of []quantity) ([]*report.Figure, error) {
	var figures []*report.Figure
	for _, q := range of {
		var curves []report.Curve
		for _, r := range runs {
			c, err := report.ReadCurves(filepath.Join(r.Dir, greg.MetricsFile), r.Name, "step", q.key)
			if err != nil {
				return nil, err
			}
			for _, c := range c {
				if len(c.X) > 0 {
					curves = append(curves, c)
				}
			}
		}
		if len(curves) == 0 {
			continue
		}
		f, err := report.TrainingCurves(q.title, q.y, curves...)
		if err != nil {
			return nil, err
		}
		f.Caption = q.caption
		figures = append(figures, f)
	}
	return figures, nil
}

// ScoreFigure is the paper's Figure 4 for one evaluation: the energy score (or the
// first one there is) of known images and of all unknown ones together.
func ScoreFigure(r NamedRun) (*report.Figure, error) {
	dir := resultsIn(r.Dir)
	results, err := ood.ReadResults(dir)
	if err != nil {
		return nil, err
	}
	at := max(0, slices.IndexFunc(results.Scores, func(s ood.ScoreResult) bool { return s.Name == "energy" }))
	if len(results.Scores) == 0 {
		return nil, fmt.Errorf("%s holds no scores", dir)
	}
	score := results.Scores[at]
	id, err := ood.ReadNPY(greg.ScoreFile(dir, score.Name, results.ID))
	if err != nil {
		return nil, err
	}
	var unknown []float64
	for _, s := range score.Sets {
		values, err := ood.ReadNPY(greg.ScoreFile(dir, score.Name, s.Name))
		if err != nil {
			return nil, err
		}
		unknown = append(unknown, values...)
	}
	f, err := report.ScoreHistogram(r.Name, score.Name+" score", report.Scores{Name: "known", Values: id}, report.Scores{Name: "unknown", Values: unknown})
	if err != nil {
		return nil, err
	}
	a := score.Average()
	f.Caption = fmt.Sprintf("%s: average FPR95 %.2f, AUROC %.2f.", r.Name, a.FPR95, a.AUROC)
	return f, nil
}
