package ptxsim

import "math/bits"

const (
	lanes = 32
	full  = ^uint32(0)
)

// group is a set of lanes of one warp that wait at one pc.
type group struct {
	pc   int
	mask uint32
}

// warp is 32 threads in lockstep. Registers lie by register, then by lane.
type warp struct {
	r32  [][lanes]uint32
	r64  [][lanes]uint64
	pred []uint32 // one bit per lane
	def  []uint32 // which lanes of a register hold a value: narrow, wide, predicates
	t32  [lanes]uint32
	t64  [lanes]uint64

	b        *block
	index    int    // in the block
	live     uint32 // lanes that have not exited
	all      uint32 // lanes that exist
	active   uint32 // lanes that run now
	pc       int
	limit    int     // pc at which others wait; past the end when none do
	others   []group // lanes that wait elsewhere
	state    state
	pausedAt int // pc after the last pause
	steps    int64
	addr     [lanes]uint64 // of the memory instruction that runs
	order    *ordering     // of it where it is atomic, .volatile, .relaxed, .acquire or .release

	view    view // what all its lanes know of other blocks
	talkers []talker

	clock uint32        // counts the points that order memory, see shadow.go
	floor uint64        // the least of know
	know  [lanes]uint32 // newest clock of each warp whose accesses are ordered before ours
	async asyncQueue

	answer func(count, threads int) // what bar.red waits for

	twins uint8  // words of the running store that another thread has written: no matter if the values agree
	twin  func() // reports that they do not
}

// state is why a warp does not run.
type state uint8

const (
	ready state = iota
	waiting
	paused // so that other blocks get their turn
	finished
)

// spot is what the machine counts at one pc.
type spot struct {
	warps, threads uint64
	divergent      uint64
	bytes          uint64
	sectors, ideal uint64 // of 32 bytes of global memory
	phases, extra  uint64 // of shared memory: needed anyway, lost to bank conflicts
}

// run executes a warp until it waits or ends.
func (w *warp) run() {
	code := w.b.k.code
	stats := w.b.worker.spots
	for w.state == ready {
		if w.pc >= w.limit {
			w.regroup()
		}
		c := &code[w.pc]
		m := w.active
		if c.guard >= 0 {
			if c.guardUse >= 0 && w.def[c.guardUse]&m != m {
				w.undefined(c, m)
			}
			m &= w.pred[c.guard] ^ c.flip
		}
		s := &stats[w.pc]
		s.warps++
		s.threads += uint64(bits.OnesCount32(m))
		if w.steps++; w.steps&1023 == 0 {
			w.b.worker.pause(w)
		}
		if m == 0 {
			w.pc++
			continue
		}
		for _, r := range c.uses {
			if w.def[r]&m != m {
				w.undefined(c, m)
			}
		}
		if t := w.b.worker.trace; t != nil {
			t(w, c, m)
			for _, r := range c.sets {
				w.def[r] |= m
			}
		}
		for _, r := range c.defs {
			w.def[r] |= m
		}
		if c.flow != straight {
			w.jump(c, m)
			continue
		}
		c.exec(w, m)
		w.pc++
	}
}

// jump carries out what is not straight.
func (w *warp) jump(c *instr, m uint32) {
	switch c.flow {
	case branch:
		w.branch(c, m)
	case exit:
		w.exit(m)
	case barrier:
		c.exec(w, m)
		w.pc++
	case meeting:
		c.exec(w, m)
		w.pc++
		if w.b.k.talks {
			w.state = paused
			w.b.moved = w.b.moved || w.pausedAt != w.pc
			w.pausedAt = w.pc
		}
	}
}

func (w *warp) branch(c *instr, m uint32) {
	rest := w.active &^ m
	if rest == 0 {
		w.pc = c.target
		return
	}
	if c.uni {
		w.fault(Divergence, m, "bra.uni is taken by some lanes only (mask %08x of %08x)", m, w.active)
	}
	w.b.worker.spots[w.pc].divergent++
	w.others = append(w.others, group{c.target, m}, group{w.pc + 1, rest})
	w.active = 0
	w.regroup()
}

// exit ends lanes.
func (w *warp) exit(m uint32) {
	w.async.atExit(w, m)
	w.live &^= m
	w.active &^= m
	switch {
	case w.active != 0:
		w.pc++
	case w.live != 0:
		w.regroup()
	default:
		w.state = finished
	}
}

// regroup lets the lanes with the lowest pc run: those that are ahead wait for
// them, and groups that meet run together again.
func (w *warp) regroup() {
	if w.active != 0 {
		w.others = append(w.others, group{w.pc, w.active})
	}
	low := w.others[0].pc
	for _, g := range w.others {
		low = min(low, g.pc)
	}
	w.pc, w.active, w.limit = low, 0, len(w.b.k.code)
	rest := w.others[:0]
	for _, g := range w.others {
		if g.pc == low {
			w.active |= g.mask
			continue
		}
		rest = append(rest, g)
		w.limit = min(w.limit, g.pc)
	}
	w.others = rest
}

// start readies a warp for the first instruction of a block.
func (w *warp) start(threads int) {
	k := w.b.k
	w.all = full
	if threads < lanes {
		w.all = 1<<threads - 1
	}
	w.live, w.active, w.pc, w.limit, w.steps = w.all, w.all, 0, len(k.code), 0
	w.others, w.state = w.others[:0], ready
	clear(w.def)
	for _, s := range k.special {
		if s.varies() {
			s.fill(w)
		}
		w.def[k.placeOf(s.typ().file(), s.index)] = full
	}
	w.twins, w.answer = 0, nil
	w.view, w.talkers, w.pausedAt = nil, nil, 0
	w.clock, w.floor, w.know = 1, 0, [lanes]uint32{}
	w.async.reset()
}

// first returns the lowest lane of a mask.
func first(m uint32) int { return bits.TrailingZeros32(m) & (lanes - 1) }
