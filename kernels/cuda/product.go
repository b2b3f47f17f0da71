package cuda

import (
	"fmt"

	"gradgrad/kernels"
)

// The tiles of the kernels that multiply matrices: 128 rows, and 64, 32 or 16
// columns, 16 products deep.
const tileM, tileK = 128, 16

// tiled is how the kernels of package kernels see a product, whatever its factors
// are gathered from.
type tiled struct {
	entry   string
	m, n, r int // rows, columns, depth
	layers  int // products side by side: groups or matrices, times parts
	vector  bool
}

// tile is the columns of the product's tiles and the elements that lie together.
func (p *tiled) tile() (columns, v int) {
	switch {
	case !p.vector:
		return 32, 1
	case p.n <= 16:
		return 16, 4
	case p.n <= 32:
		return 32, 4
	}
	return 64, 4
}

// multiply launches the form of an entry for the shape and the device's precision.
func (l *launch) multiply(p tiled) {
	if p.m == 0 || p.n == 0 || p.layers == 0 {
		l.params = l.params[:0]
		return
	}
	columns, v := p.tile()
	precision := l.dev.precision
	if at, ok := l.Attr.(*kernels.MatmulAttr); ok && at.Exact {
		precision = FP32
	}
	l.run(fmt.Sprintf("%s_%s_%dx%d", p.entry, precision, columns, v),
		[3]int{ceil(p.m, tileM), ceil(p.n, columns), p.layers}, [3]int{threads, 1, 1}, 0)
}

// fours says whether all numbers are multiples of four.
func fours(ns ...int) bool {
	for _, n := range ns {
		if n%4 != 0 {
			return false
		}
	}
	return true
}

// cut shares the depth of a product out among so many parts that there are blocks
// enough for a large GPU: steps of 16 to a part, and how many parts there are. It
// depends on the shape alone.
func cut(tiles, depth int) (per, parts int) {
	steps := ceil(depth, tileK)
	want := max(1, min(busy/max(tiles, 1), steps/shortest))
	per = ceil(max(steps, 1), want)
	return per, ceil(max(steps, 1), per)
}

// shortest is the fewest steps of a part: below that adding the parts costs more than
// the blocks gain.
const shortest = 8

// optional returns operand i, or nil.
func (l *launch) optional(i int) kernels.Buffer {
	if i < len(l.In) {
		return l.In[i]
	}
	return nil
}
