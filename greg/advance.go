package greg

import (
	"fmt"
	"math"
	"slices"

	"gradgrad/autograd"
	"gradgrad/datasets"
	"gradgrad/kernels"
	"gradgrad/layers"
)

// A step is sent (its images are on their way to the device), begun (the device works)
// and finished (its numbers are read). On a device that can replay work the next step
// is sent while one is under way.

// stepShape is all that decides which operations a step runs.
type stepShape struct {
	n, total, h, w     int // images in distribution, of both kinds, and their size
	depth              int // where OpenMix mixes
	measure, penalised bool
	bytes              bool // images come as bytes
}

// shaped is what the trainer keeps for the steps of one shape.
type shaped struct {
	t *Trainer
	stepShape
	on      *inputs // nil on devices that cannot replay
	log     records
	counted []int64 // what a step adds to the counters of the network
}

// inputs are where the device finds what changes from step to step.
type inputs struct {
	images                      pictures
	labels, share, rest, lambda *autograd.Value
}

func (t *Trainer) newInputs(s stepShape) *inputs {
	dev := t.tape.Device()
	return &inputs{images: newPictures(dev, t.Config.Normalize, s.bytes, s.total, s.h, s.w), labels: autograd.Full(dev, 0, s.n),
		share: autograd.Full(dev, 0), rest: autograd.Full(dev, 0), lambda: autograd.Full(dev, 0)}
}

// all are the inputs in the order in which they are sent.
func (in *inputs) all() []*autograd.Value {
	return []*autograd.Value{in.images.value, in.labels, in.share, in.rest, in.lambda}
}

// underway is a step that was sent.
type underway struct {
	of      *shaped
	batch   Batch
	drawn   *Drawn
	lr      float64
	lambda  float64
	numbers [][]float64 // of the records, once they are read
	hits    [2]int      // where the numbers do not say it
}

// shape returns what is kept for steps of a shape.
func (t *Trainer) shape(s stepShape) *shaped {
	k := t.shapes[s]
	if k == nil {
		k = &shaped{t: t, stepShape: s, log: records{dev: t.tape.Device()}}
		if t.inlet != nil {
			k.on = t.newInputs(s)
		}
		t.shapes[s] = k
	}
	return k
}

// send prepares the next step.
func (t *Trainer) send(in, aux *datasets.Batch, drawn *Drawn) (u *underway, err error) {
	defer autograd.Catch(&err)
	c := t.Config
	u = &underway{drawn: drawn, lambda: t.lambdaGrad(), batch: Batch{Labels: slices.Clone(in.Labels), Prior: t.prior, Fixed: t.inlet != nil}}
	u.batch.Measure = c.DualRate > 0 || t.GradEvery > 0 && aux != nil && t.done%t.GradEvery == 0
	batches := t.join(&u.batch, in, aux)
	total := 0
	for _, b := range batches {
		total += b.N
	}
	u.of = t.shape(stepShape{n: in.N, total: total, h: in.H, w: in.W, depth: u.batch.Depth, measure: u.batch.Measure, penalised: u.lambda != 0, bytes: in.Pixels != nil})
	if t.inlet == nil {
		t.images = t.images[:0]
		for _, b := range batches {
			t.images = append(t.images, b.Images...)
		}
		return u, nil
	}
	return u, t.upload(u, batches)
}

// upload begins to copy all that a step needs to the device.
func (t *Trainer) upload(u *underway, batches []*datasets.Batch) error {
	images := &u.of.on.images
	host, err := t.inlet.Host(images.value.Size() + u.of.n + 3)
	if err != nil {
		return err
	}
	images.fill(host[:images.value.Size()], batches)
	rest := host[images.value.Size():]
	outputs := t.Config.Model.Classes
	for i, l := range u.batch.Labels {
		if l < 0 || l >= outputs {
			return fmt.Errorf("greg: an image has the label %d, and the network %d outputs", l, outputs)
		}
		rest[i] = float32(l)
	}
	copy(rest[u.of.n:], []float32{float32(u.batch.Share), float32(1 - u.batch.Share), float32(u.lambda)})
	return t.inlet.Send()
}

// drop forgets a step that was sent and will not be begun.
func (t *Trainer) drop(u *underway) {
	if u != nil && t.inlet != nil {
		t.inlet.Take() // into nothing, which cannot fail
	}
}

// begin makes the update and counts it. On a device that can replay work it does not
// wait.
func (t *Trainer) begin(u *underway) (err error) {
	defer autograd.Catch(&err)
	u.lr = t.rate(t.done)
	t.lr, t.clock = u.lr, uint64(t.done)*layers.DropsPerStep
	k := u.of
	if k.on != nil {
		var to []kernels.Buffer
		for _, v := range k.on.all() {
			to = append(to, v.Buffer())
		}
		if err := t.inlet.Take(to...); err != nil {
			return err
		}
	}
	var failed error
	if err := t.repeat.Do(k.stepShape, k, func() { failed = t.compute(u) }); err != nil {
		return err
	}
	if failed == nil {
		t.done++
	}
	return failed
}

// compute is all that the device does in a step.
func (t *Trainer) compute(u *underway) error {
	defer t.tape.Release()
	c, k, b := t.Config, u.of, u.batch
	k.count(-1)
	defer k.count(1)
	if k.on == nil {
		b.Images = t.tape.New(t.images, k.total, k.h, k.w, 3)
	} else {
		constant := func(v *autograd.Value) *autograd.Value { return t.tape.Watch(v).Detach() }
		b.Images, b.On.Labels = k.on.images.on(t.tape), constant(k.on.labels)
		if c.Loss.Outliers == Mixed {
			b.On.Share, b.On.Rest = constant(k.on.share), constant(k.on.rest)
		}
		if c.DualRate > 0 {
			b.On.LambdaGrad = constant(k.on.lambda)
		}
	}
	loss := c.Loss
	loss.LambdaGrad = u.lambda
	p := &layers.Pass{Tape: t.tape, Train: true, StatUpdates: c.StatUpdates, Seed: c.Seed, Clock: &t.clock, Conv: c.Conv, Recompute: c.Recompute}
	terms := loss.Of(p, t.Model, b)
	detected := terms.Detected
	if !b.Fixed {
		detected = nil // Hits say it
	}
	k.log.put(terms.Total, terms.CE, terms.LS, terms.LGrad, terms.Scores, terms.Logits, detected)
	if !b.Fixed {
		u.hits = terms.Hits
		u.numbers = k.log.get()
		if err := t.diverged(u, t.done+1); err != nil {
			return err // the weights stay what they are
		}
	}
	autograd.Backward(terms.Total, t.Model.Params()...)
	if t.clip != nil {
		if b.Fixed {
			t.clip.Bound()
		} else {
			t.clip.Clip()
		}
	}
	t.opt.Step(t.lr)
	return nil
}

// count adds the counters of the network, with a sign, to what a step counts, which
// begins with the negative ones.
func (k *shaped) count(sign int64) {
	buffers := k.t.Model.Buffers()
	if sign < 0 {
		k.counted = make([]int64, len(buffers))
	}
	for i, b := range buffers {
		k.counted[i] += sign * b.Count
	}
}

// Again implements [autograd.Counts].
func (k *shaped) Again() {
	k.t.opt.Again(k.t.lr)
	for i, b := range k.t.Model.Buffers() {
		b.Count += k.counted[i]
	}
}

// Undo implements [autograd.Counts].
func (k *shaped) Undo() {
	k.t.opt.Undo()
	for i, b := range k.t.Model.Buffers() {
		b.Count -= k.counted[i]
	}
}

// diverged is the error of a step whose loss is not finite.
func (t *Trainer) diverged(u *underway, step int) error {
	if loss := u.numbers[atTotal][0]; !math.IsNaN(loss) && !math.IsInf(loss, 0) {
		return nil
	}
	return &DivergedError{Step: step, CE: u.numbers[atCE][0], LS: u.number(atLS), LGr: u.number(atLGrad)}
}

// finish waits for a step and reports it.
func (t *Trainer) finish(u *underway) (s Step, err error) {
	defer autograd.Catch(&err)
	if u.numbers == nil {
		u.numbers = u.of.log.get()
		if err := t.diverged(u, t.done); err != nil {
			return s, err
		}
	}
	s = t.report(u)
	t.follow(&s)
	s.addDrawn(u.drawn)
	s.LR, s.Step = u.lr, t.done
	return s, nil
}

// join are the batches of a step, in their order. Of OpenMix the second one is mixed
// with the first, pair by pair, unless that is done deeper in the network.
func (t *Trainer) join(b *Batch, in, aux *datasets.Batch) []*datasets.Batch {
	if aux == nil {
		return []*datasets.Batch{in}
	}
	if c := t.Config; c.Loss.Outliers == Mixed {
		b.Share = mixingShare(c.Loss.MixBeta, c.Seed, t.done)
		pairs := *aux
		pairs.N = min(aux.N, in.N)
		pairs.Images = aux.Images[:pairs.N*in.H*in.W*3]
		if b.Depth = c.Loss.mixingDepth(c.Seed, t.done); b.Depth == 0 {
			mix(in.Images, pairs.Images, b.Share)
		}
		aux = &pairs
	}
	return []*datasets.Batch{in, aux}
}
