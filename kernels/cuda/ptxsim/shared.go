package ptxsim

import "encoding/binary"

// sharedMemory is the shared memory of a block.
type sharedMemory struct {
	data     []byte
	state    []byte // of each byte: written, or on its way by cp.async
	cells    []sharedCell
	shift    uint   // log2 of the bytes of one cell
	meetings uint32 // barriers that the whole block has passed
	dirty    bool
	readers  map[int][]uint64 // of a cell, by warp; only in kernels with partial barriers
}

// inFlight marks a byte that a cp.async has not delivered yet.
const inFlight = 8

// sharedCell remembers the last write of a few bytes of shared memory and the reads
// since, each packed as clock<<32 | thread<<20 | pc, plus one; see race.go.
type sharedCell struct{ write, read uint64 }

func (s *sharedMemory) init(size int, shift uint) {
	s.data = make([]byte, size)
	s.state = make([]byte, size)
	s.shift = shift
	s.cells = make([]sharedCell, size>>shift+1)
	s.readers = map[int][]uint64{}
}

// reset makes the contents undefined for the next block.
func (s *sharedMemory) reset() {
	if s.dirty {
		clear(s.state)
		clear(s.cells)
		clear(s.readers)
		s.meetings = 0
	}
	s.dirty = true
}

// access is what a memory instruction does to bytes.
type access uint8

const (
	load access = iota
	store
	atomic_
)

// sharedAt returns the bytes of an access of n bytes by one lane, after the checks.
func (w *warp) sharedAt(lane int, addr uint64, n int, kind access) []byte {
	s := &w.b.shared
	if addr > uint64(len(s.data)) || uint64(n) > uint64(len(s.data))-addr {
		w.fault(OutOfBounds, 1<<lane, "access of %d bytes at %d outside the %d bytes of shared memory", n, addr, len(s.data))
	}
	if addr&uint64(n-1) != 0 {
		w.fault(Misaligned, 1<<lane, "access of %d bytes at %d of shared memory", n, addr)
	}
	if !w.b.worker.checked {
		return s.data[addr : addr+uint64(n)]
	}
	w.sharedState(lane, s.state[addr:addr+uint64(n)], addr, kind)
	for c := addr >> s.shift; c <= (addr+uint64(n)-1)>>s.shift; c++ {
		if kind == load {
			w.sharedRead(lane, int(c))
		} else {
			w.sharedWrite(lane, int(c), kind)
		}
	}
	return s.data[addr : addr+uint64(n)]
}

// sharedState checks and updates what is known of the bytes of an access.
func (w *warp) sharedState(lane int, state []byte, addr uint64, kind access) {
	const all = 0x0101010101010101
	for i := 0; i < len(state); {
		step := min(8, len(state))
		var v uint64
		switch step {
		case 8:
			v = binary.LittleEndian.Uint64(state[i:])
		case 4:
			v = uint64(binary.LittleEndian.Uint32(state[i:]))
		case 2:
			v = uint64(binary.LittleEndian.Uint16(state[i:]))
		default:
			v = uint64(state[i])
		}
		want := uint64(all*written) >> (64 - 8*step)
		if v&(all*inFlight) != 0 {
			w.fault(AsyncCopy, 1<<lane, "access of %d of shared memory, which a cp.async without its wait is writing", addr)
		}
		if kind != store && v != want {
			w.fault(UninitialisedMemory, 1<<lane, "read of %d of shared memory, which nobody has written", addr)
		}
		i += step
	}
	if kind != load {
		fill(state, written)
	}
}
