package ptxsim

// localMemory is the local memory of the threads of a block, one after the other.
type localMemory struct {
	size  int // bytes of one thread
	data  []byte
	state []byte
}

func (m *localMemory) init(size, threads int) {
	m.size = size
	m.data = make([]byte, size*threads)
	m.state = make([]byte, size*threads)
}

func (m *localMemory) reset() { clear(m.state) }

// localAt returns the bytes of an access of n bytes by one lane, after the checks.
func (w *warp) localAt(lane int, addr uint64, n int, kind access) []byte {
	m := &w.b.local
	if addr > uint64(m.size) || uint64(n) > uint64(m.size)-addr {
		w.fault(OutOfBounds, 1<<lane, "access of %d bytes at %d outside the %d bytes of local memory", n, addr, m.size)
	}
	if addr&uint64(n-1) != 0 {
		w.fault(Misaligned, 1<<lane, "access of %d bytes at %d of local memory", n, addr)
	}
	at := (w.index*lanes+lane)*m.size + int(addr)
	if kind == store {
		fill(m.state[at:at+n], written)
	} else if w.b.worker.checked {
		for i, s := range m.state[at : at+n] {
			if s == 0 {
				w.fault(UninitialisedMemory, 1<<lane, "read of %d of local memory, which nobody has written", int(addr)+i)
			}
		}
	}
	return m.data[at : at+n]
}
