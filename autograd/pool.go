package autograd

import (
	"gradgrad/kernels"
)

// pooling is the attribute of the pooling rows.
type pooling struct{ kernels.PoolAttr }

func (g pooling) in(t *Tape) []int  { return t.shape(g.N, g.H, g.W, g.C) }
func (g pooling) out(t *Tape) []int { return t.shape(g.N, g.OutH, g.OutW, g.C) }

func poolAttr(c *Call) any {
	c.work.pool = c.Attr.(pooling).PoolAttr
	return &c.work.pool
}

func pooled(s func(pooling, *Tape) []int) func(*Call) [][]int {
	return func(c *Call) [][]int { return c.shapes(s(c.Attr.(pooling), c.tape)) }
}

var maxPoolOp, poolPickOp, poolPlaceOp, avgPoolOp, avgSpreadOp *Op

func init() {
	maxPoolOp = op(Op{Name: "maxpool", Args: 1, Smooth: 1, Kernel: kernels.MaxPool, Attr: poolAttr,
		Shape: func(c *Call) [][]int {
			s := c.Attr.(pooling).out(c.tape)
			return c.shapes(s, s)
		},
		Joint: &JointRule{Reads: ReadsOut(1), VJP: func(c *Call, g []*Value) []*Value {
			return c.gives(poolPlaceOp.one(c.Attr, g[0], c.Out[1]))
		}},
		Samples: func() []Sample {
			return []Sample{
				{Name: "2x2", Shapes: [][]int{{2, 4, 4, 2}}, F: func(in []*Value) *Value { return MaxPool(in[0], 2, Square(2, 0)) }},
				{Name: "3x3", Shapes: [][]int{{1, 5, 4, 2}}, F: func(in []*Value) *Value { return MaxPool(in[0], 3, Square(2, 1)) }},
			}
		}})
	poolPickOp = op(Op{Name: "maxpool.pick", Args: 2, Shape: pooled(pooling.out), Kernel: kernels.PoolPick, Attr: poolAttr,
		Rules: []Rule{{Reads: ReadsIn(1), VJP: func(c *Call, g *Value) *Value { return poolPlaceOp.one(c.Attr, g, c.In[1]) }}, None},
		Samples: func() []Sample {
			return placeSamples(pooling.in, func(g pooling, x, at *Value) *Value { return poolPickOp.one(g, x, at) })
		}})
	poolPlaceOp = op(Op{Name: "maxpool.place", Args: 2, Shape: pooled(pooling.in), Kernel: kernels.PoolPlace, Attr: poolAttr,
		Rules: []Rule{{Reads: ReadsIn(1), VJP: func(c *Call, g *Value) *Value { return poolPickOp.one(c.Attr, g, c.In[1]) }}, None},
		Samples: func() []Sample {
			return placeSamples(pooling.out, func(g pooling, x, at *Value) *Value { return poolPlaceOp.one(g, x, at) })
		}})
	avgPoolOp = op(Op{Name: "avgpool", Args: 1, Shape: pooled(pooling.out), Kernel: kernels.AvgPool, Attr: poolAttr,
		Rules: []Rule{{VJP: func(c *Call, g *Value) *Value { return avgSpreadOp.one(c.Attr, g) }}},
		Samples: func() []Sample {
			return []Sample{
				{Name: "2x2", Shapes: [][]int{{2, 4, 4, 2}}, F: func(in []*Value) *Value { return AvgPool(in[0], 2, Square(2, 0)) }},
				{Name: "padded", Shapes: [][]int{{1, 4, 3, 2}}, F: func(in []*Value) *Value { return AvgPool(in[0], 3, Square(2, 1)) }},
				{Name: "adaptive", Shapes: [][]int{{1, 5, 4, 2}}, F: func(in []*Value) *Value { return AdaptiveAvgPool(in[0], 3, 2) }},
			}
		}})
	avgSpreadOp = op(Op{Name: "avgpool.spread", Args: 1, Shape: pooled(pooling.in), Kernel: kernels.AvgSpread, Attr: poolAttr,
		Rules: []Rule{{VJP: func(c *Call, g *Value) *Value { return avgPoolOp.one(c.Attr, g) }}},
		Samples: func() []Sample {
			g := window("avgpool", []int{1, 4, 3, 2}, 3, Square(2, 1))
			return []Sample{{Shapes: [][]int{g.out(nil)}, F: func(in []*Value) *Value { return avgSpreadOp.one(g, in[0]) }}}
		}})
}

// placeSamples tests the transposes with places that a max-pool found.
func placeSamples(shape func(pooling, *Tape) []int, f func(g pooling, x, at *Value) *Value) []Sample {
	g := window("maxpool", []int{1, 4, 4, 2}, 2, Square(2, 0))
	at := []float32{0, 5, 3, 6, 8, 9, 15, 10}
	return []Sample{{Shapes: [][]int{shape(g, nil)}, F: func(in []*Value) *Value { return f(g, in[0], New(in[0].dev, at, g.out(nil)...)) }}}
}

// window works out the geometry of pooling k x k windows.
func window(op string, shape []int, k int, at Window) pooling {
	want := func(s string) { panic(&ShapeError{Op: op, Shapes: [][]int{shape, {k, k}}, Want: s}) }
	if len(shape) != 4 {
		want("images [N, H, W, C]")
	}
	at = at.filled()
	if at.DilationH != 1 || at.DilationW != 1 || at.Groups != 1 || k < 1 || 2*at.PadH > k || 2*at.PadW > k {
		want("a window without dilation or groups, padded by at most half its size")
	}
	g := kernels.PoolAttr{N: shape[0], H: shape[1], W: shape[2], C: shape[3], KH: k, KW: k,
		StrideH: at.StrideH, StrideW: at.StrideW, PadH: at.PadH, PadW: at.PadW,
		OutH: outSize(shape[1], k, at.StrideH, at.PadH, 1), OutW: outSize(shape[2], k, at.StrideW, at.PadW, 1)}
	if g.OutH < 1 || g.OutW < 1 {
		want("an image, with its padding, at least as large as the window")
	}
	return pooling{g}
}

// MaxPool returns the largest element of each k x k window of images
// [N, H, W, C]. The derivative goes to the first of equal elements.
func MaxPool(x *Value, k int, at Window) *Value {
	out := maxPoolOp.apply(boxed(x.tape, window("maxpool", x.shape, k, at)), x)
	out[1].Done() // the places: kept only where a derivative needs them
	return out[0]
}

// AvgPool averages k x k windows of images [N, H, W, C]; zeros of the padding
// count, as in PyTorch by default.
func AvgPool(x *Value, k int, at Window) *Value {
	return avgPoolOp.one(boxed(x.tape, window("avgpool", x.shape, k, at)), x)
}

// AdaptiveAvgPool averages images [N, H, W, C] over outH x outW cells that cover
// each image, as PyTorch divides it.
func AdaptiveAvgPool(x *Value, outH, outW int) *Value {
	if len(x.shape) != 4 || outH < 1 || outW < 1 || outH > x.shape[1] || outW > x.shape[2] {
		bad("adaptive avgpool", "images [N, H, W, C] of at least as many pixels as cells", x)
	}
	g := kernels.PoolAttr{N: x.shape[0], H: x.shape[1], W: x.shape[2], C: x.shape[3], OutH: outH, OutW: outW, Adaptive: true}
	return avgPoolOp.one(boxed(x.tape, pooling{g}), x)
}

// GlobalAvgPool averages images [N, H, W, C] over their pixels: [N, C].
func GlobalAvgPool(x *Value) *Value {
	if len(x.shape) != 4 {
		bad("global avgpool", "images [N, H, W, C]", x)
	}
	return Mean(x, 1, 2)
}
