package greg

import (
	"context"
	"fmt"

	"gradgrad/autograd"
	"gradgrad/datasets"
	"gradgrad/models"
	"gradgrad/ood"
)

// viewImages is the number of images that the network looks at at a time where the
// config does not say it. The candidates of a step or of an epoch are never in memory together.
const viewImages = 128

// view runs the trainer's network in evaluation mode over images of a set, and
// reads the next ones while it does. Nothing is recorded on the tape.
type view struct {
	t       *Trainer
	set     datasets.Set
	c       datasets.BatchConfig // augmentation, normalisation, seed and epoch
	ids     []int
	started int
	reading *reading
}

// viewOf begins to look at the given images of a set: the first are being read
// when it returns. The caller closes the view.
func (t *Trainer) viewOf(set datasets.Set, ids []int, c datasets.BatchConfig) *view {
	v := &view{t: t, set: set, c: c, ids: ids}
	v.readNext()
	return v
}

func (v *view) readNext() {
	next := v.ids[v.started:min(v.started+v.t.Config.Sampling.shard(), len(v.ids))]
	v.started += len(next)
	v.reading = nil
	if len(next) > 0 {
		v.reading = read(v.set, next, v.c)
	}
}

// each hands the outputs on to f, image by image in order. It can be called once.
func (v *view) each(ctx context.Context, f func(ood.Outputs)) error {
	done := 0
	finish := func(outputs func() (ood.Outputs, error)) error {
		o, err := outputs()
		if err != nil {
			return err
		}
		f(o)
		done += o.N
		if v.t.Looking != nil {
			v.t.Looking(done, len(v.ids))
		}
		return nil
	}
	var last func() (ood.Outputs, error) // of images that the device looks at
	for v.reading != nil {
		b, err := v.reading.wait(ctx)
		if err != nil {
			return err
		}
		v.readNext()
		look, err := v.t.sendLook(b)
		if err != nil {
			return err
		}
		if last != nil {
			if err := finish(last); err != nil {
				v.t.dropLook()
				return err
			}
		}
		if last, err = v.t.look(look, b); err != nil {
			return err
		}
	}
	if last == nil {
		return nil
	}
	return finish(last)
}

// close waits until nothing reads the set any more.
func (v *view) close() { v.reading.close() }

// outputsOf reads logits and features, and takes the output for none of the classes
// out of the logits where the network has one.
func outputsOf(c models.Config, logits, features *autograd.Value) ood.Outputs {
	return outputsFrom(c, logits.Float32s(), features.Float32s(), logits.Dim(0))
}

func outputsFrom(c models.Config, logits, features []float32, n int) ood.Outputs {
	o := ood.Outputs{Logits: logits, Features: features, N: n, Classes: len(logits) / n, Dim: len(features) / n}
	if !c.Reject {
		return o
	}
	all, outputs := o.Logits, o.Classes
	o.Classes = c.Answers()
	o.Absent, o.Logits = make([]float32, o.N), make([]float32, 0, o.N*o.Classes)
	for i := range o.N {
		row := all[i*outputs : (i+1)*outputs]
		o.Logits = append(o.Logits, row[:o.Classes]...)
		o.Absent[i] = row[o.Classes]
	}
	return o
}

// reading is a batch that another goroutine is reading.
type reading struct {
	batch *datasets.Batch
	err   error
	done  chan struct{}
}

func read(set datasets.Set, ids []int, c datasets.BatchConfig) *reading {
	r := &reading{done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.batch, r.err = datasets.Gather(set, ids, c)
	}()
	return r
}

func (r *reading) wait(ctx context.Context) (*datasets.Batch, error) {
	select {
	case <-r.done:
	case <-ctx.Done():
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("auxiliary images: %w", err)
	}
	return r.batch, r.err
}

// close waits for the goroutine; of no reading there is nothing to wait for.
func (r *reading) close() {
	if r != nil {
		<-r.done
	}
}
