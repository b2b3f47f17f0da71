package ptxsim

import "math"

var floatOps = map[string]func(*build) action{
	"rcp": unaryFloat, "sqrt": unaryFloat, "rsqrt": unaryFloat, "ex2": unaryFloat, "lg2": unaryFloat,
	"sin": unaryFloat, "cos": unaryFloat, "tanh": unaryFloat,
	"testp": testp, "copysign": copysign,
}

// floatFast are the float32 operations that inner loops spend their time in:
// rounded to nearest, subnormals kept.
var floatFast = map[string]narrow2{
	"add": func(d, a, b *[lanes]uint32) {
		for i := range d {
			d[i] = bits32(f32(a[i]) + f32(b[i]))
		}
	},
	"sub": func(d, a, b *[lanes]uint32) {
		for i := range d {
			d[i] = bits32(f32(a[i]) - f32(b[i]))
		}
	},
	"mul": func(d, a, b *[lanes]uint32) {
		for i := range d {
			d[i] = bits32(f32(a[i]) * f32(b[i]))
		}
	},
	"max": func(d, a, b *[lanes]uint32) {
		for i := range d {
			d[i] = max32(a[i], b[i])
		}
	},
	"min": func(d, a, b *[lanes]uint32) {
		for i := range d {
			d[i] = min32(a[i], b[i])
		}
	},
}

// fmaLanes is fma32 with its usual case written out.
func fmaLanes(d, a, b, c *[lanes]uint32) {
	for i := range d {
		s := float64(f32(a[i]))*float64(f32(b[i])) + float64(f32(c[i]))
		u := math.Float64bits(s)
		if e := u << 1 >> 53; u&(1<<29-1) != halfway && e > 1023-126 && e < 1<<11-1 {
			d[i] = math.Float32bits(float32(s))
		} else {
			d[i] = bits32(fma32(f32(a[i]), f32(b[i]), f32(c[i])))
		}
	}
}

// floatMods are the modifiers that float arithmetic shares.
type floatMods struct {
	mode          rounding
	rounded       bool // a rounding mode is written
	ftz, sat, nan bool
	approx, full  bool
	relu          bool
}

func (b *build) floatMods() floatMods {
	f := floatMods{ftz: b.has("ftz"), sat: b.has("sat"), nan: b.has("NaN"), approx: b.has("approx"), full: b.has("full"), relu: b.has("relu")}
	if name := b.oneOf("rn", "rz", "rm", "rp"); name != "" {
		f.mode, f.rounded = roundings[name], true
	}
	return f
}

// plain says that nothing but rounding to nearest is asked for.
func (f floatMods) plain() bool { return f.mode == nearest && !f.ftz && !f.sat && !f.nan && !f.relu }

// floatArithmetic compiles add, sub, mul, fma, mad, div, min, max, abs and neg.
func floatArithmetic(b *build) action {
	op := b.s.op
	f := b.floatMods()
	t := b.typ()
	n := map[string]int{"fma": 4, "mad": 4, "abs": 2, "neg": 2}[op]
	if n == 0 {
		n = 3
	}
	b.arity(n, n)
	b.checkFloat(f, t)
	d, x := b.dst(0, t), b.src(1, t)
	var y, z int
	if n > 2 {
		y = b.src(2, t)
	}
	if n > 3 {
		z = b.src(3, t)
	}
	if t.bits == 32 && f.plain() {
		if k, ok := floatFast[op]; ok {
			return run2(d, x, y, k)
		}
		if n == 4 {
			return run3(d, x, y, z, fmaLanes)
		}
	}
	switch n {
	case 2:
		return each1(t, t, d, x, float1(op, t, f))
	case 3:
		return each2(t, t, t, d, x, y, float2(op, t, f))
	}
	return each3(t, t, t, t, d, x, y, z, float3(t, f))
}

// checkFloat refuses combinations that PTX does not have or the simulator does not
// know.
func (b *build) checkFloat(f floatMods, t dtype) {
	op := b.s.op
	switch {
	case t.kind == 't' || !t.float():
		b.fail("%s has no type %s", op, t)
	case op == "rem":
		b.fail("rem is for integers")
	case (op == "fma" || op == "mad") && !f.rounded:
		b.fail("%s wants a rounding mode", op)
	case op == "div" && t.bits == 32 && !f.rounded && !f.approx && !f.full, op == "div" && t.bits == 64 && !f.rounded:
		b.fail("div wants .approx, .full or a rounding mode")
	case op == "div" && t.bits == 16:
		b.fail("div has no type %s", t)
	case t.bits != 32 && f.mode != nearest:
		b.fail("the simulator rounds %s to nearest only", t)
	case t.bits == 64 && (f.ftz || f.sat || f.nan || f.relu), t.kind == 'h' && (f.ftz || f.sat), f.relu && op != "fma":
		b.fail("modifiers do not fit type %s", t)
	case f.approx && op != "div", f.full && op != "div", f.nan && op != "min" && op != "max":
		b.fail("%s has no such modifier", op)
	}
}

func float1(op string, t dtype, f floatMods) scalar1 {
	sign := uint64(1) << (t.bits - 1)
	if t.two {
		sign = 0x80008000
	}
	if op == "abs" {
		return flushed1(t, f, func(x uint64) uint64 { return x &^ sign })
	}
	return flushed1(t, f, func(x uint64) uint64 { return x ^ sign })
}

// flushed1 applies .ftz to what goes in; only for operations that cannot make a
// subnormal of a normal number.
func flushed1(t dtype, f floatMods, g scalar1) scalar1 {
	if t.bits != 32 || !f.ftz {
		return g
	}
	return func(x uint64) uint64 { return g(uint64(flush32(uint32(x)))) }
}

func float2(op string, t dtype, f floatMods) scalar2 {
	switch {
	case t.bits == 64:
		return double2(op)
	case t.bits == 16:
		return small2(op, t, f)
	}
	g := single2(op, f)
	return func(x, y uint64) uint64 { return uint64(f.finish(g(f.enter(uint32(x)), f.enter(uint32(y))))) }
}

func float3(t dtype, f floatMods) scalar3 {
	switch {
	case t.bits == 64:
		return func(x, y, z uint64) uint64 {
			return math.Float64bits(math.FMA(math.Float64frombits(x), math.Float64frombits(y), math.Float64frombits(z)))
		}
	case t.bits == 16:
		return small3(t, f)
	}
	return func(x, y, z uint64) uint64 {
		return uint64(f.finish(bits32(fused32(f32(f.enter(uint32(x))), f32(f.enter(uint32(y))), f32(f.enter(uint32(z))), f.mode))))
	}
}

// enter and finish apply .ftz and .sat to float32 operands and results.
func (f floatMods) enter(x uint32) uint32 {
	if f.ftz {
		return flush32(x)
	}
	return x
}

func (f floatMods) finish(x uint32) uint32 {
	if f.ftz {
		x = flush32(x)
	}
	if f.sat {
		v := f32(x)
		switch {
		case !(v > 0): // NaN becomes zero
			return 0
		case v > 1:
			return math.Float32bits(1)
		}
	}
	return x
}

func single2(op string, f floatMods) func(x, y uint32) uint32 {
	switch op {
	case "add":
		return func(x, y uint32) uint32 { return bits32(sum32(f32(x), f32(y), f.mode)) }
	case "sub":
		return func(x, y uint32) uint32 { return bits32(sum32(f32(x), -f32(y), f.mode)) }
	case "mul":
		return func(x, y uint32) uint32 { return bits32(product32(f32(x), f32(y), f.mode)) }
	case "div":
		return func(x, y uint32) uint32 {
			if f.approx {
				return divApprox(f32(x), f32(y))
			}
			return bits32(quotient32(f32(x), f32(y), f.mode))
		}
	}
	pick := max32
	if op == "min" {
		pick = min32
	}
	if !f.nan {
		return pick
	}
	return func(x, y uint32) uint32 {
		if f32(x) != f32(x) || f32(y) != f32(y) {
			return nan32
		}
		return pick(x, y)
	}
}

// divApprox is exact but for very large divisors, whose reciprocal the hardware
// flushes: 2^126 < |b| < 2^128 gives 0, and NaN for an infinite a.
func divApprox(a, b float32) uint32 {
	if v := math.Abs(float64(b)); v > 0x1p126 && !math.IsInf(v, 0) {
		return bits32(a * float32(math.Copysign(0, float64(b))))
	}
	return bits32(a / b)
}

func double2(op string) scalar2 {
	lift := func(f func(x, y float64) float64) scalar2 {
		return func(x, y uint64) uint64 {
			return math.Float64bits(f(math.Float64frombits(x), math.Float64frombits(y)))
		}
	}
	switch op {
	case "add":
		return lift(func(x, y float64) float64 { return x + y })
	case "sub":
		return lift(func(x, y float64) float64 { return x - y })
	case "mul":
		return lift(func(x, y float64) float64 { return x * y })
	case "div":
		return lift(func(x, y float64) float64 { return x / y })
	}
	pick := math.Max
	if op == "min" {
		pick = math.Min
	}
	return lift(func(x, y float64) float64 {
		switch {
		case x != x:
			return y
		case y != y:
			return x
		}
		return pick(x, y)
	})
}
