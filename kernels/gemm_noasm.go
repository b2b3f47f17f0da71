//go:build !amd64 || noasm

package kernels

// gemmTiles reports that there are no micro-kernels here.
func gemmTiles(transA, transB bool, m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, accumulate bool) bool {
	return false
}
