package datasets

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"sync"
	"sync/atomic"
)

// BatchConfig says how a set becomes batches. Two configurations that differ
// only in Workers and Prefetch give the same bits.
type BatchConfig struct {
	// Size is the number of images in a batch; it must be positive. Where it is
	// larger than the set, the one batch is the set.
	Size int
	// Shuffle reads the images in a random order, which is a pure function of
	// Seed and the epoch. Without it the order is that of the set.
	Shuffle bool
	// Seed selects the order and the augmentation.
	Seed uint64
	// Epoch counts passes over the set from 0: another epoch has another order
	// and other augmentation.
	Epoch int
	// Start is the first batch of the epoch to read, from 0: a run that was
	// stopped inside an epoch goes on here.
	Start int
	// DropLast leaves out a last batch of fewer than Size images.
	DropLast bool
	// Augment changes training images at random; nil changes none.
	Augment *Augment
	// Normalize holds the constants of the in-distribution set.
	Normalize Normalization
	// Workers is the number of goroutines that read images; 0 means GOMAXPROCS.
	Workers int
	// Prefetch is the number of batches made ahead of the one in use; 0 means 2.
	Prefetch int
	// Bytes leaves to somebody else, such as a GPU, what is left to do once colours and
	// sizes are as they will be: to move, mirror and normalise. Batches then have
	// Pixels and Moves in place of Images.
	Bytes bool
}

// Count is the number of batches in one epoch of a set of n images: 781 of 64
// from 50,000 when the last one is dropped, 782 when it is kept.
func (c BatchConfig) Count(n int) int {
	if c.DropLast {
		return n / c.Size
	}
	return n/c.Size + min(n%c.Size, 1)
}

// Batch is a batch of images. One that an iterator yields is valid until the
// next iteration, which writes a later batch into the same memory: copy what has to
// last.
type Batch struct {
	// Images has shape [N][H][W][3]: normalised RGB. It is nil with BatchConfig.Bytes.
	Images []float32
	// Pixels has the same shape, and Moves has N entries: the images before they are
	// moved, mirrored and normalised. Both are nil without BatchConfig.Bytes.
	Pixels []uint8
	Moves  []Move
	// Labels has N entries, -1 for an image without a label.
	Labels []int
	// Indices has N entries: the position of each image in its set.
	Indices []int
	// N is the number of images; H and W are their height and width in pixels.
	N, H, W int
}

// Batches yields the batches of one epoch, c.Epoch, beginning with batch
// c.Start. Goroutines prepare the next batches while one is in use; they have
// ended when the loop over the batches has, also one left by break.
//
// A set that cannot be read, a configuration that makes no sense and a set too
// small for a single batch yield one error, with a nil batch, and end the
// iteration. So does the cancellation of ctx; the error then wraps ctx.Err().
func Batches(ctx context.Context, s Set, c BatchConfig) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		l, err := newLoader(s, c)
		if err != nil {
			yield(nil, err)
			return
		}
		l.run(ctx, &cursor{loader: l, epoch: c.Epoch, batch: c.Start}, yield)
	}
}

// StreamFrom yields batches without end: after the last one of an epoch it goes
// on with the next epoch, in another order. Auxiliary sets, which training
// reads at another pace than the in-distribution set, are read this way.
//
// Batches are numbered across epochs, and batch is the number of the first one
// to read, counted from c.Epoch and c.Start. So a run that has consumed k
// batches goes on with StreamFrom(ctx, s, c, k) and the c it started with, and
// sees what it would have seen. Errors, cancellation and the life of a batch are
// as for [Batches].
func StreamFrom(ctx context.Context, s Set, c BatchConfig, batch int) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		l, err := newLoader(s, c)
		if err == nil && batch < 0 {
			err = fmt.Errorf("batches of %s cannot be read from number %d: it must not be negative", s.Name(), batch)
		}
		if err != nil {
			yield(nil, err)
			return
		}
		at := c.Start + batch
		from := &cursor{loader: l, epoch: c.Epoch + at/l.count, batch: at % l.count, endless: true}
		l.run(ctx, from, yield)
	}
}

// Gather makes the batch of the given images, in that order, as they are in
// epoch c.Epoch: samplers that choose images themselves use it. Of c only Seed,
// Epoch, Augment, Normalize and Workers matter. The batch belongs to the caller.
func Gather(s Set, indices []int, c BatchConfig) (*Batch, error) {
	c.Size, c.Start, c.DropLast = 1, 0, false
	l, err := newLoader(s, c)
	if err != nil {
		return nil, err
	}
	for _, i := range indices {
		if i < 0 || i >= s.Len() {
			return nil, fmt.Errorf("%s has no image %d: it has %d images", s.Name(), i, s.Len())
		}
	}
	b := l.newBatch(len(indices))
	l.assign(b, indices)
	if err := l.fillAll(b, c.Epoch); err != nil {
		return nil, fmt.Errorf("batch of %s: %w", s.Name(), err)
	}
	return b, nil
}

// fillAll reads all images of the batch, on all workers.
func (l *loader) fillAll(b *Batch, epoch int) error {
	workers := max(min(l.c.Workers, b.N), 1)
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for k := range workers {
		wg.Go(func() {
			errs[k] = l.fill(b, epoch, k*b.N/workers, (k+1)*b.N/workers, make([]uint8, l.pixels()), new(atomic.Bool))
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// loader is a checked configuration on a set.
type loader struct {
	set   Set
	c     BatchConfig
	h, w  int
	count int // batches in an epoch
	table *lookup
}

func newLoader(s Set, c BatchConfig) (*loader, error) {
	if err := c.check(s); err != nil {
		return nil, err
	}
	table, err := c.Normalize.lookup()
	if err != nil {
		return nil, err
	}
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.Prefetch == 0 {
		c.Prefetch = 2
	}
	c.Size = min(c.Size, s.Len()) // memory for what there can be
	h, w := s.Size()
	return &loader{set: s, c: c, h: h, w: w, count: c.Count(s.Len()), table: table}, nil
}

func (c BatchConfig) check(s Set) error {
	for _, f := range []struct {
		name       string
		value, min int
	}{
		{"Size", c.Size, 1},
		{"Epoch", c.Epoch, 0},
		{"Start", c.Start, 0},
		{"Workers", c.Workers, 0},
		{"Prefetch", c.Prefetch, 0},
	} {
		if f.value < f.min {
			return fmt.Errorf("BatchConfig.%s is %d: it must be at least %d", f.name, f.value, f.min)
		}
	}
	count := c.Count(s.Len())
	if count == 0 {
		return fmt.Errorf("%s has %d images, not enough for one batch of %d", s.Name(), s.Len(), c.Size)
	}
	if c.Start > count {
		return fmt.Errorf("%s cannot be read from batch %d: an epoch has %d batches of %d", s.Name(), c.Start, count, c.Size)
	}
	if c.Augment != nil {
		return c.Augment.check()
	}
	return nil
}

// pixels is the number of values in one image.
func (l *loader) pixels() int { return l.h * l.w * 3 }

func (l *loader) newBatch(n int) *Batch {
	b := &Batch{Labels: make([]int, 0, n), Indices: make([]int, 0, n), H: l.h, W: l.w}
	if l.c.Bytes {
		b.Pixels, b.Moves = make([]uint8, 0, n*l.pixels()), make([]Move, 0, n)
	} else {
		b.Images = make([]float32, 0, n*l.pixels())
	}
	return b
}

// assign makes b the batch of the given images, whose pixels are still to be
// filled in.
func (l *loader) assign(b *Batch, indices []int) {
	b.N = len(indices)
	b.Indices = append(b.Indices[:0], indices...)
	b.Labels = b.Labels[:b.N]
	if l.c.Bytes {
		b.Pixels, b.Moves = b.Pixels[:b.N*l.pixels()], b.Moves[:b.N]
	} else {
		b.Images = b.Images[:b.N*l.pixels()]
	}
}

// fill reads images lo to hi of the batch, until stop is set. raw is memory for
// one image as the set gives it; a batch of bytes has its own.
func (l *loader) fill(b *Batch, epoch, lo, hi int, raw []uint8, stop *atomic.Bool) error {
	pixels := l.pixels()
	for k := lo; k < hi && !stop.Load(); k++ {
		i := b.Indices[k]
		if l.c.Bytes {
			raw = b.Pixels[k*pixels : (k+1)*pixels]
		}
		image, label, err := l.read(epoch, i, raw)
		if err != nil {
			return fmt.Errorf("image %d: %w", i, err)
		}
		var m Move
		if l.c.Augment != nil {
			m = l.c.Augment.Draw(l.c.Seed, epoch, i)
		}
		b.Labels[k] = label
		if l.c.Augment != nil && l.c.Augment.Jitter != nil {
			image, m = l.c.Augment.jittered(image, l.h, l.w, m, l.c.Seed, epoch, i), Move{}
		}
		if l.c.Bytes {
			copy(raw, image)
			b.Moves[k] = m
		} else {
			place(b.Images[k*pixels:(k+1)*pixels], image, l.h, l.w, m, l.table)
		}
	}
	return nil
}

// read gives the bytes of an image, in raw unless it is cut out of a picture.
func (l *loader) read(epoch, i int, raw []uint8) (image []uint8, label int, err error) {
	if l.c.Augment != nil && l.c.Augment.Resized != nil {
		m, label, err := l.c.Augment.resized(l.set, l.c.Seed, epoch, i)
		return m.Pix, label, err
	}
	label, err = l.set.Read(i, raw)
	return raw, label, err
}

// cursor walks over the batches of an epoch, or of all epochs.
type cursor struct {
	loader  *loader
	epoch   int
	batch   int // in the epoch
	endless bool
	order   []int // of the epoch; nil until the first batch needs it
}

// next returns the images of the next batch and its epoch; ok is false after
// the last.
func (u *cursor) next() (indices []int, epoch int, ok bool) {
	l := u.loader
	if u.batch == l.count {
		if !u.endless {
			return nil, 0, false
		}
		u.epoch, u.batch, u.order = u.epoch+1, 0, nil
	}
	if u.order == nil {
		u.order = l.order(u.epoch)
	}
	lo := u.batch * l.c.Size
	hi := min(lo+l.c.Size, len(u.order))
	u.batch++
	return u.order[lo:hi], u.epoch, true
}

func (l *loader) order(epoch int) []int {
	if l.c.Shuffle {
		return permutation(l.c.Seed, epoch, l.set.Len())
	}
	order := make([]int, l.set.Len())
	for i := range order {
		order[i] = i
	}
	return order
}
