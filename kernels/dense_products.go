package kernels

// denseMatrix is a matrix that many blocks of rows are multiplied by.
type denseMatrix[T Float] struct {
	n, k   int
	b      []T
	ldb    int
	transB bool
	fast   packedMatrix
}

// newDenseMatrix returns op(B), which is k x n.
func newDenseMatrix[T Float](b []T, ldb int, transB bool, n, k int) *denseMatrix[T] {
	m := &denseMatrix[T]{n: n, k: k, b: b, ldb: ldb, transB: transB}
	if isFloat32[T]() {
		m.fast = packMatrix(asFloat32(b), ldb, transB, n, k)
	}
	return m
}

func (m *denseMatrix[T]) giveBack() { m.fast.giveBack() }

// times sets rows of C to rows of A times the matrix.
func (m *denseMatrix[T]) times(rows int, a []T, lda int, c []T, ldc int) {
	if isFloat32[T]() && m.fast.times(rows, asFloat32(a), lda, asFloat32(c), ldc) {
		return
	}
	Gemm(false, m.transB, rows, m.n, m.k, a, lda, m.b, m.ldb, c, ldc, false)
}

// addProducts adds to sums, c x k, the products of every channel of the block with
// every column of g; at first it sets them.
func addProducts[T Float](sums, block []T, ld int, g []T, rows, c, k int, first bool) {
	if isFloat32[T]() && addProductsFast(asFloat32(sums), asFloat32(block), ld, asFloat32(g), rows, c, k, first) {
		return
	}
	Gemm(true, false, c, k, rows, block, ld, g, k, sums, k, !first)
}
