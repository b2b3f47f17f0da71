//go:build !amd64 || noasm

package kernels

// Without assembly nothing is done fast, and the plain loops do it all.

func momentRowsFast(x, shift []float32, sums []float64, w int) int         { return 0 }
func applyRowsFast(y, x, k []float32, w int, low float32, stream bool) int { return 0 }
func gradSumRowsFast(g, x, k []float32, sums []float64, w int) int         { return 0 }
func gradRowsFast(dx, g, x, k []float32, w int, stream bool) int           { return 0 }
func grad2SumRowsFast(u, g, x, k []float32, sums []float64, w int) int     { return 0 }
func grad2RowsFast(dg, dx, u, g, x, k []float32, w int, stream bool) int   { return 0 }
func sumRowsFast(x []float32, sums []float64, w int) int                   { return 0 }

func applyAddRowsFast(y, x, skip, k []float32, w int, low float32, stream bool) int { return 0 }
func gradAddRowsFast(dx, g, x, sum, k []float32, w int, stream bool) int            { return 0 }
func gateSumRowsFast(gm, g, y, x, k []float32, sums []float64, w int) int           { return 0 }
func tangentRowsFast(dg, dx, u, gm, x, tm, y, k []float32, w int, stream bool) int  { return 0 }
