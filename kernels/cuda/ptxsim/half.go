package ptxsim

import "math"

// small describes a 16-bit float format.
type small struct {
	fraction int // bits
	bias     int
	top      uint64 // largest exponent field, all ones
}

var (
	halfFormat  = small{10, 15, 31}
	brainFormat = small{7, 127, 255}
)

// nan is what instructions on 16-bit floats give for a NaN.
const smallNaN = 0x7fff

// pack rounds v to the format.
func (s small) pack(v float64, mode rounding) uint16 {
	u := math.Float64bits(v)
	sign := uint16(u >> 63 << 15)
	if v != v {
		return smallNaN
	}
	exp := int(u>>52&0x7ff) - 1023 + s.bias
	if math.IsInf(v, 0) {
		return sign | uint16(s.top)<<s.fraction
	}
	if u<<1>>53 == 0 { // zero, or far below the smallest subnormal
		if v == 0 {
			return sign
		}
		exp = -s.fraction - 2
	}
	frac := u&(1<<52-1) | 1<<52
	shift := 52 - s.fraction
	if exp < 1 { // subnormal
		shift += 1 - exp
		exp = 1
	}
	shift = min(shift, 60)
	kept := frac >> shift
	rest := frac & (1<<shift - 1)
	if roundUpward(mode, sign != 0, kept&1 != 0, rest, 1<<(shift-1)) {
		kept++
	}
	// The hidden bit of a normal number adds one to the exponent field.
	r := uint64(exp-1)<<s.fraction + kept
	if r>>s.fraction >= s.top {
		toward := mode == zero || mode == down && sign == 0 || mode == up && sign != 0
		if toward {
			return sign | uint16(s.top<<s.fraction-1)
		}
		return sign | uint16(s.top<<s.fraction)
	}
	return sign | uint16(r)
}

// roundUpward says whether the magnitude grows, given the bits that are cut off.
func roundUpward(mode rounding, negative, odd bool, rest, half uint64) bool {
	switch mode {
	case nearest:
		return rest > half || rest == half && odd
	case away:
		return rest >= half
	case up:
		return rest != 0 && !negative
	case down:
		return rest != 0 && negative
	}
	return false
}

// unpack returns the value of a 16-bit float.
func (s small) unpack(x uint16) float64 {
	exp := int(uint64(x) >> s.fraction & s.top)
	frac := float64(x & (1<<s.fraction - 1))
	sign := 1.0
	if x>>15 != 0 {
		sign = -1
	}
	switch {
	case uint64(exp) == s.top && frac != 0:
		return math.NaN()
	case uint64(exp) == s.top:
		return math.Inf(int(sign))
	case exp == 0:
		return sign * math.Ldexp(frac, 1-s.bias-s.fraction)
	}
	return sign * math.Ldexp(frac+math.Ldexp(1, s.fraction), exp-s.bias-s.fraction)
}

func toHalf(v float64) uint16    { return halfFormat.pack(v, nearest) }
func toBrain(v float64) uint16   { return brainFormat.pack(v, nearest) }
func fromHalf(x uint16) float64  { return halfFormat.unpack(x) }
func fromBrain(x uint16) float32 { return f32(uint32(x) << 16) }

// toTF32 keeps 10 bits of the fraction.
func toTF32(x uint32, mode rounding) uint32 {
	if x&0x7f800000 == 0x7f800000 {
		if x&0x7fffff != 0 {
			return nan32
		}
		return x
	}
	kept, rest := x>>13, uint64(x&(1<<13-1))
	if roundUpward(mode, x>>31 != 0, kept&1 != 0, rest, 1<<12) {
		kept++
	}
	return kept << 13
}
