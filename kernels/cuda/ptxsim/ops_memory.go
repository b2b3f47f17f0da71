package ptxsim

import "encoding/binary"

var memoryOps = map[string]func(*build) action{"ld": loadOp, "ldu": loadOp, "st": storeOp}

// hints are modifiers of loads and stores that change no value here.
var hints = []string{
	"weak", "ca", "cg", "cs", "lu", "cv", "wb", "wt", "nc",
	"L1::evict_normal", "L1::evict_unchanged", "L1::evict_first", "L1::evict_last", "L1::no_allocate",
	"L2::64B", "L2::128B", "L2::256B",
}

// memoryMods takes the modifiers of a load or store and returns its space, how many
// elements it moves, their type, and what it does where other blocks may touch the same
// bytes, nil for an ordinary access.
func (b *build) memoryMods() (where space, n int, t dtype, order *ordering) {
	order = b.ordering(b.oneOf("volatile", "relaxed", "acquire", "release"))
	for b.oneOf(hints...) != "" {
	}
	where = b.space()
	if order != nil && where != globalSpace && where != generic {
		order = nil
	}
	if order != nil && order.wide {
		b.k.talks = true
		b.in.flow = meeting
	}
	n = map[string]int{"v2": 2, "v4": 4, "": 1}[b.oneOf("v2", "v4")]
	t = b.typ()
	if t.kind == 'p' || t.bits > 64 || n*t.size() > 16 || t.bits < 8 {
		b.fail("no such access")
	}
	b.grain(where, n*t.size())
	return where, n, t, order
}

// ordering takes the scope that belongs to a modifier such as .acquire.
func (b *build) ordering(how string) *ordering {
	scope := b.oneOf("cta", "cluster", "gpu", "sys")
	switch {
	case how == "":
		return nil
	case how == "volatile":
		scope = "sys"
	case scope == "":
		b.fail(".%s wants a scope, such as .gpu", how)
	}
	return &ordering{wide: scope == "gpu" || scope == "sys",
		acquire: how == "acquire" || how == "acq_rel", release: how == "release" || how == "acq_rel"}
}

// grain makes the cells of the race check as small as the smallest access.
func (b *build) grain(where space, bytes int) {
	for (where == sharedSpace || where == generic) && bytes < 1<<b.k.cell {
		b.k.cell--
	}
}

// addresses compiles the address operand: the result fills w.addr.
func (b *build) addresses(i int, where space) func(w *warp, m uint32) {
	o := b.arg(i)
	if o.kind != isAddress {
		b.fail("operand %d must be an address", i+1)
	}
	off := uint64(o.offset)
	switch {
	case o.hasReg:
		r := o.reg
		b.uses = append(b.uses, r)
		if r.typ.wide() {
			return func(w *warp, _ uint32) {
				for i, a := range &w.r64[r.index] {
					w.addr[i] = a + off
				}
			}
		}
		if r.typ.size() != 4 || where != sharedSpace && where != localSpace && where != constSpace {
			b.fail("an address in %s memory has 64 bits", where)
		}
		return func(w *warp, _ uint32) {
			for i, a := range &w.r32[r.index] {
				w.addr[i] = uint64(a + uint32(off))
			}
		}
	case o.vari != nil:
		if where != o.vari.space {
			b.fail("%s is in %s memory", o.text, o.vari.space)
		}
		at := b.f.addressOf(o.vari)
		return func(w *warp, _ uint32) {
			v := at(w) + off
			for i := range w.addr {
				w.addr[i] = v
			}
		}
	case o.sym:
		b.fail("%s is a parameter: it wants ld.param", o.text)
	}
	return func(w *warp, _ uint32) {
		for i := range w.addr {
			w.addr[i] = off
		}
	}
}

// elements returns the operands that hold the n parts of a vector access.
func (b *build) elements(i, n int) []operand {
	o := *b.arg(i)
	if o.kind != isVector {
		o = operand{kind: isVector, list: []operand{o}}
	}
	if len(o.list) != n {
		b.fail("%d registers for %d values", len(o.list), n)
	}
	return o.list
}

// loadOp compiles ld. Registers may be wider than the values.
func loadOp(b *build) action {
	b.arity(2, 2)
	where, n, t, order := b.memoryMods()
	var put []func(*warp, int, uint64)
	list := b.elements(0, n)
	for i := range list {
		put = append(put, extendingStorer(t, &list[i], b.result(&list[i], t, true)))
	}
	if where == paramSpace {
		return b.loadParam(put, t)
	}
	addr := b.addresses(1, where)
	if f := fastMove(list, t, where, addr, order, (*warp).loadGlobal, (*warp).loadShared); f != nil {
		return locked(order, 0, f)
	}
	size := t.size()
	return locked(order, 0, func(w *warp, m uint32) {
		addr(w, m)
		w.count(where, m, n*size)
		w.order = order
		for ; m != 0; m &= m - 1 {
			i := first(m)
			mem := w.at(where, i, w.addr[i], n*size, load)
			for j, p := range put {
				p(w, i, readValue(mem[j*size:], size))
			}
		}
	})
}

// extendingStorer fills a register that may be wider than the value read: signed
// values repeat their sign, others get zeros.
func extendingStorer(t dtype, o *operand, r int) func(*warp, int, uint64) {
	into := t
	if o.kind == isReg {
		into = o.reg.typ
	}
	put := storer(dtype{kind: 'b', bits: max(into.size()*8, t.size()*8)}, r)
	if t.kind != 's' {
		return put
	}
	return func(w *warp, i int, v uint64) { put(w, i, signExtend(v, t.bits)) }
}

// fastMove compiles accesses of words that lie in narrow registers.
func fastMove(list []operand, t dtype, where space, addr func(*warp, uint32), order *ordering, global, shared func(*warp, uint32, []int)) action {
	if t.size() != 4 || where != globalSpace && where != sharedSpace {
		return nil
	}
	var regs []int
	for _, o := range list {
		if o.kind != isReg || o.reg.typ.size() != 4 {
			return nil
		}
		regs = append(regs, o.reg.index)
	}
	n := 4 * len(regs)
	if where == sharedSpace {
		return func(w *warp, m uint32) {
			addr(w, m)
			w.countShared(&w.addr, m, n)
			shared(w, m, regs)
		}
	}
	return func(w *warp, m uint32) {
		addr(w, m)
		w.countGlobal(m, n)
		w.order = order
		global(w, m, regs)
	}
}

// readValue reads size bytes.
func readValue(b []byte, size int) uint64 {
	switch size {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.LittleEndian.Uint16(b))
	case 4:
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return binary.LittleEndian.Uint64(b)
}

// setValue writes size bytes.
func setValue(b []byte, size int, v uint64) {
	switch size {
	case 1:
		b[0] = byte(v)
	case 2:
		binary.LittleEndian.PutUint16(b, uint16(v))
	case 4:
		binary.LittleEndian.PutUint32(b, uint32(v))
	default:
		binary.LittleEndian.PutUint64(b, v)
	}
}

// loadParam compiles ld.param.
func (b *build) loadParam(put []func(*warp, int, uint64), t dtype) action {
	o := *b.arg(1)
	if o.kind != isAddress || o.hasReg || !o.sym || o.vari != nil {
		b.fail("ld.param wants the name of a parameter")
	}
	p := b.k.Params[o.param]
	size := t.size()
	if o.offset < 0 || o.offset+int64(size*len(put)) > int64(p.Size) || (p.offset+int(o.offset))%size != 0 {
		b.fail("%d bytes at %d of parameter %s, which has %d", size*len(put), o.offset, p.Name, p.Size)
	}
	at := p.offset + int(o.offset)
	if d := &b.arg(0).reg; len(put) == 1 && b.arg(0).kind == isReg && d.typ.size() == size && size >= 4 {
		return func(w *warp, m uint32) { w.broadcast(*d, m, readValue(w.b.worker.l.params[at:], size)) }
	}
	return func(w *warp, m uint32) {
		for j, f := range put {
			v := readValue(w.b.worker.l.params[at+j*size:], size)
			for x := m; x != 0; x &= x - 1 {
				f(w, first(x), v)
			}
		}
	}
}

// storeOp compiles st.
func storeOp(b *build) action {
	b.arity(2, 2)
	where, n, t, order := b.memoryMods()
	if where == paramSpace || where == constSpace {
		b.fail("%s memory cannot be written", where)
	}
	var get []func(*warp, int) uint64
	list := b.elements(1, n)
	for i := range list {
		r := b.value(&list[i], t, true)
		from := t
		if list[i].kind == isReg {
			from = list[i].reg.typ
		}
		get = append(get, loader(dtype{kind: 'b', bits: from.size() * 8}, r))
	}
	addr := b.addresses(0, where)
	if f := fastMove(list, t, where, addr, order, (*warp).storeGlobal, (*warp).storeShared); f != nil {
		return locked(order, 1, f)
	}
	size := t.size()
	return locked(order, 1, func(w *warp, m uint32) {
		addr(w, m)
		w.count(where, m, n*size)
		w.order = order
		for ; m != 0; m &= m - 1 {
			i := first(m)
			mem := w.at(where, i, w.addr[i], n*size, store)
			for j, g := range get {
				w.storeValue(mem, j*size, size, g(w, i))
			}
		}
	})
}

// locked makes accesses by which blocks may talk to each other exclude atomic
// operations and one another.
func locked(order *ordering, stores uint64, f action) action {
	if order == nil {
		return f
	}
	return func(w *warp, m uint32) {
		l := w.b.worker.l
		l.atomics.Lock()
		defer l.atomics.Unlock()
		w.b.worker.changes += stores
		f(w, m)
	}
}
