//go:build amd64 && !noasm

package kernels

import "unsafe"

const (
	// blockK is the most steps of k in one pass over C: a strip of B then
	// shares the first-level cache with a tile of A, or streams from the second.
	blockK = 1024
	// blockA is the most floats in one block of A, which stays in the
	// second-level cache while the strips of B pass by.
	blockA = 96 << 10
	// serialWork is the number of multiply-adds below which a second thread
	// does not pay.
	serialWork = 1 << 19
	// tailCols is the widest strip.
	tailCols = 48
)

// gemmJob is one pass over C: A times a block of B that has been packed.
type gemmJob struct {
	transA  bool
	m, k    int // rows of C, steps of k in this pass
	a       []float32
	lda     int
	c       []float32
	ldc     int
	strips  panels
	packedB []float32
	inPlace bool // A is read where it lies
	add     int
	each    int // rows to a task
}

func (j *gemmJob) piece(i int) { j.rows(i*j.each, min(j.m, (i+1)*j.each)) }

// gemmTiles is Gemm by micro-kernels. It reports false where there are none.
func gemmTiles(transA, transB bool, m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, accumulate bool) bool {
	if tiles.lanes == 0 || k == 0 {
		return false
	}
	passes := (k + blockK - 1) / blockK
	step := (k + passes - 1) / passes
	strips := tiles.panels(n)
	packed := borrow[float32](strips.packed(step))
	defer giveBack(packed)
	job := gemmJob{transA: transA, m: m, lda: lda, c: c, ldc: ldc, strips: strips, packedB: packed.data}
	// Copying pays where a block of A is read many times, or where its rows
	// lie a power of two apart and fall into the same sets of the cache.
	job.inPlace = !transA && (strips.count <= 2 && lda%256 != 0 || strips.count == 1 && lda%512 != 0 || m < 4)
	serial := m*n*k <= serialWork
	for p := 0; p < k; p += step {
		job.k = min(step, k-p)
		if transA {
			job.a = a[p*lda:]
		} else {
			job.a = a[p:]
		}
		if p > 0 || accumulate {
			job.add = 1
		}
		if serial {
			packStrips(packed.data, b, ldb, transB, p, job.k, strips, false)
			job.rows(0, m)
			continue
		}
		packStrips(packed.data, b, ldb, transB, p, job.k, strips, true)
		job.each = job.blockRows()
		share((m+job.each-1)/job.each, job)
	}
	return true
}

// blockRows is the height of a block of C: small enough for its rows of A to
// stay in cache and for the threads to finish together.
func (j *gemmJob) blockRows() int {
	const quantum = 48 // a multiple of the height of every tile
	rows := min(blockA/j.k, j.m/(4*Workers())) / quantum * quantum
	return max(rows, quantum)
}

// rows computes the rows [lo, hi) of C.
func (j *gemmJob) rows(lo, hi int) {
	m := hi - lo
	switch {
	case j.transA:
		// A row more than is needed is room for a last tile that reads on.
		stride := (m+15)/16*16 + 16
		block := borrow[float32](stride * (j.k + 1))
		defer giveBack(block)
		for p := range j.k {
			copy(block.data[p*stride:][:m], j.a[p*j.lda+lo:])
		}
		j.rowsT(lo, m, block.data, stride)
	case j.inPlace:
		j.rowsN(lo, m, j.a[lo*j.lda:], j.lda)
	default:
		stride := (j.k+15)/16*16 + 16
		block := borrow[float32](stride * m)
		defer giveBack(block)
		for r := range m {
			copy(block.data[r*stride:][:j.k], j.a[(lo+r)*j.lda:])
		}
		j.rowsN(lo, m, block.data, stride)
	}
}

func (j *gemmJob) args() tileArgs {
	return tileArgs{segs: unsafe.Pointer(&noSegs[0]), nsegs: 1, k: j.k, ldc: 4 * j.ldc, add: j.add}
}

// rowsN computes m rows of C from row lo on with rows of A.
func (j *gemmJob) rowsN(lo, m int, a []float32, lda int) {
	const most = 256
	var table [most + tileSlack]tileGroup
	for first := 0; first < m/4; first += most {
		groups := min(most, m/4-first)
		for i := range groups {
			row := 4 * (first + i)
			table[i] = tileGroup{4 * row * lda, 4 * (lo + row) * j.ldc}
		}
		for i := range tileSlack {
			table[groups+i] = table[groups-1]
		}
		for s := range j.strips.count {
			col, cols, vecs := j.strips.at(s)
			p := j.args()
			p.a, p.lda = unsafe.Pointer(&a[0]), 4*lda
			p.b = unsafe.Pointer(&j.packedB[col*j.k])
			p.c = unsafe.Pointer(&j.c[col])
			p.mask, p.ahead = tiles.maskFor(cols), 1
			if s == 0 && j.inPlace {
				// Walk ahead of the tile, by two of its kind, as fast as it.
				rows := tiles.n[vecs][0].rows
				p.fetch = uintptr(p.a) + uintptr(4*(4*first+2*rows)*lda)
				p.stride = 4 * unroll * rows * lda / j.k
			} else {
				f := fetcher{calls: 1}
				f.pieces[0] = j.strip(s + 1)
				f.aim(&p, tiles.n[vecs], 4*groups)
			}
			tiles.runN(p, vecs, table[:groups])
		}
	}
	if rest := m % 4; rest > 0 {
		j.tailN(lo+m-rest, rest, a[(m-rest)*lda:], lda)
	}
}

// strip is the packed strip s of B, or the first where there are no more: what
// will be read next.
func (j *gemmJob) strip(s int) []float32 {
	col, _, vecs := j.strips.at(s % j.strips.count)
	return j.packedB[col*j.k:][:vecs*tiles.lanes*j.k]
}

// tailN computes the last one to three rows: four rows of a copy of A, into a
// tile from which C takes its own.
func (j *gemmJob) tailN(row, rest int, a []float32, lda int) {
	block := borrow[float32](4 * j.k)
	defer giveBack(block)
	for r := range 4 {
		copy(block.data[r*j.k:][:j.k], a[min(r, rest-1)*lda:])
	}
	var tail [4 * tailCols]float32
	for s := range j.strips.count {
		col, cols, vecs := j.strips.at(s)
		p := j.args()
		p.a, p.lda = unsafe.Pointer(&block.data[0]), 4*j.k
		p.b = unsafe.Pointer(&j.packedB[col*j.k])
		p.c, p.ldc, p.add = unsafe.Pointer(&tail[0]), 4*tailCols, 0
		p.mask = tiles.maskFor(cols)
		tiles.runN(p, vecs, []tileGroup{{}})
		for r := range rest {
			storeRow(j.c[(row+r)*j.ldc+col:][:cols], tail[r*tailCols:], j.add != 0)
		}
	}
}

// rowsT computes m rows of C from row lo on with a block of A as it is stored,
// a step of k a row, in which three elements more than m may be read.
func (j *gemmJob) rowsT(lo, m int, a []float32, lda int) {
	for s := range j.strips.count {
		col, cols, vecs := j.strips.at(s)
		p := j.args()
		p.lda, p.ldb = 4*lda, 4*vecs*tiles.lanes
		p.mask = tiles.maskFor(cols)
		p.a, p.b = unsafe.Pointer(&a[0]), unsafe.Pointer(&j.packedB[col*j.k])
		f := fetcher{calls: 1}
		f.pieces[0] = j.strip(s + 1)
		f.aim(&p, tiles.t[vecs], m)
		tiles.rowsT(p, vecs, m, cols, a, j.c[lo*j.ldc+col:])
	}
}

// packStrips copies rows [p, p+k) of op(B) into strips, a step of k behind the
// other, filled up with zeros.
func packStrips(packed, b []float32, ldb int, transB bool, p, k int, strips panels, parallel bool) {
	pieces := (k + packedRows - 1) / packedRows
	if transB {
		pieces = strips.count
	}
	job := packJob{packed, b, ldb, transB, p, k, strips}
	if parallel && strips.packed(k) > 1<<14 {
		share(pieces, job)
		return
	}
	for i := range pieces {
		job.piece(i)
	}
}

// packJob packs a strip of B transposed, or some rows of B.
type packJob struct {
	packed, b []float32
	ldb       int
	transB    bool
	p, k      int
	strips    panels
}

func (j *packJob) piece(i int) {
	if j.transB {
		col, cols, vecs := j.strips.at(i)
		packColumns(j.packed[col*j.k:], vecs*j.strips.lanes, j.b[col*j.ldb+j.p:], j.ldb, j.k, cols)
		return
	}
	lo := i * packedRows
	for s := range j.strips.count {
		col, cols, vecs := j.strips.at(s)
		width := vecs * j.strips.lanes
		packRows(j.packed[col*j.k+lo*width:], width, j.b[(j.p+lo)*j.ldb+col:], j.ldb, min(packedRows, j.k-lo), cols)
	}
}

// packedRows is so few rows of B that each is read as a stream of its own while all
// strips take their share.
const packedRows = 8

// packArgs are the arguments of the kernels that pack rows into a strip, of which
// every vector but the last is full; stride is in bytes.
type packArgs struct {
	dst, src     unsafe.Pointer
	rows, stride int
	mask         uint64 // as in tileArgs
}

// packRows copies k rows of cols floats to rows of width floats, whole vectors that
// are filled up with zeros.
func packRows(dst []float32, width int, src []float32, stride, k, cols int) {
	if vecs := width / tiles.lanes; vecs <= 3 && cols > (vecs-1)*tiles.lanes && k > 0 {
		dst, src = dst[:k*width], src[:(k-1)*stride+cols]
		p := packArgs{unsafe.Pointer(&dst[0]), unsafe.Pointer(&src[0]), k, 4 * stride, tiles.maskFor(cols)}
		callPack(vecs, tiles.lanes, &p)
		return
	}
	for i := range k {
		row := dst[i*width:][:width]
		copy(row, src[i*stride:][:cols])
		for j := cols; j < width; j++ {
			row[j] = 0
		}
	}
}

// packColumns transposes cols rows of k floats to k rows of width floats,
// filled up with zeros.
func packColumns(dst []float32, width int, src []float32, stride, k, cols int) {
	transpose(dst, width, src, stride, k, cols)
	for i := range k {
		clear(dst[i*width+cols : (i+1)*width])
	}
}

// transpose turns cols rows of k floats into columns, a block of rows at a time
// that stays in cache.
func transpose(dst []float32, width int, src []float32, stride, k, cols int) {
	const block = 64
	for lo := 0; lo < k; lo += block {
		n := min(block, k-lo)
		out := dst[lo*width:]
		j := 0
		for ; j+4 <= cols; j += 4 {
			s0, s1 := src[j*stride+lo:][:n], src[(j+1)*stride+lo:][:n]
			s2, s3 := src[(j+2)*stride+lo:][:n], src[(j+3)*stride+lo:][:n]
			at := j
			for i, v := range s0 {
				q := (*[4]float32)(out[at:])
				q[0], q[1], q[2], q[3] = v, s1[i], s2[i], s3[i]
				at += width
			}
		}
		for ; j < cols; j++ {
			for i, v := range src[j*stride+lo:][:n] {
				out[i*width+j] = v
			}
		}
	}
}
