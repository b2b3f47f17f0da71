package ptxsim

// count counts an access of n bytes by the lanes of m at w.addr. Generic addresses
// count as what the first of them is.
func (w *warp) count(where space, m uint32, n int) {
	if where == generic {
		where = spaceOf(w.addr[first(m)])
	}
	switch where {
	case sharedSpace:
		w.countShared(&w.addr, m, n)
	case globalSpace:
		w.countGlobal(m, n)
	}
}

// countGlobal counts the sectors of 32 bytes that an access of n bytes by the lanes
// of m touches, with the addresses in w.addr.
func (w *warp) countGlobal(m uint32, n int) {
	var sectors, active uint64
	last, sorted := ^uint64(0), true
	for x := m; x != 0; x &= x - 1 {
		active++
		s := w.addr[first(x)] >> 5
		if s != last {
			sorted = sorted && (s > last || last == ^uint64(0))
			last = s
			sectors++
		}
	}
	if !sorted {
		sectors = distinctSectors(&w.addr, m)
	}
	bytes := active * uint64(n)
	s := &w.b.worker.spots[w.pc]
	s.bytes += bytes
	s.sectors += sectors
	s.ideal += min(sectors, (bytes+31)/32)
}

// distinctSectors counts without order.
func distinctSectors(addr *[lanes]uint64, m uint32) uint64 {
	var seen [lanes]uint64
	n := 0
next:
	for ; m != 0; m &= m - 1 {
		s := addr[first(m)] >> 5
		for _, o := range seen[:n] {
			if o == s {
				continue next
			}
		}
		seen[n] = s
		n++
	}
	return uint64(n)
}

// countShared counts the passes over the 32 banks of 4 bytes that an access of n
// bytes takes. Accesses of 8 bytes go by half warps, those of 16 by quarters;
// lanes that want the same word share it.
func (w *warp) countShared(addr *[lanes]uint64, m uint32, n int) {
	s := &w.b.worker.spots[w.pc]
	width := lanes
	if n > 4 {
		width = lanes * 4 / n
	}
	for at := 0; at < lanes; at += width {
		part := m >> at << at
		if at+width < lanes {
			part &= 1<<(at+width) - 1
		}
		if part == 0 {
			continue
		}
		s.phases++
		if !near(addr, part, n) {
			s.extra += conflicts(addr, part, n)
		}
	}
}

// near says whether all that the lanes of m want lies in 32 words in a row, each in
// a bank of its own: the common case.
func near(addr *[lanes]uint64, m uint32, n int) bool {
	lo, hi := ^uint64(0), uint64(0)
	for ; m != 0; m &= m - 1 {
		a := addr[first(m)]
		lo, hi = min(lo, a), max(hi, a)
	}
	return hi+uint64(n)-lo <= 128
}

// conflicts returns how many passes more than one the lanes of m need.
func conflicts(addr *[lanes]uint64, m uint32, n int) uint64 {
	var holds [32]uint64 // the word that a bank gives first
	var seen uint32
	clash := false
	for x := m; x != 0; x &= x - 1 {
		word := addr[first(x)] >> 2
		for end := word + uint64(max(n, 4)/4); word < end; word++ {
			bank := word & 31
			switch {
			case seen>>bank&1 == 0:
				seen |= 1 << bank
				holds[bank] = word
			case holds[bank] != word:
				clash = true
			}
		}
	}
	if !clash {
		return 0
	}
	return worstBank(addr, m, n) - 1
}

// worstBank returns the largest number of distinct words that one bank must give.
func worstBank(addr *[lanes]uint64, m uint32, n int) uint64 {
	var words [lanes * 4]uint64
	var load [32]uint64
	var worst uint64
	count := 0
	for ; m != 0; m &= m - 1 {
		word := addr[first(m)] >> 2
	next:
		for end := word + uint64(max(n, 4)/4); word < end; word++ {
			for _, o := range words[:count] {
				if o == word {
					continue next
				}
			}
			words[count] = word
			count++
			load[word&31]++
			worst = max(worst, load[word&31])
		}
	}
	return worst
}
