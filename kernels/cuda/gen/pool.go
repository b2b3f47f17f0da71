package main

// poolFile is ptx/pool.ptx.
func poolFile() []*entry {
	return []*entry{maxPool(), avgPool(), poolPick(), poolPlace(), avgSpread()}
}

const poolDoc = `
Images are [n][h][w][c], cells [n][outh][outw][c]; windows of kh x kw, or (adaptive 1) cell i
covers rows floor(i h/outh) to ceil((i+1) h/outh)-1.`

// pooling is the geometry, as parameters.
type pooling struct {
	e                      *entry
	total                  string // elements of the result
	c, h, w, outH, outW    divisor
	kh, kw, padH, padW     string
	strideH, strideW       divisor
	adaptive               string // predicate
	element                string // the thread's element of the result
	image, row, col, depth string // its place
}

// pooling declares the geometry and finds the place of the thread's element: of a
// cell where cells is true, else of an image.
func (e *entry) pooling(cells bool) *pooling {
	p := &pooling{e: e, total: e.num("total"), c: e.divisor("c"), h: e.divisor("h"), w: e.divisor("w"),
		outH: e.divisor("outh"), outW: e.divisor("outw"), kh: e.num("kh"), kw: e.num("kw"),
		strideH: e.divisor("strideh"), strideW: e.divisor("stridew"), padH: e.num("padh"), padW: e.num("padw")}
	p.adaptive = e.let("by_size", "setp.ne.u32", e.num("adaptive"), "0")
	p.element = e.thread("i")
	e.retWhen(e.let("out", "setp.ge.u32", p.element, p.total))
	h, w := p.h, p.w
	if cells {
		h, w = p.outH, p.outW
	}
	e.note("its channel, column, row and image")
	q, depth := p.c.over(e, p.element)
	q, col := w.over(e, q)
	p.depth, p.col = depth, col
	p.image, p.row = h.over(e, q)
	return p
}

// along is one of the two axes: the image's length, the cells', the window.
type along struct {
	length, cells divisor
	k, pad        string
	stride        divisor
}

func (p *pooling) rows() along { return along{p.h, p.outH, p.kh, p.padH, p.strideH} }
func (p *pooling) cols() along { return along{p.w, p.outW, p.kw, p.padW, p.strideW} }

// window is where cell i begins and ends along an axis, inside the image.
func (p *pooling) window(a along, i string) (lo, hi string) {
	e := p.e
	e.note("where the window begins and ends, inside the image")
	lo, hi = e.reg("u32", "lo"), e.reg("u32", "hi")
	fixed, done := e.label("fixed"), e.label("window")
	e.unless(p.adaptive, fixed)
	first := e.let("first", "mul.lo.u32", i, a.length.d)
	e.set(lo, "mov.u32", e.divide(first, a.cells.m, a.cells.s))
	last := e.let("last", "add.u32", first, a.length.d)
	last = e.let("last", "sub.u32", e.let("last", "add.u32", last, a.cells.d), "1")
	e.set(hi, "mov.u32", e.divide(last, a.cells.m, a.cells.s))
	e.raw("bra %s;", done)
	e.at(fixed)
	e.set(lo, "mul.lo.u32", i, a.stride.d)
	e.set(lo, "sub.u32", lo, a.pad)
	e.set(hi, "add.u32", lo, a.k)
	e.set(hi, "min.s32", hi, a.length.d)
	e.set(lo, "max.s32", lo, "0")
	e.at(done)
	return lo, hi
}

// readers is the first cell whose window holds place x along an axis, and the one
// after the last.
func (p *pooling) readers(a along, x string) (lo, hi string) {
	e := p.e
	e.note("the cells whose windows hold this place")
	lo, hi = e.reg("u32", "lo"), e.reg("u32", "hi")
	fixed, done := e.label("fixed"), e.label("readers")
	e.unless(p.adaptive, fixed)
	first := e.let("first", "mul.lo.u32", x, a.cells.d)
	e.set(lo, "mov.u32", e.divide(first, a.length.m, a.length.s))
	last := e.let("last", "add.u32", first, a.cells.d)
	last = e.let("last", "sub.u32", e.let("last", "add.u32", last, a.length.d), "1")
	e.set(hi, "mov.u32", e.divide(last, a.length.m, a.length.s))
	e.raw("bra %s;", done)
	e.at(fixed)
	t := e.let("t", "add.u32", x, a.pad)
	e.set(hi, "add.u32", e.divide(t, a.stride.m, a.stride.s), "1")
	e.set(hi, "min.u32", hi, a.cells.d)
	e.set(lo, "mov.u32", "0")
	beyond := e.let("beyond", "setp.ge.u32", t, a.k)
	e.unless(beyond, done)
	before := e.let("before", "sub.u32", t, a.k)
	e.set(lo, "add.u32", e.divide(before, a.stride.m, a.stride.s), "1")
	e.at(done)
	return lo, hi
}

// divided is the number that an average over a window is divided by.
func (p *pooling) divided(rows, cols [2]string) string {
	e := p.e
	whole := e.let("whole", "mul.lo.u32", p.kh, p.kw)
	own := e.let("own", "mul.lo.u32", e.let("high", "sub.u32", rows[1], rows[0]), e.let("broad", "sub.u32", cols[1], cols[0]))
	e.set(own, "selp.u32", own, whole, p.adaptive)
	return e.let("over", "rcp.rn.f32", e.let("over", "cvt.rn.f32.u32", own))
}

// place is element (row, col) of an image or of the cells, in the thread's channel.
func (p *pooling) place(h, w divisor, row, col string) string {
	e := p.e
	at := e.let("place", "mad.lo.u32", p.image, h.d, row)
	e.set(at, "mad.lo.u32", at, w.d, col)
	e.set(at, "mad.lo.u32", at, p.c.d, p.depth)
	return at
}

// two writes two nested loops.
func (e *entry) two(rows, cols [2]string, body func(r, c string)) {
	r := e.let("r", "mov.u32", rows[0])
	e.loop("rows", func() string { return e.let("more", "setp.lt.s32", r, rows[1]) }, func() {
		c := e.let("k", "mov.u32", cols[0])
		e.loop("cols", func() string { return e.let("more", "setp.lt.s32", c, cols[1]) }, func() {
			body(r, c)
			e.set(c, "add.u32", c, "1")
		})
		e.set(r, "add.u32", r, "1")
	})
}

// cell is the window of the thread's cell.
func (p *pooling) cell() (rows, cols [2]string) {
	rows[0], rows[1] = p.window(p.rows(), p.row)
	cols[0], cols[1] = p.window(p.cols(), p.col)
	return rows, cols
}

// pixel is the cells that hold the thread's pixel.
func (p *pooling) pixel() (rows, cols [2]string) {
	rows[0], rows[1] = p.readers(p.rows(), p.row)
	cols[0], cols[1] = p.readers(p.cols(), p.col)
	return rows, cols
}

func maxPool() *entry {
	e := newEntry("maxpool", "maxpool: y = the largest of each window, index = its place row*w+col, of the first of equals,\nas float32. The first NaN wins."+poolDoc)
	y, index, x := e.ptr("y"), e.ptr("index"), e.ptr("x")
	p := e.pooling(true)
	rows, cols := p.cell()
	top := e.let("top", "mov.f32", minusInfinity)
	at := e.let("at", "mad.lo.u32", rows[0], p.w.d, cols[0])
	e.two(rows, cols, func(r, c string) {
		v := e.load("v", e.element("at_x", x, p.place(p.h, p.w, r, c)), 1)[0]
		e.note("larger, or NaN against a number")
		number := e.let("number", "setp.num.f32", top, top)
		take := e.let("take", "setp.gtu.and.f32", v, top, number)
		e.guard(take, "mov.f32", top, v)
		e.guard(take, "mad.lo.u32", at, r, p.w.d, c)
	})
	e.store(e.element("at_y", y, p.element), []string{top})
	e.store(e.element("at_i", index, p.element), []string{e.let("place", "cvt.rn.f32.u32", at)})
	e.do("ret")
	return e
}

func avgPool() *entry {
	e := newEntry("avgpool", "avgpool: y = the average of each window, places outside the image counting as zeros."+poolDoc)
	y, x := e.ptr("y"), e.ptr("x")
	p := e.pooling(true)
	rows, cols := p.cell()
	sum := e.let("sum", "mov.f32", imm(0))
	e.two(rows, cols, func(r, c string) {
		v := e.load("v", e.element("at_x", x, p.place(p.h, p.w, r, c)), 1)
		e.set(sum, "add.rn.f32", sum, v[0])
	})
	e.store(e.element("at_y", y, p.element), []string{e.mul("mean", sum, p.divided(rows, cols))})
	e.do("ret")
	return e
}

func poolPick() *entry {
	e := newEntry("maxpool_pick", "maxpool_pick: y = x at the places that maxpool found."+poolDoc)
	y, x, index := e.ptr("y"), e.ptr("x"), e.ptr("index")
	p := e.pooling(true)
	f := e.load("f", e.element("at_i", index, p.element), 1)
	k := e.let("k", "cvt.rzi.u32.f32", f[0])
	first := e.let("first", "mul.lo.u32", p.image, e.let("pixels", "mul.lo.u32", p.h.d, p.w.d))
	at := e.let("place", "mad.lo.u32", e.let("place", "add.u32", first, k), p.c.d, p.depth)
	e.store(e.element("at_y", y, p.element), e.load("v", e.element("at_x", x, at), 1))
	e.do("ret")
	return e
}

func poolPlace() *entry {
	e := newEntry("maxpool_place", "maxpool_place: y = the sum of g over the cells whose place, by index, this pixel is."+poolDoc)
	y, g, index := e.ptr("y"), e.ptr("g"), e.ptr("index")
	p := e.pooling(false)
	rows, cols := p.pixel()
	own := e.let("own", "mad.lo.u32", p.row, p.w.d, p.col)
	sum := e.let("sum", "mov.f32", imm(0))
	e.two(rows, cols, func(r, c string) {
		at := p.place(p.outH, p.outW, r, c)
		f := e.load("f", e.element("at_i", index, at), 1)
		here := e.let("here", "setp.eq.u32", e.let("k", "cvt.rzi.u32.f32", f[0]), own)
		v := e.let("v", "mov.f32", imm(0))
		e.guard(here, "ld.global.f32", v, "["+e.element("at_g", g, at)+"]")
		e.set(sum, "add.rn.f32", sum, v)
	})
	e.store(e.element("at_y", y, p.element), []string{sum})
	e.do("ret")
	return e
}

func avgSpread() *entry {
	e := newEntry("avgpool_spread", "avgpool_spread: y = the sum of g/size over the windows that hold this pixel."+poolDoc)
	y, g := e.ptr("y"), e.ptr("g")
	p := e.pooling(false)
	rows, cols := p.pixel()
	sum := e.let("sum", "mov.f32", imm(0))
	e.two(rows, cols, func(r, c string) {
		v := e.load("v", e.element("at_g", g, p.place(p.outH, p.outW, r, c)), 1)
		var wr, wc [2]string
		wr[0], wr[1] = p.window(p.rows(), r)
		wc[0], wc[1] = p.window(p.cols(), c)
		e.set(sum, "fma.rn.f32", v[0], p.divided(wr, wc), sum)
	})
	e.store(e.element("at_y", y, p.element), []string{sum})
	e.do("ret")
	return e
}
