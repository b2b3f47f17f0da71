package main

import (
	"fmt"
	"strings"

	"gradgrad/greg"
	"gradgrad/internal/cli"
	"gradgrad/models"
)

// describe says what is going to be trained, and how.
func (j *job) describe(env *cli.Env) {
	t, rec := j.run.Trainer, j.run.Record
	c := rec.Config
	say := func(name, format string, a ...any) { env.Say("  %-10s %s", name, fmt.Sprintf(format, a...)) }
	from := "random weights"
	if rec.Init != "" {
		from = rec.Init
	}
	if t.Done() > 0 {
		from = fmt.Sprintf("step %d of the same run", t.Done())
	}
	env.Say("training %s from %s", c.Method, from)
	say("network", "%s, %d classes, %s parameters, images of %dx%d", c.Model.Arch, c.Model.Classes, thousands(models.ParamCount(t.Model)), c.Size, c.Size)
	say("id", "%s", describeSet(rec.Sets["id"]))
	if _, ok := rec.Sets["aux"]; ok {
		say("aux", "%s", describeSet(rec.Sets["aux"]))
	}
	if _, ok := rec.Sets["test"]; ok {
		say("test", "%s", describeSet(rec.Sets["test"]))
	} else {
		say("test", "none: there is no test split of %s", rec.Sets["id"].Spec)
	}
	say("steps", "%d (%d epochs of %d), %d + %d images each", t.Total(j.id), c.Epochs, t.PerEpoch(j.id), c.Batch, c.AuxBatch)
	say("loss", "%s", describeLoss(c.Loss))
	say("optimiser", "%s", describeOptimiser(c))
	say("else", "seed %d, normalisation %s, device %s", c.Seed, c.Normalize.Name, rec.Device)
	say("run", "%s", j.run.Dir)
}

func describeSet(s greg.SetID) string {
	text := fmt.Sprintf("%s, %s images", s.Name, thousands(s.Images))
	if s.Spec != s.Name {
		text += " (" + s.Spec + ")"
	}
	if s.Limit > 0 {
		text += ", limited"
	}
	return text
}

func describeLoss(l greg.Loss) string {
	text := "CE"
	if l.LambdaS != 0 {
		text += fmt.Sprintf(" + %g L_S", l.LambdaS)
	}
	if l.LambdaGrad != 0 {
		text += fmt.Sprintf(" + %g L_gradS, equation (3) in the variant %s", l.LambdaGrad, l.Variant)
	}
	if l.NeedsAux() {
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
		text += fmt.Sprintf(" divided by ten at %v of the run", c.Milestones)
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

// thousands writes 2243546 as 2,243,546.
func thousands(n int) string {
	text := fmt.Sprint(n)
	var parts []string
	for len(text) > 3 {
		parts = append([]string{text[len(text)-3:]}, parts...)
		text = text[:len(text)-3]
	}
	return strings.Join(append([]string{text}, parts...), ",")
}
