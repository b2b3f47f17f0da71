package autograd

import "gradgrad/kernels"

// A densely connected network reads every group of channels in all later layers,
// each time with another scale and shift in front of ReLU and a 1x1 convolution.
// Joined and normalised for each reader anew, the channels of all layers are
// copied a dozen times over. Here they stay where they are: batch statistics
// belong to a channel and not to its reader, so a group is normalised once (the
// rows normalise, in a file of their own); and a reader takes all groups as they lie and leaves nothing but
// its result (the rows affineconv).

var affineConvOp, affineConvGradOp, affineConvGrad2Op *Op

// affineConvolution is the attribute of the affineconv rows: how many parts there
// are, and for affineconv.grad whether its last three results are wanted.
type affineConvolution struct {
	parts int
	full  bool
}

// split takes the operands of a row apart; g is nil for affineconv, us are of
// affineconv.grad2.
func (a affineConvolution) split(in []*Value, first int) (scale, shift, w *Value, parts, us []*Value) {
	in = in[first:]
	return in[0], in[1], in[2], in[3 : 3+a.parts], in[3+a.parts:]
}

func affineConvAttr(first int) func(c *Call) any {
	return func(c *Call) any {
		a := c.Attr.(affineConvolution)
		_, _, w, parts, _ := a.split(c.In, first)
		at := &c.work.affine
		*at = kernels.AffineConvAttr{M: parts[0].Size() / parts[0].Dim(-1), K: w.Dim(-1), Full: a.full, Widths: at.Widths[:0]}
		for _, p := range parts {
			at.Widths = append(at.Widths, p.Dim(-1))
		}
		return at
	}
}

func init() {
	affineConvOp = op(Op{Name: "affineconv", Args: Variadic, Kernel: kernels.AffineConv, Attr: affineConvAttr(0),
		Shape: func(c *Call) [][]int {
			var room [8]int
			x := c.In[3].shape
			return c.shapes(c.dims(append(append(room[:0], x[:len(x)-1]...), c.In[2].Dim(-1))...))
		},
		Joint: &JointRule{Reads: ReadsAllIn, VJP: func(c *Call, g []*Value) []*Value {
			a := c.Attr.(affineConvolution)
			a.full = c.Wants(0) || c.Wants(1) || c.Wants(2)
			sinks := c.tape.list(a.parts)
			for i := range sinks {
				sinks[i] = c.sink(3 + i)
			}
			d := affineConvGradOp.applyOnto(boxed(c.tape, a), sinks, c.with(g[:1], c.In...)...)
			out := c.tape.list(len(c.In))
			copy(out, d[a.parts:])
			copy(out[3:], d[:a.parts])
			return out
		}},
		Define: func(c *Call) []*Value {
			t := affineConvTermsOf(c, 0)
			return []*Value{t.conv(ReLU(t.y), t.w)}
		},
		Samples: and(affineConvSamples(false, func(a affineConvolution, in []*Value) []*Value { return affineConvOp.apply(a, in...) }),
			Sample{Name: "used", Shapes: [][]int{{5}, {5}, {1, 1, 5, 2}, {3, 2}, {3, 3}}, F: func(in []*Value) *Value {
				return AffineConv(in[0], in[1], in[2], in[3:]...)
			}})})
}

func init() {
	affineConvGradOp = op(Op{Name: "affineconv.grad", Args: Variadic, Kernel: kernels.AffineConvGrad, Attr: affineConvAttr(1),
		Shape: func(c *Call) [][]int {
			a := c.Attr.(affineConvolution)
			scale, shift, w, parts, _ := a.split(c.In, 1)
			out := c.shapes()
			for _, p := range parts {
				out = append(out, p.shape)
			}
			if a.full {
				out = append(out, scale.shape, shift.shape, w.shape)
			}
			return c.shapes(out...)
		},
		Joint: &JointRule{Reads: ReadsAllIn, VJP: affineConvGradRule},
		Define: func(c *Call) []*Value {
			t := affineConvTermsOf(c, 1)
			gh := Mul(t.mask, t.back(c.In[0], t.w))
			out := t.apart(Mul(t.scale, gh))
			if c.Attr.(affineConvolution).full {
				out = append(out, t.rows.sum(Mul(gh, t.x)), t.rows.sum(gh), t.weights(ReLU(t.y), c.In[0]))
			}
			return out
		},
		Samples: affineConvSamples(true, func(a affineConvolution, in []*Value) []*Value { return affineConvGradOp.apply(a, in...) })})
	affineConvGrad2Op = op(Op{Name: "affineconv.grad2", Args: Variadic, Kernel: kernels.AffineConvGrad2, Attr: affineConvAttr(1),
		Shape: func(c *Call) [][]int {
			scale, _, w, _, _ := c.Attr.(affineConvolution).split(c.In, 1)
			return c.shapes(c.In[0].shape, scale.shape, w.shape)
		},
		Joint:  &JointRule{Reads: ReadsAllIn, VJP: throughDefinition},
		Define: affineConvSecond,
		Samples: affineConvSamples(true, func(a affineConvolution, in []*Value) []*Value {
			_, _, _, parts, _ := a.split(in, 1)
			us := make([]*Value, len(parts))
			for i, p := range parts {
				if i != 1 { // nobody asked for that one
					us[i] = Scale(p, float64(i)+1.5)
				}
			}
			return affineConvGrad2Op.apply(a, append(append([]*Value{}, in...), us...)...)
		})})
}

// affineConvGradRule has a closed form where only the cotangents of the parts are
// differentiated, as a penalty on an input gradient does.
func affineConvGradRule(c *Call, g []*Value) []*Value {
	a := c.Attr.(affineConvolution)
	for _, v := range g[a.parts:] {
		if v != nil {
			return throughDefinition(c, g)
		}
	}
	d := affineConvGrad2Op.apply(c.Attr, c.with(c.In, g[:a.parts]...)...)
	out := c.tape.list(len(c.In))
	out[0], out[1], out[3] = d[0], d[1], d[2]
	return out
}

// affineConvSecond is the second derivative in plain operations.
func affineConvSecond(c *Call) []*Value {
	t := affineConvTermsOf(c, 1)
	us := make([]*Value, len(t.parts))
	for i, p := range t.parts {
		if us[i] = t.us[i]; us[i] == nil {
			us[i] = p.home().full(0, p.shape)
		}
	}
	gated := Mul(t.mask, Concat(-1, us...))
	v := t.weights(gated, c.In[0])
	column := Reshape(t.scale, -1, 1)
	return []*Value{t.conv(Mul(t.scale, gated), t.w), Sum(Reshape(Mul(v, t.w), t.scale.Size(), -1), 1), Mul(column, v)}
}

// affineConvTerms are the parts of an affineconv row in plain operations.
type affineConvTerms struct {
	scale, shift, w  *Value
	parts, us        []*Value
	x, y, mask       *Value // all channels; scale*x + shift; where that is above 0
	rows             *normTerms
	channels, filter int
}

func affineConvTermsOf(c *Call, first int) *affineConvTerms {
	t := &affineConvTerms{}
	t.scale, t.shift, t.w, t.parts, t.us = c.Attr.(affineConvolution).split(c.In, first)
	t.x = Concat(-1, t.parts...)
	t.y = Add(Mul(t.scale, t.x), t.shift)
	t.mask = Above(t.y, 0)
	t.rows = rowTermsOf(t.x)
	t.channels, t.filter = t.scale.Size(), t.w.Dim(-1)
	return t
}

// conv multiplies rows of all channels by weights, back rows of results by
// weights transposed, and weights is what is summed over the rows.
func (t *affineConvTerms) conv(h, w *Value) *Value {
	y := MatMul(Reshape(h, -1, t.channels), Reshape(w, t.channels, t.filter))
	return Reshape(y, withAxis(h.shape, len(h.shape)-1, t.filter)...)
}

func (t *affineConvTerms) back(g, w *Value) *Value {
	y := MatMul(Reshape(g, -1, t.filter), Permute(Reshape(w, t.channels, t.filter), 1, 0))
	return Reshape(y, t.x.shape...)
}

func (t *affineConvTerms) weights(h, g *Value) *Value {
	y := MatMul(Permute(Reshape(h, -1, t.channels), 1, 0), Reshape(g, -1, t.filter))
	return Reshape(y, t.w.shape...)
}

// apart cuts v into values like the parts.
func (t *affineConvTerms) apart(v *Value) (out []*Value) {
	lo := 0
	for _, p := range t.parts {
		out = append(out, Slice(v, -1, lo, lo+p.Dim(-1)))
		lo += p.Dim(-1)
	}
	return out
}

// affineConvSamples tests a row with one part, with several and with more than
// the table can tell apart in what is read, with its cotangent first where g is set.
func affineConvSamples(g bool, f func(a affineConvolution, in []*Value) []*Value) func() []Sample {
	sample := func(name string, rows []int, k int, full bool, widths ...int) Sample {
		s := Sample{Name: name}
		c := 0
		for _, n := range widths {
			c += n
		}
		if g {
			s.Shapes = append(s.Shapes, append(append([]int{}, rows...), k))
		}
		s.Shapes = append(s.Shapes, []int{c}, []int{c}, []int{1, 1, c, k})
		for _, n := range widths {
			s.Shapes = append(s.Shapes, append(append([]int{}, rows...), n))
		}
		a := affineConvolution{parts: len(widths), full: full}
		s.F = func(in []*Value) *Value { return join(f(a, in)...) }
		return s
	}
	many := make([]int, 31)
	for i := range many {
		many[i] = 1
	}
	return func() []Sample {
		return []Sample{
			sample("one part", []int{1, 3, 2}, 2, true, 3),
			sample("three parts", []int{2, 2}, 3, true, 2, 1, 2),
			sample("parts alone", []int{2, 2}, 3, false, 1, 2),
			sample("many parts", []int{1}, 1, false, many...),
		}
	}
}
