package main

import "fmt"

// The block of sum_columns: 32 columns, 8 rows at a time.
const (
	tileColumns = 32
	tileRows    = 8
)

// columnBlock is what a thread of sum_columns knows of itself.
type columnBlock struct {
	*entry
	tx, ty, column, inside string
	mem                    string // shared memory, a float32 to a thread
}

func sumColumns() *entry {
	e := newEntry("sum_columns", fmt.Sprintf(`sum_columns: y[o][i] = the sum of x[o][r][i] over the rows r; from o = first on the results are at y1[o-first].
A block of %d x %d threads does %d columns of a piece of the rows, the blocks of a piece side by side; its rows of
threads add up every %dth row, and then each other. Where there are several pieces their sums go to parts[o][p][i], and the
last block of the columns to come adds them.`, tileColumns, tileRows, tileColumns, tileRows))
	y, y1, parts, counters, x := e.ptr("y"), e.ptr("y1"), e.ptr("parts"), e.ptr("counters"), e.ptr("x")
	first, rows, inner := e.num("first"), e.num("rows"), e.num("inner")
	cut, piece := e.pieces()
	tiles := e.divisor("tiles")
	q, tile := tiles.over(e, e.let("block", "mov.u32", "%ctaid.x"))
	o, p := cut.over(e, q)
	b := columnBlock{entry: e, tx: e.let("tx", "mov.u32", "%tid.x"), ty: e.let("ty", "mov.u32", "%tid.y")}
	b.column = e.let("column", "mad.lo.u32", tile, fmt.Sprint(tileColumns), b.tx)
	b.inside = e.let("inside", "setp.lt.u32", b.column, inner)
	b.mem = e.let("base", "mov.u32", e.sharedFloats("part", tileColumns*tileRows))

	lo := e.let("lo", "mul.lo.u32", p, piece)
	end := e.let("end", "min.u32", e.let("hi", "add.u32", lo, piece), rows)
	sum := b.sum(x, o, rows, inner, lo, end)
	split, whole := e.let("split", "setp.gt.u32", cut.d, "1"), e.label("whole")
	e.unless(split, whole)
	place := e.let("to", "mad.lo.u32", q, inner, b.column)
	e.raw("@%s st.global.f32 [%s], %s;", b.leads(), e.element("at_part", parts, place), sum)
	e.lastOf(e.let("slot", "mad.lo.u32", b.ty, fmt.Sprint(tileColumns), b.tx), counters, e.let("group", "mad.lo.u32", o, tiles.d, tile), cut.d)
	e.set(sum, "mov.f32", b.sum(parts, o, cut.d, inner, e.let("zero", "mov.u32", "0"), cut.d))
	e.at(whole)
	e.set(y, "selp.b64", y1, y, e.let("second", "setp.ge.u32", o, first))
	o1 := e.let("o", "sub.u32", o, e.let("skipped", "selp.b32", first, "0", e.let("second", "setp.ge.u32", o, first)))
	e.raw("@%s st.global.f32 [%s], %s;", b.leads(), e.element("at_y", y, e.let("place", "mad.lo.u32", o1, inner, b.column)), sum)
	e.do("ret")
	return e
}

// leads says whether the thread has the sum of a column.
func (b columnBlock) leads() string {
	return b.let("leads", "setp.eq.and.u32", b.ty, "0", b.inside)
}

// sum adds up rows lo to end of x[o][rows][inner]; the first row of threads has the sums.
func (b columnBlock) sum(x, o, rows, inner, lo, end string) string {
	r := b.let("r", "add.u32", lo, b.ty)
	sum := b.let("sum", "mov.f32", imm(0))
	b.loop("rows", func() string { return b.let("more", "setp.lt.and.u32", r, end, b.inside) }, func() {
		at := b.let("place", "mad.lo.u32", o, rows, r)
		at = b.let("place", "mad.lo.u32", at, inner, b.column)
		v := b.load("v", b.element("at_x", x, at), 1)
		b.set(sum, "add.rn.f32", sum, v[0])
		b.set(r, "add.u32", r, fmt.Sprint(tileRows))
	})
	slot := b.let("slot", "mad.lo.u32", b.ty, fmt.Sprint(tileColumns), b.tx)
	b.raw("st.shared.f32 [%s], %s;", b.let("at", "mad.lo.u32", slot, "4", b.mem), sum)
	b.do("bar.sync", "0")
	from := b.let("from", "mad.lo.u32", b.tx, "4", b.mem)
	for k := 1; k < tileRows; k++ {
		t := b.reg("f32", "t")
		b.raw("ld.shared.f32 %s, [%s+%d];", t, from, 4*k*tileColumns)
		b.set(sum, "add.rn.f32", sum, t)
	}
	return sum
}

// lastOf goes on in the last block to come of count blocks that have stored parts of the
// same result, and returns in the others. tid is 0 in one thread, counter the number of the
// result's counter. Nobody else uses the shared memory that the block reads before this.
func (e *entry) lastOf(tid, counters, counter, count string) {
	e.shared = append(e.shared, ".shared .align 4 .b32 drawn;")
	drawn := e.let("drawn_at", "mov.u32", "drawn")
	most := e.let("most", "sub.u32", count, "1")
	e.do("bar.sync", "0")
	told := e.label("told")
	e.when(e.let("other", "setp.ne.u32", tid, "0"), told)
	old := e.reg("u32", "old")
	e.do("fence.acq_rel.gpu")
	e.raw("atom.inc.gpu.global.u32 %s, [%s], %s;", old, e.element("counter", counters, counter), most)
	e.do("fence.acq_rel.gpu")
	e.raw("st.shared.u32 [%s], %s;", drawn, old)
	e.at(told)
	e.do("bar.sync", "0")
	e.raw("ld.shared.u32 %s, [%s];", old, drawn)
	e.retWhen(e.let("earlier", "setp.ne.u32", old, most))
}
