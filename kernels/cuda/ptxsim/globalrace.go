package ptxsim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// The check for races between blocks keeps, for every 4 bytes of global memory that
// a launch touches, the block that wrote them last and the block that read them.
// Every worker has shadows of its own, so that no locks are needed; what two workers
// did to the same bytes is compared when the launch ends. Blocks that talk (talk.go) are
// the business of one worker; there a page remembers sets of readers (readers.go), and
// words by which they talk have more to remember (place).

// manyBlock: several blocks have read, or met in accesses that are no ordinary ones.
const manyBlock = ^uint32(0)

// Parts of the note that a write leaves: block+1 << 32 | pc << 12 | thread << 2 and
// these flags.
const (
	byAtom   = 1 // no ordinary access, in the eyes of all blocks
	byCta    = 2 // no ordinary access, in the eyes of its own block
	notePC   = 12
	noteWho  = 2
	whoLimit = 1<<10 - 1
)

// race is the first one that a worker has met, by place.
type race struct {
	alloc int
	at    uint64 // byte of the allocation
	fault *Fault
}

// note describes a write by a lane.
func (w *warp) note(lane int, flags uint64) uint64 {
	return uint64(w.b.linear+1)<<32 | uint64(w.pc)<<notePC | uint64(w.index*lanes+lane)<<noteWho | flags
}

// flags are those of the access that runs.
func (w *warp) flags() uint64 {
	switch {
	case w.order == nil:
		return 0
	case w.order.wide:
		return byAtom | byCta
	}
	return byCta
}

// touch is an access of one lane to the bytes from at on of an allocation, which the
// shadows keep by step bytes.
type touch struct {
	w     *warp
	lane  int
	r     *region
	at    uint64
	flags uint64
}

// globalRead notes a read of n bytes at an offset.
func (w *warp) globalRead(lane int, r *region, off uint64, n int) {
	g := w.b.worker.shadow
	s := g.shadow(r.of)
	t := touch{w: w, lane: lane, r: r, at: uint64(r.offset) + off, flags: w.flags()}
	step := 0
	for end := t.at + uint64(n); t.at < end; t.at += uint64(step) {
		q, p := s.writers(g.serial, t.at/pageBytes, false), s.readers(g.serial, t.at/pageBytes, true)
		if n < 4 {
			p.refine()
		}
		step = stepOf(p.fine != nil || q != nil && q.fine != nil)
		if q != nil {
			note, clock := q.at(t.at)
			t.afterWrite(*note, *clock, "read")
		}
		e := p.at(t.at)
		if f := w.b.worker.forum; f != nil && (t.flags&byAtom != 0 || *e == manyBlock) {
			t.readPlace(f, e)
			continue
		}
		switch *e {
		case w.b.reader(), manyBlock:
		case 0:
			*e = w.b.reader()
		default:
			*e = w.b.joined(*e)
		}
	}
}

// stepOf is how many bytes share an entry.
func stepOf(fine bool) int {
	if fine {
		return 1
	}
	return 4
}

// afterWrite checks an access against the write that a note describes.
func (t *touch) afterWrite(note uint64, clock uint32, did string) (twin bool) {
	w := t.w
	block := uint32(note >> 32)
	mine := block == uint32(w.b.linear+1)
	switch {
	case note == 0 || note&t.flags&byAtom != 0 || mine && note&t.flags&byCta != 0:
	case block == manyBlock && w.b.worker.forum != nil:
		t.afterAll(w.b.worker.forum.at(t.r.of, t.at/4).writes, did)
	case mine:
		if w.past(uint64(clock)<<32|note>>noteWho&whoLimit<<whoShift, t.lane) {
			break
		}
		if did == "read" {
			w.blockRace(t.lane, t.r, t.at, note, did)
		}
		return true
	case !w.knows(t.lane, int(block)-1, int(note>>noteWho&whoLimit), clock):
		w.globalRace(t.lane, t.r, t.at, note, did)
	}
	return false
}

// afterAll checks an access against the last accesses of all blocks to a place.
func (t *touch) afterAll(last map[int]lastTime, did string) {
	w := t.w
	for _, block := range slices.Sorted(maps.Keys(last)) {
		o := last[block]
		who := int(o.note >> noteWho & whoLimit)
		switch {
		case block == w.b.linear && !w.past(uint64(o.clock)<<32|uint64(who)<<whoShift, t.lane):
			w.blockRace(t.lane, t.r, t.at, o.note, did)
		case block != w.b.linear && !w.knows(t.lane, block, who, o.clock):
			w.globalRace(t.lane, t.r, t.at, o.note, did)
			return
		}
	}
}

// readPlace notes a read of a word by which blocks talk.
func (t *touch) readPlace(f *forum, e *uint32) {
	w := t.w
	p := f.at(t.r.of, t.at/4)
	if *e != manyBlock {
		p.ordinary, *e = *e, manyBlock
	}
	if t.flags&byAtom == 0 {
		p.ordinary = f.readers.with(p.ordinary, w.b.reader())
		return
	}
	p.reads[w.b.linear] = lastTime{w.note(t.lane, t.flags), w.clock}
	w.talk(t.lane, p, w.order, true, false)
}

// globalWrite notes a write.
func (w *warp) globalWrite(lane int, r *region, off uint64, n int, kind access) {
	g := w.b.worker.shadow
	s := g.shadow(r.of)
	t := touch{w: w, lane: lane, r: r, at: uint64(r.offset) + off, flags: w.flags()}
	step := 0
	for start, end := t.at, t.at+uint64(n); t.at < end; t.at += uint64(step) {
		p, q := s.writers(g.serial, t.at/pageBytes, true), s.readers(g.serial, t.at/pageBytes, false)
		if n < 4 {
			p.refine()
		}
		step = stepOf(p.fine != nil || q != nil && q.fine != nil)
		note, clock := p.at(t.at)
		if other := *note; t.afterWrite(other, *clock, "write") {
			at := t.at
			w.twins |= 1 << ((at - start) / 4)
			w.twin = func() { w.blockRace(lane, r, at, other, "write of another value") }
		}
		if q != nil {
			t.afterReads(q.at(t.at))
		}
		several := *note != 0 && uint32(*note>>32) != uint32(w.b.linear+1) && t.flags&byAtom != 0
		*note, *clock = w.note(lane, t.flags), w.clock
		if f := w.b.worker.forum; f != nil {
			t.writePlace(f, note, kind)
		} else if several {
			*note |= uint64(manyBlock) << 32
		}
	}
}

// afterReads checks a write against the reads that a page remembers.
func (t *touch) afterReads(e *uint32) {
	w := t.w
	f := w.b.worker.forum
	switch {
	case *e == 0 || *e == w.b.readerID:
	case f == nil:
		w.globalReadRace(t.lane, t.r, t.at, *e)
	case *e == manyBlock:
		p := f.at(t.r.of, t.at/4)
		t.afterReaders(f.readers.of(p.ordinary))
		if t.flags&byAtom == 0 {
			t.afterAll(p.reads, "write")
		}
	default:
		t.afterReaders(f.readers.of(*e))
		*e = 0 // who knows of this write knows of them
	}
}

// afterReaders checks a write against those who read by ordinary loads.
func (t *touch) afterReaders(set []reader) {
	w := t.w
	for _, r := range set {
		if r.block != w.b.linear && !w.aware(t.lane, r.block, func(o *told) bool { return o.meetings > r.meetings }) {
			w.globalReadRace(t.lane, t.r, t.at, uint32(r.block+1))
			return
		}
	}
}

// writePlace notes a write where blocks may talk.
func (t *touch) writePlace(f *forum, note *uint64, kind access) {
	w := t.w
	if t.flags&byAtom == 0 {
		return
	}
	p := f.at(t.r.of, t.at/4)
	if kind == atomic_ {
		p.reads[w.b.linear] = lastTime{*note, w.clock}
	}
	p.writes[w.b.linear] = lastTime{*note, w.clock}
	*note |= uint64(manyBlock) << 32
	w.talk(t.lane, p, w.order, kind == atomic_, true)
}

// blockRace reports two threads of one block.
func (w *warp) blockRace(lane int, r *region, at, note uint64, did string) {
	t := w.b.thread(int(note >> noteWho & whoLimit))
	w.fault(GlobalRace, 1<<lane, "%s of %s, which thread (%d,%d,%d) of the same block wrote at line %d without a barrier between",
		did, r.of.describe(int64(at)), t[0], t[1], t[2], w.b.k.code[note>>notePC&pcMask].line)
}

// globalRace keeps a race with a write. The launch goes on, and the race at the
// lowest place is reported at its end, so that the report does not depend on which
// worker ran which block.
func (w *warp) globalRace(lane int, r *region, at, note uint64, did string) {
	t := w.b.thread(int(note >> noteWho & whoLimit))
	c := &w.b.k.code[note>>notePC&pcMask]
	w.keepRace(lane, r, at, "%s of %s, which thread (%d,%d,%d) of %s wrote at line %d in the same launch",
		did, r.of.describe(int64(at)), t[0], t[1], t[2], w.b.worker.l.blockName(uint32(note>>32)), c.line)
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
func (w *warp) globalReadRace(lane int, r *region, at uint64, reader uint32) {
	w.keepRace(lane, r, at, "write of %s, which %s read in the same launch",
		r.of.describe(int64(at)), w.b.worker.l.blockName(reader))
}

func (w *warp) keepRace(lane int, r *region, at uint64, format string, args ...any) {
	g := w.b.worker.shadow
	if g.race != nil && cmp.Or(cmp.Compare(g.race.alloc, r.of.index), cmp.Compare(g.race.at, at)) <= 0 {
		return
	}
	g.race = &race{r.of.index, at, w.newFault(GlobalRace, 1<<lane, format, args...)}
}

// coordinates returns the place of a block in the grid.
func (l *launch) coordinates(n int) [3]int {
	x, y := l.grid[0], l.grid[1]
	return [3]int{n % x, n / x % y, n / (x * y)}
}
