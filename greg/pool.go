package greg

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gradgrad/checkpoint"
	"gradgrad/datasets"
	"gradgrad/ood"
)

// selection is what was chosen of the pool of an epoch: images of the auxiliary
// set, as that epoch augments them. Selections are part of a checkpoint, because
// the weights that they were made with are gone inside the epoch.
type selection struct {
	epoch  int
	images []int
	drawn  Drawn
}

// poolFeed chooses once an epoch among a large pool: consecutive images from one on
// that is drawn at random, the whole set where the pool is that large.
type poolFeed struct {
	t        *Trainer
	id, aux  datasets.Set
	s        Sampling // for the size of the set
	perEpoch int

	now     *selection
	pass    int // of order
	order   []int
	reading *reading // of the step after
}

func newPoolFeed(t *Trainer, id, aux datasets.Set, perEpoch int) *poolFeed {
	return &poolFeed{t: t, id: id, aux: aux, s: t.Config.Sampling.For(aux.Len()), perEpoch: perEpoch}
}

func (f *poolFeed) close() { f.reading.close() }

// epoch chooses the images of an epoch, or takes what was chosen for it before an
// interruption.
func (f *poolFeed) epoch(ctx context.Context, epoch int) error {
	f.close()
	f.reading, f.order = nil, nil
	if f.now = f.t.selectionOf(epoch); f.now != nil {
		return nil
	}
	sampler, err := f.sampler(ctx, epoch)
	if err != nil {
		return err
	}
	n, from := f.aux.Len(), f.s.firstFrom(f.aux.Len())
	first := from + random(f.t.Config.Seed, offsetSeed, epoch).IntN(n-from)
	v := f.t.viewOf(f.aux, consecutive(first, f.s.Candidates, n), f.batches(epoch))
	defer v.close()
	c := new(Candidates)
	if err := v.each(ctx, func(o ood.Outputs) { c.Look(sampler, o) }); err != nil {
		return err
	}
	choice, err := sampler.Choose(ctx, c, random(f.t.Config.Seed, chooseSeed, epoch))
	if err != nil {
		return fmt.Errorf("greg: auxiliary images of epoch %d: %w", epoch, err)
	}
	f.now = &selection{epoch: epoch, drawn: *c.drawn(choice)}
	for _, k := range choice.Indices {
		f.now.images = append(f.now.images, v.ids[k])
	}
	f.t.remember(f.now)
	return nil
}

// sampler is that of an epoch.
func (f *poolFeed) sampler(ctx context.Context, epoch int) (Sampler, error) {
	if f.s.Sampler == SampleRanks {
		return &RankSampler{Skip: f.s.skipped(), Keep: f.s.Keep}, nil
	}
	return f.boundary(ctx, epoch)
}

// batches are auxiliary images as an epoch augments them.
func (f *poolFeed) batches(epoch int) datasets.BatchConfig {
	b := f.t.auxBatches()
	b.Epoch = epoch
	return b
}

func (f *poolFeed) next(ctx context.Context) (*datasets.Batch, *Drawn, error) {
	step := f.t.done % f.perEpoch
	if f.reading == nil {
		f.reading = f.read(step)
	}
	b, err := f.reading.wait(ctx)
	if err != nil {
		return nil, nil, err
	}
	f.reading = nil
	if step+1 < f.perEpoch {
		f.reading = f.read(step + 1)
	}
	return b, &f.now.drawn, nil
}

// read begins to read the images of a step of the epoch: what was chosen, shuffled,
// and shuffled anew whenever it is exhausted.
func (f *poolFeed) read(step int) *reading {
	ids := make([]int, f.t.Config.AuxBatch)
	n := len(f.now.images)
	for i := range ids {
		at := step*len(ids) + i
		if pass := at / n; f.order == nil || pass != f.pass {
			f.pass, f.order = pass, datasets.Permutation(mixed(f.t.Config.Seed^chooseSeed, f.now.epoch), pass, n)
		}
		ids[i] = f.now.images[f.order[at%n]]
	}
	return read(f.aux, ids, f.batches(f.now.epoch))
}

// mixed is a seed of its own for every epoch.
func mixed(seed uint64, epoch int) uint64 { return random(seed, offsetSeed, epoch).Uint64() }

// selectionOf is what was chosen for an epoch, nil when that is yet to be done.
func (t *Trainer) selectionOf(epoch int) *selection {
	for _, s := range t.selections {
		if s.epoch == epoch {
			return s
		}
	}
	return nil
}

// remember keeps a selection, and forgets those that no later epoch needs.
func (t *Trainer) remember(s *selection) {
	t.selections = append(t.selections, s)
	window := max(t.Config.Sampling.Window, 1)
	t.selections = slices.DeleteFunc(t.selections, func(old *selection) bool { return old.epoch <= s.epoch-window })
}

// selectionPrefix begins the names of selections in a checkpoint; the epoch follows.
const selectionPrefix = "train.selection."

// selectionState is the selections for a checkpoint, and the numbers beside them.
func (t *Trainer) selectionState() []checkpoint.Tensor {
	var ts []checkpoint.Tensor
	for _, s := range t.selections {
		images := make([]int64, len(s.images))
		for i, k := range s.images {
			images[i] = int64(k)
		}
		name := selectionPrefix + strconv.Itoa(s.epoch)
		ts = append(ts, checkpoint.New(name, []int{len(images)}, images),
			checkpoint.New(name+".weights", []int{2}, []float64{s.drawn.All, s.drawn.Chosen}))
	}
	return ts
}

// loadSelections is the inverse of selectionState.
func (t *Trainer) loadSelections(f *checkpoint.File) error {
	t.selections = nil
	for i := range f.Tensors {
		name, ok := strings.CutPrefix(f.Tensors[i].Name, selectionPrefix)
		epoch, err := strconv.Atoi(name)
		if !ok || err != nil {
			continue
		}
		s := &selection{epoch: epoch}
		if err := s.load(f, &f.Tensors[i]); err != nil {
			return fmt.Errorf("the auxiliary images of epoch %d: %w", epoch, err)
		}
		t.selections = append(t.selections, s)
	}
	return nil
}

func (s *selection) load(f *checkpoint.File, images *checkpoint.Tensor) error {
	values, err := images.Int64s()
	if err != nil {
		return err
	}
	for _, k := range values {
		if k < 0 {
			return fmt.Errorf("the checkpoint is damaged: image %d", k)
		}
		s.images = append(s.images, int(k))
	}
	weights, ok := f.Lookup(images.Name + ".weights")
	if !ok || weights.Len() != 2 || len(s.images) == 0 {
		return fmt.Errorf("the checkpoint is damaged: %s is incomplete", images.Name)
	}
	w, err := weights.Float64s()
	if err != nil {
		return err
	}
	s.drawn = Drawn{All: w[0], Chosen: w[1]}
	return nil
}
