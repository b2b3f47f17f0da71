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
	// GradEvery makes every so many steps measure L_gradS also where the loss
	// does not contain it, for comparisons; 0 never. Training is unaffected.
	GradEvery int
}

// Step reports one finished step.
type Step struct {
	Step  int `json:"step"`  // steps done, this one included
	Steps int `json:"steps"` // of so many
	Epoch int `json:"epoch"` // from 0

	LR    float64  `json:"lr"`
	Loss  float64  `json:"loss"`
	CE    float64  `json:"ce"`
	LS    *float64 `json:"l_s,omitempty"`     // equation (1), unweighted
	LGrad *float64 `json:"l_grads,omitempty"` // equation (3), unweighted

	EnergyIn  float64  `json:"energy_in"`            // mean S of the in-distribution images
	EnergyAux *float64 `json:"energy_aux,omitempty"` // mean S of the auxiliary images
	HitsIn    int      `json:"hits_in"`              // images that equation (3) counts as detected
	HitsAux   int      `json:"hits_aux"`
	Accuracy  float64  `json:"accuracy"` // of the batch, percent

	Images  int     `json:"images"`  // in-distribution and auxiliary
	Seconds float64 `json:"seconds"` // wall time, waiting for images included
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
	nextAux := func() (*datasets.Batch, error, bool) { return nil, nil, true }
	if t.Config.AuxBatch > 0 {
		next, stop := iter.Pull2(datasets.StreamFrom(ctx, aux, t.auxBatches(), t.done))
		defer stop()
		nextAux = next
	}
	t.rate = t.Config.schedule(total)
	for t.done < total {
		more, err := t.epoch(ctx, id, perEpoch, total, nextAux, yield)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// epoch trains to the end of the current epoch; more is false when the caller
// has had enough.
func (t *Trainer) epoch(ctx context.Context, id datasets.Set, perEpoch, total int, nextAux func() (*datasets.Batch, error, bool), yield func(Step) bool) (more bool, err error) {
	epoch := t.done / perEpoch
	began := time.Now()
	for in, err := range datasets.Batches(ctx, id, t.idBatches(epoch, t.done%perEpoch)) {
		if err != nil {
			return false, err
		}
		out, err, _ := nextAux()
		if err != nil {
			return false, err
		}
		s, err := t.step(in, out)
		if err != nil {
			return false, err
		}
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
		Augment: c.AugmentID, Normalize: c.Normalize}
}

// auxSeed keeps the order of the auxiliary images apart from the others'.
const auxSeed = 0x617578

func (t *Trainer) auxBatches() datasets.BatchConfig {
	c := t.Config
	return datasets.BatchConfig{Size: c.AuxBatch, Shuffle: true, Seed: c.Seed ^ auxSeed, DropLast: true,
		Augment: c.AugmentAux, Normalize: c.Normalize}
}

// CheckSets returns an error when the trainer cannot train on these sets: too few
// images, another number of classes than the network has outputs, sizes that
// differ.
func (t *Trainer) CheckSets(id, aux datasets.Set) error {
	if t.PerEpoch(id) == 0 {
		return fmt.Errorf("greg: the set %s holds %d images, fewer than a batch of %d", id.Name(), id.Len(), t.Config.Batch)
	}
	if n := len(id.Classes()); n != t.Config.Model.Classes {
		return fmt.Errorf("greg: the set %s has %d classes, the network %d outputs", id.Name(), n, t.Config.Model.Classes)
	}
	if t.Config.AuxBatch == 0 {
		return nil
	}
	if aux == nil {
		return fmt.Errorf("greg: %s needs a set of auxiliary outliers", t.Config.Method)
	}
	if aux.Len() < t.Config.AuxBatch {
		return fmt.Errorf("greg: the auxiliary set %s holds %d images, fewer than a batch of %d", aux.Name(), aux.Len(), t.Config.AuxBatch)
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
	x := t.join(in, aux)
	p := &layers.Pass{Tape: t.tape, Train: true, StatUpdates: c.StatUpdates, Seed: c.Seed, Step: uint64(t.done)}
	measure := t.GradEvery > 0 && aux != nil && t.done%t.GradEvery == 0
	terms := c.Loss.Terms(p, t.Model, x, in.Labels, measure)
	s = t.report(terms, in, x.Dim(0))
	if bad := s.Loss - s.Loss; bad != 0 { // NaN or infinite
		return s, &DivergedError{Step: t.done + 1, CE: s.CE, LS: s.LS, LGr: s.LGrad}
	}
	autograd.Backward(terms.Total, t.Model.Params()...)
	if t.clip != nil {
		t.clip.Clip()
	}
	s.LR = t.rate(t.done)
	t.opt.Step(s.LR)
	t.done++
	s.Step = t.done
	return s, nil
}

// join puts both batches on the tape as one.
func (t *Trainer) join(in, aux *datasets.Batch) *autograd.Value {
	t.images = append(t.images[:0], in.Images...)
	n := in.N
	if aux != nil {
		t.images = append(t.images, aux.Images...)
		n += aux.N
	}
	return t.tape.New(t.images, n, in.H, in.W, 3)
}

func (t *Trainer) report(terms *Terms, in *datasets.Batch, images int) Step {
	s := Step{Loss: terms.Total.Item(), CE: terms.CE.Item(), HitsIn: terms.Hits[0], HitsAux: terms.Hits[1], Images: images}
	if terms.LS != nil {
		s.LS = pointer(terms.LS.Item())
	}
	if terms.LGrad != nil {
		s.LGrad = pointer(terms.LGrad.Item())
	}
	scores := terms.Scores.Float64s()
	s.EnergyIn = mean(scores[:in.N])
	if images > in.N {
		s.EnergyAux = pointer(mean(scores[in.N:]))
	}
	s.Accuracy = 100 * accuracy(terms.Logits.Float32s(), terms.Logits.Dim(1), in.Labels)
	return s
}

func pointer(x float64) *float64 { return &x }

func mean(xs []float64) float64 {
	var s float64
	for _, x := range xs {
		s += x
	}
	return s / float64(len(xs))
}

// accuracy is the share of rows of logits whose first largest entry is the label.
func accuracy(logits []float32, classes int, labels []int) float64 {
	right := 0
	for i, l := range labels {
		if argmax(logits[i*classes:(i+1)*classes]) == l {
			right++
		}
	}
	return float64(right) / float64(len(labels))
}

func argmax(row []float32) int {
	best := 0
	for j, v := range row {
		if v > row[best] {
			best = j
		}
	}
	return best
}
