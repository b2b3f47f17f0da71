package kernels

import (
	"fmt"
	"unsafe"
)

// MatmulAttr describes Batch independent products C = op(A) op(B), each of an
// M x K by a K x N matrix. The batches lie one behind the other, row-major and
// without gaps. TransA says that A is stored K x M, TransB that B is stored
// N x K.
type MatmulAttr struct {
	TransA, TransB bool
	Batch, M, N, K int
	// Exact multiplies in float32 where a GPU is set to shorter numbers.
	Exact bool
}

// Matmul is the batched matrix product: In a, b; Out c; attr *[MatmulAttr].
var Matmul = New("matmul", matmul[float32], matmul[float64])

func matmul[T Float](args *Args) {
	g := args.Attr.(*MatmulAttr)
	a, b, c := Data[T](args.In[0]), Data[T](args.In[1]), Data[T](args.Out[0])
	lda, ldb := g.K, g.N
	if g.TransA {
		lda = g.M
	}
	if g.TransB {
		ldb = g.K
	}
	if g.Batch == 1 {
		Gemm(g.TransA, g.TransB, g.M, g.N, g.K, a, lda, b, ldb, c, g.N, false)
		return
	}
	share(g.Batch, matmulJob[T]{*g, a, b, c, lda, ldb})
}

// matmulJob computes a product of the batch.
type matmulJob[T Float] struct {
	MatmulAttr
	a, b, c  []T
	lda, ldb int
}

func (g *matmulJob[T]) piece(i int) {
	Gemm(g.TransA, g.TransB, g.M, g.N, g.K, g.a[i*g.M*g.K:], g.lda, g.b[i*g.K*g.N:], g.ldb, g.c[i*g.M*g.N:], g.N, false)
}

// Gemm computes C = op(A) op(B), or C += op(A) op(B) with accumulate. C is
// m x n, op(A) m x k and op(B) k x n, row-major with lda, ldb and ldc elements
// from one row to the next; transA says that A is stored k x m, transB that B is
// stored n x k. C must not overlap A or B. Where accumulate is false, C is
// written and never read. Every element of C is summed over k in one fixed
// order, whatever the number of threads. It panics when a slice is too short.
func Gemm[T Float](transA, transB bool, m, n, k int, a []T, lda int, b []T, ldb int, c []T, ldc int, accumulate bool) {
	if m == 0 || n == 0 {
		return
	}
	checkMatrix("C", m, n, ldc, len(c))
	if transA {
		checkMatrix("A", k, m, lda, len(a))
	} else {
		checkMatrix("A", m, k, lda, len(a))
	}
	if transB {
		checkMatrix("B", n, k, ldb, len(b))
	} else {
		checkMatrix("B", k, n, ldb, len(b))
	}
	if isFloat32[T]() && gemmTiles(transA, transB, m, n, k, asFloat32(a), lda, asFloat32(b), ldb, asFloat32(c), ldc, accumulate) {
		return
	}
	gemmPlain(transA, transB, m, n, k, a, lda, b, ldb, c, ldc, accumulate)
}

// SizeError is the panic value of a matrix that does not fit in its slice.
type SizeError struct {
	Operand          string // "A", "B", "C", "x", ...
	Rows, Cols, Step int    // the matrix, and the elements from row to row
	Len              int    // the elements that there are
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("kernels: matrix %s, %d x %d with %d elements from row to row, does not fit in %d elements",
		e.Operand, e.Rows, e.Cols, e.Step, e.Len)
}

func checkMatrix(operand string, rows, cols, step, length int) {
	if rows == 0 || cols == 0 {
		return
	}
	if step < cols || length < cols || rows-1 > (length-cols)/step { // what a product says may overflow
		panic(&SizeError{operand, rows, cols, step, length})
	}
}

// isFloat32 says which of the two element types T is; the compiler folds it.
func isFloat32[T Float]() bool {
	var zero T
	return unsafe.Sizeof(zero) == 4
}

// asFloat32 is s itself, seen as what isFloat32 has found it to be.
func asFloat32[T Float](s []T) []float32 { return *(*[]float32)(unsafe.Pointer(&s)) }
