package cuda

// Singly has calls on small tensors launched by themselves until the function that is
// returned is called.
func (d *Device) Singly() func() {
	d.singly = true
	return func() { d.singly = false }
}

// NormPieces is into how many pieces the rows of a tensor of m rows and c channels are
// cut at least for the sums of batch norm.
func NormPieces(m, c int, vector bool) int {
	return newNormLayout(m, c, normPieces(6), vector).pieces
}

// ColumnPieces is how many pieces the rows of a sum of columns are cut into.
func ColumnPieces(outer, rows, inner int) int {
	_, pieces := columnPieces(outer*ceil(inner, tileColumns), rows)
	return pieces
}
