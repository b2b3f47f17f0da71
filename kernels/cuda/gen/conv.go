package main

import "fmt"

// convFile is ptx/conv_fp32.ptx and the like: a device loads the precision that it is
// asked for.
func convFile(precision string) func() []*entry {
	return func() (all []*entry) {
		for _, t := range tiles {
			all = append(all, convForward(precision, t.bn, t.v), convInputGrad(precision, t.bn, t.v), convWeightGrad(precision, t.bn, t.v))
		}
		return all
	}
}

const convDoc = `
Blocks of %s; images are [n][h][w][c], weights [kh][kw][c/groups][k]. ctaid.z is the
group%s: za, zb and zy are the elements from one group to the next in A, B and y, or, in
matrix products, from one matrix to the next. sum is 0 or what the result is added to.`

func convNote(bn int, more string) string {
	return fmt.Sprintf(convDoc, fmt.Sprintf("128 x %d results", bn), more)
}

// geometry is a convolution as parameters. high and wide are the size of the images
// that A is gathered from; pixels are numbered in images of area pixels, of width.
type geometry struct {
	area, width, inner, kw divisor
	high, wide             string
	strideH, strideW       divisor
	padH, padW             string
	dilH, dilW             string
}

func (e *entry) geometry() geometry {
	return geometry{area: e.divisor("area"), width: e.divisor("width"), inner: e.divisor("inner"), kw: e.divisor("kw"),
		high: e.num("high"), wide: e.num("wide"), strideH: e.divisor("stride_h"), strideW: e.divisor("stride_w"),
		padH: e.num("pad_h"), padW: e.num("pad_w"), dilH: e.num("dil_h"), dilW: e.num("dil_w")}
}

// pixel is the place of a pixel: its image's first pixel among those gathered from,
// its row and its column.
func (g geometry) pixel(e *entry, i string) (base, row, col string) {
	image, rest := g.area.over(e, i)
	row, col = g.width.over(e, rest)
	base = e.let("image", "mul.lo.u32", image, e.let("size", "mul.lo.u32", g.high, g.wide))
	return base, row, col
}

// tap is the place of a weight: row and column of the kernel, times the dilation, and
// channel.
func (g geometry) tap(e *entry, r string) (h, w, c string) {
	t, c := g.inner.over(e, r)
	kh, kw := g.kw.over(e, t)
	return e.let("tap_h", "mul.lo.u32", kh, g.dilH), e.let("tap_w", "mul.lo.u32", kw, g.dilW), c
}

// layer moves a pointer to the block's group.
func (e *entry) layer(base, z, step string) string {
	return e.element("layer", base, e.let("offset", "mul.lo.u32", z, step))
}

// gathering is what the convolution and its gradient of the input have in common: the
// parameters, and the place of the thread's row of A.
type gathering struct {
	geometry
	y, sum, x, w       string
	m, n, r            string // rows, columns, depth
	ldx, ldy, ldw      string
	offset             string // of the block's group in y
	row, inside, depth string // as along returns them
}

func (p *product) gathering() gathering {
	o := gathering{y: p.ptr("y"), sum: p.ptr("sum"), x: p.ptr("x"), w: p.ptr("w"), m: p.num("m"), n: p.num("n"), r: p.num("r"),
		ldx: p.num("ldx"), ldy: p.num("ldy"), ldw: p.num("ldw")}
	za, zb, zy := p.num("za"), p.num("zb"), p.num("zy")
	o.geometry = p.geometry()
	p.begin()
	z := p.let("z", "mov.u32", "%ctaid.z")
	o.x, o.w, o.offset = p.layer(o.x, z, za), p.layer(o.w, z, zb), p.let("zy0", "mul.lo.u32", z, zy)
	o.row, o.inside, o.depth = p.along(o.m)
	return o
}

// fetchAlong loads the thread's elements of A: pixel finds the pixel that a weight at
// rows and columns th, tw of the kernel reads, and whether there is one.
func (p *product) fetchAlong(o gathering, base, first string, pixel func(there, th, tw string) (h, w, still string)) {
	for j := 0; j < depthsOfA; j += p.v {
		d := p.let("d", "add.u32", p.let("d", "add.u32", first, o.depth), fmt.Sprint(j))
		th, tw, c := o.tap(p.entry, d)
		h, w, there := pixel(p.let("there", "setp.lt.and.u32", d, o.r, o.inside), th, tw)
		p.gather(there, o.x, base, h, w, o.geometry, o.ldx, c, p.a[j:j+p.v])
	}
}

// steps is the number of steps that a depth takes.
func (p *product) steps(depth string) string {
	return p.let("steps", "shr.u32", p.let("steps", "add.u32", depth, "15"), "4")
}

func convForward(precision string, bn, v int) *entry {
	p := newProduct("conv", "conv: y = x * w. A is x, a row an output pixel, its depth the weights of an output."+"\n"+convNote(bn, "")[1:], precision, bn, v)
	o := p.gathering()
	g := o.geometry
	base, oh, ow := g.pixel(p.entry, o.row)
	p.note("where the first weight's pixel is; before the image it wraps around, so one comparison is enough")
	h0 := p.let("h0", "sub.u32", p.let("h0", "mul.lo.u32", oh, g.strideH.d), g.padH)
	w0 := p.let("w0", "sub.u32", p.let("w0", "mul.lo.u32", ow, g.strideW.d), g.padW)
	col, pair := p.bAcross()
	fetch := func(step string) {
		first := p.let("first", "shl.b32", step, "4")
		p.fetchAlong(o, base, first, func(there, th, tw string) (h, w, still string) {
			return p.let("h", "add.u32", h0, th), p.let("w", "add.u32", w0, tw), there
		})
		p.fetchAcross(o.w, o.ldw, first, o.r, o.n, col, pair)
	}
	p.run("0", p.steps(o.r), fetch, func() { p.keepAlong(); p.keepBAcross() })
	p.results(o.y, o.sum, o.m, o.n, o.ldy, o.offset)
	p.do("ret")
	return p.entry
}

// gather loads elements of a pixel, zeros outside of the image.
func (p *product) gather(guard, x, base, h, w string, g geometry, ld, c string, to []string) {
	guard = p.let("there", "setp.lt.and.u32", h, g.high, guard)
	guard = p.let("there", "setp.lt.and.u32", w, g.wide, guard)
	pixel := p.let("pixel", "add.u32", p.let("pixel", "mad.lo.u32", h, g.wide, w), base)
	p.loadInto(guard, p.element("from_a", x, p.let("place_a", "mad.lo.u32", pixel, ld, c)), to)
}

func convInputGrad(precision string, bn, v int) *entry {
	p := newProduct("conv_dx", "conv_dx: dx = dy * w transposed. A is dy, a row an input pixel, its depth the weights that read it."+"\n"+convNote(bn, "")[1:], precision, bn, v)
	o := p.gathering()
	g := o.geometry
	base, ih, iw := g.pixel(p.entry, o.row)
	h0, w0 := p.let("h0", "add.u32", ih, g.padH), p.let("w0", "add.u32", iw, g.padW)
	col, depthB := p.bAlong()
	inB := p.andLoads("in_b", "setp.lt.u32", col, o.n)
	fetch := func(step string) {
		first := p.let("first", "shl.b32", step, "4")
		p.fetchAlong(o, base, first, func(there, th, tw string) (h, w, still string) {
			h, there = p.divided(there, p.let("h", "sub.u32", h0, th), g.strideH)
			w, there = p.divided(there, p.let("w", "sub.u32", w0, tw), g.strideW)
			return h, w, there
		})
		p.weightsAlong(o.w, g, first, depthB, o.r, o.n, o.ldw, col, inB)
	}
	p.run("0", p.steps(o.r), fetch, func() { p.keepAlong(); p.keepBAlong() })
	p.results(o.y, o.sum, o.m, o.n, o.ldy, o.offset)
	p.do("ret")
	return p.entry
}

// divided is i/d, and whether it is a whole number, for an i that may have wrapped
// around below 0.
func (p *product) divided(guard, i string, d divisor) (q, whole string) {
	q, rest := d.over(p.entry, i)
	whole = p.let("there", "setp.eq.and.u32", rest, "0", guard)
	return q, p.let("there", "setp.ge.and.s32", i, "0", whole)
}

// weightsAlong loads weights of one input channel, neighbours along the outputs:
// element (r, n) of B is w[tap of r][n][output of r]; n is the number of channels.
func (p *product) weightsAlong(w string, g geometry, first, depth, r, n, ldw, col, inside string) {
	count := p.depthsOfB()
	v := 1
	if p.v == 4 && count%4 == 0 {
		v = 4
	}
	for j := 0; j < count; j += v {
		d := p.let("d", "add.u32", p.let("d", "add.u32", first, depth), fmt.Sprint(j))
		tap, k := g.inner.over(p.entry, d)
		there := p.let("there", "setp.lt.and.u32", d, r, inside)
		at := p.let("place_b", "mad.lo.u32", tap, n, col)
		at = p.let("place_b", "mad.lo.u32", at, ldw, k)
		p.loadInto(there, p.element("from_b", w, at), p.b[j:j+v])
	}
}

func convWeightGrad(precision string, bn, v int) *entry {
	p := newProduct("conv_dw", "conv_dw: dw = x transposed * dy, or its terms for a part of the pixels. A is x, a row a weight of an\noutput, its depth the output pixels, of which a part has per times 16."+lastNote+"\n"+convNote(bn, " times parts, and the part")[1:], precision, bn, v)
	y, x, dy := p.ptr("y"), p.ptr("x"), p.ptr("dy")
	result := p.partedParams(y)
	m, n, r := p.num("m"), p.num("n"), p.num("r")
	ldx, ldy, ldw := p.num("ldx"), p.num("ldy"), p.num("ldw")
	za, zb, zy := p.num("za"), p.num("zb"), p.num("zy")
	parts, per, part := p.divisor("parts"), p.num("per"), p.num("part")
	g := p.geometry()
	p.begin()
	group, which := parts.over(p.entry, p.let("z", "mov.u32", "%ctaid.z"))
	x, dy = p.layer(x, group, za), p.layer(dy, group, zb)
	row, pair := p.across()
	type place struct{ th, tw, c, inside string }
	var places []place
	for j := 0; j < 4; j += v {
		d := p.let("d", "add.u32", row, fmt.Sprint(j))
		th, tw, c := g.tap(p.entry, d)
		places = append(places, place{p.let("th", "sub.u32", th, g.padH), p.let("tw", "sub.u32", tw, g.padW), c, p.let("in_a", "setp.lt.u32", d, r)})
	}
	col, pairB := p.bAcross()
	fetch := func(step string) {
		first := p.let("first", "shl.b32", step, "4")
		for i := range 2 {
			d := p.let("d", "add.u32", p.let("d", "add.u32", first, pair), fmt.Sprint(i))
			base, oh, ow := g.pixel(p.entry, d)
			inside := p.let("in_depth", "setp.lt.u32", d, m)
			for j, at := range places {
				there := p.let("there", "and.pred", inside, at.inside)
				h := p.let("h", "mad.lo.u32", oh, g.strideH.d, at.th)
				w := p.let("w", "mad.lo.u32", ow, g.strideW.d, at.tw)
				p.gather(there, x, base, h, w, g, ldx, at.c, p.a[4*i+j*v:4*i+j*v+v])
			}
		}
		p.fetchAcross(dy, ldy, first, m, n, col, pairB)
	}
	begin := p.let("begin", "mul.lo.u32", which, per)
	end := p.let("end", "min.u32", p.let("end", "add.u32", begin, per), p.steps(m))
	p.run(begin, end, fetch, func() { p.keepAcross(); p.keepBAcross() })
	none := p.let("none", "mov.u64", "0")
	offset := p.let("offset", "mul.lo.u32", group, zy)
	p.results(y, none, r, n, ldw, p.let("offset", "mad.lo.u32", which, part, offset))
	result.parts, result.size = parts.d, part
	p.lastAdds(result, p.tileNumber(group), r, n, ldw, offset)
	if precision != "fp32" && bn == 64 {
		p.blocks = 3 // adding the parts would keep a third block out; float32 would spill on sm_100
	}
	p.do("ret")
	return p.entry
}
