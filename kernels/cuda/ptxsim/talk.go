package ptxsim

// What blocks of one launch tell each other. A thread that runs a fence and then writes
// a word with an atomic operation, or another access that is no ordinary one, tells what
// its block did before; one that reads the word so and then runs a fence knows it, and so
// do the threads that it meets at barriers. The forms .release and .acquire have the
// fence in them. This is the happens-before of PTX's memory model, followed with vector
// clocks: those of race.go for the warps of each block. Kernels that talk run on one
// goroutine.

// told is what one block has told another: immutable, once it has been told.
type told struct {
	meetings uint32       // the reads before that many barriers of the block are past
	know     []uint32     // so is what each warp did up to this clock
	threads  []threadTime // and what these threads did
}

type threadTime struct {
	thread int
	clock  uint32
}

// view is what a thread knows, by block. It is never changed, only replaced.
type view map[int]*told

// join is what two views know together.
func (v view) join(o view) view {
	switch {
	case len(v) == 0:
		return o
	case len(o) == 0:
		return v
	}
	both := make(view, len(v)+len(o))
	for n, t := range v {
		both[n] = t
	}
	for n, t := range o {
		both[n] = both[n].join(t)
	}
	return both
}

func (t *told) join(o *told) *told {
	if t == nil || t == o {
		return o
	}
	both := &told{meetings: max(t.meetings, o.meetings), know: append([]uint32(nil), t.know...)}
	for i, c := range o.know {
		both.know[i] = max(both.know[i], c)
	}
	both.threads = append(both.threads, t.threads...)
next:
	for _, p := range o.threads {
		for i := range both.threads {
			if q := &both.threads[i]; q.thread == p.thread {
				q.clock = max(q.clock, p.clock)
				continue next
			}
		}
		both.threads = append(both.threads, p)
	}
	return both
}

// covers says whether what a thread of the block did at a clock is among what was told.
func (t *told) covers(thread int, clock uint32) bool {
	if clock <= t.know[thread/lanes] {
		return true
	}
	for _, p := range t.threads {
		if p.thread == thread && clock <= p.clock {
			return true
		}
	}
	return false
}

// ordering is what an access that is no ordinary one does besides.
type ordering struct {
	wide             bool // its scope is .gpu or .sys: other blocks see it
	acquire, release bool
}

// talker is the part of a thread in this.
type talker struct {
	view     view // what this lane knows beyond the warp's view
	pending  view // what it has read and will know after a fence
	released view // what it knew at its last fence, to be told by what it writes
}

// place is a word by which blocks talk.
type place struct {
	view          view             // what is told to those who read it
	reads, writes map[int]lastTime // by block: its last access that is no ordinary one
	ordinary      uint32           // the set of those who read it by ordinary loads
}

type lastTime struct {
	note  uint64
	clock uint32
}

// forum is where the blocks of one launch talk.
type forum struct {
	places  map[uint64]*place
	readers readerSets
}

func newForum() *forum {
	return &forum{places: map[uint64]*place{}, readers: readerSets{next: map[uint64]uint32{}}}
}

// at returns the place of a word, made if need be.
func (f *forum) at(a *allocation, cell uint64) *place {
	key := uint64(a.index)<<(offsetBits-2) | cell
	p := f.places[key]
	if p == nil {
		p = &place{reads: map[int]lastTime{}, writes: map[int]lastTime{}}
		f.places[key] = p
	}
	return p
}

// talker returns the part of a lane.
func (w *warp) talker(lane int) *talker {
	if w.talkers == nil {
		w.talkers = make([]talker, lanes)
	}
	return &w.talkers[lane]
}

// fenced carries out a fence.
func (w *warp) fenced(m uint32) {
	if w.b.worker.forum == nil {
		return
	}
	for ; m != 0; m &= m - 1 {
		t := w.talker(first(m))
		t.view, t.pending = t.view.join(t.pending), nil
		t.released = w.telling(first(m))
	}
	w.clock++ // what follows is not told
}

// telling is all that a lane knows now, its own deeds included.
func (w *warp) telling(lane int) view {
	b := w.b
	now := &told{meetings: b.shared.meetings, know: append([]uint32(nil), w.know[:len(b.warps)]...),
		threads: []threadTime{{w.index*lanes + lane, w.clock}}}
	if b.size[0]*b.size[1]*b.size[2] == 1 { // nobody else can have read
		now.meetings++
		b.met()
	}
	return w.view.join(w.talker(lane).view).join(view{b.linear: now})
}

// talk carries out what an access that other blocks see does besides.
func (w *warp) talk(lane int, p *place, o *ordering, reads, writes bool) {
	t := w.talker(lane)
	if reads {
		if o.acquire {
			t.view = t.view.join(p.view)
		} else {
			t.pending = t.pending.join(p.view)
		}
	}
	if !writes {
		return
	}
	tells := t.released
	if o.release {
		tells = w.telling(lane)
		w.clock++
	}
	if reads {
		tells = p.view.join(tells) // it goes on with what others told
	}
	p.view = tells
}

// shareViews makes what lanes of warps know known to all of these warps, which meet.
func (b *block) shareViews(set uint32) {
	var all view
	for x := set; x != 0; x &= x - 1 {
		w := b.warps[first(x)]
		all = all.join(w.view)
		for i := range w.talkers {
			all = all.join(w.talkers[i].view)
			w.talkers[i].view = nil
		}
	}
	for x := set; x != 0; x &= x - 1 {
		b.warps[first(x)].view = all
	}
}

// aware says whether a lane knows what f looks for of what a block has told.
func (w *warp) aware(lane, block int, f func(*told) bool) bool {
	if t := w.view[block]; t != nil && f(t) {
		return true
	}
	if w.talkers == nil {
		return false
	}
	t := w.talkers[lane].view[block]
	return t != nil && f(t)
}

// knows says whether a lane knows of a write by a thread of another block.
func (w *warp) knows(lane, block, thread int, clock uint32) bool {
	return w.aware(lane, block, func(t *told) bool { return t.covers(thread, clock) })
}
