package ptxsim

// at returns the bytes of an access of n bytes by one lane, after the checks.
func (w *warp) at(where space, lane int, addr uint64, n int, kind access) []byte {
	w.twins = 0
	if where == generic {
		where = spaceOf(addr)
		addr -= window(where)
	}
	switch where {
	case sharedSpace:
		return w.sharedAt(lane, addr, n, kind)
	case localSpace:
		return w.localAt(lane, addr, n, kind)
	}
	return w.globalAt(where, lane, addr, n, kind)
}

// region finds the memory that an address points into, nil where there is none.
func (l *launch) region(addr uint64) *region {
	n := addr >> offsetBits
	switch {
	case n&1 != 0 || n < firstNumber:
	case n >= firstPiece:
		if i := (n - firstPiece) / 2; i < uint64(len(l.pieces)) {
			return l.pieces[i]
		}
	default:
		if i := (n - firstNumber) / 2; i < uint64(len(l.m.allocs)) {
			return &l.m.allocs[i].region
		}
	}
	return nil
}

// globalAt is at for global and constant memory.
func (w *warp) globalAt(where space, lane int, addr uint64, n int, kind access) []byte {
	l := w.b.worker.l
	r := l.region(addr)
	if r == nil {
		w.stray(where, lane, addr, n)
	}
	off := addr - r.base
	switch {
	case r.freed:
		w.fault(UseAfterFree, 1<<lane, "access of %d bytes at offset %d of %q, which was freed", n, off, r.name)
	case off > uint64(len(r.data)) || uint64(n) > uint64(len(r.data))-off:
		w.fault(OutOfBounds, 1<<lane, "access of %d bytes at offset %d of %q, which has %d bytes", n, off, r.name, len(r.data))
	case (off+uint64(r.offset))&uint64(n-1) != 0:
		w.fault(Misaligned, 1<<lane, "access of %d bytes at offset %d of %q", n, off, r.name)
	case r.fixed && kind != load:
		w.fault(Trap, 1<<lane, "a write to constant memory %q", r.name)
	case r.fixed != (where == constSpace):
		w.fault(StrayPointer, 1<<lane, "a %s access to %q", where, r.name)
	}
	w.globalState(lane, r, off, n, kind)
	if w.b.worker.checked && !r.fixed {
		if kind == load {
			w.globalRead(lane, r, off, n)
		} else {
			w.globalWrite(lane, r, off, n, kind)
		}
	}
	return r.data[off : off+uint64(n)]
}

// globalState checks and updates what is known of the bytes of an access.
func (w *warp) globalState(lane int, r *region, off uint64, n int, kind access) {
	state := r.state[off : off+uint64(n)]
	for i, s := range state {
		if s&usable == 0 {
			f := r.of.unusable("access", r.offset+int64(off)+int64(i))
			w.fault(f.Kind, 1<<lane, "%s", f.Text)
		}
		if kind != store && s&written == 0 && w.b.worker.checked {
			w.fault(UninitialisedMemory, 1<<lane, "read at offset %d of %q, which nobody has written", off+uint64(i), r.name)
		}
	}
	if kind != load {
		fill(state, usable|written)
	}
}

// stray explains an address that belongs to nothing.
func (w *warp) stray(where space, lane int, addr uint64, n int) {
	l := w.b.worker.l
	if r := l.region(addr + 1<<offsetBits); r != nil && addr>>offsetBits&1 != 0 {
		w.fault(OutOfBounds, 1<<lane, "access of %d bytes, %d bytes before %q", n, r.base-addr, r.name)
	}
	w.fault(StrayPointer, 1<<lane, "%s access of %d bytes at %#x, which is no address of global memory", where, n, addr)
}
