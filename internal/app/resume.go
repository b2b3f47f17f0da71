package app

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"gradgrad/datasets"
	"gradgrad/greg"
	"gradgrad/internal/cli"
	"gradgrad/kernels/cuda"
	"gradgrad/models"
)

// goOn prepares to continue the run in -out. Its own record holds: flags may
// repeat what it says but not contradict it, and its sets must be the same images.
func (t *trainFlags) goOn(ctx context.Context, env *cli.Env) (*Job, error) {
	rec, err := greg.ReadRecord(*t.out)
	if err != nil {
		return nil, err
	}
	if wrong := t.contradictions(rec); len(wrong) > 0 {
		return nil, cli.Wrong("%s contradicts the run in %s, which keeps its own settings: leave it out, or begin another run", strings.Join(wrong, ", "), *t.out)
	}
	dev, err := cli.OpenDevice(rec.Device, rec.Precision)
	if err != nil {
		return nil, err
	}
	j := &Job{Device: dev}
	for _, s := range []struct {
		key, flag string
		set       *datasets.Set
		train     bool
	}{{"id", *t.id, &j.ID, true}, {"aux", *t.aux, &j.Aux, true}, {"test", *t.test, &j.Test, false}} {
		if *s.set, err = t.reopen(ctx, env, rec, s.key, s.flag, s.train); err != nil {
			return nil, err
		}
	}
	j.Run, err = greg.OpenRun(ctx, *t.out, dev, func(m models.Model) error {
		if rec.Init == "" {
			return nil
		}
		w, err := cli.ReadWeights(ctx, rec.Init, "", rec.Config.Model.Answers())
		if err != nil {
			return err
		}
		w.NewHead = rec.NewHead
		return w.Load(m)
	})
	return j, err
}

// reopen opens a recorded set again, where it was or where a flag says that it is
// now, and makes sure that it is still the same images.
func (t *trainFlags) reopen(ctx context.Context, env *cli.Env, rec greg.Record, key, flag string, train bool) (datasets.Set, error) {
	was, ok := rec.Sets[key]
	if !ok {
		if flag != "" {
			return nil, cli.Wrong("-%s %s contradicts the run in %s, which has no such set", key, flag, *t.out)
		}
		return nil, nil
	}
	spec := was.Spec
	if flag != "" {
		spec = flag
	}
	sets := *t.sets
	sets.Limit = was.Limit
	set, is, err := sets.Open(ctx, env, spec, cli.Want{Train: train, Cut: train, Size: rec.Config.Size, Classes: was.ClassFile})
	if err != nil {
		return nil, err
	}
	if is.SHA256 != was.SHA256 {
		return nil, fmt.Errorf("the set %s is not the one that the run in %s began with (%d images then, %d now, or other ones): the run can only go on with the same images", spec, *t.out, was.Images, is.Images)
	}
	return set, nil
}

// contradictions are the flags that say otherwise than the record of the run.
func (t *trainFlags) contradictions(rec greg.Record) []string {
	wrong := t.settings.contradictions(rec.Config)
	for _, c := range []struct{ flag, says, is string }{
		{"method", *t.method, rec.Config.Method},
		{"arch", *t.arch, rec.Config.Model.Arch},
		{"normalize", *t.normalize, rec.Config.Normalize.Name},
		{"init", *t.init, rec.Init},
		{"device", t.compute.Device, rec.Device},
		{"precision", t.compute.Precision, cmp.Or(rec.Precision, cuda.FP32.String())},
		{"size", fmt.Sprint(t.sets.Size), fmt.Sprint(rec.Config.Size)},
		{"limit", fmt.Sprint(t.sets.Limit), fmt.Sprint(rec.Sets["id"].Limit)},
		{"grad-every", fmt.Sprint(*t.gradEvery), fmt.Sprint(rec.GradEvery)},
		{"aux-classes", *t.classes, rec.Sets["aux"].ClassFile},
	} {
		if t.given(c.flag) && c.says != c.is {
			wrong = append(wrong, "-"+c.flag+" "+c.says)
		}
	}
	return wrong
}
