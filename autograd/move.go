package autograd

import (
	"slices"

	"gradgrad/kernels"
)

var reshapeOp, permuteOp, sliceOp, padOp, concatOp, gatherOp, scatterOp *Op

func init() {
	reshapeOp = op(Op{Name: "reshape", Args: 1, View: true,
		Shape: func(c *Call) [][]int { return c.shapes(c.Attr.([]int)) },
		Rules: []Rule{{VJP: func(c *Call, g *Value) *Value { return Reshape(g, c.In[0].shape...) }}},
		Samples: func() []Sample {
			return []Sample{{Shapes: [][]int{{2, 3}}, F: func(in []*Value) *Value { return Reshape(in[0], 3, -1) }}}
		}})
	permuteOp = op(Op{Name: "permute", Args: 1, Kernel: kernels.Permute,
		Shape: func(c *Call) [][]int { return c.shapes(permuted(c.In[0].shape, c.Attr.([]int))) },
		Attr:  func(c *Call) any { return &kernels.MoveAttr{Shape: c.In[0].shape, Perm: c.Attr.([]int)} },
		Rules: []Rule{{VJP: func(c *Call, g *Value) *Value { return Permute(g, inverse(c.Attr.([]int))...) }}},
		Samples: func() []Sample {
			return []Sample{
				{Name: "transpose", Shapes: [][]int{{2, 3}}, F: func(in []*Value) *Value { return Permute(in[0], 1, 0) }},
				{Name: "four", Shapes: [][]int{{2, 1, 3, 2}}, F: func(in []*Value) *Value { return Permute(in[0], 3, 0, 2, 1) }},
			}
		}})
	sliceOp = op(Op{Name: "slice", Args: 1, Kernel: kernels.Slice, Shape: cutShape,
		Attr: func(c *Call) any {
			c.work.move = kernels.MoveAttr{Shape: c.In[0].shape, Lo: c.Attr.(cut).lo, Out: c.Out[0].shape}
			return &c.work.move
		},
		Rules: []Rule{{VJP: func(c *Call, g *Value) *Value { return padOp.one(c.tape.cut(c.Attr.(cut).lo, c.In[0].shape), g) }}},
		Samples: func() []Sample {
			return []Sample{
				{Name: "last", Shapes: [][]int{{2, 4}}, F: func(in []*Value) *Value { return Slice(in[0], 1, 1, 3) }},
				{Name: "first", Shapes: [][]int{{3, 2}}, F: func(in []*Value) *Value { return Slice(in[0], 0, 1, 3) }},
			}
		}})
	padOp = op(Op{Name: "pad", Args: 1, Kernel: kernels.Pad, Shape: cutShape,
		Attr: func(c *Call) any {
			c.work.move = kernels.MoveAttr{Shape: c.In[0].shape, Lo: c.Attr.(cut).lo, Out: c.Out[0].shape}
			return &c.work.move
		},
		Rules: []Rule{{VJP: func(c *Call, g *Value) *Value { return sliceOp.one(c.tape.cut(c.Attr.(cut).lo, c.In[0].shape), g) }}},
		Samples: func() []Sample {
			return []Sample{{Shapes: [][]int{{2, 3}}, F: func(in []*Value) *Value { return Pad(in[0], []int{1, 0}, []int{0, 2}) }}}
		}})
	concatOp = op(Op{Name: "concat", Args: Variadic, Kernel: kernels.Concat, Shape: concatShape,
		Attr: func(c *Call) any {
			c.work.move = kernels.MoveAttr{Axis: c.Attr.(int), Out: c.Out[0].shape}
			return &c.work.move
		},
		Joint: &JointRule{VJP: splitRule},
		Samples: func() []Sample {
			join := func(axis int) func(in []*Value) *Value {
				return func(in []*Value) *Value { return Concat(axis, in...) }
			}
			return []Sample{
				{Name: "last", Shapes: [][]int{{2, 1}, {2, 3}, {2, 2}}, F: join(-1)},
				{Name: "first", Shapes: [][]int{{1, 3}, {2, 3}}, F: join(0)},
			}
		}})
	gatherOp = op(Op{Name: "gather", Args: 1, Kernel: kernels.Gather,
		Shape: func(c *Call) [][]int {
			a := c.Attr.(places)
			return c.shapes(withAxis(c.In[0].shape, a.axis, len(a.index)))
		},
		Attr: func(c *Call) any {
			a := c.Attr.(places)
			return &kernels.MoveAttr{Shape: c.In[0].shape, Axis: a.axis, Index: a.index}
		},
		Rules: []Rule{{VJP: func(c *Call, g *Value) *Value {
			a := c.Attr.(places)
			return scatterOp.one(places{a.axis, a.index, c.In[0].shape[a.axis]}, g)
		}}},
		Samples: func() []Sample {
			return []Sample{
				{Name: "rows", Shapes: [][]int{{3, 2}}, F: func(in []*Value) *Value { return Gather(in[0], 0, []int{2, 0, 2}) }},
				{Name: "columns", Shapes: [][]int{{2, 3}}, F: func(in []*Value) *Value { return Gather(in[0], 1, []int{1, 1, 0, 2}) }},
			}
		}})
	scatterOp = op(Op{Name: "scatter", Args: 1, Kernel: kernels.Scatter,
		Shape: func(c *Call) [][]int {
			a := c.Attr.(places)
			return c.shapes(withAxis(c.In[0].shape, a.axis, a.n))
		},
		Attr: func(c *Call) any {
			a := c.Attr.(places)
			return &kernels.MoveAttr{Shape: c.In[0].shape, Axis: a.axis, Index: a.index, Len: a.n}
		},
		Rules: []Rule{{VJP: func(c *Call, g *Value) *Value {
			a := c.Attr.(places)
			return Gather(g, a.axis, a.index)
		}}},
		Samples: func() []Sample {
			return []Sample{{Shapes: [][]int{{3, 2}}, F: func(in []*Value) *Value {
				return scatterOp.one(places{0, []int{1, 3, 1}, 4}, in[0])
			}}}
		}})
}

// Reshape gives x another shape with the same elements in the same order; one
// dimension may be -1 and is worked out. The memory is shared.
func Reshape(x *Value, shape ...int) *Value {
	if sameShape(x.shape, shape) {
		return own(x, x)
	}
	var room [8]int
	want := append(room[:0], shape...)
	unknown, n := -1, 1
	for i, d := range want {
		if d == -1 && unknown < 0 {
			unknown = i
			continue
		}
		n *= d
	}
	if unknown >= 0 && n > 0 {
		want[unknown] = x.Size() / n
		n *= want[unknown]
	}
	if n != x.Size() || len(want) > 0 && slices.Min(want) < 1 {
		panic(&ShapeError{Op: "reshape", Shapes: [][]int{x.shape, slices.Clone(shape)}, Want: "as many elements in both shapes"})
	}
	return reshapeOp.one(x.tape.shapeAttr(want), x)
}

// Permute reorders the axes: axis i of the result is axis perm[i] of x.
func Permute(x *Value, perm ...int) *Value {
	axes := make([]int, len(x.shape))
	for i := range axes {
		axes[i] = i
	}
	if !slices.Equal(slices.Sorted(slices.Values(perm)), axes) {
		bad("permute", "each axis of the operand once", x)
	}
	if slices.Equal(perm, axes) {
		return own(x, x)
	}
	return permuteOp.one(slices.Clone(perm), x)
}

func permuted(shape, perm []int) []int {
	out := make([]int, len(perm))
	for i, p := range perm {
		out[i] = shape[p]
	}
	return out
}

func inverse(perm []int) []int {
	out := make([]int, len(perm))
	for i, p := range perm {
		out[p] = i
	}
	return out
}

// cut is a box in a larger array: where it begins, and the result's shape.
type cut struct{ lo, out []int }

// cut is a box as an attribute, the same one each time.
func (t *Tape) cut(lo, out []int) any {
	k := cutKey{shapeKey{rank: len(lo)}, shapeKey{rank: len(out)}}
	if t == nil || len(out) > len(k.out.dims) {
		return cut{t.shape(lo...), t.shape(out...)}
	}
	copy(k.lo.dims[:], lo)
	copy(k.out.dims[:], out)
	return constant(t, k, func() any { return cut{t.shape(lo...), t.shape(out...)} })
}

// cutKey is a box that can be compared.
type cutKey struct{ lo, out shapeKey }

func cutShape(c *Call) [][]int { return c.shapes(c.Attr.(cut).out) }

// Slice takes elements lo up to, not including, hi of one axis.
func Slice(x *Value, axis, lo, hi int) *Value {
	axis = axesOf("slice", x, []int{axis})[0]
	if lo < 0 || hi <= lo || hi > x.shape[axis] {
		bad("slice", "0 <= lo < hi <= the length of the axis", x)
	}
	if lo == 0 && hi == x.shape[axis] {
		return own(x, x)
	}
	var rooms [2][8]int
	start, out := append(rooms[0][:0], x.shape...), append(rooms[1][:0], x.shape...)
	clear(start)
	start[axis], out[axis] = lo, hi-lo
	return sliceOp.one(x.tape.cut(start, out), x)
}

// Pad puts zeros around x, before[i] and after[i] of them along axis i.
func Pad(x *Value, before, after []int) *Value {
	if len(before) != len(x.shape) || len(after) != len(x.shape) || slices.Min(append(slices.Concat(before, after), 0)) < 0 {
		bad("pad", "two numbers of zeros, 0 or more, for each axis", x)
	}
	out := slices.Clone(x.shape)
	for i := range out {
		out[i] += before[i] + after[i]
	}
	return padOp.one(x.tape.cut(before, out), x)
}

// Concat joins values along an axis; their other axes are equal.
func Concat(axis int, xs ...*Value) *Value {
	if len(xs) == 0 {
		panic(&UsageError{Op: "concat", Problem: "no operands"})
	}
	if axis < 0 {
		axis += len(xs[0].shape)
	}
	return concatOp.one(axis, xs...)
}

func concatShape(c *Call) [][]int {
	axis, in := c.Attr.(int), c.In
	if axis < 0 || axis >= len(in[0].shape) {
		bad("concat", "an axis of the operands", in...)
	}
	n := 0
	for _, v := range in {
		if !sameBut(axis, v.shape, in[0].shape) {
			bad("concat", "equal shapes but for the axis that is joined", in...)
		}
		n += v.shape[axis]
	}
	var room [8]int
	out := append(room[:0], in[0].shape...)
	out[axis] = n
	return c.shapes(c.dims(out...))
}

// sameBut reports whether shapes are equal but for one axis.
func sameBut(axis int, a, b []int) bool {
	return len(a) == len(b) && sameShape(a[:axis], b[:axis]) && sameShape(a[axis+1:], b[axis+1:])
}

func splitRule(c *Call, g []*Value) []*Value {
	axis := c.Attr.(int)
	out := c.tape.list(len(c.In))
	lo := 0
	for i, v := range c.In {
		hi := lo + v.shape[axis]
		if c.Wants(i) {
			out[i] = Slice(g[0], axis, lo, hi)
		}
		lo = hi
	}
	return out
}

// places are the indices of a gather along an axis; n is the axis's length in
// the result of a scatter.
type places struct {
	axis  int
	index []int
	n     int
}

// Gather takes the given places of an axis, in that order; a place may come
// several times.
func Gather(x *Value, axis int, index []int) *Value {
	axis = axesOf("gather", x, []int{axis})[0]
	if len(index) == 0 {
		bad("gather", "at least one index", x)
	}
	for _, i := range index {
		if i < 0 || i >= x.shape[axis] {
			bad("gather", "indices below the length of the axis", x)
		}
	}
	return gatherOp.one(places{axis: axis, index: slices.Clone(index)}, x)
}

func withAxis(shape []int, axis, n int) []int {
	out := slices.Clone(shape)
	out[axis] = n
	return out
}
