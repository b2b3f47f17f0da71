package ptxsim

import "math"

// unaryFloat compiles rcp, sqrt, rsqrt, ex2, lg2, sin, cos and tanh. The
// approximate forms are computed in float64 and rounded once: closer than the
// hardware is.
func unaryFloat(b *build) action {
	op := b.s.op
	b.arity(2, 2)
	f := b.floatMods()
	t := b.typ()
	exact := op == "rcp" || op == "sqrt"
	switch {
	case t.kind != 'f' && t.kind != 'h' || t.bits == 64 && !exact && op != "rsqrt":
		b.fail("%s has no type %s", op, t)
	case f.sat || f.nan || f.relu || f.full:
		b.fail("%s has no such modifier", op)
	case f.rounded && !exact, !f.rounded && !f.approx:
		b.fail("%s wants .approx%s", op, map[bool]string{true: " or a rounding mode"}[exact])
	case t.bits == 64 && f.mode != nearest:
		b.fail("the simulator rounds f64 to nearest only")
	case t.bits == 16 && op != "tanh" && op != "ex2":
		b.fail("%s has no type %s", op, t)
	}
	d, x := b.dst(0, t), b.src(1, t)
	g := approximations[op]
	switch {
	case t.bits == 64:
		return each1(t, t, d, x, func(x uint64) uint64 { return math.Float64bits(g(math.Float64frombits(x))) })
	case t.bits == 16:
		s := t.format()
		h := packed(t, func(x, _, _ uint16) uint16 {
			return f.flush16(s, s.pack(g(f.enter16(s, x)), nearest))
		})
		return each1(t, t, d, x, func(x uint64) uint64 { return h(x, 0, 0) })
	case f.mode != nearest && op == "rcp":
		return each1(t, t, d, x, func(x uint64) uint64 {
			return uint64(f.finish(bits32(quotient32(1, f32(f.enter(uint32(x))), f.mode))))
		})
	case f.mode != nearest:
		return each1(t, t, d, x, func(x uint64) uint64 {
			return uint64(f.finish(bits32(root32(f32(f.enter(uint32(x))), f.mode))))
		})
	}
	return each1(t, t, d, x, func(x uint64) uint64 {
		return uint64(f.finish(bits32(float32(g(float64(f32(f.enter(uint32(x)))))))))
	})
}

var approximations = map[string]func(float64) float64{
	"rcp":   func(x float64) float64 { return 1 / x },
	"sqrt":  math.Sqrt,
	"rsqrt": func(x float64) float64 { return 1 / math.Sqrt(x) },
	"ex2":   math.Exp2,
	"lg2":   math.Log2,
	"sin":   math.Sin,
	"cos":   math.Cos,
	"tanh":  math.Tanh,
}

// testp asks for a property of a float.
func testp(b *build) action {
	b.arity(2, 2)
	what := b.oneOf("finite", "infinite", "number", "notanumber", "normal", "subnormal")
	t := b.typeOf("f", 32, 64)
	least := 0x1p-126
	if t.bits == 64 {
		least = 0x1p-1022
	}
	p := dtypes["pred"]
	return each1(p, t, b.dst(0, p), b.src(1, t), func(x uint64) uint64 {
		v := math.Float64frombits(x)
		if t.bits == 32 {
			v = float64(f32(uint32(x)))
		}
		nan, inf := v != v, math.IsInf(v, 0)
		normal := !nan && !inf && math.Abs(v) >= least
		return truth(map[string]bool{
			"finite": !nan && !inf, "infinite": inf, "number": !nan, "notanumber": nan,
			"normal": normal, "subnormal": !nan && !inf && v != 0 && !normal,
		}[what])
	})
}

// copysign gives the second operand the sign of the first.
func copysign(b *build) action {
	b.arity(3, 3)
	t := b.typeOf("f", 32, 64)
	sign := uint64(1) << (t.bits - 1)
	return each2(t, t, t, b.dst(0, t), b.src(1, t), b.src(2, t), func(x, y uint64) uint64 { return x&sign | y&^sign })
}
