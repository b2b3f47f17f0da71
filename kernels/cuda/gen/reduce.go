package main

import "fmt"

// reduceFile is ptx/reduce.ptx.
func reduceFile() []*entry {
	var all []*entry
	for _, wide := range []bool{false, true} {
		all = append(all, sumRows(wide), rowNorm(wide), rowMax(wide), logSumExp(wide), crossEntropy(wide), softmax(wide, false), softmax(wide, true))
	}
	return append(all, sumColumns(), rowPick(), rowPlace(), affineScale())
}

// The threads that share a row: a warp of a block of eight, or a block of 256.
const (
	warpLanes  = 32
	blockLanes = 256
)

// group is the threads that share a row, or a piece of a row.
type group struct {
	e      *entry
	wide   bool
	row    string // the row's number
	task   string // the number of the row or piece
	lane   string
	stride string
	base   string // address of the row's first element
	begin  string // the thread's first place in the row
	end    string // the end of the piece
}

const groupDoc = `
In blocks of 32 x 8 threads a warp does a row, in blocks of 256 (_block) the block does.`

// name is the entry's name for the width.
func groupName(name string, wide bool) string {
	if wide {
		return name + "_block"
	}
	return name
}

// group declares what all kernels on rows have: the operand x [outer][n] and the
// outputs; begins with the row's number, and returns when there is no such row.
// With pieces a row is cut into pieces of so many elements.
func (e *entry) group(wide, pieces bool, x, outer, n string, cut divisor, piece string) *group {
	g := &group{e: e, wide: wide}
	block := e.let("block", "mov.u32", "%ctaid.x")
	g.lane = e.let("lane", "mov.u32", "%tid.x")
	g.task = block
	g.stride = fmt.Sprint(blockLanes)
	if !wide {
		g.stride = fmt.Sprint(warpLanes)
		g.task = e.let("task", "mad.lo.u32", block, "8", e.let("warp", "mov.u32", "%tid.y"))
		e.note("whole warps leave")
		e.retWhen(e.let("out", "setp.ge.u32", g.task, outer))
	}
	g.row, g.begin, g.end = g.task, e.let("begin", "mov.u32", g.lane), e.let("end", "mov.u32", n)
	if pieces && wide {
		q, r := cut.over(e, g.task)
		g.row = q
		lo := e.let("lo", "mul.lo.u32", r, piece)
		e.set(g.begin, "add.u32", lo, g.lane)
		e.set(g.end, "min.u32", e.let("hi", "add.u32", lo, piece), n)
	}
	first := e.let("first", "mul.lo.u32", g.row, n)
	g.base = e.element("base", x, first)
	return g
}

// each writes a loop over the elements of the row that are this thread's.
func (g *group) each(body func(v, j string)) {
	e := g.e
	j := e.let("j", "mov.u32", g.begin)
	e.loop("row", func() string { return e.let("more", "setp.lt.u32", j, g.end) }, func() {
		body(e.load("v", e.element("at", g.base, j), 1)[0], j)
		e.set(j, "add.u32", j, g.stride)
	})
}

// all combines a value over the group; every thread gets the result. Lanes combine
// with lanes 16, 8, 4, 2, 1 away, then warps in their order.
func (g *group) all(v, op string) {
	e := g.e
	e.note("over the warp's lanes 16, 8, 4, 2, 1 apart")
	e.butterfly(v, op)
	if !g.wide {
		return
	}
	e.note("over the block's warps, in their order")
	mem := e.sharedFloats("part", blockLanes/warpLanes)
	e.keep(mem, g.lane, v)
	e.do("bar.sync", "0")
	for w := range blockLanes / warpLanes {
		t := e.reg("f32", "t")
		e.raw("ld.shared.f32 %s, [%s+%d];", t, mem, 4*w)
		if w == 0 {
			e.set(v, "mov.f32", t)
		} else {
			e.set(v, op, v, t)
		}
	}
}

// butterfly combines v over a warp.
func (e *entry) butterfly(v, op string) {
	for d := 16; d > 0; d /= 2 {
		t := e.let("t", "shfl.sync.bfly.b32", v, fmt.Sprint(d), "31", "0xffffffff")
		e.set(v, op, v, t)
	}
}

// sharedFloats declares shared memory.
func (e *entry) sharedFloats(name string, n int) string {
	n0 := len(e.shared)
	name = fmt.Sprintf("%s_%d", name, n0)
	e.shared = append(e.shared, fmt.Sprintf(".shared .align 16 .f32 %s[%d];", name, n))
	return name
}

// keep stores v of the first lane of each warp in shared memory, by warp.
func (e *entry) keep(mem, lane, v string) {
	low := e.let("low", "and.b32", lane, "31")
	lead := e.let("lead", "setp.eq.u32", low, "0")
	at := e.let("at", "mov.u32", mem)
	at = e.let("at", "mad.lo.u32", e.let("warp", "shr.u32", lane, "5"), "4", at)
	e.guard(lead, "st.shared.f32", "["+at+"]", v)
}

// lead stores a result from the first thread of the group.
func (g *group) lead(y, v string) {
	e := g.e
	first := e.let("lead", "setp.eq.u32", g.lane, "0")
	e.guard(first, "st.global.f32", "["+e.element("at_y", y, g.task)+"]", v)
}

// pieces declares how rows are cut.
func (e *entry) pieces() (cut divisor, piece string) { return e.divisor("pieces"), e.num("piece") }

func sumRows(wide bool) *entry {
	e := newEntry(groupName("sum_rows", wide), "sum_rows: y[row] = the sum of x[row][0..n), or y[row][p] that of its p-th piece."+groupDoc)
	y, x, outer, n := e.ptr("y"), e.ptr("x"), e.num("outer"), e.num("n")
	cut, piece := e.pieces()
	g := e.group(wide, true, x, outer, n, cut, piece)
	sum := e.let("sum", "mov.f32", imm(0))
	g.each(func(v, _ string) { e.set(sum, "add.rn.f32", sum, v) })
	g.all(sum, "add.rn.f32")
	g.lead(y, sum)
	e.do("ret")
	return e
}

func rowNorm(wide bool) *entry {
	e := newEntry(groupName("rownorm", wide), `rownorm: y[row] = the Euclidean norm of x[row][0..n), or y[row][p] that of its p-th piece.
Elements are multiplied by a power of two that brings the largest near 1, so that no square
overflows or vanishes.`+groupDoc)
	y, x, outer, n := e.ptr("y"), e.ptr("x"), e.num("outer"), e.num("n")
	cut, piece := e.pieces()
	g := e.group(wide, true, x, outer, n, cut, piece)
	top := e.let("top", "mov.f32", imm(0))
	g.each(func(v, _ string) { e.set(top, "max.NaN.f32", top, e.let("size", "abs.f32", v)) })
	g.all(top, "max.NaN.f32")
	e.note("top = f 2^k: k+127 is the exponent's bits; times 2^-k, as far as that is a normal number")
	k := e.reg("u32", "k")
	e.set(k, "mov.b32", top)
	e.set(k, "shr.u32", k, "23")
	e.set(k, "min.u32", e.let("k", "max.u32", k, "1"), "253")
	down, up := e.reg("f32", "down"), e.reg("f32", "up")
	e.set(up, "mov.b32", e.let("bits", "shl.b32", k, "23"))
	e.set(down, "mov.b32", e.let("bits", "shl.b32", e.let("k", "sub.u32", "254", k), "23"))
	sum := e.let("sum", "mov.f32", imm(0))
	g.each(func(v, _ string) {
		w := e.mul("w", v, down)
		e.set(sum, "fma.rn.f32", w, w, sum)
	})
	g.all(sum, "add.rn.f32")
	norm := e.mul("norm", e.let("root", "sqrt.rn.f32", sum), up)
	e.note("infinity and NaN stay")
	norm = e.sel("norm", norm, top, e.let("finite", "setp.lt.f32", top, infinity))
	g.lead(y, norm)
	e.do("ret")
	return e
}

func rowMax(wide bool) *entry {
	e := newEntry(groupName("rowmax", wide), "rowmax: y[row] = the largest element of x[row][0..n), index[row] = the place of the first\nof them, as float32. The first NaN wins."+groupDoc)
	y, index, x, outer, n := e.ptr("y"), e.ptr("index"), e.ptr("x"), e.num("outer"), e.num("n")
	g := e.group(wide, false, x, outer, n, divisor{}, "")
	top, place := e.let("top", "mov.f32", minusInfinity), e.let("place", "mov.u32", "0x7fffffff")
	g.each(func(v, j string) { e.better(top, place, v, j) })
	for d := 16; d > 0; d /= 2 {
		o := e.let("t", "shfl.sync.bfly.b32", top, fmt.Sprint(d), "31", "0xffffffff")
		at := e.reg("u32", "u")
		e.set(at, "shfl.sync.bfly.b32", place, fmt.Sprint(d), "31", "0xffffffff")
		e.better(top, place, o, at)
	}
	if wide {
		tops, places := e.sharedFloats("top", blockLanes/warpLanes), e.sharedFloats("place", blockLanes/warpLanes)
		e.keep(tops, g.lane, top)
		asFloat := e.reg("f32", "bits")
		e.set(asFloat, "mov.b32", place)
		e.keep(places, g.lane, asFloat)
		e.do("bar.sync", "0")
		for w := range blockLanes / warpLanes {
			o, at := e.reg("f32", "t"), e.reg("u32", "u")
			e.raw("ld.shared.f32 %s, [%s+%d];", o, tops, 4*w)
			e.raw("ld.shared.u32 %s, [%s+%d];", at, places, 4*w)
			e.better(top, place, o, at)
		}
	}
	g.lead(y, top)
	g.lead(index, e.let("place", "cvt.rn.f32.u32", place))
	e.do("ret")
	return e
}

// better takes v at j for top at place where it is larger, or as large and earlier;
// NaN is the largest.
func (e *entry) better(top, place, v, j string) {
	e.note("larger, or NaN against a number, or as good and earlier")
	vNaN := e.let("vnan", "setp.nan.f32", v, v)
	tNaN := e.let("tnan", "setp.nan.f32", top, top)
	take := e.let("take", "setp.gt.f32", v, top)
	earlier := e.let("earlier", "setp.lt.u32", j, place)
	same := e.let("same", "setp.eq.f32", v, top)
	both := e.let("both", "and.pred", vNaN, tNaN)
	e.set(same, "or.pred", same, both)
	e.set(same, "and.pred", same, earlier)
	only := e.let("only", "not.pred", tNaN)
	e.set(only, "and.pred", only, vNaN)
	e.set(take, "or.pred", take, same)
	e.set(take, "or.pred", take, only)
	e.guard(take, "mov.f32", top, v)
	e.guard(take, "mov.u32", place, j)
}

// peak is the row's largest element and the sum of e to the (element - largest).
// Where the largest is infinite the sum is taken for 1.
func (g *group) peak() (top, sum string) {
	e := g.e
	top = e.let("top", "mov.f32", minusInfinity)
	g.each(func(v, _ string) { e.set(top, "max.NaN.f32", top, v) })
	g.all(top, "max.NaN.f32")
	sum = e.let("sum", "mov.f32", imm(0))
	g.each(func(v, _ string) { e.set(sum, "add.rn.f32", sum, e.exp(e.sub("v", v, top))) })
	g.all(sum, "add.rn.f32")
	e.note("an infinite row has its largest element for the logarithm of the sum")
	e.set(sum, "selp.f32", imm(1), sum, e.let("infinite", "setp.eq.f32", e.let("size", "abs.f32", top), infinity))
	return top, sum
}

func logSumExp(wide bool) *entry {
	e := newEntry(groupName("logsumexp", wide), "logsumexp: y[row] = ln of the sum of e to the x[row][j]."+groupDoc)
	y, x, outer, n := e.ptr("y"), e.ptr("x"), e.num("outer"), e.num("n")
	g := e.group(wide, false, x, outer, n, divisor{}, "")
	top, sum := g.peak()
	g.lead(y, e.add("v", top, e.log(sum)))
	e.do("ret")
	return e
}

func crossEntropy(wide bool) *entry {
	e := newEntry(groupName("crossentropy", wide), "crossentropy: y[row] = logsumexp(x[row]) - x[row][label[row]]; labels are float32."+groupDoc)
	y, x, label, outer, n := e.ptr("y"), e.ptr("x"), e.ptr("label"), e.num("outer"), e.num("n")
	g := e.group(wide, false, x, outer, n, divisor{}, "")
	top, sum := g.peak()
	of := e.load("label", e.element("at_label", label, g.row), 1)
	k := e.let("k", "cvt.rzi.u32.f32", of[0])
	own := e.load("own", e.element("at_own", g.base, k), 1)
	g.lead(y, e.add("v", e.sub("v", top, own[0]), e.log(sum)))
	e.do("ret")
	return e
}

func softmax(wide, log bool) *entry {
	name, doc := "softmax", "softmax: y[row][j] = e to the (x[row][j] - logsumexp(x[row]))."
	if log {
		name, doc = "logsoftmax", "logsoftmax: y[row][j] = x[row][j] - logsumexp(x[row])."
	}
	e := newEntry(groupName(name, wide), doc+groupDoc)
	y, x, outer, n := e.ptr("y"), e.ptr("x"), e.num("outer"), e.num("n")
	g := e.group(wide, false, x, outer, n, divisor{}, "")
	top, sum := g.peak()
	var share string
	if log {
		share = e.log(sum)
	}
	out := e.element("out", y, e.let("first", "mul.lo.u32", g.row, n))
	g.each(func(v, j string) {
		v = e.sub("v", v, top)
		if log {
			v = e.sub("v", v, share)
		} else {
			v = e.let("v", "div.rn.f32", e.exp(v), sum)
		}
		e.store(e.element("at_y", out, j), []string{v})
	})
	e.do("ret")
	return e
}

func rowPick() *entry {
	e := newEntry("rowpick", "rowpick: y[row] = x[row][index[row]]; indices are float32.")
	y, x, index, outer, n := e.ptr("y"), e.ptr("x"), e.ptr("index"), e.num("outer"), e.num("n")
	row := e.thread("row")
	e.retWhen(e.let("out", "setp.ge.u32", row, outer))
	f := e.load("f", e.element("at_index", index, row), 1)
	k := e.let("k", "cvt.rzi.u32.f32", f[0])
	v := e.load("v", e.element("at_x", x, e.let("place", "mad.lo.u32", row, n, k)), 1)
	e.store(e.element("at_y", y, row), v)
	e.do("ret")
	return e
}

func rowPlace() *entry {
	e := newEntry("rowplace", "rowplace: y[row][index[row]] = g[row], 0 elsewhere; total is the number of elements of y.")
	y, g, index, total := e.ptr("y"), e.ptr("g"), e.ptr("index"), e.num("total")
	n := e.divisor("n")
	i := e.thread("i")
	e.retWhen(e.let("out", "setp.ge.u32", i, total))
	row, j := n.over(e, i)
	f := e.load("f", e.element("at_index", index, row), 1)
	v := e.load("v", e.element("at_g", g, row), 1)
	k := e.let("k", "cvt.rzi.u32.f32", f[0])
	e.store(e.element("at_y", y, i), []string{e.sel("v", v[0], imm(0), e.let("here", "setp.eq.u32", j, k))})
	e.do("ret")
	return e
}

// affineScale finishes the second derivative of affineconv.
func affineScale() *entry {
	e := newEntry("affine_scale", "affine_scale: dscale[c] = the sum of w[c][k]*t[c][k] over k, dw[c][k] = scale[c]*t[c][k]; dw may be t."+groupDoc)
	dscale, dw, t, w, scale := e.ptr("dscale"), e.ptr("dw"), e.ptr("t"), e.ptr("w"), e.ptr("scale")
	outer, n := e.num("outer"), e.num("n")
	g := e.group(false, false, t, outer, n, divisor{}, "")
	s := e.load("s", e.element("at_s", scale, g.row), 1)[0]
	sum := e.let("sum", "mov.f32", imm(0))
	g.each(func(v, j string) {
		at := e.let("place", "mad.lo.u32", g.row, n, j)
		e.set(sum, "fma.rn.f32", e.load("w", e.element("at_w", w, at), 1)[0], v, sum)
		e.store(e.element("at_d", dw, at), []string{e.mul("d", s, v)})
	})
	g.all(sum, "add.rn.f32")
	g.lead(dscale, sum)
	e.do("ret")
	return e
}
