//go:build amd64 && !noasm

package kernels

import "unsafe"

// packedMatrix is a matrix in strips, as the tiles read it.
type packedMatrix struct {
	strips panels
	k      int
	data   *loan[float32]
}

func packMatrix(b []float32, ldb int, transB bool, n, k int) packedMatrix {
	if tiles.lanes == 0 {
		return packedMatrix{}
	}
	m := packedMatrix{strips: tiles.panels(n), k: k}
	m.data = borrow[float32](m.strips.packed(k))
	packStrips(m.data.data, b, ldb, transB, 0, k, m.strips, true)
	return m
}

func (m *packedMatrix) giveBack() {
	if m.data != nil {
		giveBack(m.data)
	}
}

// times sets rows of C to rows of A times the matrix; both are to be in the cache.
func (m *packedMatrix) times(rows int, a []float32, lda int, c []float32, ldc int) bool {
	if m.data == nil {
		return false
	}
	var table [8*denseRows/4 + tileSlack]tileGroup
	for i := range rows/4 + tileSlack {
		table[i] = tileGroup{16 * i * lda, 16 * i * ldc}
	}
	for s := range m.strips.count {
		col, cols, vecs := m.strips.at(s)
		p := tileArgs{
			a: unsafe.Pointer(&a[0]), b: unsafe.Pointer(&m.data.data[col*m.k]), c: unsafe.Pointer(&c[col]),
			segs: unsafe.Pointer(&noSegs[0]), nsegs: 1, k: m.k, lda: 4 * lda, ldc: 4 * ldc, mask: tiles.maskFor(cols), ahead: 1,
		}
		tiles.runN(p, vecs, table[:rows/4])
	}
	if rest := rows % 4; rest > 0 {
		j := gemmJob{k: m.k, lda: lda, c: c, ldc: ldc, strips: m.strips, packedB: m.data.data}
		j.tailN(rows-rest, rest, a[(rows-rest)*lda:], lda)
	}
	return true
}

// addProductsFast is addProducts by micro-kernels.
func addProductsFast(sums, block []float32, ld int, g []float32, rows, c, k int, first bool) bool {
	if tiles.lanes == 0 {
		return false
	}
	ldg := k
	if k%tiles.lanes != 0 { // tiles read whole vectors
		ldg = (k + tiles.lanes - 1) / tiles.lanes * tiles.lanes
		wide := borrow[float32](rows * ldg)
		defer giveBack(wide)
		packRows(wide.data, ldg, g, k, rows, k)
		g = wide.data
	}
	strips := tiles.panels(k)
	for s := range strips.count {
		col, cols, vecs := strips.at(s)
		p := tileArgs{
			b: unsafe.Pointer(&g[col]), segs: unsafe.Pointer(&noSegs[0]), nsegs: 1, k: rows,
			lda: 4 * ld, ldb: 4 * ldg, ldc: 4 * k, mask: tiles.maskFor(cols),
		}
		if !first {
			p.add = 1
		}
		f := fetcher{calls: 1}
		if s == 0 && len(g) >= 2*rows*ldg {
			f.pieces[0] = g[rows*ldg:][:rows*ldg] // of the next block
		}
		f.aim(&p, tiles.t[vecs], c)
		tiles.rowsT(p, vecs, c, cols, block, sums[col:])
	}
	return true
}
