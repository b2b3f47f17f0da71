package ptxsim

// special is a special register such as %tid.x.
type special struct {
	name string
	axis int
}

// specialUse is a special register that a kernel reads, and its place among the
// narrow registers (the wide ones for %clock64 and %globaltimer).
type specialUse struct {
	special
	index int
}

var specials = map[string]special{}

func init() {
	for _, name := range []string{"%tid", "%ntid", "%ctaid", "%nctaid"} {
		for axis, x := range []string{".x", ".y", ".z"} {
			specials[name+x] = special{name, axis}
		}
	}
	for _, name := range []string{
		"%laneid", "%warpid", "%nwarpid", "%smid", "%nsmid", "%gridid", "%clock", "%clock_hi", "%clock64", "%globaltimer",
		"%lanemask_eq", "%lanemask_le", "%lanemask_lt", "%lanemask_ge", "%lanemask_gt",
		"%dynamic_smem_size", "%total_smem_size",
	} {
		specials[name] = special{name, 0}
	}
}

// ticking says whether the register changes while a thread runs.
func (s special) ticking() bool {
	switch s.name {
	case "%clock", "%clock_hi", "%clock64", "%globaltimer":
		return true
	}
	return false
}

// varies says whether the register differs from block to block or launch to launch.
func (s special) varies() bool { return s.name == "%ctaid" || s.name == "%nctaid" || s.ticking() }

func (s special) typ() dtype {
	if s.name == "%clock64" || s.name == "%globaltimer" {
		return dtypes["u64"]
	}
	return dtypes["u32"]
}

// specialReg returns the register that stands for a special one.
func (f *function) specialReg(s special) reg {
	i, ok := f.special[s]
	if !ok {
		i = f.place(s.typ())
		f.special[s] = i
	}
	return reg{s.typ(), i}
}

// fill sets the register for the lanes of a warp. Time is counted in instructions
// of the warp.
func (s specialUse) fill(w *warp) {
	if s.typ().wide() {
		for i := range lanes {
			w.r64[s.index][i] = uint64(w.steps)
		}
		return
	}
	r := &w.r32[s.index]
	for i := range r {
		r[i] = s.value(w, i)
	}
}

func (s specialUse) value(w *warp, lane int) uint32 {
	b := w.b
	one := uint32(1) << lane
	switch s.name {
	case "%tid":
		return uint32(b.thread(w.index*lanes + lane)[s.axis])
	case "%ntid":
		return uint32(b.size[s.axis])
	case "%ctaid":
		return uint32(b.at[s.axis])
	case "%nctaid":
		return uint32(b.worker.l.grid[s.axis])
	case "%laneid":
		return uint32(lane)
	case "%warpid":
		return uint32(w.index)
	case "%nwarpid":
		return uint32(len(b.warps))
	case "%nsmid":
		return 1
	case "%clock":
		return uint32(w.steps)
	case "%clock_hi":
		return uint32(w.steps >> 32)
	case "%lanemask_eq":
		return one
	case "%lanemask_lt":
		return one - 1
	case "%lanemask_le":
		return one<<1 - 1
	case "%lanemask_gt":
		return ^(one<<1 - 1)
	case "%lanemask_ge":
		return ^(one - 1)
	case "%dynamic_smem_size":
		return uint32(b.dynamic)
	case "%total_smem_size":
		return uint32(len(b.shared.data))
	}
	return 0 // %smid and %gridid: one multiprocessor, one grid
}
