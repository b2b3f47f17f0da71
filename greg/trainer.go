package greg

import (
	"context"
	"fmt"
	"iter"
	"time"

	"gradgrad/autograd"
	"gradgrad/datasets"
	"gradgrad/kernels"
	"gradgrad/layers"
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
	sender sender

	selections []*selection // what was chosen for this epoch and for earlier ones
	prior      []float64    // of Balanced Energy
	dual       *float64     // lambda_grad where it follows the gradient term, nil at first

	// Looking, where set, is told how many of the images are done that the network
	// looks at before it is trained: candidates to choose among.
	Looking func(done, total int)
	// GradEvery makes every so many steps measure L_gradS also where the loss
	// does not contain it, for comparisons; 0 never. Training is unaffected.
	GradEvery int
}

// DivergedError reports that training came to numbers that are not finite: in
// the loss, and then the weights are as they were before the step, or in what the
// step made of the weights, running statistics and optimiser.
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
	t := &Trainer{Config: c, Model: m, tape: autograd.NewTape(dev)}
	t.opt = newOptimizer(c, m.Params())
	if c.ClipNorm > 0 {
		t.clip = optim.NewClipper(m.Params(), c.ClipNorm)
	}
	return t, nil
}

// Close returns the memory of the trainer to the device.
func (t *Trainer) Close() { t.tape.Close() }

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
	for in, err := range datasets.Batches(ctx, id, t.idBatches(epoch, t.done%perEpoch)) {
		if err != nil {
			return false, err
		}
		out, drawn, err := f.next(ctx)
		if err != nil {
			return false, err
		}
		s, err := t.step(in, out)
		if err != nil {
			return false, err
		}
		s.addDrawn(drawn)
		s.Epoch, s.Steps, s.Seconds = epoch, total, time.Since(began).Seconds()
		if !yield(s) || t.done >= total {
			return false, nil
		}
		began = time.Now()
	}
	return true, nil
}

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
	return takesBytes(t.tape.Device()) && t.Config.Loss.Outliers != Mixed
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

// step makes one update and counts it.
func (t *Trainer) step(in, aux *datasets.Batch) (s Step, err error) {
	defer autograd.Catch(&err)
	defer t.tape.Release()
	c := t.Config
	batch := t.join(in, aux)
	p := &layers.Pass{Tape: t.tape, Train: true, StatUpdates: c.StatUpdates, Seed: c.Seed, Step: uint64(t.done), Conv: c.Conv, Recompute: c.Recompute}
	batch.Measure = c.DualRate > 0 || t.GradEvery > 0 && aux != nil && t.done%t.GradEvery == 0
	c.Loss.LambdaGrad = t.lambdaGrad()
	terms := c.Loss.Of(p, t.Model, batch)
	s = t.report(terms, in, batch.Images.Dim(0))
	if bad := s.Loss - s.Loss; bad != 0 { // NaN or infinite
		d := &DivergedError{Step: t.done + 1, CE: s.CE, LGr: s.LGrad}
		if terms.LS != nil {
			d.LS = pointer(terms.LS.Item())
		}
		return s, d
	}
	autograd.Backward(terms.Total, t.Model.Params()...)
	if t.clip != nil {
		t.clip.Clip()
	}
	t.follow(&s)
	s.LR = t.rate(t.done)
	t.opt.Step(s.LR)
	t.done++
	s.Step = t.done
	return s, nil
}

// join puts both batches on the tape as one. Of OpenMix the second one is mixed
// with the first, pair by pair, unless that is done deeper in the network.
func (t *Trainer) join(in, aux *datasets.Batch) Batch {
	b := Batch{Labels: in.Labels, Prior: t.prior}
	if in.Pixels != nil {
		all := []*datasets.Batch{in}
		if aux != nil {
			all = append(all, aux)
		}
		b.Images = t.sender.send(t.tape, t.Config.Normalize, all...)
		return b
	}
	t.images = append(t.images[:0], in.Images...)
	n := in.N
	if aux != nil {
		more := aux.Images
		if c := t.Config; c.Loss.Outliers == Mixed {
			b.Share = mixingShare(c.Loss.MixBeta, c.Seed, t.done)
			more = more[:min(len(more), len(in.Images))]
			if b.Depth = c.Loss.mixingDepth(c.Seed, t.done); b.Depth == 0 {
				mix(in.Images, more, b.Share)
			}
		}
		t.images = append(t.images, more...)
		n += len(more) / (in.H * in.W * 3)
	}
	b.Images = t.tape.New(t.images, n, in.H, in.W, 3)
	return b
}
