package ptxsim

import "encoding/binary"

// This file is to shared memory what wordsglobal.go is to global memory.

const allWritten = written * 0x01010101

// loadShared loads words into the registers regs.
func (w *warp) loadShared(m uint32, regs []int) {
	s := &w.b.shared
	n := uint64(4 * len(regs))
	switch {
	case uint64(len(s.data)) >= n && !w.b.worker.checked:
		if slow := w.loadBare(m, regs, s.data, 0); slow != 0 {
			w.loadSlowly(sharedSpace, slow, regs)
		}
		return
	case s.shift != 2 || w.b.k.partial || uint64(len(s.data)) < n:
		w.loadSlowly(sharedSpace, m, regs)
		return
	}
	limit := uint64(len(s.data)) - n
	data, state, cells := s.data, s.state, s.cells
	base := w.tag(0)
	ours := uint64(w.clock)<<12 | uint64(anyLane|w.index)
	many := uint64(s.meetings)<<12 | anyWarp
	var slow uint32
	for x := m; x != 0; x &= x - 1 {
		i := first(x)
		a := w.addr[i]
		if a > limit || a&(n-1) != 0 {
			slow |= 1 << i
			continue
		}
		for _, d := range regs {
			c := &cells[a>>2]
			if binary.LittleEndian.Uint32(state[a:]) != allWritten || c.write>>32 > w.floor && !w.past(c.write, i) {
				slow |= 1 << i
				break
			}
			if c.read == 0 {
				c.read = base + uint64(i)<<whoShift
			} else if by := c.read >> whoShift; by != many && by != ours {
				c.read = w.joinRead(c.read, i)
			}
			w.r32[d][i] = binary.LittleEndian.Uint32(data[a:])
			a += 4
		}
	}
	if slow != 0 {
		w.loadSlowly(sharedSpace, slow, regs)
	}
}

// storeShared stores words from the registers regs.
func (w *warp) storeShared(m uint32, regs []int) {
	s := &w.b.shared
	n := uint64(4 * len(regs))
	if s.shift != 2 || w.b.k.partial || uint64(len(s.data)) < n || !w.b.worker.checked {
		w.storeSlowly(sharedSpace, m, regs)
		return
	}
	limit := uint64(len(s.data)) - n
	data, state, cells := s.data, s.state, s.cells
	base := w.tag(0)
	var slow uint32
	for x := m; x != 0; x &= x - 1 {
		i := first(x)
		a := w.addr[i]
		if a > limit || a&(n-1) != 0 {
			slow |= 1 << i
			continue
		}
		for _, r := range regs {
			c := &cells[a>>2]
			free := c.write>>32 <= w.floor || w.past(c.write, i)
			free = free && (c.read == 0 || w.past(c.read, i))
			if !free || binary.LittleEndian.Uint32(state[a:])&(inFlight*0x01010101) != 0 {
				slow |= 1 << i
				break
			}
			c.write, c.read = base+uint64(i)<<whoShift, 0
			binary.LittleEndian.PutUint32(state[a:], allWritten)
			binary.LittleEndian.PutUint32(data[a:], w.r32[r][i])
			a += 4
		}
	}
	if slow != 0 {
		w.storeSlowly(sharedSpace, slow, regs)
	}
}
