package autograd

import (
	"fmt"

	"gradgrad/kernels"
)

// Window says how a convolution or a pooling moves over an image. Zero strides
// and dilations mean 1, zero groups one group.
type Window struct {
	StrideH, StrideW     int
	PadH, PadW           int
	DilationH, DilationW int
	Groups               int
	// Algorithm is how the convolution and its derivatives are computed.
	Algorithm kernels.ConvAlgorithm
}

// Square is the window with the same stride and padding along both axes.
func Square(stride, pad int) Window {
	return Window{StrideH: stride, StrideW: stride, PadH: pad, PadW: pad}
}

// filled puts in the defaults.
func (w Window) filled() Window {
	if min(w.StrideH, w.StrideW, w.PadH, w.PadW, w.DilationH, w.DilationW, w.Groups) < 0 {
		panic(&UsageError{Op: "window", Problem: fmt.Sprintf("a negative number in %+v", w)})
	}
	w.StrideH, w.StrideW = max(w.StrideH, 1), max(w.StrideW, 1)
	w.DilationH, w.DilationW = max(w.DilationH, 1), max(w.DilationW, 1)
	w.Groups = max(w.Groups, 1)
	return w
}

// convolution is the attribute of the three convolution rows: the geometry,
// which determines the shapes of image x, weights w and result y.
type convolution struct{ kernels.ConvAttr }

func (g convolution) x(t *Tape) []int { return t.shape(g.N, g.H, g.W, g.C) }
func (g convolution) w(t *Tape) []int { return t.shape(g.KH, g.KW, g.C/g.Groups, g.K) }
func (g convolution) y(t *Tape) []int { return t.shape(g.N, g.OutH, g.OutW, g.K) }

func convAttr(c *Call) any {
	c.work.conv = geometry(c).ConvAttr
	return &c.work.conv
}

// The three convolutions are sums of products over the same triples (x, w, y),
// one operand each being the result. So each one's derivatives are the other two.
var convOp, convXOp, convWOp *Op

func conv(g convolution, x, w *Value) *Value  { return convOp.one(boxed(tapeOf(x, w), g), x, w) }
func convX(g convolution, y, w *Value) *Value { return convXOp.one(boxed(tapeOf(y, w), g), y, w) }
func convW(g convolution, x, y *Value) *Value { return convWOp.one(boxed(tapeOf(x, y), g), x, y) }
func geometry(c *Call) convolution            { return c.Attr.(convolution) }

// onto is a row's rule for argument 0, added to the cotangent that it has so far.
func (o *Op) onto(c *Call, g, w *Value) *Value {
	return o.applyOnto(c.Attr, c.tape.pair(c.soFar(0), nil), g, w)[0]
}

func gives(s func(g convolution, t *Tape) []int) func(*Call) [][]int {
	return func(c *Call) [][]int { return c.shapes(s(geometry(c), c.tape)) }
}

func init() {
	convOp = op(Op{Name: "conv", Args: 2, Shape: gives(convolution.y), Kernel: kernels.Conv, Attr: convAttr,
		Rules: []Rule{
			{Reads: ReadsIn(1), VJP: func(c *Call, g *Value) *Value { return convXOp.onto(c, g, c.In[1]) }},
			{Reads: ReadsIn(0), VJP: func(c *Call, g *Value) *Value { return convW(geometry(c), c.In[0], g) }},
		}, Samples: and(convSamples(func(x, w *Value, at Window) *Value { return Conv2D(x, w, at) }, convolution.x, convolution.w),
			readTwice("added to a cotangent that others hold", []int{3, 3, 2, 2}, func(h, w *Value) *Value { return Add(Conv2D(h, w, Square(1, 1)), h) }),
			readTwice("added to a cotangent", []int{3, 3, 2, 2}, func(h, w *Value) *Value {
				return Add(Conv2D(h, w, Square(1, 1)), Mul(h, h))
			}),
			Sample{Name: "with a sum", Shapes: [][]int{{1, 3, 3, 2}, {3, 3, 2, 2}, {1, 3, 3, 2}}, F: func(in []*Value) *Value {
				y := Conv2DAdd(in[0], in[1], in[2], Square(1, 1))
				return Conv2DAdd(Mul(y, y), in[1], y, Square(1, 1))
			}},
			readTwice("stride, added", []int{3, 3, 2, 2}, func(h, w *Value) *Value { return Sub(Sum(Conv2D(h, w, Square(2, 1))), Mul(h, h)) }))})
	convXOp = op(Op{Name: "conv.x", Args: 2, Shape: gives(convolution.x), Kernel: kernels.ConvDX, Attr: convAttr,
		Rules: []Rule{
			{Reads: ReadsIn(1), VJP: func(c *Call, g *Value) *Value { return convOp.onto(c, g, c.In[1]) }},
			{Reads: ReadsIn(0), VJP: func(c *Call, g *Value) *Value { return convW(geometry(c), g, c.In[0]) }},
		}, Samples: convSamples(nil, convolution.y, convolution.w)})
	convWOp = op(Op{Name: "conv.w", Args: 2, Shape: gives(convolution.w), Kernel: kernels.ConvDW, Attr: convAttr,
		Rules: []Rule{
			{Reads: ReadsIn(1), VJP: func(c *Call, g *Value) *Value { return convX(geometry(c), c.In[1], g) }},
			{Reads: ReadsIn(0), VJP: func(c *Call, g *Value) *Value { return conv(geometry(c), c.In[0], g) }},
		}, Samples: convSamples(nil, convolution.x, convolution.y)})
}

// convCases are windows in all their variants, with image and kernel sizes.
var convCases = []struct {
	name                  string
	n, h, w, c, k, kh, kw int
	at                    Window
}{
	{"3x3", 2, 4, 3, 2, 3, 3, 3, Square(1, 1)},
	{"valid", 1, 4, 4, 2, 2, 3, 3, Square(1, 0)},
	{"stride", 1, 5, 4, 2, 2, 3, 3, Square(2, 1)},
	{"1x1 stride", 2, 4, 3, 2, 3, 1, 1, Square(2, 0)},
	{"dilated", 1, 5, 5, 1, 2, 3, 2, Window{DilationH: 2, DilationW: 1, PadH: 1}},
	{"groups", 1, 3, 3, 4, 2, 3, 3, Window{PadH: 1, PadW: 1, Groups: 2}},
	{"all of them", 1, 4, 4, 4, 2, 3, 2, Window{StrideH: 2, PadH: 1, PadW: 2, DilationW: 2, Groups: 2}},
}

func convSamples(user func(x, w *Value, at Window) *Value, first, second func(convolution, *Tape) []int) func() []Sample {
	return func() []Sample {
		var all []Sample
		for _, k := range convCases {
			at := k.at.filled()
			g := geometryOf(k.n, k.h, k.w, k.c, k.k, k.kh, k.kw, at)
			row := convXOp
			if user == nil && sameShape(first(g, nil), g.x(nil)) {
				row = convWOp
			}
			all = append(all, Sample{Name: k.name, Shapes: [][]int{first(g, nil), second(g, nil)}, F: func(in []*Value) *Value {
				if user != nil {
					return user(in[0], in[1], k.at)
				}
				return row.one(g, in[0], in[1])
			}})
		}
		return all
	}
}

// readTwice reads an image after an operation and something else.
func readTwice(name string, second []int, f func(h, v *Value) *Value) Sample {
	return Sample{Name: name, Shapes: [][]int{{1, 3, 3, 2}, second}, F: func(in []*Value) *Value { return f(Scale(in[0], 1.5), in[1]) }}
}

func geometryOf(n, h, w, c, k, kh, kw int, at Window) convolution {
	return convolution{kernels.ConvAttr{N: n, H: h, W: w, C: c, K: k, KH: kh, KW: kw,
		OutH: outSize(h, kh, at.StrideH, at.PadH, at.DilationH), OutW: outSize(w, kw, at.StrideW, at.PadW, at.DilationW),
		StrideH: at.StrideH, StrideW: at.StrideW, PadH: at.PadH, PadW: at.PadW,
		DilationH: at.DilationH, DilationW: at.DilationW, Groups: at.Groups, Algorithm: at.Algorithm}}
}

func outSize(n, k, stride, pad, dilation int) int {
	span := dilation*(k-1) + 1
	if n+2*pad < span {
		return 0
	}
	return (n+2*pad-span)/stride + 1
}

// Conv2D convolves images x [N, H, W, Cin] with weights w [KH, KW, Cin/groups,
// Cout] (cross-correlation, as in every deep-learning library) and returns
// [N, OutH, OutW, Cout].
func Conv2D(x, w *Value, at Window) *Value { return conv(checkedGeometry(x, w, at), x, w) }

// Conv2DAdd is Add(sum, Conv2D(x, w, at)), the end of a residual branch, without the
// convolution by itself ever being in memory. sum has the result's shape.
func Conv2DAdd(x, w, sum *Value, at Window) *Value {
	g := checkedGeometry(x, w, at)
	_, t := convOp.home([]*Value{x, w, sum})
	if !sameShape(sum.shape, g.y(t)) {
		bad("conv2d", "x, weights and a sum of the result's shape", x, w, sum)
	}
	return convOp.plus(boxed(t, g), sum, x, w)
}

func checkedGeometry(x, w *Value, at Window) convolution {
	at = at.filled()
	if len(x.shape) != 4 || len(w.shape) != 4 || w.shape[2]*at.Groups != x.shape[3] || w.shape[3]%at.Groups != 0 {
		bad("conv2d", "x [N, H, W, Cin], weights [KH, KW, Cin/groups, Cout], Cin and Cout divisible by groups", x, w)
	}
	g := geometryOf(x.shape[0], x.shape[1], x.shape[2], x.shape[3], w.shape[3], w.shape[0], w.shape[1], at)
	if g.OutH < 1 || g.OutW < 1 {
		bad("conv2d", "an image, with its padding, at least as large as the window", x, w)
	}
	return g
}
