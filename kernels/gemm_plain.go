package kernels

// The plain twin of the fast product: the oracle that assembly is compared
// with, and what runs in float64 and where there is no assembly.

// plainLanes is the width of a panel of B: 2 x 4 sums fit the registers of
// every 64-bit machine.
const plainLanes = 4

// plainRows is the number of rows of C in one chunk of work.
const plainRows = 32

func gemmPlain[T Float](transA, transB bool, m, n, k int, a []T, lda int, b []T, ldb int, c []T, ldc int, accumulate bool) {
	panels := borrow[T](plainPanelLen(k, n))
	defer giveBack(panels)
	packPlain(panels.data, b, ldb, transB, k, n)
	share((m+plainRows-1)/plainRows, plainJob[T]{transA, accumulate, m, n, k, lda, ldc, a, panels.data, c})
}

// plainJob computes plainRows rows of C.
type plainJob[T Float] struct {
	transA, accumulate bool
	m, n, k, lda, ldc  int
	a, panels, c       []T
}

func (j *plainJob[T]) piece(i int) {
	lo := i * plainRows
	rows := min(plainRows, j.m-lo)
	c := j.c[lo*j.ldc:]
	if !j.transA {
		plainProduct(rows, j.n, j.k, j.a[lo*j.lda:], j.lda, j.panels, c, j.ldc, j.accumulate)
		return
	}
	block := borrow[T](rows * j.k)
	defer giveBack(block)
	for p := range j.k {
		for r, v := range j.a[p*j.lda+lo:][:rows] {
			block.data[r*j.k+p] = v
		}
	}
	plainProduct(rows, j.n, j.k, block.data, j.k, j.panels, c, j.ldc, j.accumulate)
}

// plainPanelLen is the length of the panels of a k x n matrix.
func plainPanelLen(k, n int) int { return (n + plainLanes - 1) / plainLanes * plainLanes * k }

// packPlain copies op(B), k x n, into panels of plainLanes columns, row behind
// row, the last one filled up with zeros.
func packPlain[T Float](panels, b []T, ldb int, transB bool, k, n int) {
	for j := 0; j < n; j += plainLanes {
		panel := panels[j*k:][:k*plainLanes]
		w := min(plainLanes, n-j)
		for p := range k {
			row := panel[p*plainLanes:][:plainLanes]
			for l := range row {
				switch {
				case l >= w:
					row[l] = 0
				case transB:
					row[l] = b[(j+l)*ldb+p]
				default:
					row[l] = b[p*ldb+j+l]
				}
			}
		}
	}
}

// plainProduct computes C (+)= A B on one goroutine, with B in panels.
func plainProduct[T Float](m, n, k int, a []T, lda int, panels, c []T, ldc int, accumulate bool) {
	for j := 0; j < n; j += plainLanes {
		panel := panels[j*k:][:k*plainLanes]
		w := min(plainLanes, n-j)
		for i := 0; i < m; i += 2 {
			second := min(i+1, m-1) // the last row alone is computed twice
			s := plainTile(a[i*lda:][:k], a[second*lda:][:k], panel)
			storePlain(c[i*ldc+j:][:w], s[:plainLanes], accumulate)
			if second > i {
				storePlain(c[second*ldc+j:][:w], s[plainLanes:], accumulate)
			}
		}
	}
}

func storePlain[T Float](c, sums []T, accumulate bool) {
	if !accumulate {
		copy(c, sums)
		return
	}
	for i := range c {
		c[i] += sums[i]
	}
}

// plainTile is two rows of A times one panel.
func plainTile[T Float](a0, a1, panel []T) (s [2 * plainLanes]T) {
	var s00, s01, s02, s03, s10, s11, s12, s13 T
	a1 = a1[:len(a0)]
	for p, x := range a0 {
		y := a1[p]
		b := (*[plainLanes]T)(panel[p*plainLanes:])
		s00 += x * b[0]
		s01 += x * b[1]
		s02 += x * b[2]
		s03 += x * b[3]
		s10 += y * b[0]
		s11 += y * b[1]
		s12 += y * b[2]
		s13 += y * b[3]
	}
	return [2 * plainLanes]T{s00, s01, s02, s03, s10, s11, s12, s13}
}
