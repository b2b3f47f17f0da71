package autograd

import (
	"slices"

	"gradgrad/kernels"
)

// product is the attribute of a matrix product: which operands are transposed.
type product struct{ ta, tb bool }

var matmulOp *Op

func init() {
	matmulOp = op(Op{Name: "matmul", Args: 2, Shape: matmulShape, Kernel: kernels.Matmul, Attr: matmulAttr,
		Rules: []Rule{
			{Reads: ReadsIn(1), VJP: func(c *Call, g *Value) *Value {
				p := c.Attr.(product)
				if p.ta {
					return matmul(c.In[1], g, p.tb, true)
				}
				return matmul(g, c.In[1], false, !p.tb)
			}},
			{Reads: ReadsIn(0), VJP: func(c *Call, g *Value) *Value {
				p := c.Attr.(product)
				if p.tb {
					return matmul(g, c.In[0], true, p.ta)
				}
				return matmul(c.In[0], g, !p.ta, false)
			}},
		},
		Samples: func() []Sample {
			with := func(ta, tb bool) func(in []*Value) *Value {
				return func(in []*Value) *Value { return matmul(in[0], in[1], ta, tb) }
			}
			return []Sample{
				{Name: "nn", Shapes: [][]int{{2, 3}, {3, 4}}, F: with(false, false)},
				{Name: "nt", Shapes: [][]int{{2, 3}, {4, 3}}, F: with(false, true)},
				{Name: "tn", Shapes: [][]int{{3, 2}, {3, 4}}, F: with(true, false)},
				{Name: "tt", Shapes: [][]int{{3, 2}, {4, 3}}, F: with(true, true)},
				{Name: "batched", Shapes: [][]int{{2, 2, 3}, {2, 3, 2}}, F: func(in []*Value) *Value { return MatMul(in[0], in[1]) }},
				{Name: "linear", Shapes: [][]int{{3, 4}, {2, 4}, {2}}, F: func(in []*Value) *Value { return Linear(in[0], in[1], in[2]) }},
			}
		}})
}

func matmul(a, b *Value, ta, tb bool) *Value {
	return matmulOp.one(boxed(tapeOf(a, b), product{ta, tb}), a, b)
}

// matmulDims returns batch, m, n and k of a product.
func matmulDims(p product, in []*Value) (batch, m, n, k int) {
	a, b := in[0].shape, in[1].shape
	r := len(a)
	if r < 2 || len(b) != r || !slices.Equal(a[:r-2], b[:r-2]) {
		bad("matmul", "two matrices, or two stacks of equally many", in...)
	}
	m, k = a[r-2], a[r-1]
	if p.ta {
		m, k = k, m
	}
	k2, n := b[r-2], b[r-1]
	if p.tb {
		k2, n = n, k2
	}
	if k != k2 {
		bad("matmul", "as many columns in the first matrix as rows in the second", in...)
	}
	return size(a[:r-2]), m, n, k
}

func matmulShape(c *Call) [][]int {
	_, m, n, _ := matmulDims(c.Attr.(product), c.In)
	var room [8]int
	a := c.In[0].shape
	return c.shapes(c.dims(append(append(room[:0], a[:len(a)-2]...), m, n)...))
}

func matmulAttr(c *Call) any {
	p := c.Attr.(product)
	batch, m, n, k := matmulDims(p, c.In)
	c.work.matmul = kernels.MatmulAttr{TransA: p.ta, TransB: p.tb, Batch: batch, M: m, N: n, K: k}
	return &c.work.matmul
}

// MatMul returns the matrix product of a [m, k] and b [k, n]; with leading axes,
// which must be equal, the products of the matrices in two stacks.
func MatMul(a, b *Value) *Value { return matmul(a, b, false, false) }

// Linear returns x·wᵀ + b for x [rows, in], w [out, in] and b [out]; b may be nil.
func Linear(x, w, b *Value) *Value {
	if len(x.shape) != 2 || len(w.shape) != 2 || x.shape[1] != w.shape[1] || b != nil && !sameShape(b.shape, w.shape[:1]) {
		bad("linear", "x [rows, in], weight [out, in] and bias [out]", x, w, b)
	}
	y := matmul(x, w, false, true)
	if b == nil {
		return y
	}
	defer y.Done()
	return Add(y, b)
}
