package app

import (
	"cmp"
	"fmt"
	"strings"

	"gradgrad/datasets"
	"gradgrad/greg"
	"gradgrad/internal/cli"
	"gradgrad/models"
)

// describe says what is going to be trained, and how.
func (j *Job) describe(env *cli.Env, x *Experiment) {
	t, rec := j.Run.Trainer, j.Run.Record
	c := rec.Config
	say := func(name, format string, a ...any) { env.Say("  %-10s %s", name, fmt.Sprintf(format, a...)) }
	from := "random weights"
	if rec.Init != "" {
		if from = rec.Init; rec.NewHead {
			from += ", its last layer anew"
		}
	}
	if t.Done() > 0 {
		from = fmt.Sprintf("step %d of the same run", t.Done())
	}
	env.Say("training %s from %s", c.Method, from)
	say("network", "%s, %s, %s parameters, images of %dx%d", c.Model.Arch, describeOutputs(c.Model), Thousands(models.ParamCount(t.Model)), c.Size, c.Size)
	say("id", "%s", describeSet(rec.Sets["id"]))
	if _, ok := rec.Sets["aux"]; ok {
		say("aux", "%s", describeSet(rec.Sets["aux"]))
	}
	if _, ok := rec.Sets["test"]; ok {
		say("test", "%s", describeSet(rec.Sets["test"]))
	} else {
		say("test", "none: there is no test split of %s", rec.Sets["id"].Spec)
	}
	say("steps", "%d (%d epochs of %d), %d + %d images each", t.Total(j.ID), c.Epochs, t.PerEpoch(j.ID), c.Batch, c.AuxBatch)
	say("loss", "%s", describeLoss(c.Loss))
	if c.DualRate > 0 {
		say("", "lambda_grad moves by %g (L_gradS - %g) after every step, not below 0", c.DualRate, c.DualTarget)
	}
	if rec.GradEvery > 0 && c.Loss.LambdaGrad == 0 {
		say("", "L_gradS is measured beside it, every %d steps", rec.GradEvery)
	}
	if j.Aux != nil {
		say("outliers", "%s", describeOutliers(c, j.Aux.Len(), t.PerEpoch(j.ID)))
	}
	if c.AugmentID != nil && c.AugmentID.Resized != nil {
		say("images", "%s", describeCrop(*c.AugmentID.Resized))
	}
	say("optimiser", "%s", describeOptimiser(c))
	if c.Recompute {
		say("memory", "blocks are computed again for derivatives, not kept")
	}
	say("else", "seed %d, normalisation %s, device %s, %s", c.Seed, c.Normalize.Name, rec.Device, cli.PrecisionOf(j.Device))
	say("run", "%s", j.Run.Dir)
	if changes := x.changes(c); len(changes) > 0 {
		say("changed", "%s", strings.Join(changes, ", "))
	}
	for i, note := range x.notes(c.Method) {
		say([]string{"notes", ""}[min(i, 1)], "%s", note)
	}
}

func describeSet(s greg.SetID) string {
	text := fmt.Sprintf("%s, %s images", s.Name, Thousands(s.Images))
	if s.Spec != s.Name {
		text += " (" + s.Spec + ")"
	}
	if s.Limit > 0 {
		text += ", limited"
	}
	return text
}

func describeOutputs(m models.Config) string {
	text := fmt.Sprintf("%d classes", m.Answers())
	if m.Reject {
		text += " and an output for none of them"
	}
	if m.Dropout > 0 {
		text += fmt.Sprintf(", dropout %g", m.Dropout)
	}
	return text
}

func describeMixing(at greg.MixAt) string {
	if at == greg.MixManifold {
		return "images or what comes out of the first or second group of blocks"
	}
	return "images"
}

// describeOutliers says which auxiliary images are trained on.
func describeOutliers(c greg.Config, n, perEpoch int) string {
	if c.AuxFirst > 0 {
		n = min(n, c.AuxFirst)
	}
	repeated := ""
	if k := c.Copies(n); k > 1 {
		repeated = fmt.Sprintf("with replacement: %d images stand for %d, each %d times and augmented anew; ", n, k*n, k)
		n *= k
	}
	switch c.AuxOrder {
	case greg.OrderFile:
		return repeated + fmt.Sprintf("the %d images in order, every epoch from the first on", n)
	case greg.OrderOffset:
		return repeated + fmt.Sprintf("the %d images in order, every epoch from one chosen at random on", n)
	}
	return repeated + c.Sampling.Describe(n, perEpoch, c.AuxBatch)
}

func describeCrop(r datasets.ResizedCrop) string {
	return fmt.Sprintf("random crops of %g to %g %% of the area, width %.2f to %.2f of the height, resized, and flips", 100*r.AreaMin, 100*r.AreaMax, r.AspectMin, r.AspectMax)
}

func describeLoss(l greg.Loss) string {
	text := "CE"
	if l.LambdaS != 0 {
		name := map[greg.Outliers]string{greg.Uniform: "L_OE (cross-entropy with the uniform distribution)", greg.Absent: "L_none (cross-entropy with none of the classes)",
			greg.Mixed:    fmt.Sprintf("L_mix (%s mixed, shares from Beta(%g, %g))", describeMixing(l.MixAt), l.MixBeta, l.MixBeta),
			greg.Balanced: fmt.Sprintf("L_S balanced by the prior of the classes to the power %g, alpha %g", l.Gamma, l.Alpha)}[l.Outliers]
		text += fmt.Sprintf(" + %g %s", l.LambdaS, cmp.Or(name, "L_S"))
	}
	switch {
	case l.LambdaGrad == 0:
	case l.GradOf == greg.GradLoss:
		text += fmt.Sprintf(" + %g times the mean norm of the gradient of the loss so far", l.LambdaGrad)
	case l.GradOf == greg.GradMSP:
		text += fmt.Sprintf(" + %g L_gradS of the largest probability (from %g up, from %g down), equation (3) in the variant %s", l.LambdaGrad, l.GradIn, l.GradAux, l.Variant)
	default:
		text += fmt.Sprintf(" + %g L_gradS, equation (3) in the variant %s", l.LambdaGrad, l.Variant)
	}
	if l.UsesMargins() {
		text += fmt.Sprintf(", margins %g and %g", l.MarginIn, l.MarginAux)
	}
	return text
}

func describeOptimiser(c greg.Config) string {
	text := fmt.Sprintf("%s, learning rate %g", c.Optimizer, c.LR)
	switch c.Schedule {
	case "cosine":
		text += fmt.Sprintf(" falling to %g (cosine)", c.MinLR)
	case "multistep":
		text += fmt.Sprintf(" divided by ten at %.4g of the run", c.Milestones)
	}
	if c.Warmup > 0 {
		text += fmt.Sprintf(", warm-up of %d steps", c.Warmup)
	}
	if c.Optimizer == "sgd" && c.Momentum > 0 {
		text += fmt.Sprintf(", momentum %g", c.Momentum)
		if c.Nesterov {
			text += " (Nesterov)"
		}
	}
	if c.Decay > 0 {
		text += fmt.Sprintf(", weight decay %g", c.Decay)
	}
	if c.ClipNorm > 0 {
		text += fmt.Sprintf(", gradients clipped to %g", c.ClipNorm)
	}
	return text
}

// Thousands writes 2243546 as 2,243,546.
func Thousands(n int) string {
	text := fmt.Sprint(n)
	var parts []string
	for len(text) > 3 {
		parts = append([]string{text[len(text)-3:]}, parts...)
		text = text[:len(text)-3]
	}
	return strings.Join(append([]string{text}, parts...), ",")
}
