package main

import "fmt"

// smallFile is ptx/small.ptx.
func smallFile() []*entry { return []*entry{smallMany()} }

// The steps of one launch, and the words of 64 bits that describe one.
const (
	mostSteps = 16
	stepWords = 10
)

// The kinds of steps.
const (
	linearStep = iota
	mulStep
	gateStep
	reluStep
	inverseStep
	sumStep
)

// smallMany does up to 16 steps one after the other, in one block.
func smallMany() *entry {
	e := newEntry("small_many", fmt.Sprintf(`small_many: up to %d steps on small tensors, one after the other, in one block.
A step is %d words, low and high half: y; a, or 0 for none; b, or 0; kind and n; p and q; d1 and d2; the steps of a along
axes 0 and 1; of a along axis 2 and of b along axis 0; of b along axes 1 and 2; rows and inner of a sum.
Element i of y is at (i / (d1*d2), i/d2 mod d1, i mod d2). Kinds: 0 p*a + q*b, where a is 0 without an operand and b is 1;
1 a*b; 2 a where b > 0, else p*a, which is 0 for p = 0; 3 0 where a < 0, else a; 4 1/a, and 0 where that is infinite;
5 the sums of [n/inner][rows][inner] over the rows, a warp to each.`, mostSteps, stepWords))
	e.shared = append(e.shared, fmt.Sprintf(".shared .align 8 .b64 words[%d];", mostSteps*stepWords))
	steps := e.num("steps")
	var params []string
	for k := range mostSteps {
		for w := range stepWords {
			params = append(params, e.later(ptrParam, fmt.Sprintf("s%d_%d", k, w)))
		}
	}
	tid := e.let("thread", "mov.u32", "%tid.x")
	words := e.let("words_at", "mov.u64", "words")
	e.stage(tid, words, params)
	k, at := e.let("k", "mov.u32", "0"), e.let("at", "mov.u64", words)
	e.loop("steps", func() string { return e.let("more", "setp.lt.u32", k, steps) }, func() {
		e.step(tid, at)
		e.do("bar.sync", "0")
		e.set(k, "add.u32", k, "1")
		e.set(at, "add.u64", at, fmt.Sprint(8*stepWords))
	})
	e.do("ret")
	return e
}

// stage has one thread copy the steps to shared memory, where they can be counted off.
func (e *entry) stage(tid, words string, params []string) {
	staged := e.label("staged")
	e.when(e.let("other", "setp.ne.u32", tid, "0"), staged)
	w := e.reg("u64", "word")
	for i, name := range params {
		e.raw("ld.param.u64 %s, [%s];", w, name)
		e.raw("st.shared.u64 [%s+%d], %s;", words, 8*i, w)
	}
	e.at(staged)
	e.do("bar.sync", "0")
}

// pair loads the halves of word w of a step.
func (e *entry) pair(typ, at string, w int, low, high string) (lo, hi string) {
	lo, hi = e.reg(typ, low), e.reg(typ, high)
	e.raw("ld.shared.%s %s, [%s+%d];", typ, lo, at, 8*w)
	e.raw("ld.shared.%s %s, [%s+%d];", typ, hi, at, 8*w+4)
	return lo, hi
}

// step does the step that is described at an address of shared memory.
func (e *entry) step(tid, at string) {
	pointer := func(name string, w int) string {
		r := e.reg("u64", name)
		e.raw("ld.shared.u64 %s, [%s+%d];", r, at, 8*w)
		return r
	}
	y, a, b := pointer("y", 0), pointer("a", 1), pointer("b", 2)
	kind, n := e.pair("u32", at, 3, "kind", "n")
	p, q := e.pair("f32", at, 4, "p", "q")
	sums, done := e.label("sums"), e.label("done")
	e.when(e.let("is", "setp.eq.u32", kind, fmt.Sprint(sumStep)), sums)
	e.elements(tid, at, y, a, b, kind, n, p, q)
	e.do("bra", done)
	e.at(sums)
	e.warpSums(tid, at, y, a, n)
	e.at(done)
}

// elements does a step of all kinds but sums, an element at a time to a thread.
func (e *entry) elements(tid, at, y, a, b, kind, n, p, q string) {
	d1, d2 := e.pair("u32", at, 5, "d1", "d2")
	a0, a1 := e.pair("u32", at, 6, "a0", "a1")
	a2, b0 := e.pair("u32", at, 7, "a2", "b0")
	b1, b2 := e.pair("u32", at, 8, "b1", "b2")
	hasA, hasB := e.let("has_a", "setp.ne.u64", a, "0"), e.let("has_b", "setp.ne.u64", b, "0")
	is := func(k int) string { return e.let("is", "setp.eq.u32", kind, fmt.Sprint(k)) }
	mul, gate, relu, inverse := is(mulStep), is(gateStep), is(reluStep), is(inverseStep)
	closed := e.let("closed", "setp.eq.f32", p, imm(0))
	i := e.let("i", "mov.u32", tid)
	e.loop("elements", func() string { return e.let("more", "setp.lt.u32", i, n) }, func() {
		rest, i2 := e.let("rest", "div.u32", i, d2), e.let("i2", "rem.u32", i, d2)
		i0, i1 := e.let("i0", "div.u32", rest, d1), e.let("i1", "rem.u32", rest, d1)
		place := func(s0, s1, s2 string) string {
			t := e.let("place", "mul.lo.u32", i0, s0)
			t = e.let("place", "mad.lo.u32", i1, s1, t)
			return e.let("place", "mad.lo.u32", i2, s2, t)
		}
		va, vb := e.let("va", "mov.f32", imm(0)), e.let("vb", "mov.f32", imm(1))
		e.guard(hasA, "ld.global.f32", va, "["+e.element("at_a", a, place(a0, a1, a2))+"]")
		e.guard(hasB, "ld.global.f32", vb, "["+e.element("at_b", b, place(b0, b1, b2))+"]")
		v := e.fma("v", p, va, e.mul("t", q, vb))
		v = e.sel("v", e.mul("t", va, vb), v, mul)
		shut := e.sel("t", imm(0), e.mul("t", p, va), closed)
		open := e.sel("t", va, shut, e.let("is", "setp.gt.f32", vb, imm(0)))
		v = e.sel("v", open, v, gate)
		v = e.sel("v", e.sel("t", imm(0), va, e.let("is", "setp.lt.f32", va, imm(0))), v, relu)
		r := e.let("t", "rcp.rn.f32", va)
		r = e.sel("t", imm(0), r, e.let("is", "setp.eq.f32", e.let("t", "abs.f32", r), infinity))
		v = e.sel("v", r, v, inverse)
		e.store(e.element("at_y", y, i), []string{v})
		e.set(i, "add.u32", i, fmt.Sprint(blockLanes))
	})
}

// warpSums has a warp add up the rows of each result, in a tree that the shape fixes.
func (e *entry) warpSums(tid, at, y, a, n string) {
	rows, inner := e.pair("u32", at, 9, "rows", "inner")
	lane, o := e.let("lane", "and.b32", tid, "31"), e.let("o", "shr.u32", tid, "5")
	e.loop("results", func() string { return e.let("more", "setp.lt.u32", o, n) }, func() {
		first := e.let("first", "mul.lo.u32", e.let("outer", "div.u32", o, inner), rows)
		sum, r := e.let("sum", "mov.f32", imm(0)), e.let("r", "mov.u32", lane)
		column := e.let("column", "rem.u32", o, inner)
		e.loop("rows", func() string { return e.let("more", "setp.lt.u32", r, rows) }, func() {
			row := e.let("row", "add.u32", first, r)
			x := e.load("x", e.element("at_x", a, e.let("place", "mad.lo.u32", row, inner, column)), 1)[0]
			e.set(sum, "add.rn.f32", sum, x)
			e.set(r, "add.u32", r, "32")
		})
		e.butterfly(sum, "add.rn.f32")
		e.guard(e.let("leads", "setp.eq.u32", lane, "0"), "st.global.f32", "["+e.element("at_y", y, o)+"]", sum)
		e.set(o, "add.u32", o, fmt.Sprint(blockLanes/32))
	})
}
