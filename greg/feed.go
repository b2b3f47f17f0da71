package greg

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"

	"gradgrad/datasets"
	"gradgrad/ood"
)

// feed gives the trainer the auxiliary images of one step after another. What it
// gives is a function of the config, the step and the network's weights.
type feed interface {
	// epoch prepares for steps of an epoch, which may have begun already.
	epoch(ctx context.Context, epoch int) error
	// next returns the images of the next step and, from methods that choose, how
	// they were chosen.
	next(ctx context.Context) (*datasets.Batch, *Drawn, error)
	close()
}

// Drawn says how a method chose the auxiliary images of a step.
type Drawn struct {
	All    float64 // mean weight of the candidates: energy S, or the probability of none of the classes, or the distance from POEM's boundary
	Chosen float64 // mean weight of the chosen ones
	Filled int     // images drawn at random to complete the batch
}

// newFeed makes the feed of a run that goes on at step t.done.
func (t *Trainer) newFeed(ctx context.Context, id, aux datasets.Set, perEpoch int) feed {
	if t.Config.AuxBatch == 0 {
		return noFeed{}
	}
	aux = t.auxImages(aux)
	switch t.Config.Sampling.Sampler {
	case SampleClusters:
		return newStepFeed(t, aux)
	case SampleRanks, SamplePosterior:
		return newPoolFeed(t, id, aux, perEpoch)
	}
	if o := t.Config.AuxOrder; o == OrderOffset || o == OrderFile {
		return &fileFeed{t: t, set: aux, perEpoch: perEpoch}
	}
	next, stop := iter.Pull2(datasets.StreamFrom(ctx, aux, t.auxBatches(), t.done))
	return &streamFeed{pull: next, stop: stop}
}

// auxImages is the part of the auxiliary set that the run uses, several times over
// where a step needs more images than there are and may repeat them.
func (t *Trainer) auxImages(aux datasets.Set) datasets.Set {
	if t.Config.AuxFirst > 0 {
		aux = datasets.Limit(aux, t.Config.AuxFirst)
	}
	if n := aux.Len(); t.Config.Copies(n) > 1 {
		return datasets.Subset(aux, consecutive(0, t.Config.Copies(n)*n, n))
	}
	return aux
}

// noFeed is for methods without auxiliary images.
type noFeed struct{}

func (noFeed) epoch(context.Context, int) error                      { return nil }
func (noFeed) next(context.Context) (*datasets.Batch, *Drawn, error) { return nil, nil, nil }
func (noFeed) close()                                                {}

// streamFeed reads a shuffled set, anew whenever it is exhausted.
type streamFeed struct {
	pull func() (*datasets.Batch, error, bool)
	stop func()
}

func (f *streamFeed) epoch(context.Context, int) error { return nil }
func (f *streamFeed) close()                           { f.stop() }
func (f *streamFeed) next(context.Context) (*datasets.Batch, *Drawn, error) {
	b, err, _ := f.pull()
	return b, nil, err
}

// Streams of random numbers of one seed.
const (
	// auxSeed keeps the order of the auxiliary images apart from the others'.
	auxSeed = 0x617578
	// chooseSeed is for what samplers draw, offsetSeed for where a pass begins.
	chooseSeed = 0x63686f6f7365
	offsetSeed = 0x6f6666736574
)

func random(seed, use uint64, at int) *rand.Rand { return rand.New(rand.NewPCG(seed^use, uint64(at))) }

// fileFeed reads a set in its own order, every epoch from the first image or from
// one chosen at random, and from the first again after the last.
type fileFeed struct {
	t        *Trainer
	set      datasets.Set
	perEpoch int
	reading  *reading // of the step after
}

func (f *fileFeed) epoch(context.Context, int) error { return nil }
func (f *fileFeed) close()                           { f.reading.close() }

func (f *fileFeed) next(ctx context.Context) (*datasets.Batch, *Drawn, error) {
	if f.reading == nil {
		f.reading = f.read(f.t.done)
	}
	b, err := f.reading.wait(ctx)
	if err != nil {
		return nil, nil, err
	}
	f.reading = f.read(f.t.done + 1)
	return b, nil, nil
}

// read begins to read the images of a step. They are augmented by its number.
func (f *fileFeed) read(step int) *reading {
	c, n := f.t.Config, f.set.Len()
	first := step % f.perEpoch * c.AuxBatch
	if c.AuxOrder == OrderOffset {
		first += random(c.Seed, offsetSeed, step/f.perEpoch).IntN(n)
	}
	b := f.t.auxBatches()
	b.Epoch = step
	return read(f.set, consecutive(first, c.AuxBatch, n), b)
}

// consecutive are count images of n from one on, the first following the last.
func consecutive(first, count, n int) []int {
	ids := make([]int, count)
	for i := range ids {
		ids[i] = (first + i) % n
	}
	return ids
}

// stepFeed chooses among the candidates of every step, which come from the shuffled
// set batch by batch, shuffled anew whenever fewer are left than a batch. The same
// augmented copies that the sampler saw are trained on.
type stepFeed struct {
	t       *Trainer
	set     datasets.Set
	sampler Sampler
	size    int // candidates of a step

	pass  int // of the order
	order []int
	ahead *view // of the step after
}

func newStepFeed(t *Trainer, aux datasets.Set) *stepFeed {
	s := t.Config.Sampling.For(aux.Len())
	return &stepFeed{t: t, set: aux, sampler: newClusterSampler(s, t.Config.AuxBatch, t.tape.Device()), size: s.Candidates}
}

func (f *stepFeed) epoch(context.Context, int) error { return nil }

func (f *stepFeed) close() {
	if f.ahead != nil {
		f.ahead.close()
	}
}

func (f *stepFeed) next(ctx context.Context) (*datasets.Batch, *Drawn, error) {
	step := f.t.done
	if f.ahead == nil {
		f.ahead = f.view(step)
	}
	v := f.ahead
	defer v.close()
	c := new(Candidates)
	if err := v.each(ctx, func(o ood.Outputs) { c.Look(f.sampler, o) }); err != nil {
		return nil, nil, err
	}
	choice, err := f.sampler.Choose(ctx, c, random(f.t.Config.Seed, chooseSeed, step))
	if err != nil {
		return nil, nil, fmt.Errorf("greg: auxiliary images of step %d: %w", step+1, err)
	}
	ids := make([]int, len(choice.Indices))
	for i, k := range choice.Indices {
		ids[i] = v.ids[k]
	}
	b, err := datasets.Gather(f.set, ids, v.c)
	if err != nil {
		return nil, nil, err
	}
	f.ahead = f.view(step + 1)
	return b, c.drawn(choice), nil
}

// view begins to look at the candidates of a step.
func (f *stepFeed) view(step int) *view {
	perPass := f.set.Len() / f.size
	b := f.t.auxBatches()
	b.Epoch = step / perPass
	if f.order == nil || f.pass != b.Epoch {
		f.pass, f.order = b.Epoch, datasets.Permutation(b.Seed, b.Epoch, f.set.Len())
	}
	first := step % perPass * f.size
	return f.t.viewOf(f.set, f.order[first:first+f.size], b)
}

// drawn are the mean weights of a choice.
func (c *Candidates) drawn(choice Choice) *Drawn {
	d := &Drawn{All: mean(c.Weights), Filled: choice.Filled}
	for _, i := range choice.Indices {
		d.Chosen += c.Weights[i] / float64(len(choice.Indices))
	}
	return d
}
