package cuda

// talk is the memory by which the blocks of one launch tell each other how far they
// are. It is the same for every launch: all run in the order of one stream, and each
// leaves it ready for the next, a captured graph as well.
type talk struct {
	barrier  uint64 // one word, of which kernels turn over the top bit
	counters uint64 // mostCounters words, zero between launches
	resident map[residence]int
}

// residence is what decides how many blocks a multiprocessor holds.
type residence struct {
	entry           string
	threads, shared int
}

// mostCounters is how many counters a launch may use.
const mostCounters = 1 << 14

func (t *talk) open(d *Device) (err error) {
	t.resident = map[residence]int{}
	if t.barrier, err = d.drv.Alloc(4); err != nil {
		return err
	}
	if t.counters, err = d.drv.Alloc(4 * mostCounters); err != nil {
		return err
	}
	if err = d.drv.Fill(t.barrier, 0, 1, d.stream); err != nil {
		return err
	}
	return d.drv.Fill(t.counters, 0, mostCounters, d.stream)
}

// barrier appends the address of the word by which all blocks of a cooperative launch
// wait for each other. With old what an atomic addition gave, of 0x80000000-(blocks-1)
// in block 0 and of 1 in the others, a block may go on when the top bit differs from
// old's. Nobody ever resets it.
func (l *launch) barrier() *launch { return l.at(l.dev.talk.barrier) }

// counters appends the address of n counters that are zero. The kernel leaves them at
// zero: atom.inc up to one less than how many blocks count, and the block that gets
// just that is the last.
func (l *launch) counters(n int) *launch {
	if n > mostCounters {
		l.fail("%d tiles that blocks sum together; there are %d counters", n, mostCounters)
	}
	return l.at(l.dev.talk.counters)
}

// cooperative launches an entry whose blocks wait for each other with the arguments
// collected, on as many blocks as there are pieces of work, but no more than run at
// once: block b takes the pieces b, b+%nctaid.x and so on. What is summed must depend
// on the pieces alone, never on the number of blocks.
func (l *launch) cooperative(entry string, pieces int, block [3]int, shared int) {
	f := l.ready(entry, shared)
	blocks, err := l.dev.together(f, residence{entry, block[0] * block[1] * block[2], shared})
	if err == nil {
		grid := [3]int{max(min(pieces, blocks), 1), 1, 1}
		err = l.dev.drv.LaunchCooperative(f, grid, block, shared, l.params, l.dev.stream)
	}
	l.dev.must("running "+l.kernel.Name, err)
	l.params = l.params[:0]
}

// together is how many blocks of a function run at once.
func (d *Device) together(f Function, r residence) (int, error) {
	n, ok := d.talk.resident[r]
	if !ok {
		var err error
		if n, err = d.drv.Resident(f, r.threads, r.shared); err != nil {
			return 0, err
		}
		d.talk.resident[r] = n
	}
	return n * d.info.SMs, nil
}
