//go:build !amd64 || noasm

package kernels

// Without assembly nothing is done fast, and the plain loops do it all.

// panelCall is what the assembly would be called with.
type panelCall struct {
	block        []float32
	ld           int
	scale, shift []float32
	lo, rows     int
}

// panelLanes is the number of columns whose sums lie together.
func panelLanes() int { return 16 }

type panelTable struct{}

func newPanelTable(widths []int, parts, others []Buffer, on []bool) panelTable { return panelTable{} }

func (panelTable) activate(panelCall) bool              { return false }
func (panelTable) gate(panelCall) bool                  { return false }
func (panelTable) grad(panelCall, []float64, bool) bool { return false }

type packedMatrix struct{}

func packMatrix(b []float32, ldb int, transB bool, n, k int) packedMatrix { return packedMatrix{} }

func (packedMatrix) giveBack() {}

func (packedMatrix) times(rows int, a []float32, lda int, c []float32, ldc int) bool { return false }

func addProductsFast(sums, block []float32, ld int, g []float32, rows, c, k int, first bool) bool {
	return false
}

func denseBlockFast(at *DenseBlockAttr, y, x []float32, layers []denseLayer[float32]) bool {
	return false
}
