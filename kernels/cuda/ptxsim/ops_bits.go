package ptxsim

import "math/bits"

func logic(b *build) action {
	op := b.s.op
	t := b.typ()
	if t.kind == 'p' {
		return predicateLogic(b)
	}
	shift := op == "shl" || op == "shr"
	if t.float() || t.two || t.bits < 16 || !shift && t.kind != 'b' {
		b.fail("%s has no type %s", op, t)
	}
	if op == "not" || op == "cnot" {
		b.arity(2, 2)
		f := func(x uint64) uint64 { return ^x }
		if op == "cnot" {
			f = func(x uint64) uint64 { return truth(x == 0) }
		}
		return each1(t, t, b.dst(0, t), b.src(1, t), f)
	}
	b.arity(3, 3)
	ty := t
	if shift {
		ty = dtypes["u32"]
	}
	d, x, y := b.dst(0, t), b.src(1, t), b.src(2, ty)
	if f, ok := fast32[op]; ok && t.bits == 32 && t.kind != 's' {
		return run2(d, x, y, f)
	}
	return each2(t, t, ty, d, x, y, map[string]scalar2{
		"and": func(x, y uint64) uint64 { return x & y },
		"or":  func(x, y uint64) uint64 { return x | y },
		"xor": func(x, y uint64) uint64 { return x ^ y },
		"shl": func(x, y uint64) uint64 { return x << y },
		"shr": shiftRight(t),
	}[op])
}

// shiftRight fills with the sign where the type has one.
func shiftRight(t dtype) scalar2 {
	if t.kind == 's' {
		return func(x, y uint64) uint64 { return uint64(int64(x) >> min(y, 63)) }
	}
	return func(x, y uint64) uint64 { return x >> y }
}

func truth(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func counting(b *build) action {
	b.arity(2, 2)
	op := b.s.op
	amount := op == "bfind" && b.has("shiftamt")
	kinds := "b"
	if op == "bfind" {
		kinds = "us"
	}
	t := b.typeOf(kinds, 32, 64)
	td := dtypes["u32"]
	n := t.bits
	var f scalar1
	switch op {
	case "popc":
		f = func(x uint64) uint64 { return uint64(bits.OnesCount64(x)) }
	case "clz":
		f = func(x uint64) uint64 { return uint64(bits.LeadingZeros64(x) - 64 + n) }
	case "brev":
		td = t
		f = func(x uint64) uint64 { return bits.Reverse64(x) >> (64 - n) }
	case "bfind":
		f = func(x uint64) uint64 {
			if t.kind == 's' && int64(x) < 0 {
				x = ^x
			}
			if x == 0 {
				return 1<<32 - 1
			}
			top := uint64(63 - bits.LeadingZeros64(x))
			if amount {
				return uint64(n-1) - top
			}
			return top
		}
	}
	return each1(td, t, b.dst(0, td), b.src(1, t), f)
}

// field compiles bfe and bfi.
func field(b *build) action {
	u32 := dtypes["u32"]
	if b.s.op == "bfe" {
		b.arity(4, 4)
		t := b.typeOf("us", 32, 64)
		return each3(t, t, u32, u32, b.dst(0, t), b.src(1, t), b.src(2, u32), b.src(3, u32), func(x, pos, n uint64) uint64 {
			return extract(x, pos&255, n&255, t)
		})
	}
	b.arity(5, 5)
	t := b.typeOf("b", 32, 64)
	d, from, into, pos, n := b.dst(0, t), b.src(1, t), b.src(2, t), b.src(3, u32), b.src(4, u32)
	la, lb, put := loader(t, from), loader(t, into), storer(t, d)
	return func(w *warp, m uint32) {
		for ; m != 0; m &= m - 1 {
			i := first(m)
			p, c := uint64(w.r32[pos][i]&255), uint64(w.r32[n][i]&255)
			mask := uint64(1)<<c - 1
			put(w, i, lb(w, i)&^(mask<<p)|la(w, i)&mask<<p)
		}
	}
}

// extract is bfe: bits beyond the value repeat its sign.
func extract(x, pos, n uint64, t dtype) uint64 {
	if n == 0 {
		return 0
	}
	if t.kind == 'u' {
		return x >> pos & (1<<n - 1)
	}
	v := int64(x) >> min(pos, 63)
	if n >= 64 {
		return uint64(v)
	}
	return signExtend(uint64(v), int(n))
}

// funnel compiles shf, the shift of two registers as one.
func funnel(b *build) action {
	b.arity(4, 4)
	left := b.oneOf("l", "r") == "l"
	wrap := b.oneOf("wrap", "clamp") == "wrap"
	t := b.typeOf("b", 32)
	return each3(t, t, t, t, b.dst(0, t), b.src(1, t), b.src(2, t), b.src(3, t), func(lo, hi, n uint64) uint64 {
		if wrap {
			n &= 31
		}
		n = min(n, 32)
		v := hi<<32 | lo
		if left {
			return v << n >> 32
		}
		return v >> n
	})
}

// lop3 applies the truth table of its immediate operand.
func lop3(b *build) action {
	b.arity(5, 5)
	t := b.typeOf("b", 32)
	table := b.immediate(4)
	return each3(t, t, t, t, b.dst(0, t), b.src(1, t), b.src(2, t), b.src(3, t), func(x, y, z uint64) uint64 {
		var v uint64
		for i := range uint64(8) {
			if table>>i&1 != 0 {
				v |= (x ^ (i>>2&1 - 1)) & (y ^ (i>>1&1 - 1)) & (z ^ (i&1 - 1))
			}
		}
		return v
	})
}

// immediate returns an operand that must be a number.
func (b *build) immediate(i int) uint64 {
	o := *b.arg(i)
	if o.kind != isNumber || o.number.isFloat {
		b.fail("operand %d must be an integer", i+1)
	}
	return o.number.i
}

// prmt picks four bytes out of two registers.
func prmt(b *build) action {
	b.arity(4, 4)
	t := b.typeOf("b", 32)
	return each3(t, t, t, t, b.dst(0, t), b.src(1, t), b.src(2, t), b.src(3, t), func(x, y, pick uint64) uint64 {
		all := y<<32 | x
		var v uint64
		for i := range 4 {
			s := pick >> (4 * i)
			c := all >> (8 * (s & 7)) & 255
			if s&8 != 0 {
				c = uint64(uint8(int8(c) >> 7))
			}
			v |= c << (8 * i)
		}
		return v
	})
}

func mul24(b *build) action {
	half := b.oneOf("lo", "hi")
	t := b.typeOf("us", 32)
	f := func(x, y, z uint64) uint64 {
		if t.kind == 's' {
			x, y = signExtend(x, 24), signExtend(y, 24)
		} else {
			x, y = x&(1<<24-1), y&(1<<24-1)
		}
		if half == "hi" {
			return uint64(int64(x*y)>>16) + z
		}
		return x*y + z
	}
	if b.s.op == "mul24" {
		b.arity(3, 3)
		return each2(t, t, t, b.dst(0, t), b.src(1, t), b.src(2, t), func(x, y uint64) uint64 { return f(x, y, 0) })
	}
	b.arity(4, 4)
	return each3(t, t, t, t, b.dst(0, t), b.src(1, t), b.src(2, t), b.src(3, t), f)
}

// sad is |a-b| + c.
func sad(b *build) action {
	b.arity(4, 4)
	t := b.typeOf("us", 16, 32, 64)
	return each3(t, t, t, t, b.dst(0, t), b.src(1, t), b.src(2, t), b.src(3, t), func(x, y, z uint64) uint64 {
		if t.kind == 'u' && x < y || t.kind == 's' && int64(x) < int64(y) {
			x, y = y, x
		}
		return x - y + z
	})
}
