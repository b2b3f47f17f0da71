//go:build amd64 && !noasm

package kernels

// The functions below run the assembly of norm_avx512_amd64.s or
// norm_avx2_amd64.s over the whole wide rows of their operands, a block at a time
// so that no call lasts long (assembly cannot be preempted), and return how many
// elements those were.

// wholeRows is the number of elements in whole wide rows, 0 without vectors.
func wholeRows(n, w int) int {
	if vectors == noVectors {
		return 0
	}
	return n / w * w
}

// applyBlock is the rows that an elementwise pass goes down a column of constants.
const applyBlock = 16

// ahead is the distance in bytes of what a pass fetches into the cache.
func ahead(w, rows int) int { return 4 * w * rows }

func sumRowsFast(x []float32, sums []float64, w int) int {
	n := wholeRows(len(x), w)
	for i := 0; i < n; i += normBlock * w {
		rows := min(normBlock, (n-i)/w)
		if vectors == vectors512 {
			sumRowsavx512(&x[i], &sums[0], w, rows, ahead(w, normBlock))
		} else {
			sumRowsavx2(&x[i], &sums[0], w, rows, ahead(w, normBlock))
		}
	}
	return n
}

func momentRowsFast(x, k []float32, sums []float64, w int) int {
	n := wholeRows(len(x), w)
	for i := 0; i < n; i += normBlock * w {
		rows := min(normBlock, (n-i)/w)
		if vectors == vectors512 {
			momentRowsavx512(&x[i], &k[0], &sums[0], w, rows, ahead(w, normBlock))
		} else {
			momentRowsavx2(&x[i], &k[0], &sums[0], w, rows, ahead(w, normBlock))
		}
	}
	return n
}

func gradSumRowsFast(g, x, k []float32, sums []float64, w int) int {
	n := wholeRows(len(x), w)
	for i := 0; i < n; i += normBlock * w {
		rows := min(normBlock, (n-i)/w)
		if vectors == vectors512 {
			gradSumRowsavx512(&g[i], &x[i], &k[0], &sums[0], w, rows, ahead(w, normBlock))
		} else {
			gradSumRowsavx2(&g[i], &x[i], &k[0], &sums[0], w, rows, ahead(w, normBlock))
		}
	}
	return n
}

func grad2SumRowsFast(u, g, x, k []float32, sums []float64, w int) int {
	n := wholeRows(len(x), w)
	for i := 0; i < n; i += normBlock * w {
		rows := min(normBlock, (n-i)/w)
		if vectors == vectors512 {
			grad2SumRowsavx512(&u[i], &g[i], &x[i], &k[0], &sums[0], w, rows, ahead(w, normBlock))
		} else {
			grad2SumRowsavx2(&u[i], &g[i], &x[i], &k[0], &sums[0], w, rows, ahead(w, normBlock))
		}
	}
	return n
}

func applyRowsFast(y, x, k []float32, w int, low float32) int {
	n := wholeRows(len(x), w)
	for i := 0; i < n; i += applyBlock * w {
		rows := min(applyBlock, (n-i)/w)
		if vectors == vectors512 {
			applyRowsavx512(&y[i], &x[i], &k[0], w, rows, ahead(w, applyBlock), low)
		} else {
			applyRowsavx2(&y[i], &x[i], &k[0], w, rows, ahead(w, applyBlock), low)
		}
	}
	return n
}

func gradRowsFast(dx, g, x, k []float32, w int) int {
	n := wholeRows(len(x), w)
	for i := 0; i < n; i += applyBlock * w {
		rows := min(applyBlock, (n-i)/w)
		if vectors == vectors512 {
			gradRowsavx512(&dx[i], &g[i], &x[i], &k[0], w, rows, ahead(w, applyBlock))
		} else {
			gradRowsavx2(&dx[i], &g[i], &x[i], &k[0], w, rows, ahead(w, applyBlock))
		}
	}
	return n
}

func grad2RowsFast(dg, dx, u, g, x, k []float32, w int) int {
	n := wholeRows(len(x), w)
	for i := 0; i < n; i += applyBlock * w {
		rows := min(applyBlock, (n-i)/w)
		if vectors == vectors512 {
			grad2Rowsavx512(&dg[i], &dx[i], &u[i], &g[i], &x[i], &k[0], w, rows, ahead(w, applyBlock))
		} else {
			grad2Rowsavx2(&dg[i], &dx[i], &u[i], &g[i], &x[i], &k[0], w, rows, ahead(w, applyBlock))
		}
	}
	return n
}

//go:noescape
func sumRowsavx512(x *float32, sums *float64, w, rows, ahead int)

//go:noescape
func momentRowsavx512(x, k *float32, sums *float64, w, rows, ahead int)

//go:noescape
func applyRowsavx512(y, x, k *float32, w, rows, ahead int, low float32)

//go:noescape
func gradSumRowsavx512(gy, x, k *float32, sums *float64, w, rows, ahead int)

//go:noescape
func gradRowsavx512(dx, gy, x, k *float32, w, rows, ahead int)

//go:noescape
func grad2SumRowsavx512(u, gy, x, k *float32, sums *float64, w, rows, ahead int)

//go:noescape
func grad2Rowsavx512(dg, dx, u, gy, x, k *float32, w, rows, ahead int)

//go:noescape
func sumRowsavx2(x *float32, sums *float64, w, rows, ahead int)

//go:noescape
func momentRowsavx2(x, k *float32, sums *float64, w, rows, ahead int)

//go:noescape
func applyRowsavx2(y, x, k *float32, w, rows, ahead int, low float32)

//go:noescape
func gradSumRowsavx2(gy, x, k *float32, sums *float64, w, rows, ahead int)

//go:noescape
func gradRowsavx2(dx, gy, x, k *float32, w, rows, ahead int)

//go:noescape
func grad2SumRowsavx2(u, gy, x, k *float32, sums *float64, w, rows, ahead int)

//go:noescape
func grad2Rowsavx2(dg, dx, u, gy, x, k *float32, w, rows, ahead int)
