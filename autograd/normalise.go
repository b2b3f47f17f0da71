package autograd

import "gradgrad/kernels"

// The rows of batch norm without scale and shift, whose rules read the result and
// never x. xh and rstd are two functions of x, both differentiable; normalise.grad
// is a function of the two, with a closed form of its derivative, so that between
// them nothing has to be known about x.
var normaliseOp, normaliseGradOp, normaliseGrad2Op *Op

func init() {
	normaliseOp = op(Op{Name: "normalise", Args: 1, Smooth: 2, Kernel: kernels.Normalise, Attr: normaliseAttr(0),
		Shape: func(c *Call) [][]int {
			x := c.In[0]
			each := c.dims(x.Dim(-1))
			return c.shapes(x.shape, each, each, each)
		},
		Joint: &JointRule{Reads: ReadsOut(0, 1), VJP: func(c *Call, g []*Value) []*Value {
			return c.gives(normaliseGradOp.one(c.Attr, orZero(g[0], c.Out[0]), c.Out[0], c.Out[1], g[1]))
		}},
		Define: func(c *Call) []*Value {
			one := c.In[0].home().full(1, []int{c.In[0].Dim(-1)})
			t := normTermsOf(c.Attr.(normalisation), c.In[0], one, one)
			return []*Value{t.xh, t.r, t.mean, t.variance}
		},
		Samples: and(normaliseSamples([][]int{{5, 3}}, func(n normalisation, in []*Value) []*Value {
			return normaliseOp.apply(n, in...)[:2]
		}), Sample{Name: "used", Shapes: [][]int{{2, 1, 2, 3}}, F: func(in []*Value) *Value {
			xh, mean, variance := Normalise(in[0], 1e-5)
			return Add(xh, Sub(Scale(mean, 0), Scale(variance, 0)))
		}})})
	normaliseGradOp = op(Op{Name: "normalise.grad", Args: 4, Kernel: kernels.NormaliseGrad, Attr: normaliseAttr(1),
		Shape: func(c *Call) [][]int { return c.shapes(c.In[1].shape) },
		Joint: &JointRule{Reads: ReadsIn(0, 1, 2, 3), VJP: func(c *Call, g []*Value) []*Value {
			return normaliseGrad2Op.apply(c.Attr, g[0], c.In[0], c.In[1], c.In[2], c.In[3])
		}},
		Remake: rerun,
		Define: func(c *Call) []*Value {
			t := rowTermsOf(c.In[0])
			g, xh, r := c.In[0], c.In[1], c.In[2]
			p := Mul(r, Sub(Sub(g, t.average(g)), Mul(xh, t.average(Mul(g, xh)))))
			if w := c.In[3]; w != nil {
				p = Sub(p, Mul(Mul(Mul(r, r), Scale(w, 1/t.m)), xh))
			}
			return []*Value{p}
		},
		Samples: normaliseSamples([][]int{{5, 3}, {5, 3}, {3}, {3}}, func(n normalisation, in []*Value) []*Value {
			return normaliseGradOp.apply(n, in...)
		})})
	normaliseGrad2Op = op(Op{Name: "normalise.grad2", Args: 5, Kernel: kernels.NormaliseGrad2, Attr: normaliseAttr(2),
		Shape: func(c *Call) [][]int {
			return c.shapes(c.In[2].shape, c.In[2].shape, c.In[3].shape, c.In[3].shape)
		},
		Joint:  &JointRule{Reads: ReadsIn(0, 1, 2, 3, 4), VJP: throughDefinition},
		Define: normaliseSecond,
		Samples: normaliseSamples([][]int{{5, 3}, {5, 3}, {5, 3}, {3}, {3}}, func(n normalisation, in []*Value) []*Value {
			return normaliseGrad2Op.apply(n, in...)
		})})
}

// normaliseAttr makes the kernels' attribute from the operand of that number.
func normaliseAttr(i int) func(c *Call) any {
	return func(c *Call) any {
		x := c.In[i]
		ch := x.Dim(-1)
		c.work.norm = kernels.NormAttr{M: x.Size() / ch, C: ch, Eps: c.Attr.(normalisation).eps}
		return &c.work.norm
	}
}

// rowTermsOf serves for averages over the rows of v.
func rowTermsOf(v *Value) *normTerms {
	t := &normTerms{m: float64(v.Size() / v.Dim(-1))}
	for i := range len(v.shape) - 1 {
		t.axes = append(t.axes, i)
	}
	return t
}

// normaliseSecond is the second derivative in plain operations.
func normaliseSecond(c *Call) []*Value {
	u, g, xh, r, w := c.In[0], c.In[1], c.In[2], c.In[3], c.In[4]
	t := rowTermsOf(u)
	a, b := t.average(Mul(u, xh)), t.average(Mul(g, xh))
	dg := Mul(r, Sub(Sub(u, t.average(u)), Mul(xh, a)))
	dxh := Neg(Mul(r, Add(Mul(b, u), Mul(a, g))))
	dr := t.sum(Mul(u, Sub(Sub(g, t.average(g)), Mul(xh, b))))
	if w != nil {
		dxh = Sub(dxh, Mul(Mul(Mul(r, r), Scale(w, 1/t.m)), u))
		dr = Sub(dr, Scale(Mul(Mul(r, a), w), 2))
	}
	return []*Value{dg, dxh, dr, Neg(Mul(Mul(r, r), a))}
}

// normaliseSamples tests a row with all operands, and without the last where it
// may be left out.
func normaliseSamples(shapes [][]int, f func(n normalisation, in []*Value) []*Value) func() []Sample {
	n := normalisation{eps: 1e-5}
	whole := Sample{Shapes: shapes, F: func(in []*Value) *Value { return join(f(n, in)...) }}
	if len(shapes) == 1 {
		return func() []Sample { return []Sample{whole} }
	}
	without := Sample{Name: "without rstd", Shapes: shapes[:len(shapes)-1], F: func(in []*Value) *Value {
		return join(f(n, append(append([]*Value{}, in...), nil))...)
	}}
	return func() []Sample { return []Sample{whole, without} }
}
