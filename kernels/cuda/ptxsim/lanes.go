package ptxsim

// The adapters of this file turn functions over all lanes, or over single values,
// into action. A function over all lanes may compute lanes that do not run: the
// adapter throws their results away, so it must not panic on any value.

type (
	narrow1 = func(d, a *[lanes]uint32)
	narrow2 = func(d, a, b *[lanes]uint32)
	narrow3 = func(d, a, b, c *[lanes]uint32)
	wide1   = func(d, a *[lanes]uint64)
	wide2   = func(d, a, b *[lanes]uint64)
)

// blend copies the lanes of m.
func blend[T any](d, s *[lanes]T, m uint32) {
	for ; m != 0; m &= m - 1 {
		i := first(m)
		d[i] = s[i]
	}
}

func run1(d, a int, f narrow1) action {
	return func(w *warp, m uint32) {
		if m == full {
			f(&w.r32[d], &w.r32[a])
			return
		}
		f(&w.t32, &w.r32[a])
		blend(&w.r32[d], &w.t32, m)
	}
}

func run2(d, a, b int, f narrow2) action {
	return func(w *warp, m uint32) {
		if m == full {
			f(&w.r32[d], &w.r32[a], &w.r32[b])
			return
		}
		f(&w.t32, &w.r32[a], &w.r32[b])
		blend(&w.r32[d], &w.t32, m)
	}
}

func run3(d, a, b, c int, f narrow3) action {
	return func(w *warp, m uint32) {
		if m == full {
			f(&w.r32[d], &w.r32[a], &w.r32[b], &w.r32[c])
			return
		}
		f(&w.t32, &w.r32[a], &w.r32[b], &w.r32[c])
		blend(&w.r32[d], &w.t32, m)
	}
}

func wideRun1(d, a int, f wide1) action {
	return func(w *warp, m uint32) {
		if m == full {
			f(&w.r64[d], &w.r64[a])
			return
		}
		f(&w.t64, &w.r64[a])
		blend(&w.r64[d], &w.t64, m)
	}
}

func wideRun2(d, a, b int, f wide2) action {
	return func(w *warp, m uint32) {
		if m == full {
			f(&w.r64[d], &w.r64[a], &w.r64[b])
			return
		}
		f(&w.t64, &w.r64[a], &w.r64[b])
		blend(&w.r64[d], &w.t64, m)
	}
}

// scalar is a function over the bits of values of any size.
type (
	scalar1 = func(x uint64) uint64
	scalar2 = func(x, y uint64) uint64
	scalar3 = func(x, y, z uint64) uint64
)

// each1, each2 and each3 run a scalar function over the lanes of the files that
// the result and the operands are in. All words, or all of 64 bits, are frequent
// enough for loops without calls of loaders.
func each1(t, ta dtype, d, a int, f scalar1) action {
	if t.word() && ta.word() {
		sa := ta.signBits()
		return func(w *warp, m uint32) {
			r, x := &w.r32[d], &w.r32[a]
			for ; m != 0; m &= m - 1 {
				i := first(m)
				r[i] = uint32(f(extend(x[i], sa)))
			}
		}
	}
	la := loader(ta, a)
	put := storer(t, d)
	return func(w *warp, m uint32) {
		for ; m != 0; m &= m - 1 {
			i := first(m)
			put(w, i, f(la(w, i)))
		}
	}
}

func each2(t, ta, tb dtype, d, a, b int, f scalar2) action {
	switch {
	case t.word() && ta.word() && tb.word():
		sa, sb := ta.signBits(), tb.signBits()
		return func(w *warp, m uint32) {
			r, x, y := &w.r32[d], &w.r32[a], &w.r32[b]
			for ; m != 0; m &= m - 1 {
				i := first(m)
				r[i] = uint32(f(extend(x[i], sa), extend(y[i], sb)))
			}
		}
	case t.wide() && ta.wide() && (tb.wide() || tb.word() && tb.kind != 's'):
		return func(w *warp, m uint32) {
			r, x := &w.r64[d], &w.r64[a]
			for ; m != 0; m &= m - 1 {
				i := first(m)
				if tb.bits == 64 {
					r[i] = f(x[i], w.r64[b][i])
				} else {
					r[i] = f(x[i], uint64(w.r32[b][i]))
				}
			}
		}
	}
	la, lb := loader(ta, a), loader(tb, b)
	put := storer(t, d)
	return func(w *warp, m uint32) {
		for ; m != 0; m &= m - 1 {
			i := first(m)
			put(w, i, f(la(w, i), lb(w, i)))
		}
	}
}

func each3(t, ta, tb, tc dtype, d, a, b, c int, f scalar3) action {
	if t.word() && ta.word() && tb.word() && tc.word() {
		sa, sb, sc := ta.signBits(), tb.signBits(), tc.signBits()
		return func(w *warp, m uint32) {
			r, x, y, z := &w.r32[d], &w.r32[a], &w.r32[b], &w.r32[c]
			for ; m != 0; m &= m - 1 {
				i := first(m)
				r[i] = uint32(f(extend(x[i], sa), extend(y[i], sb), extend(z[i], sc)))
			}
		}
	}
	la, lb, lc := loader(ta, a), loader(tb, b), loader(tc, c)
	put := storer(t, d)
	return func(w *warp, m uint32) {
		for ; m != 0; m &= m - 1 {
			i := first(m)
			put(w, i, f(la(w, i), lb(w, i), lc(w, i)))
		}
	}
}

// word says whether values fill a narrow register.
func (t dtype) word() bool { return t.size() == 4 && t.kind != 'p' }

// signBits is the mask of the upper half that repeats the sign, if there is one.
func (t dtype) signBits() uint64 {
	if t.kind == 's' {
		return uint64(full) << 32
	}
	return 0
}

// extend makes a word 64 bits: upper is what a negative sign turns on above it.
func extend(x uint32, upper uint64) uint64 {
	return uint64(x) | uint64(int64(int32(x))>>63)&upper
}

// loader reads one lane of a register, sign-extended to 64 bits where the type
// is signed.
func loader(t dtype, r int) func(w *warp, lane int) uint64 {
	switch {
	case t.kind == 'p':
		return func(w *warp, i int) uint64 { return uint64(w.pred[r] >> i & 1) }
	case t.wide():
		return func(w *warp, i int) uint64 { return w.r64[r][i] }
	case t.kind == 's':
		return func(w *warp, i int) uint64 { return signExtend(uint64(w.r32[r][i]), t.bits) }
	case t.bits < 32 && !t.two:
		return func(w *warp, i int) uint64 { return uint64(w.r32[r][i]) & (1<<t.bits - 1) }
	}
	return func(w *warp, i int) uint64 { return uint64(w.r32[r][i]) }
}

// storer writes one lane of a register, cut to the type's size.
func storer(t dtype, r int) func(w *warp, lane int, v uint64) {
	switch {
	case t.kind == 'p':
		return func(w *warp, i int, v uint64) { w.pred[r] = w.pred[r]&^(1<<i) | uint32(v&1)<<i }
	case t.wide():
		return func(w *warp, i int, v uint64) { w.r64[r][i] = v }
	case t.bits < 32 && !t.two:
		return func(w *warp, i int, v uint64) { w.r32[r][i] = uint32(v) & (1<<t.bits - 1) }
	}
	return func(w *warp, i int, v uint64) { w.r32[r][i] = uint32(v) }
}

// signExtend makes the low n bits of x a signed number.
func signExtend(x uint64, n int) uint64 {
	return uint64(int64(x<<(64-n)) >> (64 - n))
}
