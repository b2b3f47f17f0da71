package cuda

import (
	"errors"
	"fmt"
	"unsafe"

	"gradgrad/kernels"
)

// inlet copies inputs to the device on a stream of its own, from pinned memory, into
// one of two places; the stream that computes waits for the copy and takes the numbers
// from there. A place is written again when what was in it has been taken.
type inlet struct {
	dev    *Device
	stream Stream
	slots  [2]slot
	sent   int
	taken  int
}

// slot is one of the two places.
type slot struct {
	host        []byte
	at          uint64
	used        int // bytes
	sent, taken Event
	began       bool // it was sent before
}

// NewInlet implements [kernels.Capturer].
func (d *Device) NewInlet() (kernels.Inlet, error) {
	in := &inlet{dev: d}
	var err error
	if in.stream, err = d.drv.NewStream(); err != nil {
		return nil, fmt.Errorf("cuda: %s: making a stream for inputs: %w", d.name, err)
	}
	for i := range in.slots {
		s := &in.slots[i]
		for _, e := range []*Event{&s.sent, &s.taken} {
			if *e, err = d.drv.NewEvent(); err != nil {
				return nil, fmt.Errorf("cuda: %s: making an event: %w", d.name, err)
			}
		}
	}
	return in, nil
}

// Host implements [kernels.Inlet].
func (in *inlet) Host(n int) ([]float32, error) {
	s := &in.slots[in.sent%len(in.slots)]
	if in.sent-in.taken == len(in.slots) {
		return nil, fmt.Errorf("cuda: %s: a third input before the first was taken", in.dev.name)
	}
	err := in.settle(s, max(4*n, 4))
	if err != nil {
		return nil, fmt.Errorf("cuda: %s: memory for %.1f MiB of input: %w", in.dev.name, mib(4*int64(n)), err)
	}
	s.used = 4 * n
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(s.host))), n), nil
}

// settle makes a slot one of so many bytes at least, which nothing reads any more.
func (in *inlet) settle(s *slot, bytes int) error {
	drv := in.dev.drv
	if s.began {
		if err := drv.Sync(in.stream); err != nil {
			return err
		}
	}
	if len(s.host) >= bytes {
		return nil
	}
	if s.host != nil { // the device may still take what was there
		if err := errors.Join(drv.Sync(in.dev.stream), in.drop(s)); err != nil {
			return err
		}
	}
	var err error
	if s.host, err = drv.HostAlloc(int64(bytes)); err != nil {
		return err
	}
	s.at, err = drv.Alloc(int64(bytes))
	return err
}

func (in *inlet) drop(s *slot) error {
	err := errors.Join(in.dev.drv.HostFree(s.host), in.dev.drv.Free(s.at))
	s.host, s.began = nil, false
	return err
}

// Send implements [kernels.Inlet].
func (in *inlet) Send() error {
	s, drv := &in.slots[in.sent%len(in.slots)], in.dev.drv
	var err error
	if s.began {
		err = drv.Wait(in.stream, s.taken)
	}
	if err == nil && s.used > 0 {
		err = drv.CopyIn(s.at, s.host[:s.used], in.stream)
	}
	if err == nil {
		err = drv.Record(s.sent, in.stream)
	}
	if err != nil {
		return fmt.Errorf("cuda: %s: sending input: %w", in.dev.name, err)
	}
	s.began = true
	in.sent++
	return nil
}

// Take implements [kernels.Inlet].
func (in *inlet) Take(dst ...kernels.Buffer) error {
	if in.taken == in.sent {
		return fmt.Errorf("cuda: %s: no input was sent", in.dev.name)
	}
	d, s := in.dev, &in.slots[in.taken%len(in.slots)]
	d.wait()
	err := d.drv.Wait(d.stream, s.sent)
	at := s.at
	for _, b := range dst {
		bytes := 4 * int64(b.Len())
		if at+uint64(bytes) > s.at+uint64(s.used) {
			return fmt.Errorf("cuda: %s: taking more than the %d numbers that were sent", d.name, s.used/4)
		}
		if err == nil {
			err = d.drv.CopyWithin(d.of(b).at, at, bytes, d.stream)
		}
		at += uint64(bytes)
	}
	if err == nil {
		err = d.drv.Record(s.taken, d.stream)
	}
	if err != nil {
		return fmt.Errorf("cuda: %s: taking input: %w", d.name, err)
	}
	in.taken++
	return nil
}

// Close implements [kernels.Inlet].
func (in *inlet) Close() error {
	err := errors.Join(in.dev.drv.Sync(in.stream), in.dev.drv.Sync(in.dev.stream))
	for i := range in.slots {
		s := &in.slots[i]
		if s.host != nil {
			err = errors.Join(err, in.drop(s))
		}
		err = errors.Join(err, in.dev.drv.FreeEvent(s.sent), in.dev.drv.FreeEvent(s.taken))
	}
	return errors.Join(err, in.dev.drv.FreeStream(in.stream))
}
