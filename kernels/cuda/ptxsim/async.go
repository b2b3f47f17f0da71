package ptxsim

import "slices"

var asyncOps = map[string]func(*build) action{"cp": copyAsync}

// asyncQueue holds the cp.async copies of a warp that have not been waited for.
type asyncQueue struct {
	copies []asyncCopy
	groups [lanes]uint32 // committed groups of each lane
}

// asyncCopy is one copy of one lane. The bytes are read when it is issued and
// delivered when they are waited for, as late as the hardware may.
type asyncCopy struct {
	lane  int
	group uint32 // number of its group
	to    uint64 // offset in shared memory
	n     int
	bytes [16]byte
	pc    int
}

func (q *asyncQueue) reset() {
	q.copies = q.copies[:0]
	q.groups = [lanes]uint32{}
}

// copyAsync compiles cp.async, its commit and its waits.
func copyAsync(b *build) action {
	if !b.has("async") {
		b.fail("the simulator knows cp.async only")
	}
	switch b.oneOf("commit_group", "wait_group", "wait_all") {
	case "commit_group":
		b.arity(0, 0)
		return func(w *warp, m uint32) {
			for ; m != 0; m &= m - 1 {
				w.async.groups[first(m)]++
			}
		}
	case "wait_group":
		b.arity(1, 1)
		n := b.immediate(0)
		return func(w *warp, m uint32) { w.deliver(m, uint32(min(n, 1<<31)), false) }
	case "wait_all":
		b.arity(0, 0)
		return func(w *warp, m uint32) { w.deliver(m, 0, true) }
	}
	return b.issue()
}

// issue compiles cp.async.ca.shared.global [to], [from], n, size.
func (b *build) issue() action {
	level := b.oneOf("ca", "cg")
	to, from := b.space(), b.space()
	for b.oneOf(hints...) != "" {
	}
	b.arity(3, 4)
	n := b.immediate(2)
	if level == "" || to != sharedSpace || from != globalSpace {
		b.fail("cp.async wants .ca or .cg, .shared and .global")
	}
	if n != 16 && (level != "ca" || n != 4 && n != 8) {
		b.fail("cp.async.%s of %d bytes", level, n)
	}
	size := -1
	if len(b.s.args) == 4 {
		size = b.src(3, dtypes["u32"])
	}
	addrTo, addrFrom := b.addresses(0, to), b.addresses(1, from)
	return func(w *warp, m uint32) {
		addrTo(w, m)
		dst := w.addr
		w.countShared(&dst, m, int(n))
		addrFrom(w, m)
		w.countGlobal(m, int(n))
		w.order = nil
		for ; m != 0; m &= m - 1 {
			i := first(m)
			take := int(n)
			if size >= 0 {
				take = int(w.r32[size][i])
			}
			if take > int(n) {
				w.fault(Trap, 1<<i, "cp.async of %d bytes with a source size of %d", n, take)
			}
			w.issueOne(i, dst[i], int(n), take)
		}
	}
}

// issueOne queues the copy of one lane: take bytes from w.addr, then zeros.
func (w *warp) issueOne(lane int, to uint64, n, take int) {
	c := asyncCopy{lane: lane, group: w.async.groups[lane], to: to, n: n, pc: w.pc}
	from := w.addr[lane]
	if from&uint64(n-1) != 0 {
		w.fault(Misaligned, 1<<lane, "cp.async of %d bytes from %#x", n, from)
	}
	for done := 0; done < take; { // pieces of 8, 4, 2 and 1 bytes: all of 16 at once is the common case
		step := n
		for step > take-done {
			step /= 2
		}
		copy(c.bytes[done:], w.globalAt(globalSpace, lane, from+uint64(done), step, load))
		done += step
	}
	w.sharedAt(lane, to, n, store)
	fill(w.b.shared.state[to:to+uint64(n)], inFlight)
	w.async.copies = append(w.async.copies, c)
}

// deliver ends the copies of the lanes of m, but for those of the newest groups.
func (w *warp) deliver(m uint32, newest uint32, uncommitted bool) {
	s := &w.b.shared
	w.async.copies = slices.DeleteFunc(w.async.copies, func(c asyncCopy) bool {
		if m>>c.lane&1 == 0 {
			return false
		}
		committed := w.async.groups[c.lane]
		if !uncommitted && (c.group >= committed || committed-c.group <= newest) {
			return false
		}
		copy(s.data[c.to:], c.bytes[:c.n])
		fill(s.state[c.to:c.to+uint64(c.n)], written)
		tag := w.tag(c.lane)&^pcMask | uint64(c.pc)
		for i := c.to >> s.shift; i <= (c.to+uint64(c.n)-1)>>s.shift; i++ {
			s.cells[i] = sharedCell{write: tag}
		}
		return true
	})
}

// atExit finds copies that nobody can wait for any more.
func (q *asyncQueue) atExit(w *warp, m uint32) {
	for _, c := range q.copies {
		if m>>c.lane&1 == 0 {
			continue
		}
		what := "wait"
		if c.group == q.groups[c.lane] {
			what = "commit and wait"
		}
		w.fault(AsyncCopy, 1<<c.lane, "the thread ends, but the cp.async of line %d has had no %s", w.b.k.code[c.pc].line, what)
	}
}
