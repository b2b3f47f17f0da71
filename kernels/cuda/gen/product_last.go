package main

// parted is a result that blocks compute in parts: y has room for all parts, size elements
// each, and to is where their sum goes. Where there is one part alone, y is to.
type parted struct {
	y, to, counters string
	parts, size     string // numbers
}

// partedParams declares what a parted result takes beside y and the size of a part.
func (p *product) partedParams(y string) parted {
	return parted{y: y, to: p.ptr("to"), counters: p.ptr("counters")}
}

// lastAdds writes the end of a kernel whose blocks have each stored a part of the tile: the
// block that is the last to come adds all parts, in the order of their numbers. tile is the
// number of the tile, whose counter counts the blocks that are there.
func (p *product) lastAdds(r parted, tile, m, n, ld, offset string) {
	p.note("the last block of the tile adds the parts")
	p.retWhen(p.let("whole", "setp.le.u32", r.parts, "1"))
	p.lastOf(p.tid, r.counters, tile, r.parts)
	for _, line := range p.acc {
		for _, a := range line {
			p.set(a, "mov.f32", imm(0))
		}
	}
	k, from := p.let("part_k", "mov.u32", "0"), p.let("from", "mov.u64", r.y)
	p.loop("parts", func() string { return p.let("more", "setp.lt.u32", k, r.parts) }, func() {
		p.addPart(from, m, n, ld, offset)
		p.set(k, "add.u32", k, "1")
		p.set(from, "mad.wide.u32", r.size, "4", from)
	})
	none := p.let("none", "mov.u64", "0")
	p.results(r.to, none, m, n, ld, offset)
}

// addPart adds a stored part of the tile to the sums.
func (p *product) addPart(from, m, n, ld, offset string) {
	for i, row := range p.accRows {
		in := p.let("in_part", "setp.lt.u32", row, m)
		first := p.let("place_part", "mad.lo.u32", row, ld, offset)
		for k, cols := range p.accCols {
			acc := p.acc[i][k*len(cols) : (k+1)*len(cols)]
			width := len(cols)
			if p.v == 1 {
				width = 1
			}
			for j := 0; j < len(cols); j += width {
				p.addVector(from, in, first, n, cols[j], acc[j:j+width])
			}
		}
	}
}

// addVector adds one, two or four neighbouring elements.
func (p *product) addVector(from, in, first, n, col string, acc []string) {
	there := p.let("there", "setp.lt.and.u32", col, n, in)
	at := p.element("at_part", from, p.let("place_part", "add.u32", first, col))
	var x []string
	for range acc {
		x = append(x, p.let("x_part", "mov.f32", imm(0)))
	}
	op := map[int]string{1: "global.f32", 2: "global.v2.f32", 4: "global.v4.f32"}[len(acc)]
	p.raw("@%s ld.%s %s, [%s];", there, op, vector(x), at)
	for i := range acc {
		p.set(acc[i], "add.rn.f32", acc[i], x[i])
	}
}

// tileNumber counts the tiles of a grid, layer by layer.
func (p *product) tileNumber(layer string) string {
	across := p.let("across", "mov.u32", "%nctaid.y")
	t := p.let("tile", "mad.lo.u32", layer, across, p.let("tile_n", "mov.u32", "%ctaid.y"))
	return p.let("tile", "mad.lo.u32", t, p.let("down", "mov.u32", "%nctaid.x"), p.let("tile_m", "mov.u32", "%ctaid.x"))
}

const lastNote = "\nThe last block of a tile to come adds the parts and writes their sum to 'to'; y is 'to' where there is one part."
