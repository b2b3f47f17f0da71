package ptxsim

import "math"

// format of a 16-bit type.
func (t dtype) format() small {
	if t.kind == 'h' {
		return brainFormat
	}
	return halfFormat
}

// packed lifts an operation on 16-bit floats to the two halves of a register.
func packed(t dtype, f func(x, y, z uint16) uint16) scalar3 {
	if !t.two {
		return func(x, y, z uint64) uint64 { return uint64(f(uint16(x), uint16(y), uint16(z))) }
	}
	return func(x, y, z uint64) uint64 {
		lo := f(uint16(x), uint16(y), uint16(z))
		hi := f(uint16(x>>16), uint16(y>>16), uint16(z>>16))
		return uint64(hi)<<16 | uint64(lo)
	}
}

// clamp16 applies .sat and .relu.
func (f floatMods) clamp16(v float64) float64 {
	if f.sat {
		if !(v > 0) {
			return 0
		}
		return min(v, 1)
	}
	if f.relu && v < 0 {
		return 0
	}
	return v
}

// small2 computes in float64: sums and products of two 16-bit floats are exact
// there, or so close that rounding twice does no harm (53 >= 2*11+2 bits).
func small2(op string, t dtype, f floatMods) scalar2 {
	s := t.format()
	var g func(x, y float64) float64
	switch op {
	case "add":
		g = func(x, y float64) float64 { return x + y }
	case "sub":
		g = func(x, y float64) float64 { return x - y }
	case "mul":
		g = func(x, y float64) float64 { return x * y }
	default:
		pick := double2(op)
		g = func(x, y float64) float64 {
			if f.nan && (x != x || y != y) {
				return math.NaN()
			}
			return math.Float64frombits(pick(math.Float64bits(x), math.Float64bits(y)))
		}
	}
	lanes := packed(t, func(x, y, _ uint16) uint16 {
		return f.flush16(s, s.pack(f.clamp16(g(f.enter16(s, x), f.enter16(s, y))), nearest))
	})
	return func(x, y uint64) uint64 { return lanes(x, y, 0) }
}

func small3(t dtype, f floatMods) scalar3 {
	s := t.format()
	return packed(t, func(x, y, z uint16) uint16 {
		p, c := f.enter16(s, x)*f.enter16(s, y), f.enter16(s, z)
		v := p + c
		if v != 0 && v == v && !math.IsInf(v, 0) {
			if e := twoSum(p, c, v); e != 0 {
				v = toOdd(v, e)
			}
		}
		return f.flush16(s, s.pack(f.clamp16(v), nearest))
	})
}

func (f floatMods) enter16(s small, x uint16) float64 { return s.unpack(f.flush16(s, x)) }

// flush16 makes subnormals zero where .ftz asks for it.
func (f floatMods) flush16(s small, x uint16) uint16 {
	if f.ftz && uint64(x)>>s.fraction&s.top == 0 {
		return x & 0x8000
	}
	return x
}
