package main

import "fmt"

// product is a kernel of the family that multiplies matrices: y = A B, an element of
// A or B computed from where it lies while it is loaded (implicit GEMM). A block of
// 256 threads makes a tile of 128 rows and bn columns, 16 products deep at a time:
// while it multiplies what is in one half of shared memory, the next elements are on
// their way to registers, and then to the other half.
type product struct {
	*entry
	precision string // of the factors: fp32, tf32 or bf16
	bn        int    // columns of the tile: 64, 32 or 16
	v         int    // neighbouring elements that lie together in memory: 4 or 1

	tid, m0, n0 string
	mask        string // predicate: the thread loads elements of B
	memA, memB  string // shared memory, two halves of each
	halfA       string // offset of the half that is multiplied, in bytes
	halfB       string
	a, b        []string // registers of the elements on their way
	acc         [][]string
	accRows     []string // the row of each line of acc
	accCols     [][]string
}

const (
	tileM = 128 // rows of a tile
	tileK = 16  // products between two barriers
)

// tiles are the columns of a tile and the elements that lie together, of the kernels
// that there are.
var tiles = []struct{ bn, v int }{{64, 4}, {32, 4}, {16, 4}, {32, 1}}

var precisionList = []string{"fp32", "tf32", "bf16"}

func newProduct(name, doc, precision string, bn, v int) *product {
	e := newEntry(fmt.Sprintf("%s_%s_%dx%d", name, precision, bn, v), doc)
	return &product{entry: e, precision: precision, bn: bn, v: v}
}

// deep is the number of rows of shared memory of a half: bf16 keeps pairs.
func (p *product) deep() int {
	if p.precision == "bf16" {
		return tileK / 2
	}
	return tileK
}

// ldA and ldB are the elements from row to row in shared memory: padded so that what
// a warp reads at once lies in different banks.
func (p *product) ldA() int { return tileM + p.padding() }
func (p *product) ldB() int { return p.bn + p.padding() }

func (p *product) padding() int {
	if p.precision == "fp32" {
		return 4
	}
	return 8
}

func (p *product) sizeA() int { return 4 * p.deep() * p.ldA() }
func (p *product) sizeB() int { return 4 * p.deep() * p.ldB() }

// begin finds the block's tile and clears the sums.
func (p *product) begin() {
	p.tid = p.let("id", "mov.u32", "%tid.x")
	p.m0 = p.let("m0", "mul.lo.u32", p.let("tile_m", "mov.u32", "%ctaid.x"), fmt.Sprint(tileM))
	p.n0 = p.let("n0", "mul.lo.u32", p.let("tile_n", "mov.u32", "%ctaid.y"), fmt.Sprint(p.bn))
	p.memA = p.let("mem_a", "mov.u32", p.sharedFloats("tile_a", 2*p.sizeA()/4))
	p.memB = p.let("mem_b", "mov.u32", p.sharedFloats("tile_b", 2*p.sizeB()/4))
	p.halfA, p.halfB = p.let("half_a", "mov.u32", "0"), p.let("half_b", "mov.u32", "0")
	if p.precision == "fp32" {
		p.plainSums()
	} else {
		p.tensorSums()
	}
}

// plainSums gives every thread a rectangle of the tile: rows side by side, and four
// columns.
func (p *product) plainSums() {
	tx := p.bn / 4
	rows := tileM * tx / blockLanes
	col := p.let("col", "and.b32", p.tid, fmt.Sprint(tx-1))
	row := p.let("row", "shr.u32", p.tid, fmt.Sprint(log2(tx)))
	p.set(col, "mad.lo.u32", col, "4", p.n0)
	p.set(row, "mad.lo.u32", row, fmt.Sprint(rows), p.m0)
	for i := range rows {
		p.accRows = append(p.accRows, p.let("row", "add.u32", row, fmt.Sprint(i)))
	}
	var cols []string
	for j := range 4 {
		cols = append(cols, p.let("col", "add.u32", col, fmt.Sprint(j)))
	}
	p.accCols = [][]string{cols}
	p.clearSums(rows, 4)
}

// warps is how the 8 warps share the tile for tensor cores: rows and columns of a
// warp.
func (p *product) warps() (rows, cols int) {
	if p.bn >= 32 {
		return tileM / 4, p.bn / 2
	}
	return tileM / 8, p.bn
}

// tensorSums gives every thread what mma.m16n8 gives it: of each 16 x 8 sums rows g
// and g+8, columns 2t and 2t+1, for lane 4g+t.
func (p *product) tensorSums() {
	rows, cols := p.warps()
	row, col := p.warpPlace()
	lane := p.let("lane", "and.b32", p.tid, "31")
	g, t := p.let("lane_g", "shr.u32", lane, "2"), p.let("lane_t", "and.b32", lane, "3")
	p.set(row, "add.u32", row, p.m0)
	p.set(row, "add.u32", row, g)
	p.set(col, "add.u32", col, p.n0)
	p.set(col, "mad.lo.u32", t, "2", col)
	for i := range rows / 8 {
		p.accRows = append(p.accRows, p.let("row", "add.u32", row, fmt.Sprint(8*i)))
	}
	for j := range cols / 8 {
		p.accCols = append(p.accCols, []string{p.let("col", "add.u32", col, fmt.Sprint(8*j)), p.let("col", "add.u32", col, fmt.Sprint(8*j+1))})
	}
	p.clearSums(rows/8, cols/4)
}

// warpPlace is the first row and column of the thread's warp inside the tile.
func (p *product) warpPlace() (row, col string) {
	rows, cols := p.warps()
	down := tileM / rows
	warp := p.let("warp", "shr.u32", p.tid, "5")
	row = p.let("warp_row", "mul.lo.u32", p.let("down", "and.b32", warp, fmt.Sprint(down-1)), fmt.Sprint(rows))
	col = p.let("warp_col", "mul.lo.u32", p.let("across", "shr.u32", warp, fmt.Sprint(log2(down))), fmt.Sprint(cols))
	return row, col
}

func (p *product) clearSums(rows, cols int) {
	for range rows {
		var line []string
		for range cols {
			line = append(line, p.let("acc", "mov.f32", imm(0)))
		}
		p.acc = append(p.acc, line)
	}
}

// run writes the loop over steps of 16 products, from first up to last: fetch loads
// the elements of a step into registers, keep writes them to a half of shared memory.
func (p *product) run(first, last string, fetch func(step string), keep func()) {
	next := p.let("step", "mov.u32", first)
	have := p.let("have", "setp.ne.u32", p.halfA, "0")
	more := p.reg("pred", "more")
	top, fetched, multiplied, done := p.label("step"), p.label("fetched"), p.label("multiplied"), p.label("done")
	p.at(top)
	p.set(more, "setp.lt.u32", next, last)
	p.unless(more, fetched)
	p.note("the next elements are on their way while this step is multiplied")
	fetch(next)
	p.at(fetched)
	p.unless(have, multiplied)
	if p.precision == "fp32" {
		p.plainProducts()
	} else {
		p.tensorProducts()
	}
	p.at(multiplied)
	p.unless(more, done)
	p.set(p.halfA, "sub.u32", fmt.Sprint(p.sizeA()), p.halfA)
	p.set(p.halfB, "sub.u32", fmt.Sprint(p.sizeB()), p.halfB)
	keep()
	p.do("bar.sync", "0")
	p.set(next, "add.u32", next, "1")
	p.set(have, "setp.ne.u32", next, first)
	p.raw("bra %s;", top)
	p.at(done)
}

const unrolled = 4 // products of the loop that ptxas unrolls further

// plainProducts multiplies a step in float32.
func (p *product) plainProducts() {
	rows := len(p.accRows)
	at := p.let("at_a", "add.u32", p.memA, p.halfA)
	bt := p.let("at_b", "add.u32", p.memB, p.halfB)
	tx := p.bn / 4
	x := p.let("x", "and.b32", p.tid, fmt.Sprint(tx-1))
	y := p.let("y", "shr.u32", p.tid, fmt.Sprint(log2(tx)))
	p.set(at, "mad.lo.u32", y, fmt.Sprint(4*rows), at)
	p.set(bt, "mad.lo.u32", x, "16", bt)
	k := p.let("k", "mov.u32", "0")
	p.loop("products", func() string { return p.let("more_k", "setp.lt.u32", k, fmt.Sprint(tileK)) }, func() {
		for u := range unrolled {
			a := p.fromShared("fa", at, 4*u*p.ldA(), rows)
			b := p.fromShared("fb", bt, 4*u*p.ldB(), 4)
			for i := range a {
				for j := range b {
					p.set(p.acc[i][j], "fma.rn.f32", a[i], b[j], p.acc[i][j])
				}
			}
		}
		p.set(at, "add.u32", at, fmt.Sprint(4*unrolled*p.ldA()))
		p.set(bt, "add.u32", bt, fmt.Sprint(4*unrolled*p.ldB()))
		p.set(k, "add.u32", k, fmt.Sprint(unrolled))
	})
}

// fromShared reads n neighbouring float32, up to four at a time.
func (p *product) fromShared(name, at string, offset, n int) (r []string) {
	for range n {
		r = append(r, p.reg("f32", name))
	}
	for i := 0; i < n; i += 4 {
		part := r[i:min(n, i+4)]
		op := "ld.shared.v4.f32"
		if len(part) == 2 {
			op = "ld.shared.v2.f32"
		}
		p.raw("%s %s, [%s+%d];", op, vector(part), at, offset+4*i)
	}
	return r
}

// tensorProducts multiplies a step on the tensor cores.
func (p *product) tensorProducts() {
	rows, cols := p.warps()
	row, col := p.warpPlace()
	lane := p.let("lane", "and.b32", p.tid, "31")
	g, t := p.let("lane_g", "shr.u32", lane, "2"), p.let("lane_t", "and.b32", lane, "3")
	at := p.fragment("at_a", p.memA, p.halfA, p.ldA(), row, g, t)
	bt := p.fragment("at_b", p.memB, p.halfB, p.ldB(), col, g, t)
	op := "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32"
	if p.precision == "bf16" {
		op = "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32"
	}
	for k := 0; k < p.deep(); k += 8 {
		var b [][]string
		for j := range cols / 8 {
			b = append(b, p.words("fb", bt, 4*(k*p.ldB()+8*j), 4*4*p.ldB()))
		}
		for i := range rows / 16 {
			low := p.words("fa", at, 4*(k*p.ldA()+16*i), 4*4*p.ldA())
			high := p.words("fa", at, 4*(k*p.ldA()+16*i+8), 4*4*p.ldA())
			a := vector([]string{low[0], high[0], low[1], high[1]})
			for j := range b {
				d := vector(append(append([]string{}, p.acc[2*i][2*j:2*j+2]...), p.acc[2*i+1][2*j:2*j+2]...))
				p.do(op, d, a, vector(b[j]), d)
			}
		}
	}
}

// fragment is the address from which lane 4g+t reads, for the warp's first row or
// column.
func (p *product) fragment(name, mem, half string, ld int, first, g, t string) string {
	at := p.let(name, "mad.lo.u32", t, fmt.Sprint(ld), g)
	p.set(at, "add.u32", at, first)
	p.set(at, "mad.lo.u32", at, "4", mem)
	p.set(at, "add.u32", at, half)
	return at
}

// words reads two 32-bit words that are step bytes apart.
func (p *product) words(name, at string, offset, step int) []string {
	r := []string{p.reg("b32", name), p.reg("b32", name)}
	for i := range r {
		p.raw("ld.shared.b32 %s, [%s+%d];", r[i], at, offset+i*step)
	}
	return r
}

// pack turns values into what is kept in shared memory: float32, TF32, or pairs of
// bfloat16 of two depths. low and high are values of depths 2i and 2i+1.
func (p *product) pack(low, high string) []string {
	switch p.precision {
	case "tf32":
		return []string{p.rounded(low), p.rounded(high)}
	case "bf16":
		r := p.reg("b32", "pair")
		p.raw("cvt.rn.bf16x2.f32 %s, %s, %s;", r, high, low)
		return []string{r}
	}
	return []string{low, high}
}

func (p *product) rounded(v string) string {
	r := p.reg("b32", "round")
	p.raw("cvt.rna.tf32.f32 %s, %s;", r, v)
	return r
}

// keepPair writes values of depths k and k+1 (k even, a constant, added to the row
// that at is for) at one place; guard is "" or "@p ".
func (p *product) keepPair(guard, at string, ld, k int, low, high string) {
	words := p.pack(low, high)
	for i, w := range words {
		row := k + i
		if p.precision == "bf16" {
			row = k / 2
		}
		p.raw("%sst.shared.b32 [%s+%d], %s;", guard, at, 4*row*ld, w)
	}
}

func log2(n int) int {
	k := 0
	for 1<<k < n {
		k++
	}
	return k
}
