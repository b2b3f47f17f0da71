package cuda

import (
	"errors"
	"fmt"
	"math"

	"gradgrad/kernels"
)

// replay is work that was captured once and can be done again and again for the
// price of one launch. What it reads and writes is the memory that it was captured
// with. The numbers of some attributes (learning rate, step, clock) are taken anew
// each time.
type replay struct {
	dev     *Device
	graph   Graph
	table   uint64                // numbers in device memory, numbersEach for each launch that has some
	numbers []func(into []uint32) // what each launch has there
	host    []uint32
	pinned  [][]byte // what the graph copies from the host
	freed   []uint64 // memory that was given back in the capture, and that the graph may use
}

// numbersEach is room for the numbers of one launch; most is how many launches of a
// capture can have some.
const (
	numbersEach = 8
	mostNumbers = 4096
)

// Capture implements [kernels.Capturer]. Values that f makes on a tape should be
// released in f.
func (d *Device) Capture(f func()) (kernels.Replay, error) {
	if d.capture != nil {
		return nil, fmt.Errorf("cuda: %s: a capture inside a capture", d.name)
	}
	r := &replay{dev: d, table: d.alloc(mostNumbers * numbersEach)}
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
		err = errors.Join(failed, err, r.forget())
	}
	if err != nil {
		return nil, fmt.Errorf("cuda: %s: capturing: %w", d.name, err)
	}
	r.host = make([]uint32, numbersEach*len(r.numbers))
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

// copyIn copies to the device. While a graph is captured it copies from memory that
// lives as long as the graph and does not change: each replay copies it again.
func (d *Device) copyIn(p uint64, b []byte) error {
	if r := d.capture; r != nil {
		pinned, err := d.drv.HostAlloc(int64(len(b)))
		if err != nil {
			return err
		}
		copy(pinned, b)
		r.pinned = append(r.pinned, pinned)
		b = pinned
	}
	return d.drv.CopyIn(p, b, d.stream)
}

// free gives memory back; what a capture gives back, the graph keeps.
func (d *Device) free(p uint64) error {
	if r := d.capture; r != nil {
		r.freed = append(r.freed, p)
		return nil
	}
	return d.drv.Free(p)
}

// Launch implements [kernels.Replay].
func (r *replay) Launch() error {
	for i, f := range r.numbers {
		f(r.host[i*numbersEach : (i+1)*numbersEach])
	}
	d := r.dev
	d.wait()
	d.scratch.reset()
	if len(r.host) > 0 {
		if err := d.drv.CopyIn(r.table, wordBytes(r.host), d.stream); err != nil {
			return fmt.Errorf("cuda: %s: replaying: %w", d.name, err)
		}
	}
	if err := d.drv.LaunchGraph(r.graph, d.stream); err != nil {
		return fmt.Errorf("cuda: %s: replaying: %w", d.name, err)
	}
	return nil
}

// Close implements [kernels.Replay].
func (r *replay) Close() error {
	return errors.Join(r.dev.drv.Sync(r.dev.stream), r.dev.drv.FreeGraph(r.graph), r.forget())
}

// forget gives back everything but the graph.
func (r *replay) forget() error {
	err := r.dev.drv.Free(r.table)
	for _, b := range r.pinned {
		err = errors.Join(err, r.dev.drv.HostFree(b))
	}
	for _, p := range r.freed {
		err = errors.Join(err, r.dev.drv.Free(p))
	}
	return err
}

// place returns where a captured launch finds numbers of its own, which f writes for
// each replay.
func (l *launch) place(f func(into []uint32)) uint64 {
	r := l.dev.capture
	if len(r.numbers) == mostNumbers {
		l.fail("more than %d captured launches with numbers of their own", mostNumbers)
	}
	r.numbers = append(r.numbers, f)
	return r.table + 4*numbersEach*uint64(len(r.numbers)-1)
}

// varying appends numbers that may differ when a captured launch is done again, at
// most numbersEach: their address, for the replay, and the numbers as they are now.
// Outside of a capture the address is 0 and the kernel takes the latter.
func (l *launch) varying(now []float64, f func() []float64) *launch {
	if len(now) > numbersEach {
		l.fail("%d numbers of its own; there is room for %d", len(now), numbersEach)
	}
	if l.dev.capture == nil {
		return l.at(0).float(now...)
	}
	at := l.place(func(into []uint32) {
		for k, v := range f() {
			into[k] = math.Float32bits(float32(v))
		}
	})
	return l.at(at).float(now...)
}

// varyingKey is varying for one number of 64 bits.
func (l *launch) varyingKey(f func() uint64) *launch {
	if l.dev.capture == nil {
		return l.at(0, f())
	}
	at := l.place(func(into []uint32) {
		key := f()
		into[0], into[1] = uint32(key), uint32(key>>32)
	})
	return l.at(at, f())
}
