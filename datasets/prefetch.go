package datasets

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// slot is the memory of one batch on its way: waiting for workers, being
// filled, waiting for the loop, or in use by it.
type slot struct {
	batch   *Batch
	epoch   int
	pending atomic.Int32  // parts still to be filled
	errs    []error       // one per part
	done    chan struct{} // receives a value when all parts are filled
}

// part is a run of images of one slot, the unit of work of a worker. A batch has
// as many parts as there are workers, so that even the first batch, which the
// loop is waiting for, is read by all of them.
type part struct {
	slot           *slot
	number, lo, hi int
}

// pipeline fills slots with a fixed set of goroutines.
type pipeline struct {
	loader *loader
	cursor *cursor
	parts  chan part
	stop   atomic.Bool
	wg     sync.WaitGroup
}

// run yields the batches of a cursor in order. Slots go round: a slot is filled
// again only when the loop has come back for the batch after it.
func (l *loader) run(ctx context.Context, from *cursor, yield func(*Batch, error) bool) {
	p := l.start(from)
	defer p.close()
	ready := make([]*slot, 0, l.c.Prefetch+1)
	for range cap(ready) {
		s := &slot{batch: l.newBatch(l.c.Size), errs: make([]error, l.c.Workers), done: make(chan struct{}, 1)}
		if p.submit(s) {
			ready = append(ready, s)
		}
	}
	for len(ready) > 0 {
		s := ready[0]
		if err := s.wait(ctx); err != nil {
			err = fmt.Errorf("batches of %s: %w", l.set.Name(), err)
			yield(nil, err)
			return
		}
		if !yield(s.batch, nil) {
			return
		}
		ready = append(ready[:0], ready[1:]...)
		if p.submit(s) {
			ready = append(ready, s)
		}
	}
}

// wait returns when the slot is filled, with the error of its first image that
// cannot be read. After cancellation it is an error whether filled or not.
func (s *slot) wait(ctx context.Context) error {
	select {
	case <-s.done:
	case <-ctx.Done():
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, err := range s.errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) start(from *cursor) *pipeline {
	// The channel holds the parts of all slots, so that submit never waits.
	p := &pipeline{loader: l, cursor: from, parts: make(chan part, (l.c.Prefetch+1)*l.c.Workers)}
	for range l.c.Workers {
		p.wg.Go(p.work)
	}
	return p
}

// submit hands the slot out for the next batch; false when there is none.
func (p *pipeline) submit(s *slot) bool {
	indices, epoch, ok := p.cursor.next()
	if !ok {
		return false
	}
	p.loader.assign(s.batch, indices)
	s.epoch = epoch
	n, workers := len(indices), len(s.errs)
	s.pending.Store(int32(workers))
	for k := range workers {
		p.parts <- part{slot: s, number: k, lo: k * n / workers, hi: (k + 1) * n / workers}
	}
	return true
}

func (p *pipeline) work() {
	raw := make([]uint8, p.loader.pixels())
	for w := range p.parts {
		s := w.slot
		s.errs[w.number] = p.loader.fill(s.batch, s.epoch, w.lo, w.hi, raw, &p.stop)
		if s.pending.Add(-1) == 0 {
			s.done <- struct{}{}
		}
	}
}

// close ends the workers, each after the image it is reading, and waits for
// them: no goroutine reads the set or writes a batch afterwards.
func (p *pipeline) close() {
	p.stop.Store(true)
	close(p.parts)
	p.wg.Wait()
}
