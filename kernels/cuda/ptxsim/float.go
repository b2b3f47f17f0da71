package ptxsim

import "math"

// nan32 is the NaN that float32 instructions give, whatever NaN went in.
const nan32 = 0x7fffffff

// rounding is a rounding mode of PTX.
type rounding uint8

const (
	nearest rounding = iota // rn
	zero                    // rz
	down                    // rm
	up                      // rp
	away                    // rna: nearest, halves away from zero
)

var roundings = map[string]rounding{"rn": nearest, "rz": zero, "rm": down, "rp": up, "rna": away}

func f32(x uint32) float32 { return math.Float32frombits(x) }

// bits32 returns the bits of a result, with the one NaN of the hardware.
func bits32(v float32) uint32 {
	if v != v {
		return nan32
	}
	return math.Float32bits(v)
}

// flush32 makes a subnormal a zero of the same sign.
func flush32(x uint32) uint32 {
	if x&0x7f800000 == 0 {
		return x & 0x80000000
	}
	return x
}

// halfway are the lower 29 bits of a float64 in the middle of two normal float32.
const halfway = 1 << 28

// fma32 is a*b+c rounded once. The product of two float32 is exact in float64 but
// the sum is not, and rounding it again to float32 goes wrong where the first
// rounding ends half-way between two float32.
func fma32(a, b, c float32) float32 {
	p := float64(a) * float64(b)
	s := p + float64(c)
	u := math.Float64bits(s)
	if u&(1<<29-1) != halfway && u<<1>>53 > 1023-126 {
		return float32(s)
	}
	return fmaSlow(p, float64(c), s)
}

// fmaSlow rounds p+c, whose float64 sum is s.
func fmaSlow(p, c, s float64) float32 {
	if s == 0 || math.IsInf(s, 0) || s != s {
		return float32(s)
	}
	return round32(s, twoSum(p, c, s), nearest)
}

// twoSum returns what is lost when a+b becomes s (Knuth).
func twoSum(a, b, s float64) float64 {
	bb := s - a
	return float64(a-float64(s-bb)) + float64(b-bb)
}

// round32 rounds s+e to float32, where s is the float64 next to the exact value
// and e, much smaller, has at least the right sign.
func round32(s, e float64, mode rounding) float32 {
	if s != s || math.IsInf(s, 0) {
		return float32(s)
	}
	if e != 0 {
		s = toOdd(s, e)
	}
	if mode == nearest {
		return float32(s)
	}
	r := float32(s)
	switch low := float64(r) < s; {
	case float64(r) == s:
		return r
	case mode == up || mode == zero && s < 0:
		if low {
			return next32(r, 1)
		}
	default:
		if !low {
			return next32(r, -1)
		}
	}
	return r
}

// toOdd makes the last bit of s stand for the e that it lacks: then a second
// rounding to at most 51 bits is right in every mode.
func toOdd(s, e float64) float64 {
	u := math.Float64bits(s)
	if u&1 != 0 {
		return s
	}
	if (e > 0) == (s > 0) {
		return math.Float64frombits(u + 1)
	}
	return math.Float64frombits(u - 1)
}

// next32 is the neighbour of r above (1) or below (-1).
func next32(r float32, way int) float32 {
	return math.Nextafter32(r, float32(math.Inf(way)))
}

// sum32, product32, quotient32 and root32 round once in any mode.
func sum32(a, b float32, mode rounding) float32 {
	x, y := float64(a), float64(b)
	s := x + y
	if s == 0 {
		return signedZero(a == 0 && b == 0 && math.Signbit(x) && math.Signbit(y) || mode == down && !(a == 0 && b == 0 && math.Signbit(x) == math.Signbit(y)), float32(s))
	}
	return round32(s, twoSum(x, y, s), mode)
}

// signedZero gives a zero its sign.
func signedZero(negative bool, z float32) float32 {
	if negative {
		return float32(math.Copysign(0, -1))
	}
	return float32(math.Abs(float64(z)))
}

func product32(a, b float32, mode rounding) float32 {
	return round32(float64(a)*float64(b), 0, mode)
}

func fused32(a, b, c float32, mode rounding) float32 {
	if mode == nearest {
		return fma32(a, b, c)
	}
	p := float64(a) * float64(b)
	s := p + float64(c)
	if s == 0 {
		negative := p == 0 && c == 0 && math.Signbit(p) && math.Signbit(float64(c))
		mixed := !(p == 0 && c == 0 && math.Signbit(p) == math.Signbit(float64(c)))
		return signedZero(negative || mode == down && mixed, float32(s))
	}
	return round32(s, twoSum(p, float64(c), s), mode)
}

func quotient32(a, b float32, mode rounding) float32 {
	if mode == nearest {
		return a / b
	}
	x, y := float64(a), float64(b)
	q := x / y
	if q == 0 || math.IsInf(q, 0) || q != q {
		return float32(q)
	}
	e := math.FMA(-q, y, x) // the remainder; it has the sign of e*y
	if y < 0 {
		e = -e
	}
	return round32(q, e, mode)
}

func root32(a float32, mode rounding) float32 {
	x := float64(a)
	r := math.Sqrt(x)
	if r == 0 || math.IsInf(r, 0) || r != r {
		return float32(r)
	}
	return round32(r, math.FMA(-r, r, x), mode)
}

// min32 and max32 return the other operand where one is a NaN, and hold -0 < +0.
func min32(a, b uint32) uint32 {
	x, y := f32(a), f32(b)
	switch {
	case x != x && y != y:
		return nan32
	case x != x:
		return b
	case y != y:
		return a
	case x < y, x == y && a>>31 != 0:
		return a
	}
	return b
}

func max32(a, b uint32) uint32 {
	x, y := f32(a), f32(b)
	switch {
	case x != x && y != y:
		return nan32
	case x != x:
		return b
	case y != y:
		return a
	case x > y, x == y && a>>31 == 0:
		return a
	}
	return b
}
