package main

import "fmt"

// moveFile is ptx/move.ptx.
func moveFile() []*entry {
	return []*entry{copyStrided(), pad(), concat(), gather(), scatter()}
}

// divisor declares a number to divide by, with what the division needs.
type divisor struct{ d, m, s string }

func (e *entry) divisor(name string) divisor {
	return divisor{e.num(name), e.num(name + "_m"), e.num(name + "_s")}
}

// over is the quotient and the remainder of i.
func (d divisor) over(e *entry, i string) (q, r string) {
	q = e.divide(i, d.m, d.s)
	r = e.let("r", "mul.lo.u32", q, d.d)
	e.set(r, "sub.u32", i, r)
	return q, r
}

// divide is i/d for i below 2^31, with the m and s of the divisor.
func (e *entry) divide(i, m, s string) string {
	wide := e.let("wide", "mul.wide.u32", i, m)
	return e.let("q", "cvt.u32.u64", e.let("wide", "shr.u64", wide, s))
}

// loop writes a loop: while returns the predicate to go on, body moves on.
func (e *entry) loop(name string, while func() string, body func()) {
	top, end := e.label(name), e.label(name+"_end")
	e.at(top)
	e.unless(while(), end)
	body()
	e.raw("bra %s;", top)
	e.at(end)
}

func copyStrided() *entry {
	e := newEntry("copy_strided", "copy_strided: slices, permutes and broadcasts."+stridedDoc+"\nThe operand begins lo elements in.")
	y, x := e.ptr("y"), e.ptr("x")
	n, lo := e.num("n"), e.num("lo")
	i, at := e.walk(n, "x")
	v := e.load("v", e.element("at_x", x, e.let("place", "add.u32", at[0], lo)), 1)
	e.store(e.element("at_y", y, i), v)
	e.do("ret")
	return e
}

func pad() *entry {
	e := newEntry("pad", `pad: y = x with zeros around.
Axis 0 is the last. Along axis k the result has length dk, the operand has lengthk, after lok
zeros, and its elements are stepk apart; a division by dk is (i*mk) >> sk.`)
	y, x, n, rank := e.ptr("y"), e.ptr("x"), e.num("n"), e.num("rank")
	type axis struct {
		div              divisor
		lo, length, step string
	}
	var axes [maxRank]axis
	for k := range axes {
		axes[k] = axis{divisor{e.num(fmt.Sprint("d", k)), e.num(fmt.Sprint("m", k)), e.num(fmt.Sprint("s", k))},
			e.num(fmt.Sprint("lo", k)), e.num(fmt.Sprint("length", k)), e.num(fmt.Sprint("step", k))}
	}
	i := e.thread("i")
	e.retWhen(e.let("out", "setp.ge.u32", i, n))
	rest, at := e.let("rest", "mov.u32", i), e.let("place", "mov.u32", "0")
	outside := e.let("outside", "setp.ne.u32", at, "0")
	done := e.label("done")
	for k, a := range axes {
		q, r := a.div.over(e, rest)
		e.note("before the operand r-lo wraps around, so one comparison is enough")
		e.set(r, "sub.u32", r, a.lo)
		e.set(outside, "setp.ge.or.u32", r, a.length, outside)
		e.set(at, "mad.lo.u32", r, a.step, at)
		if k < maxRank-1 {
			e.when(e.let("last", "setp.eq.u32", rank, fmt.Sprint(k+1)), done)
			e.set(rest, "mov.u32", q)
		}
	}
	e.at(done)
	v := e.let("v", "mov.f32", imm(0))
	address := e.element("at_x", x, at)
	e.raw("@!%s ld.global.f32 %s, [%s];", outside, v, address)
	e.store(e.element("at_y", y, i), []string{v})
	e.do("ret")
	return e
}

// concatParts is the number of operands that one launch joins.
const concatParts = 16

func concat() *entry {
	e := newEntry("concat", fmt.Sprintf(`concat: y[outer][row], columns first to first+width, = the parts side by side.
Part k is [outer][lenk] and begins at column first+startk; of the %d parts those that are
not there begin beyond width.`, concatParts))
	y, n := e.ptr("y"), e.num("n")
	width := e.divisor("width")
	row, first := e.num("row"), e.num("first")
	type part struct{ x, start, length string }
	var parts [concatParts]part
	for k := range parts {
		parts[k] = part{e.ptr(fmt.Sprint("x", k)), e.num(fmt.Sprint("start", k)), e.num(fmt.Sprint("len", k))}
	}
	i := e.thread("i")
	e.retWhen(e.let("out", "setp.ge.u32", i, n))
	o, column := width.over(e, i)
	x := e.let("x", "mov.u64", parts[0].x)
	start := e.let("start", "mov.u32", parts[0].start)
	length := e.let("length", "mov.u32", parts[0].length)
	for _, p := range parts[1:] {
		in := e.let("in", "setp.ge.u32", column, p.start)
		e.guard(in, "mov.u64", x, p.x)
		e.guard(in, "mov.u32", start, p.start)
		e.guard(in, "mov.u32", length, p.length)
	}
	from := e.let("from", "mad.lo.u32", o, length, e.let("inside", "sub.u32", column, start))
	to := e.let("to", "mad.lo.u32", o, row, e.let("place", "add.u32", first, column))
	v := e.load("v", e.element("at_x", x, from), 1)
	e.store(e.element("at_y", y, to), v)
	e.do("ret")
	return e
}

func gather() *entry {
	e := newEntry("gather", "gather: y[o][j][i] = x[o][index[j]][i]; the middle axis of x has length, of y count.")
	y, x, index, n := e.ptr("y"), e.ptr("x"), e.ptr("index"), e.num("n")
	inner, count, length := e.divisor("inner"), e.divisor("count"), e.num("length")
	i := e.thread("i")
	e.retWhen(e.let("out", "setp.ge.u32", i, n))
	q, in := inner.over(e, i)
	o, j := count.over(e, q)
	from := e.reg("u32", "from")
	e.raw("ld.global.u32 %s, [%s];", from, e.element("at_j", index, j))
	e.set(from, "mad.lo.u32", o, length, from)
	e.set(from, "mad.lo.u32", from, inner.d, in)
	v := e.load("v", e.element("at_x", x, from), 1)
	e.store(e.element("at_y", y, i), v)
	e.do("ret")
	return e
}

func scatter() *entry {
	e := newEntry("scatter", `scatter: y[o][l][i] = the sum of x[o][j][i] over the j that go to place l, in the order of j:
list[start[l]] to list[start[l+1]-1]. The middle axis of y has length, of x count.`)
	y, x, start, list, n := e.ptr("y"), e.ptr("x"), e.ptr("start"), e.ptr("list"), e.num("n")
	inner, length, count := e.divisor("inner"), e.divisor("length"), e.num("count")
	i := e.thread("i")
	e.retWhen(e.let("out", "setp.ge.u32", i, n))
	q, in := inner.over(e, i)
	o, l := length.over(e, q)
	at := e.element("at_l", start, l)
	t, end := e.reg("u32", "t"), e.reg("u32", "end")
	e.raw("ld.global.u32 %s, [%s];", t, at)
	e.raw("ld.global.u32 %s, [%s+4];", end, at)
	sum := e.let("sum", "mov.f32", imm(0))
	e.loop("next", func() string { return e.let("more", "setp.lt.u32", t, end) }, func() {
		j := e.reg("u32", "j")
		e.raw("ld.global.u32 %s, [%s];", j, e.element("at_t", list, t))
		e.set(j, "mad.lo.u32", o, count, j)
		e.set(j, "mad.lo.u32", j, inner.d, in)
		v := e.load("v", e.element("at_x", x, j), 1)
		e.set(sum, "add.rn.f32", sum, v[0])
		e.set(t, "add.u32", t, "1")
	})
	e.store(e.element("at_y", y, i), []string{sum})
	e.do("ret")
	return e
}
