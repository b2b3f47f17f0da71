package ptxsim

import (
	"cmp"
	"fmt"
)

// The check for races between blocks keeps, for every 4 bytes of global memory that
// a launch touches, the block that wrote them last and the block that read them.
// Every worker has shadows of its own, so that no locks are needed; what two workers
// did to the same bytes is compared when the launch ends.

const (
	pageWords = 1 << 10
	manyBlock = ^uint32(0) // several blocks have read, or met in atomic operations
)

// Parts of the note that a write leaves: block+1 << 32 | pc << 12 | thread << 2 and
// these flags.
const (
	byAtom   = 1
	partial  = 2 // less than the 4 bytes
	notePC   = 12
	noteWho  = 2
	whoLimit = 1<<10 - 1
)

type readPage struct {
	serial uint64 // of the launch that it is about
	block  [pageWords]uint32
}

type writePage struct {
	serial uint64
	note   [pageWords]uint64
	clock  [pageWords]uint32 // of the warp that wrote, as in race.go
}

// allocShadow is what one worker knows about one allocation.
type allocShadow struct {
	reads  []*readPage
	writes []*writePage
}

// globalShadow is what one worker knows about global memory. It outlives the launch
// for the sake of its pages.
type globalShadow struct {
	serial uint64
	allocs []allocShadow
	race   *race
}

// race is the first one that a worker has met, by place.
type race struct {
	alloc int
	cell  uint64
	fault *Fault
}

// shadow returns the shadow of an allocation.
func (g *globalShadow) shadow(a *allocation) *allocShadow {
	for len(g.allocs) <= a.index {
		g.allocs = append(g.allocs, allocShadow{})
	}
	s := &g.allocs[a.index]
	if s.reads == nil {
		pages := len(a.data)/(4*pageWords) + 1
		s.reads, s.writes = make([]*readPage, pages), make([]*writePage, pages)
	}
	return s
}

// readers returns a page of the readers, emptied for this launch.
func (s *allocShadow) readers(serial uint64, page uint64) *readPage {
	p := s.reads[page]
	if p == nil {
		p = &readPage{serial: serial}
		s.reads[page] = p
	} else if p.serial != serial {
		*p = readPage{serial: serial}
	}
	return p
}

// writers returns a page of the writers, nil where nobody has written unless make.
func (s *allocShadow) writers(serial uint64, page uint64, create bool) *writePage {
	p := s.writes[page]
	switch {
	case p != nil && p.serial == serial:
	case !create:
		return nil
	case p == nil:
		p = &writePage{serial: serial}
		s.writes[page] = p
	default:
		*p = writePage{serial: serial}
	}
	return p
}

// note describes a write by a lane.
func (w *warp) note(lane int, flags uint64) uint64 {
	return uint64(w.b.linear+1)<<32 | uint64(w.pc)<<notePC | uint64(w.index*lanes+lane)<<noteWho | flags
}

// globalRead notes a read of the words that n bytes at an offset touch.
func (w *warp) globalRead(lane int, r *region, off uint64, n int) {
	if w.strong() {
		return
	}
	g := w.b.worker.shadow
	s := g.shadow(r.of)
	me := uint32(w.b.linear + 1)
	for c := (uint64(r.offset) + off) >> 2; c <= (uint64(r.offset)+off+uint64(n)-1)>>2; c++ {
		if p := s.writers(g.serial, c/pageWords, false); p != nil {
			switch x := p.note[c%pageWords]; {
			case x == 0 || n < 4 && x&partial != 0:
			case uint32(x>>32) != me:
				w.globalRace(lane, r, c, x, "read")
			case !w.ordered(x, p.clock[c%pageWords], lane):
				w.blockRace(lane, r, c, x, "read")
			}
		}
		e := &s.readers(g.serial, c/pageWords).block[c%pageWords]
		switch *e {
		case me, manyBlock:
		case 0:
			*e = me
		default:
			*e = manyBlock
		}
	}
}

// ordered says whether a write by this block lies before a barrier that this warp has
// passed, or may be unordered.
func (w *warp) ordered(note uint64, clock uint32, lane int) bool {
	who := note >> noteWho & whoLimit
	return w.marked || w.past(uint64(clock)<<32|who<<whoShift, lane)
}

// globalWrite notes a write.
func (w *warp) globalWrite(lane int, r *region, off uint64, n int, kind access) {
	g := w.b.worker.shadow
	s := g.shadow(r.of)
	me := uint32(w.b.linear + 1)
	flags := uint64(0)
	if kind == atomic_ {
		flags |= byAtom
	}
	if n < 4 {
		flags |= partial
	}
	start := (uint64(r.offset) + off) >> 2
	for c := start; c <= (uint64(r.offset)+off+uint64(n)-1)>>2; c++ {
		p := s.writers(g.serial, c/pageWords, true)
		x := &p.note[c%pageWords]
		switch {
		case *x == 0 || *x&flags != 0:
		case uint32(*x>>32) != me:
			if !w.strong() {
				w.globalRace(lane, r, c, *x, "write")
			}
		case !w.ordered(*x, p.clock[c%pageWords], lane):
			other := *x
			w.twins |= 1 << (c - start)
			w.twin = func() { w.blockRace(lane, r, c, other, "write of another value") }
		}
		if q := s.reads[c/pageWords]; q != nil && q.serial == g.serial && n >= 4 {
			if e := q.block[c%pageWords]; e != 0 && e != me && !w.strong() {
				w.globalReadRace(lane, r, c, e)
			}
		}
		several := *x != 0 && uint32(*x>>32) != me && flags&byAtom != 0
		if *x = w.note(lane, flags); several {
			*x |= uint64(manyBlock) << 32
		}
		p.clock[c%pageWords] = w.clock
	}
}

// blockRace reports two threads of one block.
func (w *warp) blockRace(lane int, r *region, cell, note uint64, did string) {
	t := w.b.thread(int(note >> noteWho & whoLimit))
	w.fault(GlobalRace, 1<<lane, "%s of %s, which thread (%d,%d,%d) of the same block wrote at line %d without a barrier between",
		did, r.of.describe(int64(cell*4)), t[0], t[1], t[2], w.b.k.code[note>>notePC&pcMask].line)
}

// globalRace keeps a race with a write. The launch goes on, and the race at the
// lowest place is reported at its end, so that the report does not depend on which
// worker ran which block.
func (w *warp) globalRace(lane int, r *region, cell, note uint64, did string) {
	t := w.b.thread(int(note >> noteWho & whoLimit))
	c := &w.b.k.code[note>>notePC&pcMask]
	w.keepRace(lane, r, cell, "%s of %s, which thread (%d,%d,%d) of %s wrote at line %d in the same launch",
		did, r.of.describe(int64(cell*4)), t[0], t[1], t[2], w.b.worker.l.blockName(uint32(note>>32)), c.line)
}

// blockName names the block that a note or a page of readers tells of.
func (l *launch) blockName(plusOne uint32) string {
	if plusOne == manyBlock {
		return "several blocks"
	}
	o := l.coordinates(int(plusOne) - 1)
	return fmt.Sprintf("block (%d,%d,%d)", o[0], o[1], o[2])
}

// globalReadRace keeps a race of a write with earlier reads.
func (w *warp) globalReadRace(lane int, r *region, cell uint64, reader uint32) {
	w.keepRace(lane, r, cell, "write of %s, which %s read in the same launch",
		r.of.describe(int64(cell*4)), w.b.worker.l.blockName(reader))
}

func (w *warp) keepRace(lane int, r *region, cell uint64, format string, args ...any) {
	g := w.b.worker.shadow
	if g.race != nil && cmp.Or(cmp.Compare(g.race.alloc, r.of.index), cmp.Compare(g.race.cell, cell)) <= 0 {
		return
	}
	g.race = &race{r.of.index, cell, w.newFault(GlobalRace, 1<<lane, format, args...)}
}

// coordinates returns the place of a block in the grid.
func (l *launch) coordinates(n int) [3]int {
	x, y := l.grid[0], l.grid[1]
	return [3]int{n % x, n / x % y, n / (x * y)}
}

// crossRaces compares what the workers did and returns the race at the lowest place.
func (l *launch) crossRaces() *Fault {
	var found *race
	for _, wk := range l.workers {
		if r := wk.shadow.race; r != nil && (found == nil || r.before(found)) {
			found = r
		}
		for _, o := range l.workers {
			if o != wk {
				found = l.compare(wk.shadow, o.shadow, found)
			}
		}
	}
	if found == nil {
		return nil
	}
	return found.fault
}

func (r *race) before(o *race) bool {
	return cmp.Or(cmp.Compare(r.alloc, o.alloc), cmp.Compare(r.cell, o.cell)) < 0
}

// compare looks for words that one worker wrote and the other wrote or read.
func (l *launch) compare(a, b *globalShadow, found *race) *race {
	for i := range min(len(a.allocs), len(b.allocs)) {
		for page, p := range a.allocs[i].writes {
			if p == nil || p.serial != l.serial {
				continue
			}
			reads, writes := b.allocs[i].reads, b.allocs[i].writes
			if page >= len(reads) {
				continue
			}
			r := l.comparePages(i, page, p, writes[page], reads[page])
			if r != nil && (found == nil || r.before(found)) {
				found = r
			}
		}
	}
	return found
}

// comparePages looks for one race on a page.
func (l *launch) comparePages(alloc, page int, p, q *writePage, r *readPage) *race {
	if q != nil && q.serial != l.serial {
		q = nil
	}
	if r != nil && r.serial != l.serial {
		r = nil
	}
	if q == nil && r == nil {
		return nil
	}
	for c, x := range &p.note {
		if x == 0 {
			continue
		}
		did := ""
		switch {
		case q != nil && q.note[c] != 0 && q.note[c]&x&(byAtom|partial) == 0:
			did = "which " + l.blockName(uint32(q.note[c]>>32)) + " wrote"
		case r != nil && r.block[c] != 0 && x&partial == 0:
			did = "which " + l.blockName(r.block[c]) + " read"
		default:
			continue
		}
		return &race{alloc, uint64(page*pageWords + c), l.noteFault(alloc, page*pageWords+c, x, did)}
	}
	return nil
}

// noteFault turns the note of a write into a fault.
func (l *launch) noteFault(alloc, cell int, note uint64, did string) *Fault {
	c := &l.k.code[note>>notePC&pcMask]
	who := int(note >> noteWho & whoLimit)
	block := uint32(note >> 32)
	if block == manyBlock {
		block = 1
	}
	return &Fault{
		Kind: GlobalRace, Kernel: l.k.Name, File: l.k.File, Line: c.line, Code: c.text,
		Block: l.coordinates(int(block) - 1), Thread: threadAt(l.size, who),
		Text: fmt.Sprintf("write of %s, %s in the same launch", l.m.allocs[alloc].describe(int64(cell*4)), did),
	}
}
