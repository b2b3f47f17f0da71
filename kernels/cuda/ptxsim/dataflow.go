package ptxsim

import "math/bits"

// set is a set of places in warp.def.
type set []uint64

func (s set) add(i int)      { s[i>>6] |= 1 << (i & 63) }
func (s set) has(i int) bool { return s[i>>6]>>(i&63)&1 != 0 }

// placeOf returns where warp.def keeps a register.
func (k *Kernel) placeOf(which file, index int) int {
	switch which {
	case wide:
		return len(k.file32) + index
	case predicate:
		return len(k.file32) + len(k.file64) + index
	}
	return index
}

func (k *Kernel) places() int { return len(k.file32) + len(k.file64) + k.preds }

// dataflow finds the registers that hold a value wherever they are read, whatever
// way execution takes; they need no check at run time. What remains in uses and
// defs are the few registers that are set under a guard, on one side of a branch
// only, or never.
func (f *function) dataflow(builds []*build) {
	k := f.k
	n := len(builds)
	always := make(set, k.places()/64+1)
	for _, i := range f.consts[0] {
		always.add(k.placeOf(narrow, i))
	}
	for _, i := range f.consts[1] {
		always.add(k.placeOf(wide, i))
	}
	for s, i := range f.special {
		always.add(k.placeOf(s.typ().file(), i))
	}
	before := definedBefore(k, builds, always)
	checked := make(set, len(always))
	for i := range n {
		b := builds[i]
		in := &k.code[i]
		if before[i] == nil {
			continue // never reached
		}
		for _, r := range b.uses {
			if p := k.placeOf(r.typ.file(), r.index); !before[i].has(p) {
				in.uses = append(in.uses, p)
				checked.add(p)
			}
		}
		if p := k.placeOf(predicate, max(in.guard, 0)); in.guard >= 0 && !before[i].has(p) {
			in.guardUse = p
			checked.add(p)
		}
	}
	for i := range n {
		for _, r := range builds[i].defs {
			p := k.placeOf(r.typ.file(), r.index)
			k.code[i].sets = append(k.code[i].sets, p)
			if checked.has(p) {
				k.code[i].defs = append(k.code[i].defs, p)
			}
		}
	}
}

// definedBefore returns for every instruction the registers that hold a value on
// all ways to it; nil where there is no way.
func definedBefore(k *Kernel, builds []*build, always set) []set {
	before := make([]set, len(k.code))
	before[0] = always
	work := []int{0}
	for len(work) > 0 {
		i := work[len(work)-1]
		work = work[:len(work)-1]
		// Straight stretches are followed without a detour over the work list.
		for i < len(builds) {
			after := append(set(nil), before[i]...)
			in := &k.code[i]
			if in.guard < 0 && !builds[i].some {
				for _, r := range builds[i].defs {
					after.add(k.placeOf(r.typ.file(), r.index))
				}
			}
			if in.flow == branch && meet(before, in.target, after) {
				work = append(work, in.target)
			}
			if in.guard < 0 && (in.flow == branch || in.flow == exit) || !meet(before, i+1, after) {
				break
			}
			i++
		}
	}
	return before
}

// meet narrows what is defined before instruction i by one more way to it and says
// whether that changed anything.
func meet(before []set, i int, way set) bool {
	if before[i] == nil {
		before[i] = append(set(nil), way...)
		return true
	}
	changed := false
	for j, w := range way {
		if x := before[i][j] & w; x != before[i][j] {
			before[i][j] = x
			changed = true
		}
	}
	return changed
}

// undefined reports the first lane that reads a register without a value.
func (w *warp) undefined(c *instr, m uint32) {
	k := w.b.k
	uses := c.uses
	if c.guardUse >= 0 {
		uses = append([]int{c.guardUse}, uses...)
	}
	for _, r := range uses {
		if missing := m &^ w.def[r]; missing != 0 {
			w.fault(UninitialisedRegister, missing, "%s is read before it has a value (in %d of %d lanes)",
				k.names[r], bits.OnesCount32(missing), bits.OnesCount32(m))
		}
	}
}
