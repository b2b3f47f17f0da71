package main

import "fmt"

// body writes the arithmetic of one element and returns the register with the
// result; p and q are the constants of the attribute.
type body func(e *entry, x []string, p, q string) string

// op is an elementwise kernel: its name, its formula, its number of operands.
type op struct {
	name, doc string
	operands  int
	body      body
	long      bool // many instructions: written once, an element to a thread
}

// elementwise are the kernels of one and two operands of the result's shape.
var elementwise = []op{
	{"copy", "y = x", 1, func(e *entry, x []string, p, q string) string { return x[0] }, false},
	{"scale", "y = p*x + q", 1, func(e *entry, x []string, p, q string) string { return e.fma("v", x[0], p, q) }, false},
	{"exp", "y = e to the x", 1, func(e *entry, x []string, p, q string) string { return e.exp(x[0]) }, true},
	{"log", "y = ln x", 1, func(e *entry, x []string, p, q string) string { return e.log(x[0]) }, true},
	{"sqrt", "y = square root of x", 1, func(e *entry, x []string, p, q string) string {
		return e.let("v", "sqrt.rn.f32", x[0])
	}, false},
	{"pow", "y = x to the p", 1, func(e *entry, x []string, p, q string) string { return e.pow(x[0], p) }, true},
	{"abs", "y = |x|", 1, func(e *entry, x []string, p, q string) string { return e.let("v", "abs.f32", x[0]) }, false},
	{"sign", "y = 1, -1 or, at zero, 0", 1, sign, false},
	{"step", "y = 1 where x > p, else 0", 1, func(e *entry, x []string, p, q string) string {
		return e.truth(e.let("is", "setp.gt.f32", x[0], p))
	}, false},
	{"stepfrom", "y = 1 where x >= p, else 0", 1, func(e *entry, x []string, p, q string) string {
		return e.truth(e.let("is", "setp.ge.f32", x[0], p))
	}, false},
	{"clamp", "y = x limited to [p, q]", 1, func(e *entry, x []string, p, q string) string {
		return e.let("v", "min.NaN.f32", e.let("v", "max.NaN.f32", x[0], p), q)
	}, false},
	{"within", "y = 1 where p <= x <= q, else 0", 1, func(e *entry, x []string, p, q string) string {
		above := e.let("is", "setp.ge.f32", x[0], p)
		return e.truth(e.let("is", "setp.le.and.f32", x[0], q, above))
	}, false},
	{"relu", "y = 0 where x < 0, else x", 1, func(e *entry, x []string, p, q string) string {
		return e.sel("v", imm(0), x[0], e.let("is", "setp.lt.f32", x[0], imm(0)))
	}, false},
	{"leakyrelu", "y = x where x > 0, else p*x", 1, func(e *entry, x []string, p, q string) string {
		below := e.mul("v", x[0], p)
		return e.sel("v", x[0], below, e.let("is", "setp.gt.f32", x[0], imm(0)))
	}, false},
	{"sigmoid", "y = 1/(1 + e to the -x)", 1, func(e *entry, x []string, p, q string) string { return e.sigmoid(x[0]) }, true},
	{"tanh", "y = hyperbolic tangent of x", 1, func(e *entry, x []string, p, q string) string { return e.tanh(x[0]) }, true},
	{"softplus", "y = ln(1 + e to the x)", 1, func(e *entry, x []string, p, q string) string { return e.softplus(x[0]) }, true},
	{"inverse", "y = 1/x, and 0 where that is infinite", 1, func(e *entry, x []string, p, q string) string {
		v := e.let("v", "rcp.rn.f32", x[0])
		size := e.let("v", "abs.f32", v)
		return e.sel("v", imm(0), v, e.let("is", "setp.eq.f32", size, infinity))
	}, false},
	{"add", "y = a + b", 2, func(e *entry, x []string, p, q string) string { return e.add("v", x[0], x[1]) }, false},
	{"sub", "y = a - b", 2, func(e *entry, x []string, p, q string) string { return e.sub("v", x[0], x[1]) }, false},
	{"mul", "y = a*b", 2, func(e *entry, x []string, p, q string) string { return e.mul("v", x[0], x[1]) }, false},
	{"div", "y = a/b", 2, func(e *entry, x []string, p, q string) string { return e.let("v", "div.rn.f32", x[0], x[1]) }, false},
	{"minimum", "y = the smaller of a and b, NaN if one is", 2, func(e *entry, x []string, p, q string) string {
		return e.let("v", "min.NaN.f32", x[0], x[1])
	}, false},
	{"maximum", "y = the larger of a and b, NaN if one is", 2, func(e *entry, x []string, p, q string) string {
		return e.let("v", "max.NaN.f32", x[0], x[1])
	}, false},
	{"prefer", "y = 1 where a > b, 1/2 where they are equal, else 0", 2, func(e *entry, x []string, p, q string) string {
		half := e.sel("v", imm(0.5), imm(0), e.let("is", "setp.eq.f32", x[0], x[1]))
		return e.sel("v", imm(1), half, e.let("is", "setp.gt.f32", x[0], x[1]))
	}, false},
	{"gate", "y = a where b > 0, else p*a, which is 0 for p = 0 whatever a is", 2, func(e *entry, x []string, p, q string) string {
		below := e.mul("v", x[0], p)
		below = e.sel("v", imm(0), below, e.let("is", "setp.eq.f32", p, imm(0)))
		return e.sel("v", x[0], below, e.let("is", "setp.gt.f32", x[1], imm(0)))
	}, false},
	{"mix", "y = p*a + q*b", 2, func(e *entry, x []string, p, q string) string {
		return e.fma("v", p, x[0], e.mul("v", q, x[1]))
	}, false},
}

func sign(e *entry, x []string, p, q string) string {
	v := e.mul("v", x[0], x[0]) // 0 without a sign, or NaN
	v = e.sel("v", imm(-1), v, e.let("is", "setp.lt.f32", x[0], imm(0)))
	return e.sel("v", imm(1), v, e.let("is", "setp.gt.f32", x[0], imm(0)))
}

func (e *entry) truth(p string) string { return e.sel("v", imm(1), imm(0), p) }

// elementwiseFile is ptx/elementwise.ptx.
func elementwiseFile() []*entry {
	var all []*entry
	for _, o := range elementwise {
		if o.long {
			all = append(all, o.single())
		} else {
			all = append(all, o.dense())
		}
		if o.operands == 2 {
			all = append(all, o.strided())
		}
	}
	return append(all, fill(), dropout())
}

// operandNames are the parameters' names.
func (o op) operandNames() []string {
	if o.operands == 1 {
		return []string{"x"}
	}
	return []string{"a", "b"}
}

// dense writes the kernel for operands as long as the result. Of the items of
// work the first n4 are four elements each, the others are the elements left.
func (o op) dense() *entry {
	e := newEntry(o.name, fmt.Sprintf("%s: %s.\nItem i < n4 is elements 4i to 4i+3, item i >= n4 is element i+3*n4.", o.name, o.doc))
	y := e.ptr("y")
	var in []string
	for _, name := range o.operandNames() {
		in = append(in, e.ptr(name))
	}
	n4, items, p, q := e.num("n4"), e.num("items"), e.f32("p"), e.f32("q")
	e.items(n4, items, func(at string, v int) {
		x := make([][]string, len(in))
		for i, base := range in {
			x[i] = e.load(o.operandNames()[i], e.let("at_"+o.operandNames()[i], "add.u64", base, at), v)
		}
		e.store(e.let("at_y", "add.u64", y, at), each(x, func(x []string) string { return o.body(e, x, p, q) }))
	})
	return e
}

// single writes the kernel of a long body.
func (o op) single() *entry {
	e := newEntry(o.name, fmt.Sprintf("%s: %s, an element to a thread.", o.name, o.doc))
	y, in, n, p, q := e.ptr("y"), e.ptr("x"), e.num("n"), e.f32("p"), e.f32("q")
	i := e.thread("i")
	e.retWhen(e.let("out", "setp.ge.u32", i, n))
	x := e.load("x", e.element("at_x", in, i), 1)
	e.store(e.element("at_y", y, i), []string{o.body(e, x, p, q)})
	e.do("ret")
	return e
}

// each applies a function to the i-th registers of all operands.
func each(x [][]string, f func(x []string) string) []string {
	out := make([]string, len(x[0]))
	for i := range out {
		column := make([]string, len(x))
		for j := range x {
			column[j] = x[j][i]
		}
		out[i] = f(column)
	}
	return out
}

// items writes the frame of a dense kernel: body is written twice, for four
// elements and for one; at is the distance in bytes from the beginning.
func (e *entry) items(n4, items string, body func(at string, v int)) {
	i := e.thread("i")
	e.retWhen(e.let("out", "setp.ge.u32", i, items))
	one := e.label("one")
	e.when(e.let("tail", "setp.ge.u32", i, n4), one)
	body(e.let("at", "mul.wide.u32", i, "16"), 4)
	e.do("ret")
	e.at(one)
	el := e.let("e", "mad.lo.u32", n4, "3", i)
	body(e.let("at", "mul.wide.u32", el, "4"), 1)
	e.do("ret")
}

// strided writes the kernel for broadcast operands, an element to a thread.
func (o op) strided() *entry {
	e := newEntry(o.name+"_strided", fmt.Sprintf("%s with broadcasting: %s.%s", o.name, o.doc, stridedDoc))
	y, a, b := e.ptr("y"), e.ptr("a"), e.ptr("b")
	n, p, q := e.num("n"), e.f32("p"), e.f32("q")
	i, at := e.walk(n, "a", "b")
	x := e.load("va", e.element("at_a", a, at[0]), 1)
	w := e.load("vb", e.element("at_b", b, at[1]), 1)
	e.store(e.element("at_y", y, i), []string{o.body(e, []string{x[0], w[0]}, p, q)})
	e.do("ret")
	return e
}

const stridedDoc = `
Axis 0 is the last; axis k has length dk, and its division is (i*mk) >> sk. The operand's
elements are its steps apart along the axis, 0 where it is repeated.`

// maxRank is the number of axes, after joining, that strided kernels know.
const maxRank = 6

// walk declares the axes, finds the thread's element i < n of the result and
// returns it with its places in the operands.
func (e *entry) walk(n string, operands ...string) (i string, at []string) {
	rank := e.num("rank")
	type axis struct{ d, m, s string }
	var axes [maxRank]axis
	steps := make([][maxRank]string, len(operands))
	for k := range axes {
		axes[k] = axis{e.num(fmt.Sprint("d", k)), e.num(fmt.Sprint("m", k)), e.num(fmt.Sprint("s", k))}
		for j, name := range operands {
			steps[j][k] = e.num(fmt.Sprint("step", k, "_", name))
		}
	}
	i = e.thread("i")
	e.retWhen(e.let("out", "setp.ge.u32", i, n))
	for _, name := range operands {
		at = append(at, e.let("place_"+name, "mov.u32", "0"))
	}
	rest, done := e.let("rest", "mov.u32", i), e.label("done")
	for k, a := range axes {
		e.note("axis %d: r along it, q is left", k)
		q := e.divide(rest, a.m, a.s)
		r := e.let("r", "mul.lo.u32", q, a.d)
		e.set(r, "sub.u32", rest, r)
		for j := range operands {
			e.set(at[j], "mad.lo.u32", r, steps[j][k], at[j])
		}
		if k < maxRank-1 {
			e.when(e.let("last", "setp.eq.u32", rank, fmt.Sprint(k+1)), done)
			e.set(rest, "mov.u32", q)
		}
	}
	e.at(done)
	return i, at
}

func fill() *entry {
	e := newEntry("fill", "fill: y = p. Items as in copy.")
	y, n4, items, p := e.ptr("y"), e.num("n4"), e.num("items"), e.f32("p")
	e.items(n4, items, func(at string, v int) {
		r := make([]string, v)
		for i := range r {
			r[i] = p
		}
		e.store(e.let("at_y", "add.u64", y, at), r)
	})
	return e
}

// dropout decides about element i by the upper 32 bits of SplitMix64's
// finaliser of key + i, as the CPU does.
func dropout() *entry {
	e := newEntry("dropout", "dropout: y = 0 where the upper 32 bits of mix(key + i) are below limit, else scale*x.\nmix is the finaliser of SplitMix64 (Steele, Lea, Flood 2014). numbers is 0 or, in a graph, where the key is.")
	y, x, n := e.ptr("y"), e.ptr("x"), e.num("n")
	numbers, key := e.ptr("numbers"), e.ptr("key")
	limit, scale := e.ptr("limit"), e.f32("scale")
	e.raw("@%s ld.global.u64 %s, [%s];", e.let("replayed", "setp.ne.u64", numbers, "0"), key, numbers)
	i := e.thread("i")
	e.retWhen(e.let("out", "setp.ge.u32", i, n))
	z := e.let("z", "cvt.u64.u32", i)
	e.set(z, "add.u64", z, key)
	e.set(z, "add.u64", z, "0x9e3779b97f4a7c15")
	for _, round := range []struct {
		shift int
		times string
	}{{30, "0xbf58476d1ce4e5b9"}, {27, "0x94d049bb133111eb"}, {31, ""}} {
		t := e.let("t", "shr.u64", z, fmt.Sprint(round.shift))
		e.set(z, "xor.b64", z, t)
		if round.times != "" {
			e.set(z, "mul.lo.u64", z, round.times)
		}
	}
	e.set(z, "shr.u64", z, "32")
	drop := e.let("drop", "setp.lt.u64", z, limit)
	v := e.load("v", e.element("at_x", x, i), 1)
	kept := e.mul("kept", v[0], scale)
	e.store(e.element("at_y", y, i), []string{e.sel("w", imm(0), kept, drop)})
	e.do("ret")
	return e
}
