package main

import "fmt"

// results writes the tile's sums: y[row*ld + offset + col], plus the same element of
// sum, if there is one.
func (p *product) results(y, sum, m, n, ld, offset string) {
	adds := p.let("adds", "setp.ne.u64", sum, "0")
	for i, row := range p.accRows {
		in := p.let("in_y", "setp.lt.u32", row, m)
		first := p.let("place_y", "mad.lo.u32", row, ld, offset)
		for k, cols := range p.accCols {
			acc := p.acc[i][k*len(cols) : (k+1)*len(cols)]
			if p.v == 4 {
				p.resultVector(y, sum, adds, in, first, n, cols[0], acc)
				continue
			}
			for j, col := range cols {
				p.resultVector(y, sum, adds, in, first, n, col, acc[j:j+1])
			}
		}
	}
}

// resultVector writes one, two or four neighbouring results.
func (p *product) resultVector(y, sum, adds, in, first, n, col string, acc []string) {
	in = p.let("in_y", "setp.lt.and.u32", col, n, in)
	at := p.let("place_y", "add.u32", first, col)
	op := map[int]string{1: "global.f32", 2: "global.v2.f32", 4: "global.v4.f32"}[len(acc)]
	also := p.let("also", "and.pred", in, adds)
	var before []string
	for range acc {
		before = append(before, p.let("before", "mov.f32", imm(0)))
	}
	p.raw("@%s ld.%s %s, [%s];", also, op, vector(before), p.element("at_sum", sum, at))
	out := make([]string, len(acc))
	for i := range acc {
		out[i] = p.add("out", before[i], acc[i])
	}
	p.raw("@%s st.%s [%s], %s;", in, op, p.element("at_y", y, at), vector(out))
}

// columnSums adds up a value of each thread for each of its columns over the rows of
// the tile, in the order of the rows' threads, and writes the sums of the columns
// that there are to y[tile][col].
func (p *product) columnSums(y, n string, values [][]string) {
	slots, slot := p.rowSlots()
	p.do("bar.sync", "0")
	for k, cols := range p.accCols {
		for j := range cols {
			c := p.let("local", "sub.u32", cols[j], p.n0)
			at := p.let("to_s", "mad.lo.u32", slot, fmt.Sprint(p.bn), c)
			at = p.let("to_s", "mad.lo.u32", at, "4", p.memA)
			p.raw("st.shared.f32 [%s], %s;", at, values[k][j])
		}
	}
	p.do("bar.sync", "0")
	done := p.label("summed")
	col := p.let("col_s", "add.u32", p.n0, p.tid)
	p.when(p.let("rest", "setp.ge.u32", p.tid, fmt.Sprint(p.bn)), done)
	p.when(p.let("rest", "setp.ge.u32", col, n), done)
	from := p.let("from_s", "mad.lo.u32", p.tid, "4", p.memA)
	total := p.let("total", "mov.f32", imm(0))
	for i := range slots {
		t := p.reg("f32", "t")
		p.raw("ld.shared.f32 %s, [%s+%d];", t, from, 4*i*p.bn)
		p.set(total, "add.rn.f32", total, t)
	}
	to := p.let("place_s", "mad.lo.u32", p.let("tile_m", "mov.u32", "%ctaid.x"), n, col)
	p.store(p.element("at_s", y, to), []string{total})
	p.at(done)
}

// rowSlots is how many threads share a column, and the thread's number among them.
func (p *product) rowSlots() (slots int, slot string) {
	if p.precision == "fp32" {
		tx := p.bn / 4
		return blockLanes / tx, p.let("slot", "shr.u32", p.tid, fmt.Sprint(log2(tx)))
	}
	rows, _ := p.warps()
	down := tileM / rows
	lane := p.let("lane", "and.b32", p.tid, "31")
	warp := p.let("warp", "and.b32", p.let("warp", "shr.u32", p.tid, "5"), fmt.Sprint(down-1))
	return 8 * down, p.let("slot", "mad.lo.u32", warp, "8", p.let("lane_g", "shr.u32", lane, "2"))
}
