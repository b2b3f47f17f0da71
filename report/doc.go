// Package report turns results files, scores and training records into what
// people read: tables, figures and one self-contained HTML page. Everything here
// is made from files that a run has left, so it can be made again.
//
// A table is read from results.json files and written in any [Format]:
//
//	t, err := report.LoadTable("runs/ce/eval", "runs/greg/eval")
//	err = t.Write(os.Stdout, report.Text)
//
// It has the paper's layout: one block for each ID set, network and FPR
// convention; a row a method; FPR95 and AUROC for each OOD set; the average
// last, the paper's own average beside it where there is one. A row is the mean
// over seeds; runs of one method with other settings are rows of their own, labelled
// with what differs, as GReg+ (clusters=16).
//
// Figures are vector drawings that can be written as SVG or PNG:
//
//	f, err := report.ScoreHistogram("GReg", "energy score", id, svhn) // the paper's Figure 4
//	f, err := report.TrainingCurves("Gradient norm", "norm", ce, greg)  // the paper's Figure 3
//	c, err := report.ReadCurves("runs/greg/metrics.jsonl", "GReg", "step", "grad_norm")
//	f, err := report.ROCCurves("ROC", curves...)
//	err = f.Write("figure4.svg")
//
// [WriteHTML] puts text, tables and figures into one file without any link to
// the outside. Progress on a terminal is in the sub-package progress.
package report
