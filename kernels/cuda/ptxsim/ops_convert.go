package ptxsim

import "math"

var convertOps = map[string]func(*build) action{"cvt": convert}

// conversion holds the modifiers of one cvt.
type conversion struct {
	to, from       dtype
	mode           rounding
	rounded, whole bool // .rn and the like; .rni and the like
	ftz, sat, relu bool
}

// convert compiles cvt.
func convert(b *build) action {
	c := conversion{ftz: b.has("ftz"), sat: b.has("sat"), relu: b.has("relu")}
	if name := b.oneOf("rni", "rzi", "rmi", "rpi"); name != "" {
		c.mode, c.whole = roundings[name[:2]], true
	} else if name := b.oneOf("rn", "rz", "rm", "rp", "rna"); name != "" {
		c.mode, c.rounded = roundings[name], true
	}
	if b.has("satfinite") || b.has("pack") {
		b.fail("the simulator does not know this conversion")
	}
	c.to, c.from = b.typ(), b.typ()
	if c.to.two {
		return c.packTwo(b)
	}
	b.arity(2, 2)
	c.check(b)
	d, s := b.result(b.arg(0), c.to, true), b.value(b.arg(1), c.from, true)
	if f := c.fast(b, d, s); f != nil {
		return f
	}
	f := c.scalar()
	get := loader(c.from, s)
	if o := b.arg(1); o.kind == isReg && o.reg.typ.wide() && !c.from.wide() { // only the lower part counts
		get = func(w *warp, i int) uint64 {
			v := w.r64[s][i] << (64 - c.from.bits)
			if c.from.kind == 's' {
				return uint64(int64(v) >> (64 - c.from.bits))
			}
			return v >> (64 - c.from.bits)
		}
	}
	put := extendingStorer(c.to, b.arg(0), d)
	return func(w *warp, m uint32) {
		for ; m != 0; m &= m - 1 {
			i := first(m)
			put(w, i, f(get(w, i)))
		}
	}
}

// check refuses what PTX does not have.
func (c conversion) check(b *build) {
	ints := func(t dtype) bool { return t.kind == 'u' || t.kind == 's' }
	from, to := c.from, c.to
	known := (ints(to) || to.float()) && (ints(from) || from.float() && from.kind != 't') && !from.two
	rounds := to.float() && (!from.float() || from.bits > to.bits || to.kind == 't' || from.bits == 16 && to.bits == 16 && from != to)
	switch {
	case !known, to.kind == 't' && from != dtypes["f32"], to.kind == 'h' && ints(from), from.kind == 'h' && ints(to):
		b.fail("no conversion from %s to %s", from, to)
	case ints(to) && from.float() && !c.whole:
		b.fail("a conversion to an integer wants .rni, .rzi, .rmi or .rpi")
	case rounds && !c.rounded:
		b.fail("this conversion wants a rounding mode")
	case c.rounded && !rounds, c.whole && !from.float(), c.whole && to.float() && to != from:
		b.fail("this conversion takes no such rounding mode")
	case c.relu && to.kind != 'h' && to.kind != 't' && to.bits != 16, c.mode == away && to.kind != 't':
		b.fail("modifiers do not fit this conversion")
	}
}

// fast compiles the conversions between words and 64 bits.
func (c conversion) fast(b *build, d, s int) action {
	into, from := b.arg(0).reg.typ, b.arg(1)
	switch {
	case from.kind == isReg && from.reg.typ.size() != c.from.size() || c.sat || c.to.float() || c.from.float():
		return nil
	case c.from.bits == 64 && c.to.bits == 32 && !into.wide():
		return func(w *warp, m uint32) {
			r, a := &w.r32[d], &w.r64[s]
			for ; m != 0; m &= m - 1 {
				i := first(m)
				r[i] = uint32(a[i])
			}
		}
	case c.from.bits == 32 && c.to.bits == 64:
		sign := c.from.signBits()
		return func(w *warp, m uint32) {
			r, a := &w.r64[d], &w.r32[s]
			for ; m != 0; m &= m - 1 {
				i := first(m)
				r[i] = extend(a[i], sign)
			}
		}
	}
	return nil
}

// scalar returns the conversion of one value.
func (c conversion) scalar() scalar1 {
	switch from, to := c.from, c.to; {
	case !from.float() && !to.float():
		return c.integers()
	case !from.float():
		return c.fromInteger()
	case !to.float():
		return c.toInteger()
	case to.kind == 't':
		return func(x uint64) uint64 {
			v := uint32(x)
			if c.relu && (f32(v) < 0 || f32(v) != f32(v)) {
				if f32(v) < 0 {
					return 0
				}
			}
			return uint64(toTF32(v, c.mode))
		}
	}
	return c.floats()
}

// integers cuts or extends, or clamps where .sat asks for it.
func (c conversion) integers() scalar1 {
	if !c.sat {
		return func(x uint64) uint64 { return x }
	}
	lo, hi := limits(c.to)
	return func(x uint64) uint64 {
		switch {
		case c.from.kind == 's' && int64(x) < 0:
			return uint64(max(int64(x), lo))
		case x > hi:
			return hi
		}
		return x
	}
}

// limits returns the least and the largest value of an integer type.
func limits(t dtype) (int64, uint64) {
	if t.kind == 's' {
		return -1 << (t.bits - 1), 1<<(t.bits-1) - 1
	}
	return 0, ^uint64(0) >> (64 - t.bits)
}

// fromInteger converts integers to floats, rounding once.
func (c conversion) fromInteger() scalar1 {
	return func(x uint64) uint64 {
		negative := c.from.kind == 's' && int64(x) < 0
		mag := x
		if negative {
			mag = -x
		}
		// The upper half and the lower half are exact in float64; their sum rounds
		// to the nearest, and what is lost is known.
		hi, lo := float64(mag>>32)*0x1p32, float64(mag&(1<<32-1))
		s := hi + lo
		e := twoSum(hi, lo, s)
		if negative {
			s, e = -s, -e
		}
		return c.pack(s, e)
	}
}

// pack rounds s+e to the float type and clamps it where .sat asks for it.
func (c conversion) pack(s, e float64) uint64 {
	if c.sat {
		if !(s > 0) {
			s, e = 0, 0
		} else if s >= 1 {
			s, e = 1, 0
		}
	}
	if c.relu && s < 0 {
		s, e = 0, 0
	}
	switch {
	case c.to.bits == 64:
		return math.Float64bits(round64(s, e, c.mode))
	case c.to.bits == 32:
		r := bits32(round32(s, e, c.mode))
		if c.ftz {
			r = flush32(r)
		}
		return uint64(r)
	}
	if e != 0 {
		s = toOdd(s, e)
	}
	return uint64(c.to.format().pack(s, c.mode))
}

// round64 rounds s+e, where s is the float64 nearest to it.
func round64(s, e float64, mode rounding) float64 {
	switch {
	case e > 0 && (mode == up || mode == zero && s < 0):
		return math.Nextafter(s, math.Inf(1))
	case e < 0 && (mode == down || mode == zero && s > 0):
		return math.Nextafter(s, math.Inf(-1))
	}
	return s
}

// toInteger rounds to a whole number and clamps it; a NaN becomes 0.
func (c conversion) toInteger() scalar1 {
	get := c.floatOf()
	lo, hi := limits(c.to)
	return func(x uint64) uint64 {
		v := whole(get(x), c.mode)
		switch {
		case v != v:
			return 0
		case v <= float64(lo):
			return uint64(lo)
		case v >= float64(hi): // the float64 next to the largest 64-bit value lies above it
			return hi
		case v < 0:
			return uint64(int64(v))
		}
		return uint64(v)
	}
}

// floatOf reads a value of the source type.
func (c conversion) floatOf() func(uint64) float64 {
	switch c.from.bits {
	case 64:
		return math.Float64frombits
	case 16:
		s := c.from.format()
		return func(x uint64) float64 { return s.unpack(uint16(x)) }
	}
	if c.ftz {
		return func(x uint64) float64 { return float64(f32(flush32(uint32(x)))) }
	}
	return func(x uint64) float64 { return float64(f32(uint32(x))) }
}

// whole rounds to a whole number.
func whole(v float64, mode rounding) float64 {
	switch mode {
	case nearest:
		return math.RoundToEven(v)
	case zero:
		return math.Trunc(v)
	case down:
		return math.Floor(v)
	}
	return math.Ceil(v)
}

// floats converts between float types, or rounds to whole numbers in one.
func (c conversion) floats() scalar1 {
	get := c.floatOf()
	if c.whole {
		mode := c.mode
		c.mode = nearest
		return func(x uint64) uint64 { return c.pack(whole(get(x), mode), 0) }
	}
	return func(x uint64) uint64 { return c.pack(get(x), 0) }
}

// packTwo compiles cvt.rn.bf16x2.f32 d, a, b: a goes to the upper half.
func (c conversion) packTwo(b *build) action {
	b.arity(3, 3)
	if c.from != dtypes["f32"] || !c.rounded || c.mode != nearest && c.mode != zero {
		b.fail("no conversion from %s to %s", c.from, c.to)
	}
	s := c.to.format()
	one := func(x uint64) uint64 {
		v := float64(f32(uint32(x)))
		if c.relu && v < 0 {
			v = 0
		}
		return uint64(s.pack(v, c.mode))
	}
	t, f := c.to, c.from
	return each2(t, f, f, b.dst(0, t), b.src(1, f), b.src(2, f), func(x, y uint64) uint64 { return one(x)<<16 | one(y) })
}
