package kernels

import "slices"

// Arena lends pieces of a few large buffers and takes them back, so that a
// computation that repeats itself gets the same memory in the same order, the
// device is asked only at first, and pieces of all sizes share the memory. It is
// not safe for concurrent use.
type Arena struct {
	dev    Device
	lender Lender // nil where the device does not care
	late   int    // elements of the largest piece that is given out again late
	slabs  []*slab
	pieces map[place]Buffer // every piece that was ever lent, to be lent again
	where  map[Buffer]place

	waiting []place // given back, but not to be lent again yet
	waits   int     // elements of them

	lent, most int // elements lent: now and at most
	now, peak  int // the same with the space between pieces
	settled    int // the peak for which the slabs were last made one
	moves      int // how often memory was returned to the device
}

// slab is a buffer of the device; free lists its unused spans in order, no two
// of them adjacent.
type slab struct {
	buf  Buffer
	free []span
}

type span struct{ at, n int }

// place is where a piece lies: n elements for the user, size with alignment.
type place struct {
	slab        *slab
	at, n, size int
}

// smallestSlab is large enough for small computations to need one.
const smallestSlab = 1 << 14

// NewArena returns an arena without memory.
func NewArena(dev Device) *Arena {
	a := &Arena{dev: dev, pieces: map[place]Buffer{}, where: map[Buffer]place{}}
	a.lender, _ = dev.(Lender)
	if d, ok := dev.(Deferrer); ok {
		a.late = d.Defers()
	}
	return a
}

// Deferrer is implemented by devices that put small calls off to run several as one.
// What such a call reads must stay as it is until then, so an arena gives small pieces
// out again late: memory in use at once would make the device run the call at once.
type Deferrer interface {
	// Defers is the number of elements of the largest operand of such a call.
	Defers() int
}

// mostWaiting is the number of elements that wait to be given out again, at most.
const mostWaiting = 1 << 22

// Lender is implemented by devices that check how memory is used: an arena tells
// them which pieces of its buffers are somebody's.
type Lender interface {
	// Lend says that a piece is lent out, its contents undefined.
	Lend(Buffer)
	// TakeBack says that nobody may use it until it is lent again.
	TakeBack(Buffer)
}

// Get returns a buffer of n elements with undefined contents: the front of the
// smallest unused span that holds it.
func (a *Arena) Get(n int) Buffer {
	size := spaced(n)
	s, i := a.bestFit(size)
	if s == nil && len(a.waiting) > 0 {
		a.settle(0)
		s, i = a.bestFit(size)
	}
	if s == nil {
		s, i = a.grow(size), 0
	}
	p := place{s, s.free[i].at, n, size}
	if s.free[i].n == size {
		s.free = slices.Delete(s.free, i, i+1)
	} else {
		s.free[i].at += size
		s.free[i].n -= size
	}
	a.lent += n
	a.most = max(a.most, a.lent)
	a.now += size
	a.peak = max(a.peak, a.now)
	b := a.pieces[p]
	if b == nil {
		b = a.dev.Slice(s.buf, p.at, n)
		a.pieces[p], a.where[b] = b, p
	}
	if a.lender != nil {
		a.lender.Lend(b)
	}
	return b
}

// spaced rounds up to a cache line, and one more where the size is a multiple of
// a page: operands whose addresses are equal modulo the page size push each other
// out of the first-level cache.
func spaced(n int) int {
	const line, page = 16, 1024 // of float32
	n = (n + line - 1) / line * line
	if n%page == 0 {
		n += line
	}
	return n
}

func (a *Arena) bestFit(size int) (best *slab, at int) {
	for _, s := range a.slabs {
		for i, f := range s.free {
			if f.n >= size && (best == nil || f.n < best.free[at].n) {
				best, at = s, i
			}
		}
	}
	return best, at
}

// grow adds a slab for a piece: half as large as all others at least, while what
// will be needed is unknown, then a sixteenth.
func (a *Arena) grow(size int) *slab {
	share := 2
	if a.settled > 0 {
		share = 16
	}
	n := max(size, smallestSlab, a.capacity()/share)
	s := &slab{buf: a.dev.Alloc(n), free: []span{{0, n}}}
	a.slabs = append(a.slabs, s)
	return s
}

func (a *Arena) capacity() int {
	n := 0
	for _, s := range a.slabs {
		n += s.buf.Len()
	}
	return n
}

// Put takes a buffer back.
func (a *Arena) Put(b Buffer) {
	p := a.where[b]
	a.lent -= p.n
	a.now -= p.size
	if p.n > a.late {
		a.free(p)
		return
	}
	a.waiting = append(a.waiting, p)
	a.waits += p.size
	if a.waits > mostWaiting {
		a.settle(mostWaiting / 2)
	}
}

// settle frees what has waited longest, until no more than so many elements wait.
func (a *Arena) settle(most int) {
	n := 0
	for ; a.waits > most; n++ {
		a.free(a.waiting[n])
		a.waits -= a.waiting[n].size
	}
	a.waiting = slices.Delete(a.waiting, 0, n)
}

// free joins a span with unused neighbours.
func (a *Arena) free(p place) {
	if a.lender != nil {
		a.lender.TakeBack(a.pieces[p])
	}
	f := p.slab.free
	i, _ := slices.BinarySearchFunc(f, p.at, func(s span, at int) int { return s.at - at })
	f = slices.Insert(f, i, span{p.at, p.size})
	if i+1 < len(f) && f[i].at+f[i].n == f[i+1].at {
		f[i].n += f[i+1].n
		f = slices.Delete(f, i+1, i+2)
	}
	if i > 0 && f[i-1].at+f[i-1].n == f[i].at {
		f[i-1].n += f[i].n
		f = slices.Delete(f, i, i+1)
	}
	p.slab.free = f
}

// Rewind ends a computation that has given everything back. When it needed
// several slabs they are replaced by one, in which all memory can be joined:
// of the size of the peak or, when that has turned out to be too little, of their
// size together. So a computation that repeats itself settles after a few times.
func (a *Arena) Rewind() {
	if a.now != 0 {
		return
	}
	a.settle(0)
	if len(a.slabs) < 2 {
		return
	}
	n := a.capacity()
	if a.peak > a.settled {
		n = min(n, a.peak+a.peak/32)
	}
	a.settled = a.peak
	a.Close()
	a.grow(n)
}

// Usage reports the bytes lent now, the most that ever were, and the bytes
// held from the device.
func (a *Arena) Usage() (now, peak, held int64) {
	size := int64(a.dev.DType().Size())
	return int64(a.lent) * size, int64(a.most) * size, int64(a.capacity()) * size
}

// Moves counts how often memory went back to the device: what was captured of a
// computation ([Capturer]) holds as long as this is the same.
func (a *Arena) Moves() int { return a.moves }

// Close returns all memory to the device. Nothing may be lent.
func (a *Arena) Close() {
	a.settle(0)
	a.moves++
	for _, s := range a.slabs {
		a.dev.Free(s.buf)
	}
	a.slabs = nil
	clear(a.pieces)
	clear(a.where)
}
