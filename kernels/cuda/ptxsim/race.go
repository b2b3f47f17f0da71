package ptxsim

import "fmt"

// The race check keeps a clock per warp, which moves on at every barrier the warp
// passes. A cell of shared memory remembers who wrote it last and who read it
// since, with their clocks. An access conflicts with what another thread did unless
// a barrier lies between: unless the other's clock is among those that this warp
// knows to be past. Inside a warp the barrier can be bar.warp.sync.

const (
	anyLane  = 1 << 10 // several lanes of one warp: its number follows in the low bits
	anyWarp  = 1 << 11 // several warps: the clock is the number of meetings
	pcBits   = 20
	pcMask   = 1<<pcBits - 1
	whoShift = pcBits
	whoMask  = 1<<12 - 1
)

func (w *warp) tag(lane int) uint64 {
	return uint64(w.clock)<<32 | uint64(w.index*lanes+lane)<<whoShift | uint64(w.pc&pcMask)
}

// past says whether the access that a tag describes lies before a barrier that this
// warp has passed, or was made by the same thread.
func (w *warp) past(tag uint64, lane int) bool {
	who := tag >> whoShift & whoMask
	clock := uint32(tag >> 32)
	switch {
	case tag == 0:
		return true
	case who&anyWarp != 0:
		return clock < w.b.shared.meetings
	case who&anyLane != 0:
		return clock <= w.know[who&(lanes-1)]
	case int(who) == w.index*lanes+lane:
		return true
	}
	return clock <= w.know[who/lanes]
}

func (w *warp) sharedRead(lane, cell int) {
	s := &w.b.shared
	c := &s.cells[cell]
	if c.write != 0 && !w.past(c.write, lane) {
		w.sharedRace(lane, cell, c.write, "read", "wrote")
	}
	if !w.b.k.partial {
		c.read = w.joinRead(c.read, lane)
		return
	}
	// With barriers for a part of the block, one tag cannot tell which of several
	// warps are past: each has its own.
	if s.readers[cell] == nil {
		s.readers[cell] = make([]uint64, len(w.b.warps))
	}
	r := &s.readers[cell][w.index]
	*r = w.joinRead(*r, lane)
	c.read = *r
}

// conflicting returns the tag of a read that is not past, or 0.
func (w *warp) conflicting(lane, cell int) uint64 {
	s := &w.b.shared
	if r := s.cells[cell].read; !w.b.k.partial {
		if w.past(r, lane) {
			return 0
		}
		return r
	}
	for _, r := range s.readers[cell] {
		if !w.past(r, lane) {
			return r
		}
	}
	delete(s.readers, cell)
	return 0
}

// joinRead adds a read to those that a cell remembers.
func (w *warp) joinRead(old uint64, lane int) uint64 {
	mine := w.tag(lane)
	if old == 0 || w.past(old, lane) {
		return mine
	}
	who := old >> whoShift & whoMask
	same := who&anyWarp == 0 && (who&anyLane == 0 && int(who)/lanes == w.index || who&anyLane != 0 && int(who&(lanes-1)) == w.index)
	if same {
		return mine&^(whoMask<<whoShift) | uint64(anyLane|w.index)<<whoShift
	}
	return uint64(w.b.shared.meetings)<<32 | anyWarp<<whoShift | mine&pcMask
}

func (w *warp) sharedWrite(lane, cell int, kind access) {
	c := &w.b.shared.cells[cell]
	if !w.past(c.write, lane) && !(kind == atomic_ && w.atomicAt(c.write)) {
		if kind != store || (c.write^w.tag(lane))&^(uint64(lanes-1)<<whoShift) != 0 {
			w.sharedRace(lane, cell, c.write, "write", "wrote")
		}
		tag := c.write // two lanes of one store: no matter if their values agree
		w.twins = 15
		w.twin = func() { w.sharedRace(lane, cell, tag, "write of another value", "wrote") }
	}
	if r := w.conflicting(lane, cell); r != 0 && !(kind == atomic_ && w.atomicAt(r)) {
		w.sharedRace(lane, cell, r, "write", "read")
	}
	c.write = w.tag(lane)
	c.read = 0
}

// storeValue writes size bytes of an access, at an offset in its bytes.
func (w *warp) storeValue(b []byte, at, size int, v uint64) {
	if w.twins>>(at/4)&1 != 0 && readValue(b[at:], size) != v&(^uint64(0)>>(64-8*size)) {
		w.twin()
	}
	setValue(b[at:], size, v)
}

// atomicAt says whether the access that a tag describes was atomic.
func (w *warp) atomicAt(tag uint64) bool {
	return w.b.k.code[tag&pcMask].atomic
}

// sharedRace reports two accesses without a barrier between.
func (w *warp) sharedRace(lane, cell int, tag uint64, did, other string) {
	who := int(tag >> whoShift & whoMask)
	c := &w.b.k.code[tag&pcMask]
	name := "several threads"
	switch {
	case who&anyWarp != 0:
	case who&anyLane != 0:
		name = "several threads of the same warp"
		if who&(lanes-1) != w.index {
			name = "several threads of another warp"
		}
	default:
		t := w.b.thread(who)
		name = fmt.Sprintf("thread (%d,%d,%d)", t[0], t[1], t[2])
	}
	hint := "a barrier"
	if who&anyWarp == 0 && (who&anyLane != 0 && who&(lanes-1) == w.index || who&anyLane == 0 && who/lanes == w.index) {
		hint = "bar.warp.sync or a barrier"
	}
	w.fault(SharedRace, 1<<lane, "%s of shared memory at %d, which %s %s at line %d without %s between",
		did, cell<<w.b.shared.shift, name, other, c.line, hint)
}
