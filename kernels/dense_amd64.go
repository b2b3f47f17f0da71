//go:build amd64 && !noasm

package kernels

// The functions below run the assembly of panel_avx512_amd64.s or
// panel_avx2_amd64.s over all rows of a panel, some at a time (assembly cannot be
// preempted), and return how many rows those were.

// panelRows is the number of rows of one call.
const panelRows = sumRowsMost

func affinePanelFast(h []float32, ld int, x, scale, shift []float32, rows int) int {
	if vectors == noVectors {
		return 0
	}
	n := len(scale)
	for r := 0; r < rows; r += panelRows {
		some := min(panelRows, rows-r)
		if vectors == vectors512 {
			affinePanelavx512(&h[r*ld], &x[r*n], &scale[0], &shift[0], ld, n, some)
		} else {
			affinePanelavx2(&h[r*ld], &x[r*n], &scale[0], &shift[0], ld, n, some)
		}
	}
	return rows
}

func gatePanelFast(t []float32, ld int, u, x, scale, shift []float32, rows int) int {
	if vectors == noVectors {
		return 0
	}
	n := len(scale)
	for r := 0; r < rows; r += panelRows {
		some := min(panelRows, rows-r)
		if vectors == vectors512 {
			gatePanelavx512(&t[r*ld], &u[r*n], &x[r*n], &scale[0], &shift[0], ld, n, some)
		} else {
			gatePanelavx2(&t[r*ld], &u[r*n], &x[r*n], &scale[0], &shift[0], ld, n, some)
		}
	}
	return rows
}

func gradPanelFast(d, x, g []float32, ld int, scale, shift []float32, sums []float64, rows int, add bool) int {
	if vectors == noVectors {
		return 0
	}
	n, lanes, onto := len(scale), 8, 0
	if vectors == vectors512 {
		lanes = 16
	}
	if add {
		onto = 1
	}
	part := borrow[float32](2 * (n + lanes))
	defer giveBack(part)
	for r := 0; r < rows; r += panelRows {
		some := min(panelRows, rows-r)
		if vectors == vectors512 {
			gradPanelavx512(&g[r*ld], &d[r*n], &x[r*n], &scale[0], &shift[0], &part.data[0], ld, n, some, onto)
		} else {
			gradPanelavx2(&g[r*ld], &d[r*n], &x[r*n], &scale[0], &shift[0], &part.data[0], ld, n, some, onto)
		}
		addPanelSums(sums, part.data, n, lanes)
	}
	return rows
}

// addPanelSums adds the sums of n columns, which lie a vector of each in turn.
func addPanelSums(sums []float64, part []float32, n, lanes int) {
	for lo := 0; lo < n; lo += lanes {
		first, second := part[2*lo:][:lanes], part[2*lo+lanes:][:lanes]
		for i := range min(lanes, n-lo) {
			sums[lo+i] += float64(first[i])
			sums[n+lo+i] += float64(second[i])
		}
	}
}

//go:noescape
func affinePanelavx512(h, x, scale, shift *float32, ld, cols, rows int)

//go:noescape
func affinePanelavx2(h, x, scale, shift *float32, ld, cols, rows int)

//go:noescape
func gatePanelavx512(t, u, x, scale, shift *float32, ld, cols, rows int)

//go:noescape
func gatePanelavx2(t, u, x, scale, shift *float32, ld, cols, rows int)

//go:noescape
func gradPanelavx512(gh, d, x, scale, shift, sums *float32, ld, cols, rows, add int)

//go:noescape
func gradPanelavx2(gh, d, x, scale, shift, sums *float32, ld, cols, rows, add int)
