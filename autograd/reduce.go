package autograd

import (
	"slices"

	"gradgrad/kernels"
)

// reduction is the attribute of the operations that see their operand as
// [outer][reduce][inner].
type reduction struct {
	outer, reduce, inner int
	out                  []int
}

// attr is the reduction as an attribute on the tape of x, the same one each time.
func (r reduction) attr(t *Tape) any {
	k := reductionKey{r.outer, r.reduce, r.inner, shapeKey{rank: len(r.out)}}
	if t == nil || len(r.out) > len(k.out.dims) {
		return reduction{r.outer, r.reduce, r.inner, t.shape(r.out...)}
	}
	copy(k.out.dims[:], r.out)
	return constant(t, k, func() any { return reduction{r.outer, r.reduce, r.inner, t.shape(r.out...)} })
}

// reductionKey is a reduction that can be compared.
type reductionKey struct {
	outer, reduce, inner int
	out                  shapeKey
}

func reduceAttr(c *Call) any {
	r := c.Attr.(reduction)
	c.work.reduce = kernels.ReduceAttr{Outer: r.outer, Reduce: r.reduce, Inner: r.inner}
	return &c.work.reduce
}

func reducedShape(c *Call) [][]int { return c.shapes(c.Attr.(reduction).out) }

var sumOp, rowMaxOp, pickOp, placeOp *Op

func init() {
	sumOp = op(Op{Name: "sum", Args: 1, Shape: reducedShape, Kernel: kernels.Sum, Attr: reduceAttr,
		Rules: []Rule{{VJP: spread}},
		Samples: func() []Sample {
			return []Sample{
				{Name: "all", Shapes: [][]int{{2, 3}}, F: func(in []*Value) *Value { return Sum(in[0]) }},
				{Name: "last", Shapes: [][]int{{2, 3}}, F: func(in []*Value) *Value { return Sum(in[0], -1) }},
				{Name: "first", Shapes: [][]int{{3, 2}}, F: func(in []*Value) *Value { return Sum(in[0], 0) }},
				{Name: "middle", Shapes: [][]int{{2, 3, 2}}, F: func(in []*Value) *Value { return Sum(in[0], 1) }},
				{Name: "apart", Shapes: [][]int{{2, 3, 2}}, F: func(in []*Value) *Value { return Sum(in[0], 0, 2) }},
				{Name: "mean", Shapes: [][]int{{2, 2, 3}}, F: func(in []*Value) *Value { return Mean(in[0], 1, 2) }},
				{Name: "to", Shapes: [][]int{{3, 2, 2}}, F: func(in []*Value) *Value { return SumTo(in[0], 2, 1) }},
				{Name: "images", Shapes: [][]int{{2, 2, 1, 3}}, F: func(in []*Value) *Value { return GlobalAvgPool(in[0]) }},
			}
		}})
	rowMaxOp = op(Op{Name: "max", Args: 1, Smooth: 1, Kernel: kernels.RowMax, Attr: reduceAttr,
		Shape: func(c *Call) [][]int {
			s := c.Attr.(reduction).out
			return c.shapes(s, s)
		},
		Joint: &JointRule{Reads: ReadsOut(1), VJP: func(c *Call, g []*Value) []*Value {
			r := c.Attr.(reduction)
			return c.gives(Reshape(place(g[0], c.Out[1], r.reduce), c.In[0].shape...))
		}},
		Samples: func() []Sample {
			return []Sample{
				{Name: "last", Shapes: [][]int{{3, 4}}, F: func(in []*Value) *Value { return Max(in[0], 1) }},
				{Name: "apart", Shapes: [][]int{{2, 3, 2}}, F: func(in []*Value) *Value { return Max(in[0], 0, 2) }},
				{Name: "least", Shapes: [][]int{{3, 4}}, F: func(in []*Value) *Value { return Min(in[0], 0) }},
			}
		}})
	pickOp = op(Op{Name: "pick", Args: 2, Shape: reducedShape, Kernel: kernels.RowPick, Attr: reduceAttr,
		Rules: []Rule{{Reads: ReadsIn(1), VJP: func(c *Call, g *Value) *Value {
			return Reshape(place(g, c.In[1], c.Attr.(reduction).reduce), c.In[0].shape...)
		}}, None},
		Samples: rowIndexSamples([]int{3, 4}, Pick)})
	placeOp = op(Op{Name: "place", Args: 2, Kernel: kernels.RowPlace, Attr: reduceAttr, Shape: reducedShape,
		Rules: []Rule{{Reads: ReadsIn(1), VJP: func(c *Call, g *Value) *Value { return Pick(g, c.In[1]) }}, None},
		Samples: and(rowIndexSamples([]int{3}, func(x, idx *Value) *Value { return place(x, idx, 4) }),
			Sample{Name: "one-hot", Shapes: [][]int{{3, 4}}, F: func(in []*Value) *Value {
				return Mul(in[0], OneHot(MaxIndex(in[0], -1)[1], 4))
			}})})
}

// rowIndexSamples gives an operation a float operand and three indices below 4.
func rowIndexSamples(shape []int, fs ...func(x, idx *Value) *Value) func() []Sample {
	return func() (all []Sample) {
		for _, f := range fs {
			all = append(all, Sample{Shapes: [][]int{shape}, F: func(in []*Value) *Value {
				return f(in[0], New(in[0].dev, []float32{2, 0, 3}, 3))
			}})
		}
		return all
	}
}

// spread is the rule of a sum: the cotangent is repeated along what was summed.
func spread(c *Call, g *Value) *Value {
	r := c.Attr.(reduction)
	wide := BroadcastTo(Reshape(g, r.outer, 1, r.inner), r.outer, r.reduce, r.inner)
	return Reshape(wide, c.In[0].shape...)
}

// axesOf sorts and checks axes; negative ones count from the end, none means
// all.
func axesOf(op string, x *Value, axes []int) []int {
	var room [8]int // for the axes that there are
	as := room[:0]
	if len(axes) == 0 {
		for i := range x.shape {
			as = append(as, i)
		}
		return x.tape.shape(as...)
	}
	for _, a := range axes {
		if a < 0 {
			a += len(x.shape)
		}
		if a < 0 || a >= len(x.shape) || slices.Contains(as, a) {
			bad(op, "axes of the operand, each at most once", x)
		}
		as = append(as, a)
	}
	slices.Sort(as)
	return x.tape.shape(as...)
}

// neighbours brings the axes next to each other (moving them last where they are
// apart) and returns the operand with its reduction.
func neighbours(x *Value, axes []int) (*Value, reduction) {
	var rooms [2][8]int
	kept, out := rooms[0][:0], rooms[1][:0]
	for i, d := range x.shape {
		if !slices.Contains(axes, i) {
			kept, out = append(kept, i), append(out, d)
		}
	}
	if len(axes) > 0 && axes[len(axes)-1]-axes[0] != len(axes)-1 {
		x = Permute(x, append(kept, axes...)...)
		axes = axes[:0:0]
		for i := len(kept); i < len(x.shape); i++ {
			axes = append(axes, i)
		}
	}
	r := reduction{outer: 1, reduce: 1, inner: 1, out: x.tape.shape(out...)}
	for i, d := range x.shape {
		switch {
		case slices.Contains(axes, i):
			r.reduce *= d
		case len(axes) > 0 && i < axes[0]:
			r.outer *= d
		default:
			r.inner *= d
		}
	}
	return x, r
}

// Sum adds up the given axes (all without any); they vanish from the shape.
// Negative axes count from the end. The order of the additions is fixed.
func Sum(x *Value, axes ...int) *Value {
	as := axesOf("sum", x, axes)
	y, r := neighbours(x, as)
	if y != x {
		defer y.Done()
	}
	if r.reduce == 1 {
		return Reshape(y, r.out...)
	}
	return sumOp.one(r.attr(y.tape), y)
}

// Mean averages over the given axes (all without any).
func Mean(x *Value, axes ...int) *Value {
	y := Sum(x, axes...)
	defer y.Done()
	return Scale(y, float64(y.Size())/float64(x.Size()))
}

// Max returns the largest element along the given axes (all without any). The
// derivative goes to the first of equal elements.
func Max(x *Value, axes ...int) *Value {
	out := MaxIndex(x, axes...)
	out[1].Done() // the places: kept only where a derivative needs them
	return out[0]
}

// MaxIndex returns, beside [Max], where along the (flattened) axes the largest
// element was found, as a constant.
func MaxIndex(x *Value, axes ...int) []*Value {
	as := axesOf("max", x, axes)
	y := toLast(x, as)
	defer y.Done()
	_, r := neighbours(y, lastAxes(y, len(as)))
	return rowMaxOp.apply(r.attr(y.tape), y)
}

// Min returns the smallest element along the given axes (all without any).
func Min(x *Value, axes ...int) *Value {
	down := Neg(x)
	most := Max(down, axes...)
	defer down.Done()
	defer most.Done()
	return Neg(most)
}

// toLast moves axes to the end.
func toLast(x *Value, axes []int) *Value {
	var perm []int
	for i := range x.shape {
		if !slices.Contains(axes, i) {
			perm = append(perm, i)
		}
	}
	return Permute(x, append(perm, axes...)...)
}

func lastAxes(x *Value, n int) []int {
	var as []int
	for i := len(x.shape) - n; i < len(x.shape); i++ {
		as = append(as, i)
	}
	return as
}

// SumTo sums x over the axes along which a value of the given shape would be
// repeated to get x's: the transpose of [BroadcastTo].
func SumTo(x *Value, shape ...int) *Value {
	checkRepeats("sumto", shape, x.shape, "a first shape that can be broadcast to the second")
	return own(sumTo(x, shape), x)
}

// sumTo returns x itself where there is nothing to sum.
func sumTo(x *Value, shape []int) *Value {
	if sameShape(x.shape, shape) {
		return x
	}
	var room [8]int
	axes := room[:0]
	for i := range x.shape {
		k := len(x.shape) - i
		if axisFromEnd(shape, k) == 1 && x.shape[i] != 1 {
			axes = append(axes, i)
		}
	}
	if len(axes) == 0 {
		return Reshape(x, shape...)
	}
	s := Sum(x, axes...)
	defer s.Done()
	return Reshape(s, shape...)
}

// rowsOf sees x as rows along its last axis.
func rowsOf(op string, x *Value) reduction {
	if len(x.shape) == 0 {
		bad(op, "at least one axis", x)
	}
	n := x.Dim(-1)
	return reduction{outer: x.Size() / n, reduce: n, inner: 1, out: x.shape[:len(x.shape)-1]}
}

// Pick takes from every row of x (its last axis) the element at the row's index:
// x [..., k] and indices [...] give [...]. Indices are whole numbers below k.
func Pick(x, indices *Value) *Value {
	r := rowsOf("pick", x)
	if !sameShape(indices.shape, r.out) {
		bad("pick", "one index for each row of the first operand", x, indices)
	}
	return pickOp.one(r.attr(tapeOf(x, indices)), x, indices)
}

// place is the transpose of Pick: rows of length k, zero but at the index.
func place(g, indices *Value, k int) *Value {
	var room [8]int
	r := reduction{outer: g.Size(), reduce: k, inner: 1, out: append(append(room[:0], g.shape...), k)}
	return placeOp.one(r.attr(tapeOf(g, indices)), g, indices)
}

// OneHot turns class numbers [...] below k into rows [..., k] with a single 1.
func OneHot(indices *Value, k int) *Value {
	one := indices.home().full(1, indices.shape)
	defer one.Done()
	return place(one, indices, k)
}

// home makes constants where a value lives.
type home struct{ v *Value }

func (v *Value) home() home { return home{v} }

func (h home) full(x float64, shape []int) *Value {
	w := alloc(h.v.dev, h.v.tape, shape)
	fill(w, x)
	return w
}
