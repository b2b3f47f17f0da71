package ptxsim

import "math/bits"

// barrierState is one of the sixteen barriers of a block.
type barrierState struct {
	arrived uint32 // warps
	waiting uint32 // those of them that wait
	want    int    // threads
	count   int    // of the threads whose predicate holds, in bar.red
}

// bar compiles bar.sync, bar.arrive, bar.red and bar.warp.sync, and the barrier
// spelling of the same.
func bar(b *build) action {
	if b.has("warp") {
		return warpBarrier(b)
	}
	b.has("cta")
	b.has("aligned")
	what := b.oneOf("sync", "arrive", "red")
	switch what {
	case "":
		b.fail("no such barrier")
	case "red":
		return reducingBarrier(b)
	}
	b.arity(1, 2)
	u32 := dtypes["u32"]
	id, count := b.src(0, u32), -1
	if len(b.s.args) == 2 {
		count = b.src(1, u32)
	}
	if what == "arrive" && count < 0 {
		b.fail("bar.arrive wants a number of threads")
	}
	b.k.partial = b.k.partial || count >= 0
	b.in.flow = barrier
	return func(w *warp, m uint32) {
		s, all := w.barrierOf(m, id, count)
		w.b.arrive(w, s, all, what == "sync")
	}
}

// barrierOf returns the barrier that the warp reaches, after the checks that all
// its threads reach it and agree; all says that the whole block must arrive.
func (w *warp) barrierOf(m uint32, id, count int) (s *barrierState, all bool) {
	if m != w.live {
		w.fault(Divergence, m, "a barrier that %d of %d threads of the warp reach", bits.OnesCount32(m), bits.OnesCount32(w.live))
	}
	if w.live != w.all {
		w.fault(Divergence, m, "a barrier after %d threads of the warp have exited", bits.OnesCount32(w.all&^w.live))
	}
	n := w.agreed(m, id, "barrier number")
	if n > 15 {
		w.fault(Trap, m, "barrier %d; there are 16", n)
	}
	s = &w.b.barriers[n]
	threads := w.b.size[0] * w.b.size[1] * w.b.size[2]
	want := threads
	if count >= 0 {
		want = int(w.agreed(m, count, "number of threads"))
		if want == 0 || want%lanes != 0 {
			w.fault(Trap, m, "a barrier for %d threads, which is no multiple of %d", want, lanes)
		}
	}
	if s.arrived != 0 && s.want != want {
		w.fault(Divergence, m, "a barrier for %d threads, others wait for %d", want, s.want)
	}
	s.want = want
	return s, count < 0
}

// agreed returns a value that must be the same in all lanes.
func (w *warp) agreed(m uint32, r int, what string) uint32 {
	v := w.r32[r][first(m)]
	for x := m; x != 0; x &= x - 1 {
		if i := first(x); w.r32[r][i] != v {
			w.fault(Divergence, 1<<i, "%s %d in one lane, %d in another", what, v, w.r32[r][i])
		}
	}
	return v
}

// arrive counts a warp in and opens the barrier once all are there.
func (b *block) arrive(w *warp, s *barrierState, all, wait bool) {
	one := uint32(1) << w.index
	if s.arrived&one != 0 {
		w.fault(Divergence, w.active, "the warp arrives twice at a barrier that is not open yet")
	}
	if all {
		b.noneLeft(w)
	}
	s.arrived |= one
	if wait {
		s.waiting |= one
		w.state = waiting
	}
	if (bits.OnesCount32(s.arrived))*lanes < s.want {
		return
	}
	b.orderMemory(s.arrived)
	for x := s.waiting; x != 0; x &= x - 1 {
		o := b.warps[first(x)]
		o.state = ready
		if o.answer != nil {
			o.answer(s.count, s.want)
			o.answer = nil
		}
	}
	*s = barrierState{}
}

// noneLeft checks that no warp has ended while the block meets.
func (b *block) noneLeft(w *warp) {
	gone := 0
	for _, o := range b.warps {
		if o.state == finished {
			gone++
		}
	}
	if gone > 0 {
		w.fault(Divergence, w.active, "a barrier after %d of %d warps of the block have exited", gone, len(b.warps))
	}
}

// stuck reports warps that wait for others that never come.
func (b *block) stuck() {
	ended := 0
	for _, w := range b.warps {
		if w.state == finished {
			ended++
		}
	}
	for _, w := range b.warps {
		if w.state == waiting {
			w.pc-- // back to the barrier
			w.fault(Divergence, w.live, "a barrier that others never reach: %d of %d warps have exited", ended, len(b.warps))
		}
	}
}

// reducingBarrier compiles bar.red: a barrier of the whole block that counts the
// threads whose predicate holds, or says whether it holds for all or any.
func reducingBarrier(b *build) action {
	op := b.oneOf("popc", "and", "or")
	t := b.typ()
	pred := dtypes["pred"]
	b.arity(3, 3)
	if op == "" || (op == "popc") != (t == dtypes["u32"]) || op != "popc" && t != pred {
		b.fail("no such barrier")
	}
	d, id := b.dst(0, t), b.src(1, dtypes["u32"])
	o := *b.arg(2)
	flip := uint32(0)
	if o.negate {
		o.negate, flip = false, full
	}
	p := b.value(&o, pred, false)
	b.in.flow = barrier
	return func(w *warp, m uint32) {
		s, _ := w.barrierOf(m, id, -1)
		v := (w.pred[p] ^ flip) & m
		s.count += bits.OnesCount32(v)
		w.answer = func(count, threads int) {
			switch {
			case op == "popc":
				broadcast(&w.r32[d], m, uint32(count))
				return
			case op == "and" && count == threads, op == "or" && count > 0:
				w.pred[d] |= m
			default:
				w.pred[d] &^= m
			}
		}
		w.b.arrive(w, s, true, true)
	}
}

// warpBarrier compiles bar.warp.sync.
func warpBarrier(b *build) action {
	if !b.has("sync") {
		b.fail("no such barrier")
	}
	b.arity(1, 1)
	mask := b.src(0, dtypes["b32"])
	return func(w *warp, m uint32) {
		w.members(m, mask)
		w.know[w.index] = w.clock
		w.clock++
		w.floor = w.least()
		if w.b.worker.forum != nil && m == w.all {
			w.b.shareViews(1 << w.index)
			if len(w.b.warps) == 1 {
				w.b.met()
			}
		}
	}
}

// members checks the mask of a warp-wide instruction: all its lanes that exist must
// be here, and nobody else.
func (w *warp) members(m uint32, mask int) uint32 {
	want := w.agreed(m, mask, "member mask")
	switch {
	case m&^want != 0:
		w.fault(Divergence, m&^want, "a lane runs a warp-wide instruction whose mask %08x leaves it out", want)
	case want&w.all&^w.live != 0:
		w.fault(Divergence, m, "a warp-wide instruction with mask %08x after lanes %08x have exited", want, w.all&^w.live)
	case want&w.all&^m != 0:
		w.fault(Divergence, m, "a warp-wide instruction with mask %08x that only lanes %08x reach", want, m)
	}
	return want
}

// orderMemory makes what the warps of a set did before ordered before what each of them
// does next.
func (b *block) orderMemory(set uint32) {
	var joined [lanes]uint32
	for x := set; x != 0; x &= x - 1 {
		w := b.warps[first(x)]
		for i, c := range w.know[:len(b.warps)] {
			joined[i] = max(joined[i], c)
		}
		joined[w.index] = max(joined[w.index], w.clock)
	}
	for x := set; x != 0; x &= x - 1 {
		w := b.warps[first(x)]
		w.know = joined
		w.floor = w.least()
		w.clock++
	}
	if b.worker.forum != nil {
		b.shareViews(set)
	}
	if bits.OnesCount32(set) == len(b.warps) {
		b.met()
	}
}

// least is the clock up to which this warp knows everything of the block.
func (w *warp) least() uint64 {
	least := ^uint32(0)
	for _, c := range w.know[:len(w.b.warps)] {
		least = min(least, c)
	}
	return uint64(least)
}

// fence compiles membar and fence. The simulator runs every thread in order; for the
// check for races between blocks, those of scope .gpu and .sys count.
func fence(b *build) action {
	b.arity(0, 0)
	scope := ""
	if b.s.op == "membar" {
		scope = b.oneOf("cta", "gl", "sys")
	} else if b.oneOf("sc", "acq_rel"); true {
		scope = b.oneOf("cta", "cluster", "gpu", "sys")
	}
	switch scope {
	case "":
		b.fail("a fence wants its scope, such as .gpu")
	case "cta", "cluster":
		return func(*warp, uint32) {}
	}
	b.k.talks = true
	return (*warp).fenced
}
