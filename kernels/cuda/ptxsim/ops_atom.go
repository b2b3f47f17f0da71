package ptxsim

import (
	"cmp"
	"math"
	"slices"
)

var atomOps = map[string]func(*build) action{"atom": atom, "red": atom}

// atom compiles atom and red. Lanes take their turns in ascending order.
func atom(b *build) action {
	b.in.atomic = true
	how := cmp.Or(b.oneOf("relaxed", "acquire", "release", "acq_rel"), "relaxed")
	if !slices.ContainsFunc(b.mods, func(m string) bool { return m == "cta" || m == "cluster" || m == "sys" }) {
		b.oneOf("gpu")
		b.mods = append([]string{"gpu"}, b.mods...)
	}
	order := b.ordering(how)
	b.has("noftz")
	where := b.space()
	op := b.oneOf("add", "min", "max", "and", "or", "xor", "inc", "dec", "exch", "cas")
	t := b.typ()
	if where != generic && where != globalSpace && where != sharedSpace {
		b.fail("no atomic operations in %s memory", where)
	}
	if where != sharedSpace {
		b.in.flow = meeting
		b.k.talks = b.k.talks || order.acquire || order.release
	}
	update := b.update(op, t)
	b.grain(where, t.size())
	result := b.s.op == "atom"
	at := 0
	n := 2
	d := -1
	if result {
		d = b.dst(0, t)
		at, n = 1, 3
	} else if op == "exch" || op == "cas" {
		b.fail("red has no %s", op)
	}
	c := -1
	if op == "cas" {
		n++
		c = b.value(b.arg(n-1), t, false)
	}
	b.arity(n, n)
	addr := b.addresses(at, where)
	x := b.src(at+1, t)
	getX, getC, put := loader(t, x), loader(t, max(c, 0)), storer(t, max(d, 0))
	size := t.size()
	return func(w *warp, m uint32) {
		addr(w, m)
		w.count(where, m, size)
		w.order = order
		l := w.b.worker.l
		l.atomics.Lock()
		defer l.atomics.Unlock()
		for ; m != 0; m &= m - 1 {
			i := first(m)
			mem := w.at(where, i, w.addr[i], size, atomic_)
			old := extended(t, readValue(mem, size))
			new := update(old, getX(w, i), getC(w, i))
			if new != old {
				w.b.worker.changes++
			}
			setValue(mem, size, new)
			if d >= 0 {
				put(w, i, old)
			}
		}
	}
}

// extended makes a value read from memory what a loader would have made of it.
func extended(t dtype, v uint64) uint64 {
	if t.kind == 's' {
		return signExtend(v, t.bits)
	}
	return v
}

// update returns the new contents of memory, given the old ones and the operands.
func (b *build) update(op string, t dtype) scalar3 {
	whole := (t.kind == 'u' || t.kind == 's') && t.bits >= 32
	raw := t.kind == 'b' && t.bits >= 32
	switch op {
	case "add":
		if t == dtypes["f32"] {
			return func(old, x, _ uint64) uint64 { return uint64(bits32(f32(uint32(old)) + f32(uint32(x)))) }
		}
		if t == dtypes["f64"] {
			return func(old, x, _ uint64) uint64 {
				return math.Float64bits(math.Float64frombits(old) + math.Float64frombits(x))
			}
		}
	case "inc":
		if t == dtypes["u32"] {
			return func(old, x, _ uint64) uint64 {
				if old >= x {
					return 0
				}
				return old + 1
			}
		}
	case "dec":
		if t == dtypes["u32"] {
			return func(old, x, _ uint64) uint64 {
				if old == 0 || old > x {
					return x
				}
				return old - 1
			}
		}
	case "exch":
		if raw {
			return func(_, x, _ uint64) uint64 { return x }
		}
	case "cas":
		if raw {
			return func(old, x, c uint64) uint64 {
				if old == x {
					return c
				}
				return old
			}
		}
	}
	logical := op == "and" || op == "or" || op == "xor"
	if logical && !raw || !logical && !whole || op == "exch" || op == "cas" || op == "inc" || op == "dec" || op == "" {
		b.fail("no such atomic operation")
	}
	f := reduction(op, t)
	return func(old, x, _ uint64) uint64 { return f(old, x) }
}
