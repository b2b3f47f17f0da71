package ptxsim

import "encoding/binary"

// The accesses of kernels' inner loops move one, two or four words of 4 bytes. This
// file does those to global memory with all checks in one loop over the lanes; a
// lane that meets anything unusual goes the long way of globalAt, which explains it.

const allGood = (usable | written) * 0x01010101

// pageCursor holds the pages of the shadow that the last lane touched.
type pageCursor struct {
	s      *allocShadow
	serial uint64
	page   uint64
	reads  *readPage
	writes *writePage
}

func (w *warp) cursor(r *region) pageCursor {
	g := w.b.worker.shadow
	return pageCursor{s: g.shadow(r.of), serial: g.serial, page: ^uint64(0)}
}

// move turns to another page, unless it is one that is kept by the byte.
func (c *pageCursor) move(page uint64, write bool) bool {
	c.page = page
	c.writes = c.s.writers(c.serial, page, write)
	c.reads = c.s.readers(c.serial, page, !write)
	if c.writes != nil && c.writes.fine != nil || c.reads != nil && c.reads.fine != nil {
		c.page = ^uint64(0)
		return false
	}
	return true
}

// plainRegion returns the region of the first lane's address if fast paths can
// serve it.
func (w *warp) plainRegion(m uint32) *region {
	r := w.b.worker.l.region(w.addr[first(m)])
	if r == nil || r.freed || r.fixed {
		return nil
	}
	return r
}

// loadGlobal loads words into the registers regs.
func (w *warp) loadGlobal(m uint32, regs []int) {
	r := w.plainRegion(m)
	n := uint64(4 * len(regs))
	switch {
	case r == nil || uint64(len(r.data)) < n || w.order != nil:
		w.loadSlowly(globalSpace, m, regs)
		return
	case !w.b.worker.checked && (!r.of.arena || r.base >= firstPiece<<offsetBits):
		if slow := w.loadBare(m, regs, r.data, r.base); slow != 0 {
			w.loadSlowly(globalSpace, slow, regs)
		}
		return
	}
	limit := uint64(len(r.data)) - n
	shift := uint64(r.offset)
	me, mine := uint32(w.b.linear+1), w.b.reader()
	cur := w.cursor(r)
	data, state := r.data, r.state
	var slow uint32
	for x := m; x != 0; x &= x - 1 {
		i := first(x)
		off := w.addr[i] - r.base
		if off > limit || (off+shift)&(n-1) != 0 {
			slow |= 1 << i
			continue
		}
		for _, d := range regs {
			if binary.LittleEndian.Uint32(state[off:]) != allGood {
				slow |= 1 << i
				break
			}
			cell := (off + shift) >> 2
			if cell/pageWords != cur.page && !cur.move(cell/pageWords, false) {
				slow |= 1 << i
				break
			}
			c := cell % pageWords
			if cur.writes != nil {
				if note := cur.writes.note[c]; note != 0 && (uint32(note>>32) != me || uint64(cur.writes.clock[c]) > w.floor) {
					slow |= 1 << i
					break
				}
			}
			if e := &cur.reads.block[c]; *e != mine {
				if *e == 0 {
					*e = mine
				} else if *e != manyBlock {
					*e = w.b.joined(*e)
				} else if w.b.k.talks {
					slow |= 1 << i
					break
				}
			}
			w.r32[d][i] = binary.LittleEndian.Uint32(data[off:])
			off += 4
		}
	}
	if slow != 0 {
		w.loadSlowly(globalSpace, slow, regs)
	}
}

// storeGlobal stores words from the registers regs.
func (w *warp) storeGlobal(m uint32, regs []int) {
	r := w.plainRegion(m)
	n := uint64(4 * len(regs))
	if r == nil || uint64(len(r.data)) < n || w.order != nil || !w.b.worker.checked {
		w.storeSlowly(globalSpace, m, regs)
		return
	}
	limit := uint64(len(r.data)) - n
	shift := uint64(r.offset)
	me, mine := uint32(w.b.linear+1), w.b.readerID
	cur := w.cursor(r)
	data, state := r.data, r.state
	var slow uint32
	for x := m; x != 0; x &= x - 1 {
		i := first(x)
		off := w.addr[i] - r.base
		if off > limit || (off+shift)&(n-1) != 0 {
			slow |= 1 << i
			continue
		}
		note := w.note(i, 0)
		for _, s := range regs {
			cell := (off + shift) >> 2
			if cell/pageWords != cur.page && !cur.move(cell/pageWords, true) {
				slow |= 1 << i
				break
			}
			c := cell % pageWords
			old := cur.writes.note[c]
			clash := old != 0 && (uint32(old>>32) != me || uint64(cur.writes.clock[c]) > w.floor)
			if cur.reads != nil {
				e := cur.reads.block[c]
				clash = clash || e != 0 && e != mine
			}
			if clash || binary.LittleEndian.Uint32(state[off:])&(usable*0x01010101) != usable*0x01010101 {
				slow |= 1 << i
				break
			}
			cur.writes.note[c], cur.writes.clock[c] = note, w.clock
			binary.LittleEndian.PutUint32(state[off:], allGood)
			binary.LittleEndian.PutUint32(data[off:], w.r32[s][i])
			off += 4
		}
	}
	if slow != 0 {
		w.storeSlowly(globalSpace, slow, regs)
	}
}

// loadBare loads words without looking at anything but bounds and alignment. It
// returns the lanes that it cannot serve.
func (w *warp) loadBare(m uint32, regs []int, data []byte, base uint64) (slow uint32) {
	n := uint64(4 * len(regs))
	limit := uint64(len(data)) - n
	for ; m != 0; m &= m - 1 {
		i := first(m)
		off := w.addr[i] - base
		if off > limit || off&(n-1) != 0 {
			slow |= 1 << i
			continue
		}
		for _, d := range regs {
			w.r32[d][i] = binary.LittleEndian.Uint32(data[off:])
			off += 4
		}
	}
	return slow
}

// loadSlowly and storeSlowly go lane by lane.
func (w *warp) loadSlowly(where space, m uint32, regs []int) {
	for ; m != 0; m &= m - 1 {
		i := first(m)
		mem := w.at(where, i, w.addr[i], 4*len(regs), load)
		for j, d := range regs {
			w.r32[d][i] = binary.LittleEndian.Uint32(mem[4*j:])
		}
	}
}

func (w *warp) storeSlowly(where space, m uint32, regs []int) {
	for ; m != 0; m &= m - 1 {
		i := first(m)
		mem := w.at(where, i, w.addr[i], 4*len(regs), store)
		for j, s := range regs {
			w.storeValue(mem, 4*j, 4, uint64(w.r32[s][i]))
		}
	}
}
