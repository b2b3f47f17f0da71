package cuda

import (
	"errors"
	"fmt"
)

// Replay is work that was captured once and can be done again and again for the
// price of one launch. What it reads and writes is the memory that it was captured
// with. The numbers of optimisers (learning rate, step) are taken anew from their
// attributes each time.
type Replay struct {
	dev     *Device
	graph   Graph
	table   uint64 // numbers in device memory, numbersEach for each launch that has some
	numbers []func() []float64
	host    []float32
}

// numbersEach is room for the numbers of one launch; most is how many launches of a
// capture can have some.
const (
	numbersEach = 8
	mostNumbers = 4096
)

// Capture records what f runs on the device, without doing it. Nothing may be read
// back in f, and what it runs should have run before, so that its kernels are loaded
// and its memory is allocated. Values that f makes on a tape should be released in f.
func (d *Device) Capture(f func()) (*Replay, error) {
	if d.capture != nil {
		return nil, fmt.Errorf("cuda: %s: a capture inside a capture", d.name)
	}
	r := &Replay{dev: d, table: d.alloc(mostNumbers * numbersEach)}
	d.wait()
	d.scratch.reset()
	if err := d.drv.BeginCapture(d.stream); err != nil {
		return nil, errors.Join(fmt.Errorf("cuda: %s: beginning a capture: %w", d.name, err), d.drv.Free(r.table))
	}
	d.capture = r
	failed := d.recording(f)
	d.capture = nil
	graph, err := d.drv.EndCapture(d.stream)
	r.graph = graph
	switch {
	case failed != nil && err == nil:
		err = errors.Join(failed, r.Close())
	case err != nil:
		err = errors.Join(failed, err, d.drv.Free(r.table))
	}
	if err != nil {
		return nil, fmt.Errorf("cuda: %s: capturing: %w", d.name, err)
	}
	r.host = make([]float32, numbersEach*len(r.numbers))
	return r, nil
}

// recording runs f; what it panics with is the error.
func (d *Device) recording(f func()) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case error:
			err = p
		default:
			panic(p)
		}
	}()
	f()
	d.wait()
	d.scratch.reset()
	return nil
}

// Launch does the work once more. It returns before it is done.
func (r *Replay) Launch() error {
	for i, f := range r.numbers {
		for k, v := range f() {
			r.host[i*numbersEach+k] = float32(v)
		}
	}
	if len(r.host) > 0 {
		if err := r.dev.drv.CopyIn(r.table, bytesOf(r.host), r.dev.stream); err != nil {
			return fmt.Errorf("cuda: %s: replaying: %w", r.dev.name, err)
		}
	}
	if err := r.dev.drv.LaunchGraph(r.graph, r.dev.stream); err != nil {
		return fmt.Errorf("cuda: %s: replaying: %w", r.dev.name, err)
	}
	return nil
}

// Close gives the graph back.
func (r *Replay) Close() error {
	return errors.Join(r.dev.drv.FreeGraph(r.graph), r.dev.drv.Free(r.table))
}

// varying appends numbers that may differ when a captured launch is done again, at
// most numbersEach: their address, for the replay, and the numbers as they are now.
// Outside of a capture the address is 0 and the kernel takes the latter.
func (l *launch) varying(now []float64, f func() []float64) *launch {
	r := l.dev.capture
	if r == nil {
		return l.at(0).float(now...)
	}
	if len(r.numbers) == mostNumbers || len(now) > numbersEach {
		l.fail("more than %d captured launches with numbers of their own", mostNumbers)
	}
	at := r.table + 4*numbersEach*uint64(len(r.numbers))
	r.numbers = append(r.numbers, f)
	return l.at(at).float(now...)
}
