//go:build amd64 && !noasm

package kernels

import "unsafe"

// The functions below run the assembly of norm_avx512_amd64.s or
// norm_avx2_amd64.s over the whole wide rows of their operands, a block at a time
// (assembly cannot be preempted), and return how many elements those were.

// applyBlock is the rows that an elementwise pass goes down a column before it
// loads the constants of the next one.
const applyBlock = 4

// wholeRows is the number of elements in whole wide rows, 0 without vectors.
func wholeRows(n, w int) int {
	if vectors == noVectors {
		return 0
	}
	return n / w * w
}

// streamable says whether results at p may be stored around the caches: only
// AVX-512 writes whole lines, and they must be aligned.
func streamable(p *float32) bool {
	return vectors == vectors512 && uintptr(unsafe.Pointer(p))%64 == 0
}

func sumRowsFast(x []float32, sums []float64, w int) int {
	n := wholeRows(len(x), w)
	for i := 0; i < n; i += normBlock * w {
		rows := min(normBlock, (n-i)/w)
		if vectors == vectors512 {
			sumRowsavx512(&x[i], &sums[0], w, rows)
		} else {
			sumRowsavx2(&x[i], &sums[0], w, rows)
		}
	}
	return n
}

func momentRowsFast(x, k []float32, sums []float64, w int) int {
	n := wholeRows(len(x), w)
	for i := 0; i < n; i += normBlock * w {
		rows := min(normBlock, (n-i)/w)
		if vectors == vectors512 {
			momentRowsavx512(&x[i], &k[0], &sums[0], w, rows)
		} else {
			momentRowsavx2(&x[i], &k[0], &sums[0], w, rows)
		}
	}
	return n
}

func gradSumRowsFast(g, x, k []float32, sums []float64, w int) int {
	n := wholeRows(len(x), w)
	for i := 0; i < n; i += normBlock * w {
		rows := min(normBlock, (n-i)/w)
		if vectors == vectors512 {
			gradSumRowsavx512(&g[i], &x[i], &k[0], &sums[0], w, rows)
		} else {
			gradSumRowsavx2(&g[i], &x[i], &k[0], &sums[0], w, rows)
		}
	}
	return n
}

func grad2SumRowsFast(u, g, x, k []float32, sums []float64, w int) int {
	n := wholeRows(len(x), w)
	for i := 0; i < n; i += normBlock * w {
		rows := min(normBlock, (n-i)/w)
		if vectors == vectors512 {
			grad2SumRowsavx512(&u[i], &g[i], &x[i], &k[0], &sums[0], w, rows)
		} else {
			grad2SumRowsavx2(&u[i], &g[i], &x[i], &k[0], &sums[0], w, rows)
		}
	}
	return n
}

func applyRowsFast(y, x, k []float32, w int, low float32, stream bool) int {
	n := wholeRows(len(x), w)
	stream = stream && n > 0 && streamable(&y[0])
	for i := 0; i < n; i += applyBlock * w {
		rows := min(applyBlock, (n-i)/w)
		switch {
		case stream:
			applyRowsavx512stream(&y[i], &x[i], &k[0], w, rows, low)
		case vectors == vectors512:
			applyRowsavx512(&y[i], &x[i], &k[0], w, rows, low)
		default:
			applyRowsavx2(&y[i], &x[i], &k[0], w, rows, low)
		}
	}
	return n
}

func gradRowsFast(dx, g, x, k []float32, w int, stream bool) int {
	n := wholeRows(len(x), w)
	stream = stream && n > 0 && streamable(&dx[0])
	for i := 0; i < n; i += applyBlock * w {
		rows := min(applyBlock, (n-i)/w)
		switch {
		case stream:
			gradRowsavx512stream(&dx[i], &g[i], &x[i], &k[0], w, rows)
		case vectors == vectors512:
			gradRowsavx512(&dx[i], &g[i], &x[i], &k[0], w, rows)
		default:
			gradRowsavx2(&dx[i], &g[i], &x[i], &k[0], w, rows)
		}
	}
	return n
}

func grad2RowsFast(dg, dx, u, g, x, k []float32, w int, stream bool) int {
	n := wholeRows(len(x), w)
	stream = stream && n > 0 && streamable(&dg[0]) && streamable(&dx[0])
	for i := 0; i < n; i += applyBlock * w {
		rows := min(applyBlock, (n-i)/w)
		switch {
		case stream:
			grad2Rowsavx512stream(&dg[i], &dx[i], &u[i], &g[i], &x[i], &k[0], w, rows)
		case vectors == vectors512:
			grad2Rowsavx512(&dg[i], &dx[i], &u[i], &g[i], &x[i], &k[0], w, rows)
		default:
			grad2Rowsavx2(&dg[i], &dx[i], &u[i], &g[i], &x[i], &k[0], w, rows)
		}
	}
	return n
}

func applyAddRowsFast(y, x, skip, k []float32, w int, low float32, stream bool) int {
	n := wholeRows(len(x), w)
	stream = stream && n > 0 && streamable(&y[0])
	for i := 0; i < n; i += applyBlock * w {
		rows := min(applyBlock, (n-i)/w)
		switch {
		case stream:
			applyAddRowsavx512stream(&y[i], &x[i], &skip[i], &k[0], w, rows, low)
		case vectors == vectors512:
			applyAddRowsavx512(&y[i], &x[i], &skip[i], &k[0], w, rows, low)
		default:
			applyAddRowsavx2(&y[i], &x[i], &skip[i], &k[0], w, rows, low)
		}
	}
	return n
}

func gradAddRowsFast(dx, g, x, sum, k []float32, w int, stream bool) int {
	n := wholeRows(len(x), w)
	stream = stream && n > 0 && streamable(&dx[0])
	for i := 0; i < n; i += applyBlock * w {
		rows := min(applyBlock, (n-i)/w)
		switch {
		case stream:
			gradAddRowsavx512stream(&dx[i], &g[i], &x[i], &sum[i], &k[0], w, rows)
		case vectors == vectors512:
			gradAddRowsavx512(&dx[i], &g[i], &x[i], &sum[i], &k[0], w, rows)
		default:
			gradAddRowsavx2(&dx[i], &g[i], &x[i], &sum[i], &k[0], w, rows)
		}
	}
	return n
}

func gateSumRowsFast(gm, g, y, x, k []float32, sums []float64, w int) int {
	n := wholeRows(len(x), w)
	for i := 0; i < n; i += normBlock * w {
		rows := min(normBlock, (n-i)/w)
		if vectors == vectors512 {
			gateSumRowsavx512(&gm[i], &g[i], &y[i], &x[i], &k[0], &sums[0], w, rows)
		} else {
			gateSumRowsavx2(&gm[i], &g[i], &y[i], &x[i], &k[0], &sums[0], w, rows)
		}
	}
	return n
}

func tangentRowsFast(dg, dx, u, gm, x, tm, y, k []float32, w int, stream bool) int {
	n := wholeRows(len(x), w)
	stream = stream && n > 0 && streamable(&dg[0]) && streamable(&dx[0])
	for i := 0; i < n; i += applyBlock * w {
		rows := min(applyBlock, (n-i)/w)
		switch {
		case stream:
			tangentRowsavx512stream(&dg[i], &dx[i], &u[i], &gm[i], &x[i], &tm[i], &y[i], &k[0], w, rows)
		case vectors == vectors512:
			tangentRowsavx512(&dg[i], &dx[i], &u[i], &gm[i], &x[i], &tm[i], &y[i], &k[0], w, rows)
		default:
			tangentRowsavx2(&dg[i], &dx[i], &u[i], &gm[i], &x[i], &tm[i], &y[i], &k[0], w, rows)
		}
	}
	return n
}

//go:noescape
func sumRowsavx512(x *float32, sums *float64, w, rows int)

//go:noescape
func momentRowsavx512(x, k *float32, sums *float64, w, rows int)

//go:noescape
func applyRowsavx512(y, x, k *float32, w, rows int, low float32)

//go:noescape
func applyRowsavx512stream(y, x, k *float32, w, rows int, low float32)

//go:noescape
func gradSumRowsavx512(gy, x, k *float32, sums *float64, w, rows int)

//go:noescape
func gradRowsavx512(dx, gy, x, k *float32, w, rows int)

//go:noescape
func gradRowsavx512stream(dx, gy, x, k *float32, w, rows int)

//go:noescape
func grad2SumRowsavx512(u, gy, x, k *float32, sums *float64, w, rows int)

//go:noescape
func grad2Rowsavx512(dg, dx, u, gy, x, k *float32, w, rows int)

//go:noescape
func grad2Rowsavx512stream(dg, dx, u, gy, x, k *float32, w, rows int)

//go:noescape
func sumRowsavx2(x *float32, sums *float64, w, rows int)

//go:noescape
func momentRowsavx2(x, k *float32, sums *float64, w, rows int)

//go:noescape
func applyRowsavx2(y, x, k *float32, w, rows int, low float32)

//go:noescape
func gradSumRowsavx2(gy, x, k *float32, sums *float64, w, rows int)

//go:noescape
func gradRowsavx2(dx, gy, x, k *float32, w, rows int)

//go:noescape
func grad2SumRowsavx2(u, gy, x, k *float32, sums *float64, w, rows int)

//go:noescape
func grad2Rowsavx2(dg, dx, u, gy, x, k *float32, w, rows int)

//go:noescape
func applyAddRowsavx512(y, x, skip, k *float32, w, rows int, low float32)

//go:noescape
func gradAddRowsavx512(dx, gy, x, sum, k *float32, w, rows int)

//go:noescape
func tangentRowsavx512(dg, dx, u, gm, x, tm, y, k *float32, w, rows int)

//go:noescape
func gateSumRowsavx512(gm, gy, y, x, k *float32, sums *float64, w, rows int)

//go:noescape
func applyAddRowsavx512stream(y, x, skip, k *float32, w, rows int, low float32)

//go:noescape
func gradAddRowsavx512stream(dx, gy, x, sum, k *float32, w, rows int)

//go:noescape
func tangentRowsavx512stream(dg, dx, u, gm, x, tm, y, k *float32, w, rows int)

//go:noescape
func applyAddRowsavx2(y, x, skip, k *float32, w, rows int, low float32)

//go:noescape
func gradAddRowsavx2(dx, gy, x, sum, k *float32, w, rows int)

//go:noescape
func tangentRowsavx2(dg, dx, u, gm, x, tm, y, k *float32, w, rows int)

//go:noescape
func gateSumRowsavx2(gm, gy, y, x, k *float32, sums *float64, w, rows int)
