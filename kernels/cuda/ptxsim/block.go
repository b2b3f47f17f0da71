package ptxsim

// block is one thread block at work. A worker has one and reuses it.
type block struct {
	worker   *worker
	k        *Kernel
	size     [3]int
	at       [3]int // place in the grid
	dynamic  int    // bytes of shared memory
	linear   int    // the same as one number
	readerID uint32 // by which pages remember what it has read; 0 for none yet
	moved    bool   // in its last turn it did more than look again
	done     bool   // all its warps have ended
	warps    []*warp
	shared   sharedMemory
	local    localMemory

	barriers [16]barrierState
	order    []int // in which warps get their turn
}

func newBlock(wk *worker, l *launch) *block {
	k := l.k
	b := &block{worker: wk, k: k, size: l.size, dynamic: l.dynamic}
	threads := b.size[0] * b.size[1] * b.size[2]
	for i := 0; i*lanes < threads; i++ {
		w := &warp{b: b, index: i,
			r32:  make([][lanes]uint32, len(k.file32)),
			r64:  make([][lanes]uint64, len(k.file64)),
			pred: make([]uint32, k.preds), def: make([]uint32, k.places())}
		for r, v := range k.file32 {
			for lane := range lanes {
				w.r32[r][lane] = v
			}
		}
		for r, v := range k.file64 {
			for lane := range lanes {
				w.r64[r][lane] = v
			}
		}
		b.warps = append(b.warps, w)
		b.order = append(b.order, i)
	}
	size := k.Shared
	if l.dynamic > 0 {
		size = k.dynamicStart() + l.dynamic
	}
	b.shared.init(size, k.cell)
	b.local.init(k.Local, threads)
	for _, w := range b.warps {
		for _, s := range k.special {
			if !s.varies() {
				s.fill(w)
			}
		}
	}
	return b
}

// thread returns the coordinates of a thread of the block.
func (b *block) thread(i int) [3]int { return threadAt(b.size, i) }

func threadAt(size [3]int, i int) [3]int {
	x, y := size[0], size[1]
	return [3]int{i % x, i / x % y, i / (x * y)}
}

// begin readies the block to be number n of the grid.
func (b *block) begin(n int) {
	b.linear = n
	b.at = b.worker.l.coordinates(n)
	b.readerID = uint32(n + 1)
	if b.worker.forum != nil {
		b.readerID = 0
	}
	b.shared.reset()
	b.local.reset()
	b.barriers = [16]barrierState{}
	threads := b.size[0] * b.size[1] * b.size[2]
	for i, w := range b.warps {
		w.start(threads - i*lanes)
	}
	if b.worker.rng != nil { // the same order in every run, whichever worker has the block
		b.worker.pcg.Seed(b.worker.l.m.o.Shuffle+b.worker.l.serial, uint64(n))
		for i := range b.order {
			b.order[i] = i
		}
	}
	b.done = false
}

// turn lets every warp run until it waits, pauses or ends.
func (b *block) turn() {
	if rng := b.worker.rng; rng != nil {
		rng.Shuffle(len(b.order), func(i, j int) { b.order[i], b.order[j] = b.order[j], b.order[i] })
	}
	ran := false
	b.done, b.moved = true, false
	for _, i := range b.order {
		w := b.warps[i]
		if w.state == paused {
			w.state = ready
		}
		if w.state == ready {
			w.run()
			ran = true
			if w.state != paused {
				b.worker.changes++
				b.moved = true
			}
		}
		b.done = b.done && w.state == finished
	}
	if !b.done && !ran {
		b.stuck()
	}
}
