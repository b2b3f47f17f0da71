package ptxsim

import (
	"cmp"
	"slices"
)

// Lend tells the machine that an arena hands out bytes of one of its allocations
// from address p on: their contents are undefined from now, and a kernel that gets
// a pointer into the piece as a parameter must stay inside it, however large the
// allocation is. With the first piece the rest of the allocation becomes
// untouchable. Pieces must not overlap. A pointer that a kernel finds in memory does
// not say which piece it is meant for: with it, only untouchable bytes are out of
// bounds.
func (m *Machine) Lend(p uint64, name string, bytes int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, err := m.allocation(p)
	if err != nil {
		return err
	}
	off := int64(p - a.base)
	if bytes < 0 || bytes > int64(len(a.data))-off {
		return hostFault(OutOfBounds, "lending %d bytes at offset %d of %q, which has %d", bytes, off, a.name, len(a.data))
	}
	if !a.arena {
		a.arena = true
		fill(a.state, 0)
	}
	at, found := slices.BinarySearchFunc(a.pieces, off, func(q *piece, off int64) int { return cmp.Compare(q.offset, off) })
	switch {
	case found && a.pieces[at].size > 0 && bytes > 0:
		return hostFault(Trap, "%q is lent where %q is", name, a.pieces[at].name)
	case at > 0 && a.pieces[at-1].offset+a.pieces[at-1].size > off:
		return hostFault(Trap, "%q is lent inside %q", name, a.pieces[at-1].name)
	case at < len(a.pieces) && off+bytes > a.pieces[at].offset:
		return hostFault(Trap, "%q is lent across %q", name, a.pieces[at].name)
	}
	a.pieces = slices.Insert(a.pieces, at, &piece{name, off, bytes})
	fill(a.state[off:off+bytes], usable)
	return nil
}

// TakeBack ends what Lend began; p is the address that Lend got. Touching the piece
// afterwards is a UseAfterFree fault.
func (m *Machine) TakeBack(p uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, err := m.allocation(p)
	if err != nil {
		return err
	}
	off := int64(p - a.base)
	at, found := slices.BinarySearchFunc(a.pieces, off, func(q *piece, off int64) int { return cmp.Compare(q.offset, off) })
	if !found {
		return hostFault(StrayPointer, "no piece of %q begins at offset %d", a.name, off)
	}
	q := a.pieces[at]
	fill(a.state[off:off+q.size], returned)
	a.pieces = slices.Delete(a.pieces, at, at+1)
	return nil
}

// pieceAt returns the piece that holds an offset, nil where there is none.
func (a *allocation) pieceAt(off int64) *piece {
	at, found := slices.BinarySearchFunc(a.pieces, off, func(q *piece, off int64) int { return cmp.Compare(q.offset, off) })
	if !found {
		at--
	}
	if at < 0 || at >= len(a.pieces) {
		return nil
	}
	if q := a.pieces[at]; off < q.offset+q.size {
		return q
	}
	return nil
}

// narrow gives a parameter that points into a piece the bounds of the piece: the
// kernel sees an address of a number that is the piece's for this launch.
func (l *launch) narrow(p uint64) uint64 {
	a, err := l.m.allocation(p)
	if err != nil || !a.arena {
		return p
	}
	off := int64(p - a.base)
	q := a.pieceAt(off)
	if q == nil {
		return p
	}
	for _, r := range l.pieces {
		if r.of == a && r.offset == q.offset {
			return r.base + uint64(off-q.offset)
		}
	}
	r := &region{
		name: q.name, base: uint64(firstPiece+2*len(l.pieces)) << offsetBits, of: a, offset: q.offset,
		data: a.data[q.offset : q.offset+q.size], state: a.state[q.offset : q.offset+q.size],
	}
	l.pieces = append(l.pieces, r)
	return r.base + uint64(off-q.offset)
}
