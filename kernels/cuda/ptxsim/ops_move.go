package ptxsim

var moveOps = map[string]func(*build) action{
	"mov": move, "cvta": cvta, "selp": selp, "slct": slct, "isspacep": isspacep,
}

// move compiles mov: registers, constants, addresses of variables, and the packing
// and unpacking of vectors.
func move(b *build) action {
	b.arity(2, 2)
	t := b.typ()
	from, to := b.arg(1), b.arg(0)
	switch {
	case from.kind == isVector:
		return pack(b, t, from.list)
	case to.kind == isVector:
		return unpack(b, t, to.list)
	case from.kind == isSymbol:
		return address(b, t, from)
	case t.kind == 'p':
		d, s := b.dst(0, t), b.src(1, t)
		return func(w *warp, m uint32) { w.pred[d] = w.pred[d]&^m | w.pred[s]&m }
	}
	d, s := b.dst(0, t), b.src(1, t)
	if t.wide() {
		return wideRun1(d, s, func(d, a *[lanes]uint64) { *d = *a })
	}
	return run1(d, s, func(d, a *[lanes]uint32) { *d = *a })
}

// element is the type of one of n parts of a value of type t.
func element(b *build, t dtype, n int) dtype {
	part := dtype{kind: 'b', bits: t.size() * 8 / n}
	if t.kind != 'b' || part.bits < 8 || n*part.bits != t.size()*8 {
		b.fail("a value of type %s is no vector of %d", t, n)
	}
	return part
}

func pack(b *build, t dtype, list []operand) action {
	part := element(b, t, len(list))
	d := storer(t, b.dst(0, t))
	var parts []func(*warp, int) uint64
	for i := range list {
		parts = append(parts, loader(part, b.value(&list[i], part, false)))
	}
	return func(w *warp, m uint32) {
		for ; m != 0; m &= m - 1 {
			i := first(m)
			var v uint64
			for j, p := range parts {
				v |= p(w, i) << (j * part.bits)
			}
			d(w, i, v)
		}
	}
}

func unpack(b *build, t dtype, list []operand) action {
	part := element(b, t, len(list))
	s := loader(t, b.src(1, t))
	var parts []func(*warp, int, uint64)
	for i := range list {
		parts = append(parts, storer(part, b.result(&list[i], part, false)))
	}
	return func(w *warp, m uint32) {
		for ; m != 0; m &= m - 1 {
			i := first(m)
			v := s(w, i)
			for j, p := range parts {
				p(w, i, v>>(j*part.bits))
			}
		}
	}
}

// address compiles mov of a variable's name.
func address(b *build, t dtype, o *operand) action {
	if t.size() < 4 || t.float() {
		b.fail("an address has no type %s", t)
	}
	d := storer(t, b.dst(0, t))
	if o.vari == nil {
		b.fail("the address of a parameter is not known to the simulator")
	}
	at := b.f.addressOf(o.vari)
	return func(w *warp, m uint32) {
		v := at(w) + uint64(o.offset)
		for ; m != 0; m &= m - 1 {
			d(w, first(m), v)
		}
	}
}

// addressOf returns the address of a variable in its own space.
func (f *function) addressOf(v *variable) func(w *warp) uint64 {
	switch {
	case v.space == globalSpace || v.space == constSpace:
		f.k.globals = true
		i := v.index
		return func(w *warp) uint64 { return w.b.worker.l.vars[i] }
	case v.extern:
		k := f.k
		return func(*warp) uint64 { return uint64(k.dynamicStart()) }
	case v.space == sharedSpace:
		return f.fixed(uint64(f.sharedOffset(v)))
	}
	return f.fixed(uint64(v.offset))
}

func (f *function) fixed(v uint64) func(*warp) uint64 { return func(*warp) uint64 { return v } }

// sharedOffset places a shared variable of the module in the kernel that uses it.
func (f *function) sharedOffset(v *variable) int {
	if _, module := f.p.top.vars[v.name]; !module || f.p.top.vars[v.name] != v {
		return v.offset
	}
	off, ok := f.shared[v]
	if !ok {
		off = roundUp(f.k.Shared, v.align)
		f.shared[v] = off
		f.k.Shared = off + v.size
	}
	return off
}

// dynamicStart is where dynamic shared memory begins.
func (k *Kernel) dynamicStart() int { return roundUp(k.Shared, 16) }

// cvta turns addresses of a space into generic ones and back.
func cvta(b *build) action {
	b.arity(2, 2)
	to := b.has("to")
	where := b.space()
	t := b.typ()
	if t != dtypes["u64"] || where == generic {
		b.fail("cvta wants a state space and .u64")
	}
	if o := b.arg(1); o.kind == isSymbol && o.vari != nil && !to {
		f := address(b, t, o)
		d := b.dst(0, t)
		return func(w *warp, m uint32) {
			f(w, m)
			for ; m != 0; m &= m - 1 {
				w.r64[d][first(m)] += window(where)
			}
		}
	}
	shift := window(where)
	if to {
		shift = -shift
	}
	return wideRun1(b.dst(0, t), b.src(1, t), func(d, a *[lanes]uint64) {
		for i := range d {
			d[i] = a[i] + shift
		}
	})
}

// space takes the modifier that names a state space.
func (b *build) space() space {
	for i, m := range b.mods {
		if s, ok := spaces[m]; ok {
			b.mods = append(b.mods[:i:i], b.mods[i+1:]...)
			return s
		}
	}
	return generic
}

func isspacep(b *build) action {
	b.arity(2, 2)
	where := b.space()
	p, t := dtypes["pred"], dtypes["u64"]
	return each1(p, t, b.dst(0, p), b.src(1, t), func(x uint64) uint64 { return truth(spaceOf(x) == where) })
}

func selp(b *build) action {
	b.arity(4, 4)
	t := b.typ()
	if t.kind == 'p' || t.bits < 16 {
		b.fail("selp has no type %s", t)
	}
	d, x, y, p := b.dst(0, t), b.src(1, t), b.src(2, t), b.src(3, dtypes["pred"])
	if t.wide() {
		return func(w *warp, m uint32) {
			r, u, v, c := &w.r64[d], &w.r64[x], &w.r64[y], w.pred[p]
			for ; m != 0; m &= m - 1 {
				i := first(m)
				if c>>i&1 != 0 {
					r[i] = u[i]
				} else {
					r[i] = v[i]
				}
			}
		}
	}
	return func(w *warp, m uint32) {
		r, u, v, c := &w.r32[d], &w.r32[x], &w.r32[y], w.pred[p]
		for ; m != 0; m &= m - 1 {
			i := first(m)
			if c>>i&1 != 0 {
				r[i] = u[i]
			} else {
				r[i] = v[i]
			}
		}
	}
}

// slct selects by the sign of its last operand.
func slct(b *build) action {
	b.arity(4, 4)
	ftz := b.has("ftz")
	t, tc := b.typ(), b.typ()
	if t.bits < 16 || tc != dtypes["s32"] && tc != dtypes["f32"] {
		b.fail("slct has no types %s, %s", t, tc)
	}
	return each3(t, t, t, tc, b.dst(0, t), b.src(1, t), b.src(2, t), b.src(3, tc), func(x, y, c uint64) uint64 {
		negative := int64(c) < 0
		if tc.kind == 'f' {
			v := uint32(c)
			if ftz {
				v = flush32(v)
			}
			negative = !(f32(v) >= 0)
		}
		if negative {
			return y
		}
		return x
	})
}
