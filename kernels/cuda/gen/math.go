package main

// The functions that PTX has only in approximation, to a few units in the last
// place of float32.

const infinity = "0f7F800000"

// exp is e to the x: x = n ln 2 + r with ln 2 in two parts, 2 to the r/ln 2 by
// the hardware (|r| < 0.35, where its error is 2^-22), and 2 to the n multiplied
// in two steps, so that results may be subnormal.
func (e *entry) exp(x string) string {
	e.note("e to the x: x = n ln 2 + r, 2 to the n in two factors")
	x = e.let("x", "max.NaN.f32", e.let("x", "min.NaN.f32", x, imm(89)), imm(-105))
	n := e.let("n", "cvt.rni.f32.f32", e.mul("n", x, imm(1.4426950408889634)))
	r := e.fma("r", n, imm(-0.693145751953125), x)
	r = e.fma("r", n, imm(-1.428606765330187e-06), r)
	v := e.let("v", "ex2.approx.ftz.f32", e.mul("r", r, imm(1.4426950408889634)))
	return e.ldexp(v, e.let("k", "cvt.rni.s32.f32", n))
}

// ldexp is v times 2 to the k for |k| < 250.
func (e *entry) ldexp(v, k string) string {
	half := e.let("k", "shr.s32", k, "1")
	v = e.mul("v", v, e.power2(half))
	return e.mul("v", v, e.power2(e.let("k", "sub.s32", k, half)))
}

// power2 is 2 to the k, for |k| < 127.
func (e *entry) power2(k string) string {
	bits := e.let("k", "shl.b32", e.let("k", "add.s32", k, "127"), "23")
	f := e.reg("f32", "f")
	e.set(f, "mov.b32", bits)
	return f
}

// mantissa splits a positive x into m in [2/3, 4/3) and k with x = m 2^k.
func (e *entry) mantissa(x string) (m, k string) {
	e.note("x = m 2^k with m in [2/3, 4/3); subnormal numbers are multiplied by 2^23 first")
	small := e.let("small", "setp.lt.f32", x, imm(1.1754943508222875e-38))
	scaled := e.sel("x", e.mul("x", x, imm(1<<23)), x, small)
	less := e.sel("less", imm(23), imm(0), small)
	bits := e.reg("b32", "bits")
	e.set(bits, "mov.b32", scaled)
	k32 := e.let("k", "sub.s32", bits, "0x3f2aaaab")
	k32 = e.let("k", "and.b32", k32, "0xff800000")
	mbits := e.let("bits", "sub.s32", bits, k32)
	m = e.reg("f32", "m")
	e.set(m, "mov.b32", mbits)
	kf := e.let("kf", "cvt.rn.f32.s32", e.let("k", "shr.s32", k32, "23"))
	return m, e.sub("kf", kf, less)
}

// logSeries is ln(1+f) from s = f/(2+f): 2s + 2s^3/3 + 2s^5/5 + ..., with terms
// after s. The first term is taken as f - s f, which is exact where it matters.
func (e *entry) logSeries(f string, terms int) string {
	e.note("ln(1+f) = f - s (f - s^2 p), with s = f/(2+f) and the series p")
	s := e.let("s", "div.rn.f32", f, e.add("s", f, imm(2)))
	s2 := e.mul("s2", s, s)
	p := e.let("p", "mov.f32", imm(2/float64(2*terms+1)))
	for i := terms - 1; i >= 1; i-- {
		p = e.fma("p", p, s2, imm(2/float64(2*i+1)))
	}
	// ln(1+f) = f - s (f - s2 p), because 2s = f - s f
	t := e.fma("t", e.neg(s2), p, f)
	return e.fma("v", e.neg(s), t, f)
}

func (e *entry) neg(x string) string { return e.let("minus", "neg.f32", x) }

// log is ln x.
func (e *entry) log(x string) string {
	m, k := e.mantissa(x)
	v := e.logSeries(e.sub("f", m, imm(1)), 5)
	v = e.fma("v", k, imm(0.693147180559945), v)
	return e.logEdges(x, v)
}

// logEdges puts in what ln is outside of the finite positive numbers.
func (e *entry) logEdges(x, v string) string {
	e.note("ln of infinity, 0, and less or NaN")
	v = e.sel("v", x, v, e.let("is", "setp.eq.f32", x, infinity))
	v = e.sel("v", minusInfinity, v, e.let("is", "setp.eq.f32", x, imm(0)))
	return e.sel("v", notANumber, v, e.let("is", "setp.ltu.f32", x, imm(0)))
}

const (
	minusInfinity = "0fFF800000"
	notANumber    = "0f7FC00000"
)

// log1p is ln(1+x) for x in [0, 1].
func (e *entry) log1p(x string) string { return e.logSeries(x, 8) }

// sigmoid never overflows: the exponential's argument is not positive.
func (e *entry) sigmoid(x string) string {
	t := e.exp(e.neg(e.let("size", "abs.f32", x)))
	top := e.sel("top", imm(1), t, e.let("is", "setp.ge.f32", x, imm(0)))
	return e.let("v", "div.rn.f32", top, e.add("below", t, imm(1)))
}

func (e *entry) softplus(x string) string {
	t := e.log1p(e.exp(e.neg(e.let("size", "abs.f32", x))))
	return e.add("v", e.let("v", "max.NaN.f32", x, imm(0)), t)
}

// tanh is Lambert's continued fraction to the seventh step below 0.6, where it
// errs by less than 1e-9 of the value, and 1 - 2/(e^2|x| + 1) with x's sign from there on.
func (e *entry) tanh(x string) string {
	e.note("below 0.6 a continued fraction, above 1 - 2/(e^2|x| + 1)")
	x2 := e.mul("x2", x, x)
	top := e.fma("top", e.fma("top", x2, imm(21), imm(1260)), x2, imm(10395))
	below := e.fma("below", e.fma("below", e.add("below", x2, imm(210)), x2, imm(4725)), x2, imm(10395))
	small := e.let("v", "div.rn.f32", e.mul("top", top, x), below)
	size := e.let("size", "abs.f32", x)
	t := e.add("t", e.exp(e.add("t", size, size)), imm(1))
	large := e.fma("v", e.let("t", "rcp.rn.f32", t), imm(-2), imm(1))
	large = e.let("v", "copysign.f32", x, large)
	return e.sel("v", small, large, e.let("is", "setp.lt.f32", size, imm(0.6)))
}

// pow is x to the p as C's pow is: 2 to the p log2|x|, with the exponent's share
// of the product kept in two parts, and the sign and the edges put in.
func (e *entry) pow(x, p string) string {
	size := e.let("size", "abs.f32", x)
	m, k := e.mantissa(size)
	l := e.mul("l", e.logSeries(e.sub("f", m, imm(1)), 5), imm(1.4426950408889634))
	e.note("p (k + l) = whole + small")
	whole := e.mul("whole", p, k)
	small := e.fma("small", p, k, e.neg(whole))
	small = e.fma("small", p, l, small)
	sum := e.add("sum", whole, small)
	sum = e.let("sum", "max.NaN.f32", e.let("sum", "min.NaN.f32", sum, imm(130)), imm(-152))
	n := e.let("n", "cvt.rni.f32.f32", sum)
	r := e.add("r", e.sub("r", whole, n), small)
	r = e.let("r", "max.NaN.f32", e.let("r", "min.NaN.f32", r, imm(1)), imm(-1))
	v := e.ldexp(e.let("v", "ex2.approx.ftz.f32", r), e.let("k", "cvt.rni.s32.f32", n))
	return e.powEdges(x, p, size, v)
}

// powEdges: |x| = 0 and infinity, negative x, and p = 0 or x = 1.
func (e *entry) powEdges(x, p, size, v string) string {
	e.note("|x| = 0 or infinity: 0 or infinity by the sign of p")
	up := e.let("up", "setp.gt.f32", p, imm(0))
	v = e.sel("v", e.sel("edge", imm(0), infinity, up), v, e.let("is", "setp.eq.f32", size, imm(0)))
	v = e.sel("v", e.sel("edge", infinity, imm(0), up), v, e.let("is", "setp.eq.f32", size, infinity))
	e.note("x < 0: the sign of an odd power, NaN where x is finite and p not whole")
	whole := e.let("whole", "cvt.rni.f32.f32", p)
	half := e.mul("half", p, imm(0.5))
	even := e.let("even", "setp.eq.f32", e.let("half", "cvt.rni.f32.f32", half), half)
	signed := e.sel("v", v, e.neg(v), even)
	signed = e.sel("v", signed, v, e.let("is", "setp.eq.f32", whole, p))
	below := e.let("is", "setp.lt.f32", x, imm(0))
	v = e.sel("v", signed, v, below)
	e.set(below, "setp.gt.and.f32", x, minusInfinity, below)
	e.set(below, "setp.ne.and.f32", whole, p, below)
	v = e.sel("v", notANumber, v, below)
	e.note("a NaN stays, but anything to the 0 and 1 to anything is 1")
	v = e.sel("v", e.add("v", x, p), v, e.let("is", "setp.nan.f32", x, p))
	v = e.sel("v", imm(1), v, e.let("is", "setp.eq.f32", p, imm(0)))
	return e.sel("v", imm(1), v, e.let("is", "setp.eq.f32", x, imm(1)))
}
