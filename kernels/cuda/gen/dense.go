package main

import "fmt"

// denseFile is ptx/dense_fp32.ptx and the like.
func denseFile(precision string) func() []*entry {
	return func() (all []*entry) {
		for _, t := range []struct{ bn, v int }{{64, 4}, {32, 1}} {
			all = append(all, affineForward(precision, t.bn, t.v, false), affineForward(precision, t.bn, t.v, true), affineInputGrad(precision, t.bn, t.v),
				affineWeightGrad(precision, t.bn, t.v, false), affineWeightGrad(precision, t.bn, t.v, true))
		}
		return all
	}
}

const (
	mostParts    = 32   // parts of one launch
	mostChannels = 1024 // channels of one launch
)

const partsDoc = `
The c channels lie in up to 32 parts, tensors [m][ldk]: part k begins at channel startk, at
address xk, and is ldk channels wide where it lies; parts that are not there begin behind the
last channel. h = max(scale*x + shift, 0), and x passes where scale*x + shift > 0.`

// table is what the block knows of channels, in shared memory: where they lie in each
// tensor (0 where they do not) and how wide that is.
type table struct {
	at []string // addresses of arrays of 64-bit addresses
	ld string   // address of an array of widths
}

// parts declares the parts of tensors by name and fills a table of so many channels
// from first on.
func (p *product) parts(first, count string, room int, tensors ...string) table {
	fields := []field{{u32Param, "start"}, {u32Param, "ld"}}
	for _, name := range tensors {
		fields = append(fields, field{ptrParam, name})
	}
	find := p.piecesOf(mostParts, fields...)
	var t table
	for _, name := range tensors {
		mem := fmt.Sprintf("table_%s", name)
		p.shared = append(p.shared, fmt.Sprintf(".shared .align 16 .b64 %s[%d];", mem, room))
		t.at = append(t.at, p.let("table_"+name+"_at", "mov.u32", mem))
	}
	p.shared = append(p.shared, fmt.Sprintf(".shared .align 16 .b32 table_ld[%d];", room))
	t.ld = p.let("table_ld_at", "mov.u32", "table_ld")

	i := p.let("i", "mov.u32", p.tid)
	p.loop("table", func() string { return p.let("more", "setp.lt.u32", i, count) }, func() {
		c := p.let("channel", "add.u32", first, i)
		own := find(c)
		start, ld, at := own[0], own[1], own[2:]
		inside := p.let("inside", "sub.u32", c, start)
		for j := range at {
			there := p.let("there", "setp.ne.u64", at[j], "0")
			p.raw("@%s mad.wide.u32 %s, %s, 4, %s;", there, at[j], inside, at[j])
			p.raw("st.shared.b64 [%s], %s;", p.let("to_t", "mad.lo.u32", i, "8", t.at[j]), at[j])
		}
		p.raw("st.shared.b32 [%s], %s;", p.let("to_t", "mad.lo.u32", i, "4", t.ld), ld)
		p.set(i, "add.u32", i, fmt.Sprint(blockLanes))
	})
	p.do("bar.sync", "0")
	return t
}

// channel reads the table: addresses and width of channel i of it.
func (p *product) channel(t table, i string) (at []string, ld string) {
	for _, mem := range t.at {
		r := p.reg("u64", "base")
		p.raw("ld.shared.b64 %s, [%s];", r, p.let("from_t", "mad.lo.u32", i, "8", mem))
		at = append(at, r)
	}
	ld = p.reg("u32", "ld")
	p.raw("ld.shared.b32 %s, [%s];", ld, p.let("from_t", "mad.lo.u32", i, "4", t.ld))
	return at, ld
}

// perChannel loads v numbers of an array of channels.
func (p *product) perChannel(guard, base, c string) []string {
	r := make([]string, p.v)
	for i := range r {
		r[i] = p.reg("f32", "k")
	}
	p.loadInto(guard, p.element("from_k", base, c), r)
	return r
}

// activate turns x into h where the guard holds, and 0 elsewhere.
func (p *product) activate(guard, x, s, b, to string) {
	p.set(to, "max.f32", p.fma("t", x, s, b), imm(0))
	p.set(to, "selp.f32", to, imm(0), guard)
}

// passed turns u into what of it passes, times k if that is not "".
func (p *product) passed(guard, x, s, b, u, k, to string) {
	passes := p.let("passes", "setp.gt.and.f32", p.fma("t", x, s, b), imm(0), guard)
	if k != "" {
		u = p.mul("t", u, k)
	}
	p.set(to, "selp.f32", u, imm(0), passes)
}

// affineForward is y = h w, or the scaled tangent's: y = (scale*t) w, where t is what
// of u passes.
func affineForward(precision string, bn, v int, tangent bool) *entry {
	name, doc, tensors := "affineconv", "affineconv: y = h w + sum.", []string{"x"}
	if tangent {
		name, doc, tensors = "affineconv_t", "affineconv_t: y = (scale*t) w + sum, where t is what of u passes.", []string{"x", "u"}
	}
	p := newProduct(name, doc+partsDoc, precision, bn, v)
	y, sum, w, scale, shift := p.ptr("y"), p.ptr("sum"), p.ptr("w"), p.ptr("scale"), p.ptr("shift")
	m, n, c := p.num("m"), p.num("n"), p.num("c")
	p.begin()
	t := p.parts("0", c, mostChannels, tensors...)
	row, inside, depth := p.along(m)
	col, pair := p.bAcross()
	fetch := func(step string) {
		first := p.let("first", "shl.b32", step, "4")
		for j := 0; j < depthsOfA; j += v {
			d := p.let("d", "add.u32", p.let("d", "add.u32", first, depth), fmt.Sprint(j))
			p.inTable(d, c, inside, func(there string) {
				at, ld := p.channel(t, d)
				place := p.let("place_a", "mul.lo.u32", row, ld)
				x := p.spare("x")
				p.loadInto(there, p.element("from_a", at[0], place), x)
				s, b := p.perChannel(there, scale, d), p.perChannel(there, shift, d)
				if !tangent {
					for i := range v {
						p.activate(there, x[i], s[i], b[i], p.a[j+i])
					}
					return
				}
				u := p.spare("u")
				has := p.let("has", "setp.ne.and.u64", at[1], "0", there)
				p.loadInto(has, p.element("from_u", at[1], place), u)
				for i := range v {
					p.passed(there, x[i], s[i], b[i], u[i], s[i], p.a[j+i])
				}
			}, p.a[j:j+v])
		}
		p.fetchAcross(w, n, first, c, n, col, pair)
	}
	p.run("0", p.steps(c), fetch, func() { p.keepAlong(); p.keepBAcross() })
	p.results(y, sum, m, n, n, "0")
	p.do("ret")
	return p.entry
}

// spare is registers for v elements.
func (p *product) spare(name string) []string {
	r := make([]string, p.v)
	for i := range r {
		r[i] = p.reg("f32", name)
	}
	return r
}

// inTable runs body for threads whose channel is in the table and whose row is
// inside, and clears the registers of the others.
func (p *product) inTable(d, channels, inside string, body func(there string), to []string) {
	there := p.let("there", "setp.lt.and.u32", d, channels, inside)
	for _, r := range to {
		p.set(r, "mov.f32", imm(0))
	}
	skip := p.label("skip")
	p.unless(there, skip)
	body(there)
	p.at(skip)
}

// affineWeightGrad is dw = h' g, or t' g, or their terms for a part of the rows.
func affineWeightGrad(precision string, bn, v int, tangent bool) *entry {
	name, doc, tensors := "affineconv_dw", "affineconv_dw: dw = h' g, or its terms for a part of the rows, of which a part has per times 16."+lastNote, []string{"x"}
	if tangent {
		name, doc, tensors = "affineconv_tw", "affineconv_tw: dw = t' g, where t is what of u passes, or its terms for a part of the rows, of which a part\nhas per times 16."+lastNote, []string{"x", "u"}
	}
	p := newProduct(name, doc+partsDoc, precision, bn, v)
	y, g, scale, shift := p.ptr("y"), p.ptr("g"), p.ptr("scale"), p.ptr("shift")
	result := p.partedParams(y)
	m, n, c := p.num("m"), p.num("n"), p.num("c")
	per, part := p.num("per"), p.num("part")
	result.parts, result.size = p.let("parts", "mov.u32", "%nctaid.z"), part
	p.begin()
	room := p.let("room", "min.u32", p.let("room", "sub.u32", c, p.m0), fmt.Sprint(tileM))
	t := p.parts(p.m0, room, tileM, tensors...)
	row, pair := p.across()
	type place struct {
		at     []string
		ld     string
		s, b   []string
		inside string
	}
	var places []place
	for j := 0; j < 4; j += v {
		d := p.let("d", "add.u32", row, fmt.Sprint(j))
		pl := place{inside: p.let("in_a", "setp.lt.u32", d, c)}
		local := p.let("local", "min.u32", p.let("local", "sub.u32", d, p.m0), p.let("end", "sub.u32", room, "1"))
		pl.at, pl.ld = p.channel(t, local)
		pl.s, pl.b = p.perChannel(pl.inside, scale, d), p.perChannel(pl.inside, shift, d)
		places = append(places, pl)
	}
	col, pairB := p.bAcross()
	fetch := func(step string) {
		first := p.let("first", "shl.b32", step, "4")
		for i := range 2 {
			d := p.let("d", "add.u32", p.let("d", "add.u32", first, pair), fmt.Sprint(i))
			inDepth := p.let("in_depth", "setp.lt.u32", d, m)
			for j, pl := range places {
				there := p.let("there", "and.pred", inDepth, pl.inside)
				at := p.let("place_a", "mul.lo.u32", d, pl.ld)
				x := p.spare("x")
				p.loadInto(there, p.element("from_a", pl.at[0], at), x)
				to := p.a[4*i+j*v : 4*i+j*v+v]
				if !tangent {
					for q := range v {
						p.activate(there, x[q], pl.s[q], pl.b[q], to[q])
					}
					continue
				}
				u := p.spare("u")
				has := p.let("has", "setp.ne.and.u64", pl.at[1], "0", there)
				p.loadInto(has, p.element("from_u", pl.at[1], at), u)
				for q := range v {
					p.passed(there, x[q], pl.s[q], pl.b[q], u[q], "", to[q])
				}
			}
		}
		p.fetchAcross(g, n, first, m, n, col, pairB)
	}
	which := p.let("which", "mov.u32", "%ctaid.z")
	begin := p.let("begin", "mul.lo.u32", which, per)
	end := p.let("end", "min.u32", p.let("end", "add.u32", begin, per), p.steps(m))
	p.run(begin, end, fetch, func() { p.keepAcross(); p.keepBAcross() })
	none := p.let("none", "mov.u64", "0")
	p.results(y, none, c, n, n, p.let("offset", "mul.lo.u32", which, part))
	p.lastAdds(result, p.tileNumber("0"), c, n, n, "0")
	p.do("ret")
	return p.entry
}

// affineInputGrad is the gradient of the parts: scale * what of g w' passes, plus
// tensors like the parts where there are some; and the sums of the channels over the
// rows of each tile.
func affineInputGrad(precision string, bn, v int) *entry {
	p := newProduct("affineconv_dx", `affineconv_dx: with gh = what of g w' passes, out = scale*gh + onto, a tensor for each part; and, where
sums is not 0, for each tile of 128 rows the sums of gh*x and of gh, at sums and sums1.`+partsDoc, precision, bn, v)
	g, w, scale, shift, sums, sums1 := p.ptr("g"), p.ptr("w"), p.ptr("scale"), p.ptr("shift"), p.ptr("sums"), p.ptr("sums1")
	m, n, c := p.num("m"), p.num("n"), p.num("c")
	p.begin()
	room := p.let("room", "min.u32", p.let("room", "sub.u32", c, p.n0), fmt.Sprint(bn))
	t := p.parts(p.n0, room, bn, "x", "out", "onto")
	row, inside, depth := p.along(m)
	from := p.let("row_place", "mul.lo.u32", row, n)
	col, depthB := p.bAlong()
	inB := p.andLoads("in_b", "setp.lt.u32", col, c)
	fetch := func(step string) {
		first := p.let("first", "shl.b32", step, "4")
		for j := 0; j < depthsOfA; j += v {
			d := p.let("d", "add.u32", p.let("d", "add.u32", first, depth), fmt.Sprint(j))
			there := p.let("there", "setp.lt.and.u32", d, n, inside)
			p.loadInto(there, p.element("from_a", g, p.let("place_a", "add.u32", from, d)), p.a[j:j+v])
		}
		count, v := p.depthsOfB(), 1
		if p.v == 4 && count%4 == 0 {
			v = 4
		}
		for j := 0; j < count; j += v {
			d := p.let("d", "add.u32", p.let("d", "add.u32", first, depthB), fmt.Sprint(j))
			there := p.let("there", "setp.lt.and.u32", d, n, inB)
			p.loadInto(there, p.element("from_b", w, p.let("place_b", "mad.lo.u32", col, n, d)), p.b[j:j+v])
		}
	}
	p.run("0", p.steps(n), fetch, func() { p.keepAlong(); p.keepBAlong() })
	p.partResults(t, m, c, scale, shift, sums, sums1)
	p.do("ret")
	return p.entry
}

// partResults writes the tile's sums, masked and scaled, to where their channels lie.
func (p *product) partResults(t table, m, c, scale, shift, sums, sums1 string) {
	var withX, alone [][]string
	for k, cols := range p.accCols {
		var lineX, line []string
		for j, col := range cols {
			sx, s1 := p.let("sum_x", "mov.f32", imm(0)), p.let("sum_1", "mov.f32", imm(0))
			lineX, line = append(lineX, sx), append(line, s1)
			inC := p.let("in_c", "setp.lt.u32", col, c)
			skip := p.label("skip")
			p.unless(inC, skip)
			at, ld := p.channel(t, p.let("local", "sub.u32", col, p.n0))
			s, b := p.load("s", p.element("from_k", scale, col), 1)[0], p.load("b", p.element("from_k", shift, col), 1)[0]
			adds := p.let("adds", "setp.ne.u64", at[2], "0")
			for i, row := range p.accRows {
				in := p.let("in_y", "setp.lt.u32", row, m)
				place := p.let("place", "mul.lo.u32", row, ld)
				x, before := []string{p.reg("f32", "x")}, []string{p.reg("f32", "before")}
				p.loadInto(in, p.element("at_x", at[0], place), x)
				also := p.let("also", "and.pred", in, adds)
				p.loadInto(also, p.element("at_onto", at[2], place), before)
				gh := p.reg("f32", "gh")
				p.passed(in, x[0], s, b, p.acc[i][k*len(cols)+j], "", gh)
				p.raw("@%s st.global.f32 [%s], %s;", in, p.element("at_out", at[1], place), p.fma("out", s, gh, before[0]))
				p.set(sx, "fma.rn.f32", gh, x[0], sx)
				p.set(s1, "add.rn.f32", gh, s1)
			}
			p.at(skip)
		}
		withX, alone = append(withX, lineX), append(alone, line)
	}
	none, end := p.let("none", "setp.eq.u64", sums, "0"), p.label("end")
	p.when(none, end)
	p.columnSums(sums, c, withX)
	p.columnSums(sums1, c, alone)
	p.at(end)
}
