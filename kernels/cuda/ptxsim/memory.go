package ptxsim

import (
	"bytes"
	"fmt"
	"slices"
)

// A pointer to global memory is the number of its allocation shifted left by
// offsetBits, plus the offset in it, so that a stray pointer meets no other
// allocation. Every second number stays free: what runs off the front of one
// allocation does not end in another. The first numbers are the windows through
// which generic addresses reach shared and local memory.
const (
	offsetBits   = 36
	sharedWindow = 1 << offsetBits
	localWindow  = 3 << offsetBits
	firstNumber  = 16
	firstPiece   = 1 << 26 // numbers of pieces, valid for one launch
)

// What is known about every byte of global memory.
const (
	usable   = 1 // belongs to somebody
	written  = 2 // has a value
	returned = 4 // belonged to somebody
)

// window is what cvta adds to an address of a space.
func window(s space) uint64 {
	switch s {
	case sharedSpace:
		return sharedWindow
	case localSpace:
		return localWindow
	}
	return 0
}

// spaceOf tells where a generic address points.
func spaceOf(addr uint64) space {
	switch addr >> offsetBits {
	case sharedWindow >> offsetBits:
		return sharedSpace
	case localWindow >> offsetBits:
		return localSpace
	}
	return globalSpace
}

// region is memory with one address range: an allocation, or for the length of
// one launch a piece of one.
type region struct {
	name   string
	base   uint64 // address of data[0]
	data   []byte
	state  []byte // of each byte: usable, written, returned
	of     *allocation
	offset int64 // of data[0] in the allocation
	fixed  bool  // constant memory
	freed  bool
}

// allocation is what one call of Alloc made.
type allocation struct {
	region
	index  int
	pieces []*piece // in order of their offsets; nil until the first is lent
	arena  bool     // has lent pieces
}

// piece is a part of an allocation with bounds of its own.
type piece struct {
	name         string
	offset, size int64
}

// Alloc reserves global memory and returns its address, which is a multiple of
// 256. name appears in faults. The contents are undefined, and reading them
// before they are written is a fault. It fails with *OutOfMemory.
func (m *Machine) Alloc(name string, bytes int64) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if bytes < 0 || bytes > m.o.Memory-m.used {
		return 0, &OutOfMemory{Name: name, Asked: bytes, Free: m.o.Memory - m.used, Total: m.o.Memory}
	}
	return m.alloc(name, bytes).base, nil
}

func (m *Machine) alloc(name string, bytes int64) *allocation {
	a := &allocation{index: len(m.allocs)}
	a.region = region{
		name: name, base: uint64(firstNumber+2*len(m.allocs)) << offsetBits,
		data: make([]byte, bytes), state: make([]byte, bytes), of: a,
	}
	fill(a.state, usable)
	m.allocs = append(m.allocs, a)
	m.used += bytes
	return a
}

// fill sets all bytes, copying what is set already where there are many.
func fill(b []byte, v byte) {
	n := min(len(b), 64)
	for i := range n {
		b[i] = v
	}
	for ; n < len(b); n *= 2 {
		copy(b[n:], b[:n])
	}
}

// OutOfMemory is the error of Alloc when the machine's memory is spent.
type OutOfMemory struct {
	Name               string
	Asked, Free, Total int64 // bytes
}

func (e *OutOfMemory) Error() string {
	return fmt.Sprintf("out of memory: %q wants %d bytes, %d of %d are free", e.Name, e.Asked, e.Free, e.Total)
}

// MemInfo returns the free and the total bytes of global memory.
func (m *Machine) MemInfo() (free, total int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.o.Memory - m.used, m.o.Memory
}

// Free releases an allocation; p must be what Alloc returned. Later use of it, by
// kernels or copies, is a UseAfterFree fault.
func (m *Machine) Free(p uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, err := m.allocation(p)
	switch {
	case err != nil:
		return err
	case p != a.base:
		return hostFault(StrayPointer, "free of %#x, which is %d bytes inside %q", p, p-a.base, a.name)
	}
	m.used -= int64(len(a.data))
	a.freed = true
	a.data, a.state, a.pieces = nil, nil, nil
	for _, g := range m.shadows {
		if a.index < len(g.allocs) {
			g.allocs[a.index] = allocShadow{}
		}
	}
	return nil
}

// allocation finds the allocation that an address belongs to.
func (m *Machine) allocation(p uint64) (*allocation, error) {
	n := p >> offsetBits
	i := (n - firstNumber) / 2
	if n < firstNumber || n&1 != 0 || i >= uint64(len(m.allocs)) {
		return nil, hostFault(StrayPointer, "%#x is no address of global memory", p)
	}
	a := m.allocs[i]
	if a.freed {
		return nil, hostFault(UseAfterFree, "%q was freed", a.name)
	}
	return a, nil
}

// span returns the allocation and the offset of n bytes at p, checked.
func (m *Machine) span(what string, p uint64, n int64) (*allocation, int64, error) {
	a, err := m.allocation(p)
	if err != nil {
		return nil, 0, err
	}
	off := int64(p - a.base)
	if n < 0 || n > int64(len(a.data))-off {
		return nil, 0, hostFault(OutOfBounds, "%s of %d bytes at offset %d of %q, which has %d", what, n, off, a.name, len(a.data))
	}
	if i := slices.IndexFunc(a.state[off:off+n], func(s byte) bool { return s&usable == 0 }); i >= 0 {
		return nil, 0, a.unusable(what, off+int64(i))
	}
	if q := a.pieceAt(off); q != nil && off+n > q.offset+q.size {
		return nil, 0, hostFault(OutOfBounds, "%s of %d bytes at offset %d of %q, which has %d", what, n, off-q.offset, q.name, q.size)
	}
	return a, off, nil
}

// unusable is the fault of touching a byte of an arena that is not lent.
func (a *allocation) unusable(what string, off int64) *Fault {
	if a.state[off]&returned != 0 {
		return hostFault(UseAfterFree, "%s of byte %d of %q, which was taken back", what, off, a.name)
	}
	return hostFault(OutOfBounds, "%s of byte %d of %q, which is lent to nobody", what, off, a.name)
}

// Write copies b to address p.
func (m *Machine) Write(p uint64, b []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, off, err := m.span("write", p, int64(len(b)))
	if err != nil {
		return err
	}
	copy(a.data[off:], b)
	fill(a.state[off:off+int64(len(b))], usable|written)
	return nil
}

// Read copies from address p to b. Bytes that nobody has written are an
// UninitialisedMemory fault.
func (m *Machine) Read(b []byte, p uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, off, err := m.span("read", p, int64(len(b)))
	if err != nil {
		return err
	}
	if !m.o.Unchecked {
		if i := bytes.IndexByte(a.state[off:off+int64(len(b))], usable); i >= 0 {
			return hostFault(UninitialisedMemory, "read of byte %d of %s, which nobody has written", i, a.describe(off))
		}
	}
	copy(b, a.data[off:])
	return nil
}

// describe names the piece or the allocation that holds an offset.
func (a *allocation) describe(off int64) string {
	if p := a.pieceAt(off); p != nil {
		return fmt.Sprintf("%q (%d bytes) at offset %d", p.name, p.size, off-p.offset)
	}
	return fmt.Sprintf("%q (%d bytes) at offset %d", a.name, len(a.data), off)
}

// Copy copies n bytes inside global memory; what is undefined stays undefined.
func (m *Machine) Copy(dst, src uint64, n int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	from, i, err := m.span("copy", src, n)
	if err != nil {
		return err
	}
	to, j, err := m.span("copy", dst, n)
	if err != nil {
		return err
	}
	copy(to.data[j:j+n], from.data[i:i+n])
	copy(to.state[j:j+n], from.state[i:i+n])
	return nil
}
