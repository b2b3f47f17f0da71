package main

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"gradgrad/greg"
	"gradgrad/internal/app"
	"gradgrad/internal/cli"
	"gradgrad/models"
	"gradgrad/ood"
	"gradgrad/report"
)

// average is a method's average over all families with the energy score.
func (d *demo) average(method string) ood.Metrics {
	score, _ := d.scored[method].Results.Score("energy")
	return score.Average()
}

// steepness is the mean gradient norm over the last quarter of a run's steps, of
// those in which it was measured.
func (d *demo) steepness(method string) (float64, error) {
	steps, err := greg.ReadMetrics(filepath.Join(d.dir, method))
	sum, n := 0.0, 0
	for _, s := range steps[len(steps)*3/4:] {
		if s.LGrad != nil {
			sum += *s.LGrad
			n++
		}
	}
	return sum / float64(max(n, 1)), err
}

// findings says in words what came out, whatever it is.
func (d *demo) findings() ([]string, error) {
	ce, energy, greg := d.average("ce"), d.average("energy"), d.average("greg")
	lines := []string{
		fmt.Sprintf("With the energy score, %.1f %% of the out-of-distribution images pass for known ones after plain cross-entropy, %.1f %% after Energy fine-tuning and %.1f %% after GReg, when 95 %% of the known images must pass (average FPR95 over %d families).",
			ce.FPR95, energy.FPR95, greg.FPR95, len(d.ood)),
		fmt.Sprintf("Accuracy on the known classes is %.1f %%, %.1f %% and %.1f %%.",
			d.scored["ce"].Results.IDAccuracy, d.scored["energy"].Results.IDAccuracy, d.scored["greg"].Results.IDAccuracy),
	}
	flat, err := d.steepness("greg")
	if err != nil {
		return nil, err
	}
	steep, err := d.steepness("energy")
	if err != nil {
		return nil, err
	}
	lines = append(lines, flatness(flat, steep))
	switch gap := energy.FPR95 - greg.FPR95; {
	case gap >= 2:
		lines = append(lines, fmt.Sprintf("GReg is %.1f points better than Energy here. This is one seed of a toy experiment: it shows how the method works, not how much it gains.", gap))
	case gap <= -2:
		lines = append(lines, fmt.Sprintf("GReg is %.1f points worse than Energy here. This is one seed of a toy experiment: it shows how the method works, not how much it gains.", -gap))
	default:
		lines = append(lines, fmt.Sprintf("GReg and Energy differ by %.1f points, which is within what another seed changes: the toy experiment shows how the method works, not how much it gains.", max(gap, -gap)))
	}
	return lines, nil
}

// flatness says whether the gradient term did what it is for: GReg's gradient
// norm at the end beside that of Energy.
func flatness(greg, energy float64) string {
	text := fmt.Sprintf("Around images that it gets right, the score's gradient has a norm of %.2f at the end of GReg and of %.2f at the end of Energy fine-tuning: ", greg, energy)
	if greg < energy {
		return text + "this is what the gradient term is for."
	}
	return text + "the gradient term is there to make it smaller, and here it did not."
}

// page is the report.
func (d *demo) page(table *report.Table, findings []string) (*report.Page, error) {
	p := &report.Page{Title: "GReg on images that the program drew itself", Lead: findings, Made: d.made()}
	p.Sections = append(p.Sections, report.Section{
		Heading: "Results",
		Text: []string{
			"A network learns ten classes and is then shown images of kinds that it has never seen. A score, computed from its logits, should be large on known images and small on all others. FPR95 is the share of unknown images that pass when the threshold lets 95 % of the known ones pass (small is good); AUROC is the probability that a known image scores above an unknown one (large is good).",
			"All three networks are the same one: CE is trained with cross-entropy alone; Energy and GReg are fine-tuned from it with auxiliary outliers for the same number of steps, on the same images in the same order. They differ in the gradient term of equation (3) only.",
		},
		Table: table,
	})
	for _, part := range []func() (report.Section, error){d.trainingSection, d.scoreSection, d.imageSection} {
		s, err := part()
		if err != nil {
			return nil, err
		}
		p.Sections = append(p.Sections, s)
	}
	run := d.env.Invocation(pkg)
	p.Sections = append(p.Sections, report.Section{
		Heading: "Go on from here",
		Text:    []string{"The three runs are ordinary run directories. Judge one on other sets or with other scores, or train on images of your own:"},
		Pre: strings.Join([]string{
			run + " " + cli.Quote("eval", "-checkpoint", filepath.Join(d.dir, "greg"), "-ood", "ood-letters#5000,ood-noise#5000", "-scores", "energy,energy:t=2,msp", "-out", filepath.Join(d.dir, "greg", "again")),
			run + " train -id FOLDER_OF_CLASS_FOLDERS -method ce -arch wrn-16-1 -size 32 -out runs/base",
			run + " train -id FOLDER_OF_CLASS_FOLDERS -aux OUTLIERS -method greg -init runs/base -out runs/greg",
			run + " table " + cli.Quote(filepath.Join(d.dir, "ce"), filepath.Join(d.dir, "energy"), filepath.Join(d.dir, "greg")) + " -format markdown",
		}, "\n"),
	})
	return p, nil
}

// trainingSection is the paper's Figure 3.
func (d *demo) trainingSection() (report.Section, error) {
	s := report.Section{Heading: "Training", Text: []string{
		"Energy loss and gradient norm during fine-tuning, as in the paper's Figure 3. Both are shown without their weights. The gradient norm is equation (3) as printed: the norm of the gradient of the energy score with respect to the image, averaged over the images that the score gets right. Energy does not train on it; it is measured in every fourth step for this picture.",
	}}
	var err error
	s.Figures, err = app.TrainingFigures(d.runs(demoMethods[1:]), app.Penalties)
	return s, err
}

// runs are the directories of methods.
func (d *demo) runs(methods []string) (runs []app.NamedRun) {
	for _, m := range methods {
		runs = append(runs, app.NamedRun{Name: report.MethodName(m), Dir: filepath.Join(d.dir, m)})
	}
	return runs
}

// scoreSection is the paper's Figure 4.
func (d *demo) scoreSection() (report.Section, error) {
	s := report.Section{Heading: "Scores", Text: []string{
		"Energy scores of known test images and of all unknown families together, as in the paper's Figure 4. The less the two overlap, the better the detector; what lies to the right of the dashed line passes for known.",
	}}
	for _, r := range d.runs(demoMethods) {
		fig, err := app.ScoreFigure(r)
		if err != nil {
			return s, err
		}
		s.Figures = append(s.Figures, fig)
	}
	return s, nil
}

func (d *demo) imageSection() (report.Section, error) {
	pictures, err := d.pictures()
	return report.Section{Heading: "Images", Text: []string{
		fmt.Sprintf("Examples of every set, %dx%d pixels, enlarged %d times. The outliers of training and the families of the test are of different kinds: nothing that is tested on was trained on.", d.plan.Size, d.plan.Size, sheetZoom),
	}, Pictures: pictures}, err
}

// made is the provenance.
func (d *demo) made() []report.Fact {
	p, plan := greg.ThisProgram(), d.plan
	parameters := ""
	if m, err := models.New(models.Config{Arch: plan.Arch, Classes: 10}, d.dev, 1); err == nil {
		parameters = fmt.Sprintf(", %s parameters", app.Thousands(models.ParamCount(m)))
	}
	facts := []report.Fact{
		{Name: "command", Value: d.env.Invocation(pkg) + " " + cli.Quote(d.env.Argv[1:]...)},
		{Name: "program", Value: "gradgrad " + p.Version + ", " + p.Go + ", " + p.OS + "/" + p.Arch},
		{Name: "processor", Value: fmt.Sprintf("%d threads, float32", runtime.GOMAXPROCS(0))},
		{Name: "time", Value: time.Since(d.began).Round(time.Second).String() + ", all in all"},
		{Name: "network", Value: plan.Arch + parameters},
		{Name: "images", Value: fmt.Sprintf("%s of shapes and %s outliers to train with, %s shapes and %d families of %s to test with", app.Thousands(plan.Train), app.Thousands(plan.Train), app.Thousands(plan.Test), len(d.ood), app.Thousands(plan.OOD))},
		{Name: "CE", Value: fmt.Sprintf("%d epochs, SGD with Nesterov momentum, learning rate %g, cosine", plan.Epochs, plan.LR)},
		{Name: "Energy, GReg", Value: fmt.Sprintf("%d epochs, learning rate %g, cosine; lambda_S %g, margins %g and %g", plan.TuneEpochs, plan.TuneLR, plan.LambdaS, plan.MarginIn, plan.MarginAux)},
		{Name: "GReg", Value: fmt.Sprintf("lambda_grad %g, equation (3) as printed (variant paper)", plan.LambdaGrad)},
		{Name: "how these were chosen", Value: "lambda_S and margins are the paper's; learning rates and lambda_grad (1 in the paper) come from trial runs judged by held-out shapes and outliers, in which the families of the table were in view too: read the comparison with Energy as an illustration"},
		{Name: "seed", Value: fmt.Sprint(plan.Seed)},
	}
	if p.Commit != "" {
		facts = append(facts, report.Fact{Name: "commit", Value: p.Commit})
	}
	return facts
}
