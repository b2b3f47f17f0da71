package greg

import (
	"context"
	"fmt"
	"iter"
	"time"

	"gradgrad/autograd"
	"gradgrad/datasets"
	"gradgrad/kernels"
	"gradgrad/models"
	"gradgrad/optim"
)

// Trainer holds what changes while a network is trained. All randomness follows
// from the config's seed and the number of steps done, so these and the weights
// are all that a checkpoint needs.
type Trainer struct {
	Config Config
	Model  models.Model

	opt    optim.Optimizer
	clip   *optim.Clipper
	rate   optim.Schedule
	tape   *autograd.Tape
	done   int // steps
	images []float32

	repeat *autograd.Repeater
	inlet  kernels.Inlet // nil where the device cannot replay
	shapes map[stepShape]*shaped
	looks  map[lookShape]*look
	lr     float64 // of the step that the device is to do
	clock  uint64  // the same for what it drops

	selections []*selection // what was chosen for this epoch and for earlier ones
	prior      []float64    // of Balanced Energy
	dual       *float64     // lambda_grad where it follows the gradient term, nil at first

	// Looking, where set, is told how many of the images are done that the network
	// looks at before it is trained: candidates to choose among.
	Looking func(done, total int)
	// Eager makes devices that could replay steps run every one operation by operation,
	// to the same bits: for profiles, and to find out which operation fails.
	Eager bool
	// GradEvery makes every so many steps, the first of them included, measure L_gradS
	// also where the loss does not contain it, for comparisons; 0 never. Training is
	// unaffected: the same bits. [Loss.Measurable] says where it can be.
	GradEvery int
}

// DivergedError reports that training came to numbers that are not finite: in
// the loss, or in what the step made of the weights, running statistics and optimiser.
// When it was the loss the weights are as they were before the step, unless the device
// can replay steps: it has then made the update before anyone looks.
type DivergedError struct {
	Step    int
	CE      float64
	LS, LGr *float64 // nil where the loss has no such term
	Tensor  string   // the first tensor that is not finite; empty when it is the loss
}

func (e *DivergedError) Error() string {
	if e.Tensor != "" {
		return fmt.Sprintf("greg: %s is not finite after step %d", e.Tensor, e.Step)
	}
	terms := fmt.Sprintf("cross-entropy %g", e.CE)
	if e.LS != nil {
		terms += fmt.Sprintf(", L_S %g", *e.LS)
	}
	if e.LGr != nil {
		terms += fmt.Sprintf(", L_gradS %g", *e.LGr)
	}
	return fmt.Sprintf("greg: the loss is not a finite number at step %d (%s)", e.Step, terms)
}

// NewTrainer prepares to train a model. The config must pass [Config.Check].
func NewTrainer(c Config, m models.Model, dev kernels.Device) (*Trainer, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	t := &Trainer{Config: c, Model: m, tape: autograd.NewTape(dev), shapes: map[stepShape]*shaped{}, looks: map[lookShape]*look{}}
	t.repeat = autograd.NewRepeater(t.tape)
	if can, ok := dev.(kernels.Capturer); ok {
		var err error
		if t.inlet, err = can.NewInlet(); err != nil {
			return nil, err
		}
	}
	t.opt = newOptimizer(c, m.Params())
	if c.ClipNorm > 0 {
		t.clip = optim.NewClipper(m.Params(), c.ClipNorm)
	}
	return t, nil
}

// Close returns the memory of the trainer to the device.
func (t *Trainer) Close() {
	t.tape.Close()
	if t.inlet == nil {
		return
	}
	// What fails here fails again, and is said, when the device is used or closed.
	_ = t.repeat.Close()
	_ = t.inlet.Close()
	for _, k := range t.shapes {
		k.log.close()
		for _, v := range k.on.all() {
			v.Done()
		}
	}
	for _, k := range t.looks {
		k.log.close()
		k.images.value.Done()
	}
}

// Done is the number of steps done.
func (t *Trainer) Done() int { return t.done }

// PerEpoch is the number of steps in an epoch over the set.
func (t *Trainer) PerEpoch(id datasets.Set) int {
	return datasets.BatchConfig{Size: t.Config.Batch, DropLast: t.Config.DropLast}.Count(id.Len())
}

// Total is the number of steps of the whole run over the set.
func (t *Trainer) Total(id datasets.Set) int {
	n := t.Config.Epochs * t.PerEpoch(id)
	if t.Config.MaxSteps > 0 && (n == 0 || t.Config.MaxSteps < n) {
		n = t.Config.MaxSteps
	}
	return n
}

// Steps trains from where the trainer is to the end and yields every step. The
// loop may be left at any time; calling Steps again goes on. aux may be nil when
// the loss uses no outliers; its images are shuffled anew whenever they are
// exhausted. Errors: images that cannot be read, cancellation, a loss that is
// not finite ([DivergedError]).
func (t *Trainer) Steps(ctx context.Context, id, aux datasets.Set) iter.Seq2[Step, error] {
	return func(yield func(Step, error) bool) {
		if err := t.steps(ctx, id, aux, func(s Step) bool { return yield(s, nil) }); err != nil {
			yield(Step{}, err)
		}
	}
}

func (t *Trainer) steps(ctx context.Context, id, aux datasets.Set, yield func(Step) bool) error {
	if err := t.CheckSets(id, aux); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	perEpoch, total := t.PerEpoch(id), t.Total(id)
	if t.done < total { // whoever only asks need not wait
		if err := t.countPrior(ctx, aux); err != nil {
			return err
		}
	}
	t.repeat.Eager = t.Eager
	f := t.newFeed(ctx, id, aux, perEpoch)
	defer f.close()
	t.rate = t.Config.schedule(total)
	for t.done < total {
		more, err := t.epoch(ctx, id, perEpoch, total, f, yield)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// epoch trains to the end of the current epoch; more is false when the caller
// has had enough.
func (t *Trainer) epoch(ctx context.Context, id datasets.Set, perEpoch, total int, f feed, yield func(Step) bool) (more bool, err error) {
	epoch := t.done / perEpoch
	began := time.Now()
	if err := f.epoch(ctx, epoch); err != nil {
		return false, err
	}
	var last *underway
	finish := func() (more bool, err error) {
		if last == nil {
			return true, nil
		}
		s, err := t.finish(last)
		last = nil
		if err != nil {
			return false, err
		}
		s.Epoch, s.Steps, s.Seconds = epoch, total, time.Since(began).Seconds()
		began = time.Now()
		return yield(s) && s.Step < total, nil
	}
	for in, err := range datasets.Batches(ctx, id, t.idBatches(epoch, t.done%perEpoch)) {
		next, err := t.prepare(ctx, in, err, f)
		if more, e := finish(); e != nil || !more { // the step before this one
			t.drop(next)
			return false, e
		}
		if err != nil {
			return false, err
		}
		if err := t.begin(next); err != nil {
			return false, err
		}
		last = next
		if !t.ahead() || t.done >= total {
			if more, err := finish(); err != nil || !more {
				return false, err
			}
		}
	}
	return finish()
}

// prepare chooses the auxiliary images of the next step and sends it.
func (t *Trainer) prepare(ctx context.Context, in *datasets.Batch, err error, f feed) (*underway, error) {
	if err != nil {
		return nil, err
	}
	out, drawn, err := f.next(ctx)
	if err != nil {
		return nil, err
	}
	return t.send(in, out, drawn)
}

// ahead says whether a step is prepared while the one before is under way: where the
// device works by itself, and the step needs no number of the one before.
func (t *Trainer) ahead() bool { return t.inlet != nil && t.Config.DualRate == 0 }

func (t *Trainer) idBatches(epoch, start int) datasets.BatchConfig {
	c := t.Config
	return datasets.BatchConfig{Size: c.Batch, Shuffle: true, Seed: c.Seed, Epoch: epoch, Start: start, DropLast: c.DropLast,
		Augment: c.AugmentID, Normalize: c.Normalize, Bytes: t.takesBytes()}
}

func (t *Trainer) auxBatches() datasets.BatchConfig {
	c := t.Config
	return datasets.BatchConfig{Size: c.AuxBatch, Shuffle: true, Seed: c.Seed ^ auxSeed, DropLast: true,
		Augment: c.AugmentAux, Normalize: c.Normalize, Bytes: t.takesBytes()}
}

// takesBytes says whether batches are bytes. OpenMix mixes images before the device
// has them.
func (t *Trainer) takesBytes() bool {
	return t.inlet != nil && ownMemory(t.tape.Device()) && t.Config.Loss.Outliers != Mixed
}

// CheckSets returns an error when the trainer cannot train on these sets: too few
// images, another number of classes than the network has outputs, sizes that
// differ.
func (t *Trainer) CheckSets(id, aux datasets.Set) error {
	if t.PerEpoch(id) == 0 {
		return fmt.Errorf("greg: the set %s holds %d images, fewer than a batch of %d", id.Name(), id.Len(), t.Config.Batch)
	}
	if n := len(id.Classes()); n != t.Config.Model.Answers() {
		return fmt.Errorf("greg: the set %s has %d classes, the network %d outputs for classes", id.Name(), n, t.Config.Model.Answers())
	}
	if t.Config.AuxBatch == 0 {
		return nil
	}
	if aux == nil {
		return fmt.Errorf("greg: %s needs a set of auxiliary outliers", t.Config.Method)
	}
	if n := t.auxImages(aux).Len(); n < t.Config.AuxBatch {
		return fmt.Errorf("greg: of the auxiliary set %s there are %d images to use, fewer than a batch of %d: make the batch smaller, or let images come more than once in it (Config.Replacement, the flag -with-replacement)", aux.Name(), n, t.Config.AuxBatch)
	}
	h, w := id.Size()
	if ah, aw := aux.Size(); ah != h || aw != w {
		return fmt.Errorf("greg: images of %s are %dx%d, those of %s %dx%d; they must be equal", id.Name(), h, w, aux.Name(), ah, aw)
	}
	return nil
}
