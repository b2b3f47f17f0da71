package kernels

import (
	"cmp"
	"slices"
)

// Arena lends buffers of a device and takes them back, so that a computation
// that repeats itself gets the same memory in the same order and the device is
// asked only the first time. It is not safe for concurrent use.
type Arena struct {
	dev              Device
	free             map[int][]Buffer // by length; the last is lent next
	serial           map[Buffer]int   // in which order the device gave them
	given            int              // how many it ever gave
	now, peak, asked int64            // bytes
}

// NewArena returns an arena without memory.
func NewArena(dev Device) *Arena {
	return &Arena{dev: dev, free: map[int][]Buffer{}, serial: map[Buffer]int{}}
}

// Get returns a buffer of n elements with undefined contents.
func (a *Arena) Get(n int) Buffer {
	bytes := int64(n) * int64(a.dev.DType().Size())
	a.now += bytes
	a.peak = max(a.peak, a.now)
	if list := a.free[n]; len(list) > 0 {
		b := list[len(list)-1]
		a.free[n] = list[:len(list)-1]
		return b
	}
	a.asked += bytes
	b := a.dev.Alloc(n)
	a.serial[b] = a.given
	a.given++
	return b
}

// Put takes a buffer back.
func (a *Arena) Put(b Buffer) {
	a.now -= int64(b.Len()) * int64(a.dev.DType().Size())
	a.free[b.Len()] = append(a.free[b.Len()], b)
}

// Rewind brings the free buffers in the order in which they were first lent. A
// computation that gives everything back, rewinds and repeats itself gets the
// same buffers for the same purposes.
func (a *Arena) Rewind() {
	for _, list := range a.free {
		slices.SortFunc(list, func(x, y Buffer) int { return cmp.Compare(a.serial[y], a.serial[x]) })
	}
}

// Usage reports the bytes lent now, the most that ever were, and the bytes
// held from the device.
func (a *Arena) Usage() (now, peak, held int64) { return a.now, a.peak, a.asked }

// Close returns the free buffers to the device.
func (a *Arena) Close() {
	for n, list := range a.free {
		for _, b := range list {
			a.asked -= int64(n) * int64(a.dev.DType().Size())
			a.dev.Free(b)
			delete(a.serial, b)
		}
	}
	clear(a.free)
}
