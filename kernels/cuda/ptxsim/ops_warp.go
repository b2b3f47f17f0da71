package ptxsim

var warpOps = map[string]func(*build) action{
	"shfl": shuffle, "vote": vote, "match": match, "redux": redux, "activemask": activeMask,
}

// shuffle compiles shfl.sync: lanes read a register of each other.
func shuffle(b *build) action {
	if !b.has("sync") {
		b.fail("shfl without .sync is gone since sm_70")
	}
	mode := b.oneOf("up", "down", "bfly", "idx")
	t := b.typeOf("b", 32)
	if mode == "" {
		b.fail("shfl wants .up, .down, .bfly or .idx")
	}
	b.arity(5, 5)
	u32 := dtypes["u32"]
	d, p := b.dst(0, t), -1
	if o := b.arg(0).pair; o != nil {
		p = b.result(o, dtypes["pred"], false)
	}
	a, by, clamp, mask := b.src(1, t), b.src(2, u32), b.src(3, u32), b.src(4, t)
	b.some = true // a lane that reads one that is not there gets no value
	return func(w *warp, m uint32) {
		w.members(m, mask)
		old := w.r32[a]
		var inside, missing uint32
		for x := m; x != 0; x &= x - 1 {
			i := first(x)
			j, ok := shuffleSource(mode, i, w.r32[by][i], w.r32[clamp][i])
			if ok {
				inside |= 1 << i
			} else {
				j = i
			}
			w.r32[d][i] = old[j]
			if m>>j&1 == 0 {
				missing |= 1 << i
			}
		}
		w.def[d] &^= missing
		if p >= 0 {
			w.pred[p] = w.pred[p]&^m | inside
		}
	}
}

// shuffleSource returns the lane that lane i reads, and whether it is in range.
func shuffleSource(mode string, i int, by, clamp uint32) (int, bool) {
	segment := int(clamp >> 8 & 31)
	limit := int(clamp & 31)
	n := int(by & 31)
	top := i&segment | limit&^segment
	low := i & segment
	var j int
	switch mode {
	case "up":
		j = i - n
		return j, j >= top
	case "down":
		j = i + n
	case "bfly":
		j = i ^ n
	default:
		j = low | n&^segment
	}
	return j, j <= top
}

func activeMask(b *build) action {
	b.arity(1, 1)
	t := b.typeOf("b", 32)
	d := b.dst(0, t)
	return func(w *warp, m uint32) { broadcast(&w.r32[d], m, m) }
}

// broadcast sets the lanes of m to v.
func broadcast(r *[lanes]uint32, m, v uint32) {
	for ; m != 0; m &= m - 1 {
		r[first(m)] = v
	}
}

// broadcast sets the lanes of m of a register of 4 or 8 bytes.
func (w *warp) broadcast(r reg, m uint32, v uint64) {
	if !r.typ.wide() {
		broadcast(&w.r32[r.index], m, uint32(v))
		return
	}
	for d := &w.r64[r.index]; m != 0; m &= m - 1 {
		d[first(m)] = v
	}
}

// vote compiles vote.sync: all, any, uni and ballot.
func vote(b *build) action {
	if !b.has("sync") {
		b.fail("vote without .sync is gone since sm_70")
	}
	mode := b.oneOf("all", "any", "uni", "ballot")
	t := b.typ()
	b.arity(3, 3)
	pred := dtypes["pred"]
	o := *b.arg(1)
	flip := uint32(0)
	if o.negate {
		o.negate, flip = false, full
	}
	p, mask := b.value(&o, pred, false), b.src(2, dtypes["b32"])
	if mode == "ballot" {
		if t != dtypes["b32"] {
			b.fail("a ballot is a .b32")
		}
		d := b.dst(0, t)
		return func(w *warp, m uint32) {
			w.members(m, mask)
			broadcast(&w.r32[d], m, (w.pred[p]^flip)&m)
		}
	}
	if mode == "" || t != pred {
		b.fail("no such vote")
	}
	d := b.dst(0, pred)
	return func(w *warp, m uint32) {
		w.members(m, mask)
		v := (w.pred[p] ^ flip) & m
		yes := mode == "any" && v != 0 || mode == "all" && v == m || mode == "uni" && (v == m || v == 0)
		w.pred[d] &^= m
		if yes {
			w.pred[d] |= m
		}
	}
}

// match compiles match.any.sync: which lanes hold the same value.
func match(b *build) action {
	if !b.has("sync") || !b.has("any") {
		b.fail("the simulator knows match.any.sync only")
	}
	t := b.typeOf("b", 32, 64)
	b.arity(3, 3)
	d, get, mask := b.dst(0, dtypes["b32"]), loader(t, b.src(1, t)), b.src(2, dtypes["b32"])
	return func(w *warp, m uint32) {
		w.members(m, mask)
		for x := m; x != 0; x &= x - 1 {
			i := first(x)
			var same uint32
			for y := m; y != 0; y &= y - 1 {
				if j := first(y); get(w, i) == get(w, j) {
					same |= 1 << j
				}
			}
			w.r32[d][i] = same
		}
	}
}

// redux compiles redux.sync: one value out of those of all lanes.
func redux(b *build) action {
	if !b.has("sync") {
		b.fail("redux wants .sync")
	}
	op := b.oneOf("add", "min", "max", "and", "or", "xor")
	t := b.typeOf("usb", 32)
	b.arity(3, 3)
	if op == "" || (t.kind == 'b') != (op == "and" || op == "or" || op == "xor") {
		b.fail("no such reduction")
	}
	d, get, mask := b.dst(0, t), loader(t, b.src(1, t)), b.src(2, dtypes["b32"])
	f := reduction(op, t)
	return func(w *warp, m uint32) {
		w.members(m, mask)
		v := get(w, first(m))
		for x := m & (m - 1); x != 0; x &= x - 1 {
			v = f(v, get(w, first(x)))
		}
		broadcast(&w.r32[d], m, uint32(v))
	}
}

// reduction returns an operation that redux and atom share.
func reduction(op string, t dtype) scalar2 {
	switch op {
	case "and":
		return func(x, y uint64) uint64 { return x & y }
	case "or":
		return func(x, y uint64) uint64 { return x | y }
	case "xor":
		return func(x, y uint64) uint64 { return x ^ y }
	}
	return integer2(op, "", t)
}
