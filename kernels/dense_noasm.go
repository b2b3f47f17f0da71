//go:build !amd64 || noasm

package kernels

// Without assembly nothing is done fast, and the plain loops do it all.

func affinePanelFast(h []float32, ld int, x, scale, shift []float32, rows int) int { return 0 }

func gatePanelFast(t []float32, ld int, u, x, scale, shift []float32, rows int) int { return 0 }

func gradPanelFast(d, x, g []float32, ld int, scale, shift []float32, sums []float64, rows int, add bool) int {
	return 0
}
