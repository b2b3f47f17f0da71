//go:build amd64 && !noasm

package kernels

import "unsafe"

//go:generate go run ./gen .

// tileArgs are the arguments of a micro-kernel, which computes C (+)= A B for a
// run of tiles of C, each rows x (vecs x lanes). Strides and offsets are in
// bytes. The sum over k runs in nsegs segments of k steps: the element of A is
// at its row's place + segs[segment] + 4*step in an N tile, + lda*step in a T
// tile.
//
// An N tile (A not transposed) takes its rows in groups of four, lda and ldc
// apart within the group; groups gives where each begins, so that a tile may
// cross the rows of an image. B is a packed panel, vecs x lanes floats a step.
//
// A T tile (A transposed) takes neighbouring elements of A for its rows; the
// next tile follows in A and in C. B has a stride, a segment a place in both A
// and B; B is read in whole vectors, whatever the mask.
type tileArgs struct {
	a, b, c unsafe.Pointer
	groups  unsafe.Pointer // *tileGroup, N only
	segs    unsafe.Pointer // *int, or for T *segmentT
	tiles   int            // counted down by the kernel
	nsegs   int
	k       int
	lda     int
	ldb     int // T only
	ldc     int
	mask    uint64  // lanes of the last vector: bits, or the address of maskAVX2's element
	add     int     // 1 to add to C
	ahead   int     // 1 to fetch the rows of C of the tile behind in groups, N only; the table has a tile too many then
	fetch   uintptr // memory to fetch meanwhile, stride bytes every unroll steps; an address that need not be valid
	stride  int
}

// unroll is the number of steps of k in the inner loop of a tile.
const unroll = 4

// fetchLines is the number of cache lines that the inner loop of a tile fetches
// each time; short N tiles fetch fewer.
const fetchLines = 3

// tileSlack is the number of groups that a table holds behind its last, where C
// is fetched ahead.
const tileSlack = 4

// fetcher spreads the fetching of two pieces of memory over a number of calls of
// micro-kernels: what the next unit of work reads or writes comes into the cache
// while this one computes.
type fetcher struct {
	pieces      [2][]float32
	call, calls int
}

// aim makes one of the calls, of so many rows, fetch its share.
func (f *fetcher) aim(p *tileArgs, kernels []tileKernel, rows int) {
	const line = 64
	rounds := max(1, p.k/unroll*p.nsegs*rows/kernels[0].rows)
	first, second := 4*len(f.pieces[0]), 4*len(f.pieces[1])
	share := (first + second + f.calls - 1) / max(1, f.calls)
	at := f.call * share
	f.call++
	piece := f.pieces[0]
	if at >= first {
		at -= first
		piece = f.pieces[1]
	}
	p.fetch, p.stride = uintptr(p.a), 0
	if at/4 < len(piece) {
		p.fetch = uintptr(unsafe.Pointer(&piece[at/4]))
		p.stride = min(fetchLines*line, share/rounds+1)
	}
}

// tileGroup is where four rows begin, in bytes from a and from c.
type tileGroup struct{ a, c int }

// tileKernel is a micro-kernel: the rows of its tile and its number.
type tileKernel struct{ rows, id int }

// tileSet is the micro-kernels of one instruction set, by form and by vectors a
// row, the tallest first.
type tileSet struct {
	lanes int
	n, t  [4][]tileKernel
}

// segmentT is where the steps of a segment begin, in bytes from a and from b.
type segmentT struct{ a, b int }

// noSegs is the table of the only segment of a product that has no more, in
// either form.
var noSegs = [1]segmentT{}

// maskAVX2 holds masks for the eight lanes of AVX2: the one for n lanes begins
// at 8-n.
var maskAVX2 = [16]uint32{0: ^uint32(0), 1: ^uint32(0), 2: ^uint32(0), 3: ^uint32(0), 4: ^uint32(0), 5: ^uint32(0), 6: ^uint32(0), 7: ^uint32(0)}

// maskFor is the mask of the last vector of n columns.
func (s *tileSet) maskFor(n int) uint64 {
	last := (n-1)%s.lanes + 1
	if s.lanes == 16 {
		return 1<<last - 1
	}
	return uint64(uintptr(unsafe.Pointer(&maskAVX2[8-last])))
}

// panels is the division of n columns into strips, one run of tiles each, of
// three vectors or two; one alone where there is no more.
type panels struct{ n, lanes, threes, count int }

func (s *tileSet) panels(n int) panels {
	vecs := (n + s.lanes - 1) / s.lanes
	if vecs == 1 {
		return panels{n, s.lanes, 0, 1}
	}
	twos := (3 - vecs%3) % 3
	threes := (vecs - 2*twos) / 3
	return panels{n, s.lanes, threes, threes + twos}
}

// at returns the first column of strip i, its columns and its vectors. Packed
// with k steps, it begins at element k*col.
func (p panels) at(i int) (col, cols, vecs int) {
	switch {
	case p.n <= p.lanes:
		vecs = 1
	case i < p.threes:
		col, vecs = 3*i, 3
	default:
		col, vecs = 3*p.threes+2*(i-p.threes), 2
	}
	col *= p.lanes
	return col, min(vecs*p.lanes, p.n-col), vecs
}

// packed is the length of k steps of all strips.
func (p panels) packed(k int) int { return (p.n + p.lanes - 1) / p.lanes * p.lanes * k }

// maxCall bounds the multiply-adds of one call: assembly cannot be preempted,
// and a collector waits for it.
const maxCall = 4 << 20

// runN computes the groups of a table for one panel, with tall tiles first and
// shorter ones for what is left. The arguments are a copy, so that the table may
// lie on the caller's stack.
func (s *tileSet) runN(p tileArgs, vecs int, table []tileGroup) {
	perGroup := 4 * vecs * s.lanes * p.k * p.nsegs
	p.aimSomewhere()
	for _, k := range s.n[vecs] {
		g := k.rows / 4
		most := max(1, maxCall/(perGroup*g+1))
		for len(table) >= g {
			n := min(len(table)/g, most)
			p.tiles = n
			p.groups = unsafe.Pointer(&table[0])
			callTile(k.id, &p)
			table = table[n*g:]
		}
	}
}

// aimSomewhere makes a kernel that has nothing to fetch fetch what it has: a
// null pointer would cost a fault of the address translation each time.
func (p *tileArgs) aimSomewhere() {
	if p.fetch == 0 {
		p.fetch = uintptr(p.a)
	}
}

// runT computes m rows of C, a multiple of four, for one panel.
func (s *tileSet) runT(p tileArgs, vecs, m int) {
	perRow := vecs * s.lanes * p.k * p.nsegs
	p.aimSomewhere()
	for _, k := range s.t[vecs] {
		most := max(1, maxCall/(perRow*k.rows+1))
		for m >= k.rows {
			n := min(m/k.rows, most)
			p.tiles = n
			callTile(k.id, &p)
			if m -= n * k.rows; m > 0 { // never point behind the end: a collector may look
				p.a = unsafe.Add(p.a, 4*n*k.rows)
				p.c = unsafe.Add(p.c, n*k.rows*p.ldc)
			}
		}
	}
}

// rowsT computes rows of C, any number, for one panel of cols columns: a and c
// are where p.a and p.c begin. The last one to three rows come from a tile of
// their own with those before them; where there are none before, up to three
// elements behind the rows of A are read.
func (s *tileSet) rowsT(p tileArgs, vecs, rows, cols int, a, c []float32) {
	p.a, p.c = unsafe.Pointer(&a[0]), unsafe.Pointer(&c[0])
	s.runT(p, vecs, rows&^3)
	rest := rows % 4
	if rest == 0 {
		return
	}
	var tile [4 * tailCols]float32
	first, ldc, add := max(0, rows-4), p.ldc, p.add
	p.a, p.c, p.ldc, p.add = unsafe.Pointer(&a[first]), unsafe.Pointer(&tile[0]), 4*tailCols, 0
	s.runT(p, vecs, 4)
	for r := rows - rest; r < rows; r++ {
		storeRow(c[r*ldc/4:][:cols], tile[(r-first)*tailCols:], add != 0)
	}
}

// storeRow copies a row of a tile to C, or adds it.
func storeRow(dst, src []float32, add bool) {
	if !add {
		copy(dst, src)
		return
	}
	src = src[:len(dst)]
	for i, v := range src {
		dst[i] += v
	}
}
