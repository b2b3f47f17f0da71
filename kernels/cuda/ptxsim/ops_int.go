package ptxsim

import "math/bits"

var integerOps = map[string]func(*build) action{
	"add": arithmetic, "sub": arithmetic, "mul": arithmetic, "mad": arithmetic, "div": arithmetic,
	"rem": arithmetic, "min": arithmetic, "max": arithmetic, "abs": arithmetic, "neg": arithmetic,
	"fma": arithmetic,
	"and": logic, "or": logic, "xor": logic, "not": logic, "cnot": logic, "shl": logic, "shr": logic,
	"popc": counting, "clz": counting, "brev": counting, "bfind": counting,
	"bfe": field, "bfi": field, "shf": funnel, "lop3": lop3, "prmt": prmt,
	"mul24": mul24, "mad24": mul24, "sad": sad,
}

// arithmetic sorts operations that exist for integers and floats.
func arithmetic(b *build) action {
	for _, m := range b.mods {
		if t, ok := dtypes[m]; ok && t.float() {
			return floatArithmetic(b)
		}
	}
	return integerArithmetic(b)
}

// fast32 and fast64 are the operations that inner loops spend their time in.
var fast32 = map[string]narrow2{
	"add": func(d, a, b *[lanes]uint32) {
		for i := range d {
			d[i] = a[i] + b[i]
		}
	},
	"sub": func(d, a, b *[lanes]uint32) {
		for i := range d {
			d[i] = a[i] - b[i]
		}
	},
	"mul": func(d, a, b *[lanes]uint32) {
		for i := range d {
			d[i] = a[i] * b[i]
		}
	},
	"min": func(d, a, b *[lanes]uint32) {
		for i := range d {
			d[i] = min(a[i], b[i])
		}
	},
	"max": func(d, a, b *[lanes]uint32) {
		for i := range d {
			d[i] = max(a[i], b[i])
		}
	},
	"and": func(d, a, b *[lanes]uint32) {
		for i := range d {
			d[i] = a[i] & b[i]
		}
	},
	"or": func(d, a, b *[lanes]uint32) {
		for i := range d {
			d[i] = a[i] | b[i]
		}
	},
	"xor": func(d, a, b *[lanes]uint32) {
		for i := range d {
			d[i] = a[i] ^ b[i]
		}
	},
	"shl": func(d, a, b *[lanes]uint32) {
		for i := range d {
			d[i] = a[i] << b[i]
		}
	},
	"shr": func(d, a, b *[lanes]uint32) {
		for i := range d {
			d[i] = a[i] >> b[i]
		}
	},
}

var fast64 = map[string]wide2{
	"add": func(d, a, b *[lanes]uint64) {
		for i := range d {
			d[i] = a[i] + b[i]
		}
	},
	"sub": func(d, a, b *[lanes]uint64) {
		for i := range d {
			d[i] = a[i] - b[i]
		}
	},
	"mul": func(d, a, b *[lanes]uint64) {
		for i := range d {
			d[i] = a[i] * b[i]
		}
	},
}

func integerArithmetic(b *build) action {
	op := b.s.op
	half := b.oneOf("lo", "hi", "wide")
	sat := b.has("sat")
	t := b.typeOf("us", 16, 32, 64)
	switch {
	case op == "fma":
		b.fail("fma has no type %s", t)
	case sat && (t != dtypes["s32"] || op != "add" && op != "sub" && !(op == "mad" && half == "hi")):
		b.fail("%s.sat has no type %s", op, t)
	case (op == "mul" || op == "mad") && half == "":
		b.fail("%s of integers wants .lo, .hi or .wide", op)
	case op == "abs" || op == "neg":
		b.arity(2, 2)
		f := func(x uint64) uint64 { return -x }
		if op == "abs" {
			f = func(x uint64) uint64 { return uint64(max(int64(x), -int64(x))) }
		}
		return each1(t, t, b.dst(0, t), b.src(1, t), f)
	case op == "mad":
		return multiplyAdd(b, t, half, sat)
	case op == "mul" && half == "wide":
		return multiplyWide(b, t)
	case sat:
		b.arity(3, 3)
		return each2(t, t, t, b.dst(0, t), b.src(1, t), b.src(2, t), saturated(op))
	}
	b.arity(3, 3)
	d, x, y := b.dst(0, t), b.src(1, t), b.src(2, t)
	if half != "hi" {
		order := t.kind == 's' && (op == "min" || op == "max")
		if f, ok := fast32[op]; ok && t.bits == 32 && !order {
			return run2(d, x, y, f)
		}
		if f, ok := fast64[op]; ok && t.bits == 64 {
			return wideRun2(d, x, y, f)
		}
	}
	return each2(t, t, t, d, x, y, integer2(op, half, t))
}

func saturated(op string) scalar2 {
	clamp := func(v int64) uint64 { return uint64(max(min(v, 1<<31-1), -1<<31)) }
	if op == "sub" {
		return func(x, y uint64) uint64 { return clamp(int64(x) - int64(y)) }
	}
	return func(x, y uint64) uint64 { return clamp(int64(x) + int64(y)) }
}

// integer2 returns an operation on values that a loader has extended to 64 bits.
func integer2(op, half string, t dtype) scalar2 {
	signed := t.kind == 's'
	switch op {
	case "add":
		return func(x, y uint64) uint64 { return x + y }
	case "sub":
		return func(x, y uint64) uint64 { return x - y }
	case "mul":
		if half == "hi" {
			return highHalf(t)
		}
		return func(x, y uint64) uint64 { return x * y }
	case "div":
		return quotient(signed)
	case "rem":
		return remainder(signed)
	case "min":
		if signed {
			return func(x, y uint64) uint64 { return uint64(min(int64(x), int64(y))) }
		}
		return func(x, y uint64) uint64 { return min(x, y) }
	}
	if signed {
		return func(x, y uint64) uint64 { return uint64(max(int64(x), int64(y))) }
	}
	return func(x, y uint64) uint64 { return max(x, y) }
}

// quotient gives all ones for a division by zero, as the hardware does.
func quotient(signed bool) scalar2 {
	if !signed {
		return func(x, y uint64) uint64 {
			if y == 0 {
				return ^uint64(0)
			}
			return x / y
		}
	}
	return func(x, y uint64) uint64 {
		if y == 0 {
			return ^uint64(0)
		}
		return uint64(int64(x) / int64(y))
	}
}

func remainder(signed bool) scalar2 {
	if !signed {
		return func(x, y uint64) uint64 {
			if y == 0 {
				return x
			}
			return x % y
		}
	}
	return func(x, y uint64) uint64 {
		if y == 0 {
			return x
		}
		return uint64(int64(x) % int64(y))
	}
}

// highHalf returns the upper half of a product.
func highHalf(t dtype) scalar2 {
	if t.bits < 64 {
		return func(x, y uint64) uint64 { return uint64(int64(x*y) >> t.bits) }
	}
	return func(x, y uint64) uint64 {
		hi, _ := bits.Mul64(x, y)
		if t.kind == 's' {
			if int64(x) < 0 {
				hi -= y
			}
			if int64(y) < 0 {
				hi -= x
			}
		}
		return hi
	}
}

// twice is the type of a product of two values of type t.
func twice(b *build, t dtype) dtype {
	if t.bits == 64 {
		b.fail("%s.wide has no type %s", b.s.op, t)
	}
	return dtype{kind: t.kind, bits: 2 * t.bits}
}

func multiplyWide(b *build, t dtype) action {
	b.arity(3, 3)
	t2 := twice(b, t)
	d, x, y := b.dst(0, t2), b.src(1, t), b.src(2, t)
	if t.bits == 16 {
		return each2(t2, t, t, d, x, y, func(x, y uint64) uint64 { return x * y })
	}
	if t.kind == 's' {
		return func(w *warp, m uint32) {
			a, b, r := &w.r32[x], &w.r32[y], &w.r64[d]
			for i := range r {
				if m>>i&1 != 0 {
					r[i] = uint64(int64(int32(a[i])) * int64(int32(b[i])))
				}
			}
		}
	}
	return func(w *warp, m uint32) {
		a, b, r := &w.r32[x], &w.r32[y], &w.r64[d]
		for i := range r {
			if m>>i&1 != 0 {
				r[i] = uint64(a[i]) * uint64(b[i])
			}
		}
	}
}

func multiplyAdd(b *build, t dtype, half string, sat bool) action {
	b.arity(4, 4)
	t2 := t
	if half == "wide" {
		t2 = twice(b, t)
	}
	d, x, y, z := b.dst(0, t2), b.src(1, t), b.src(2, t), b.src(3, t2)
	if half == "lo" && t.bits == 32 {
		return run3(d, x, y, z, func(d, a, b, c *[lanes]uint32) {
			for i := range d {
				d[i] = a[i]*b[i] + c[i]
			}
		})
	}
	if half == "wide" && t.bits == 32 {
		return wideMultiplyAdd(d, x, y, z, t.signBits())
	}
	if half == "hi" {
		high := highHalf(t)
		add := func(x, y uint64) uint64 { return x + y }
		if sat {
			add = saturated("add")
		}
		return each3(t2, t, t, t2, d, x, y, z, func(x, y, z uint64) uint64 { return add(high(x, y), z) })
	}
	return each3(t2, t, t, t2, d, x, y, z, func(x, y, z uint64) uint64 { return x*y + z })
}

// wideMultiplyAdd is mad.wide of words: how kernels compute addresses.
func wideMultiplyAdd(d, x, y, z int, sign uint64) action {
	return func(w *warp, m uint32) {
		r, a, b, c := &w.r64[d], &w.r32[x], &w.r32[y], &w.r64[z]
		for ; m != 0; m &= m - 1 {
			i := first(m)
			r[i] = extend(a[i], sign)*extend(b[i], sign) + c[i]
		}
	}
}
