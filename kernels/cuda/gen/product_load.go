package main

import "fmt"

// How the threads share a step's elements. Of A, with its rows side by side in shared
// memory: along the depth, thread i loads 8 depths of row i mod 128; across, it loads
// 4 rows of two depths. Of B: across, two depths of columns 32 apart; along, up to
// four depths of a column.

// depthsOfA is how many depths of a row a thread loads along.
const depthsOfA = tileM * tileK / blockLanes

// along declares the thread's row of A and the registers for its elements.
func (p *product) along(rows string) (row, inside, depth string) {
	for range depthsOfA {
		p.a = append(p.a, p.reg("f32", "a"))
	}
	row = p.let("row_a", "and.b32", p.tid, fmt.Sprint(tileM-1))
	p.set(row, "add.u32", row, p.m0)
	inside = p.let("in_a", "setp.lt.u32", row, rows)
	depth = p.let("depth_a", "mul.lo.u32", p.let("part", "shr.u32", p.tid, fmt.Sprint(log2(tileM))), fmt.Sprint(depthsOfA))
	return row, inside, depth
}

// keepAlong writes the elements that were loaded along.
func (p *product) keepAlong() {
	row := p.let("row_k", "and.b32", p.tid, fmt.Sprint(tileM-1))
	part := p.let("part", "shr.u32", p.tid, fmt.Sprint(log2(tileM)))
	at := p.let("to_a", "mad.lo.u32", part, fmt.Sprint(depthsOfA*p.deep()/tileK*p.ldA()), row)
	p.set(at, "mad.lo.u32", at, "4", p.memA)
	p.set(at, "add.u32", at, p.halfA)
	for j := 0; j < depthsOfA; j += 2 {
		p.keepPair("", at, p.ldA(), j, p.a[j], p.a[j+1])
	}
}

// across declares the thread's four rows of A, and the registers for two depths of
// each; pair is the first of the two depths.
func (p *product) across() (row, pair string) {
	for range 8 {
		p.a = append(p.a, p.reg("f32", "a"))
	}
	row = p.let("row_a", "and.b32", p.tid, "31")
	p.set(row, "mad.lo.u32", row, "4", p.m0)
	pair = p.let("pair_a", "shr.u32", p.tid, "5")
	p.set(pair, "shl.b32", pair, "1")
	return row, pair
}

// keepAcross writes the elements that were loaded across: a[0..3] of the first depth,
// a[4..7] of the second.
func (p *product) keepAcross() {
	at := p.let("to_a", "shl.b32", p.let("quad", "and.b32", p.tid, "31"), "2")
	rows := 2
	if p.precision == "bf16" {
		rows = 1
	}
	p.set(at, "mad.lo.u32", p.let("pair", "shr.u32", p.tid, "5"), fmt.Sprint(rows*p.ldA()), at)
	p.set(at, "mad.lo.u32", at, "4", p.memA)
	p.set(at, "add.u32", at, p.halfA)
	var words [2][]string
	for j := range 4 {
		for i, w := range p.pack(p.a[j], p.a[4+j]) {
			words[i] = append(words[i], w)
		}
	}
	for i, w := range words {
		if len(w) > 0 {
			p.raw("st.shared.v4.b32 [%s+%d], %s;", at, 4*i*p.ldA(), vector(w))
		}
	}
}

// columnsOfB is how many columns a thread loads two depths of.
func (p *product) columnsOfB() int { return max(1, p.bn/32) }

// lanesOfB is the number of columns that neighbouring threads load.
func (p *product) lanesOfB() int { return min(p.bn, 32) }

// bAcross declares the thread's columns of B and the first of its two depths.
func (p *product) bAcross() (col, pair string) {
	for range 2 * p.columnsOfB() {
		p.b = append(p.b, p.reg("f32", "b"))
	}
	lanes := p.lanesOfB()
	col = p.let("col_b", "and.b32", p.tid, fmt.Sprint(lanes-1))
	p.set(col, "add.u32", col, p.n0)
	pair = p.let("pair_b", "shr.u32", p.tid, fmt.Sprint(log2(lanes)))
	p.set(pair, "shl.b32", pair, "1")
	p.loaders(lanes * tileK / 2)
	return col, pair
}

// loaders says that only the first n threads load elements of B.
func (p *product) loaders(n int) {
	if n < blockLanes {
		p.mask = p.let("loads_b", "setp.lt.u32", p.tid, fmt.Sprint(n))
	}
}

// andLoads is a predicate that holds only for threads that load elements of B.
func (p *product) andLoads(pred, op string, a ...string) string {
	if p.mask == "" {
		return p.let(pred, op, a...)
	}
	parts := p.let(pred, op, a...)
	p.do("and.pred", parts, parts, p.mask)
	return parts
}

// fetchAcross loads two depths of the thread's columns from rows of B that are ld
// elements apart; depths is how many there are, first the number of the step's first.
func (p *product) fetchAcross(base, ld, first, depths, columns, col, pair string) {
	for i := range 2 {
		k := p.let("depth_b", "add.u32", first, pair)
		if i > 0 {
			p.set(k, "add.u32", k, "1")
		}
		there := p.andLoads("there", "setp.lt.u32", k, depths)
		at := p.let("place_b", "mad.lo.u32", k, ld, col)
		addr := p.element("from_b", base, at)
		for j := range p.columnsOfB() {
			c := p.let("c", "add.u32", col, fmt.Sprint(32*j))
			in := p.let("in_b", "setp.lt.and.u32", c, columns, there)
			r := p.b[2*j+i]
			p.set(r, "mov.f32", imm(0))
			p.raw("@%s ld.global.f32 %s, [%s+%d];", in, r, addr, 4*32*j)
		}
	}
}

// keepBAcross writes them.
func (p *product) keepBAcross() {
	lanes := p.lanesOfB()
	at := p.let("to_b", "and.b32", p.tid, fmt.Sprint(lanes-1))
	rows := 2
	if p.precision == "bf16" {
		rows = 1
	}
	p.set(at, "mad.lo.u32", p.let("pair", "shr.u32", p.tid, fmt.Sprint(log2(lanes))), fmt.Sprint(rows*p.ldB()), at)
	p.set(at, "mad.lo.u32", at, "4", p.memB)
	p.set(at, "add.u32", at, p.halfB)
	for j := range p.columnsOfB() {
		to := at
		if j > 0 {
			to = p.let("to_b", "add.u32", at, fmt.Sprint(4*32*j))
		}
		p.keepPair(p.guardB(), to, p.ldB(), 0, p.b[2*j], p.b[2*j+1])
	}
}

func (p *product) guardB() string {
	if p.mask == "" {
		return ""
	}
	return "@" + p.mask + " "
}

// depthsOfB is how many depths of a column a thread loads along.
func (p *product) depthsOfB() int { return max(2, p.bn*tileK/blockLanes) }

// bAlong declares the thread's column of B and the first of its depths.
func (p *product) bAlong() (col, depth string) {
	n := p.depthsOfB()
	for range n {
		p.b = append(p.b, p.reg("f32", "b"))
	}
	col = p.let("col_b", "and.b32", p.tid, fmt.Sprint(p.bn-1))
	p.set(col, "add.u32", col, p.n0)
	depth = p.let("depth_b", "mul.lo.u32", p.let("part", "shr.u32", p.tid, fmt.Sprint(log2(p.bn))), fmt.Sprint(n))
	p.loaders(p.bn * tileK / n)
	return col, depth
}

// keepBAlong writes them.
func (p *product) keepBAlong() {
	n := p.depthsOfB()
	at := p.let("to_b", "and.b32", p.tid, fmt.Sprint(p.bn-1))
	part := p.let("part", "shr.u32", p.tid, fmt.Sprint(log2(p.bn)))
	p.set(at, "mad.lo.u32", part, fmt.Sprint(n*p.deep()/tileK*p.ldB()), at)
	p.set(at, "mad.lo.u32", at, "4", p.memB)
	p.set(at, "add.u32", at, p.halfB)
	for j := 0; j < n; j += 2 {
		p.keepPair(p.guardB(), at, p.ldB(), j, p.b[j], p.b[j+1])
	}
}

// loadInto reads len(r) neighbouring elements under a guard, zeros otherwise.
func (e *entry) loadInto(guard, addr string, r []string) {
	for _, x := range r {
		e.set(x, "mov.f32", imm(0))
	}
	op := "ld.global.f32"
	if len(r) == 4 {
		op = "ld.global.v4.f32"
	}
	e.raw("@%s %s %s, [%s];", guard, op, vector(r), addr)
}
