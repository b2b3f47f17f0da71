package autograd

import (
	"slices"

	"gradgrad/kernels"
)

// normalisation is the attribute of the batch-norm rows.
type normalisation struct {
	eps  float64
	relu bool
	lean bool // the derivative is computed again rather than kept
}

func normAttr(c *Call) any {
	n := c.Attr.(normalisation)
	x := c.In[0]
	switch c.Op {
	case bnGradOp, bnAddGradOp:
		x = c.In[1]
	case bnGrad2Op:
		x = c.In[4]
	case bnAddGrad2Op:
		x = c.In[5]
	}
	ch := x.Dim(-1)
	noDW := c.Op == bnGrad2Op && c.In[1] == nil && c.In[2] == nil || c.Op == bnAddGrad2Op && c.In[2] == nil && c.In[3] == nil
	c.work.norm = kernels.NormAttr{M: x.Size() / ch, C: ch, Eps: n.eps, ReLU: n.relu, NoDW: noDW}
	return &c.work.norm
}

// The rows of batch norm in train mode: the operation (with or without ReLU),
// its derivative, and its second derivative, each a closed form in two passes
// over memory. mean and rstd travel along as functions of x, whose derivatives
// are in the closed forms. Third and higher orders go through the plain
// definition.
var bnOp, bnGradOp, bnGrad2Op, affineOp *Op

func init() {
	bnOp = op(Op{Name: "batchnorm", Args: 3, Smooth: 1, Kernel: kernels.BatchNorm, Attr: normAttr,
		Shape: func(c *Call) [][]int {
			x := c.In[0]
			each := c.dims(x.Dim(-1))
			return c.shapes(x.shape, each, each, each)
		},
		Joint: &JointRule{Reads: ReadsIn(0, 1, 2) | ReadsOut(1, 2), VJP: func(c *Call, g []*Value) []*Value {
			return bnGradOp.applyInto(c.Attr, c.tape.pair(c.soFar(0), nil), c.tape.pair(c.dying(g[0]), nil),
				g[0], c.In[0], c.In[1], c.In[2], c.Out[1], c.Out[2])
		}},
		Remake: func(c *Call) {
			c.runInto(kernels.BatchNormApply, normAttr(c), c.Out[0], c.In[0], c.In[1], c.In[2], c.Out[1], c.Out[2])
		},
		Define: func(c *Call) []*Value {
			t := normTermsOf(c.Attr.(normalisation), c.In[0], c.In[1], c.In[2])
			return []*Value{Mul(t.mask, t.y), t.mean, t.r, t.variance}
		},
		Samples: and(normSamples([][]int{{5, 3}, {3}, {3}}, func(n normalisation, in []*Value) *Value {
			return bnOp.apply(n, in...)[0]
		}), usedNorm("used", BatchNorm), usedNorm("lean", BatchNormLean),
			readTwice("added to a cotangent", []int{2}, func(h, gamma *Value) *Value {
				y, _, _ := BatchNorm(h, gamma, gamma, 1e-5, true)
				return Add(y, Mul(h, h))
			}), readTwice("added to a cotangent that others hold", []int{2}, func(h, gamma *Value) *Value {
				y, _, _ := BatchNormLean(h, gamma, gamma, 1e-5, false)
				return Add(y, h)
			}))})
	bnGradOp = op(Op{Name: "batchnorm.grad", Args: 6, Kernel: kernels.BatchNormGrad, Attr: normAttr,
		Shape: func(c *Call) [][]int { return c.shapes(c.In[1].shape, c.In[2].shape, c.In[2].shape) },
		Joint: &JointRule{Reads: ReadsIn(0, 1, 2, 3, 4, 5), VJP: func(c *Call, g []*Value) []*Value {
			u := g[0]
			if u == nil {
				u = c.In[1].home().full(0, c.In[1].shape)
			}
			wg, wb := g[1], g[2]
			if wg != nil || wb != nil {
				wg, wb = orZero(wg, c.In[2]), orZero(wb, c.In[2])
			}
			d := bnGrad2Op.applyInto(c.Attr, nil, c.tape.pair(c.dying(u), c.dying(c.In[0])), u, wg, wb, c.In[0], c.In[1], c.In[2], c.In[3], c.In[4], c.In[5])
			return c.gives(d[0], d[1], d[2], nil, nil, nil)
		}},
		Remake:    rerun,
		MayRemake: func(c *Call) bool { return c.Attr.(normalisation).lean },
		Define: func(c *Call) []*Value {
			t := normTermsOf(c.Attr.(normalisation), c.In[1], c.In[2], c.In[3])
			g := Mul(t.mask, c.In[0])
			return []*Value{Mul(Mul(c.In[2], t.r), t.project(g)), t.sum(Mul(g, t.xh)), t.sum(g)}
		},
		Samples: normSamples([][]int{{5, 3}, {5, 3}, {3}, {3}}, func(n normalisation, in []*Value) *Value {
			s := bnOp.apply(n, in[1], in[2], in[3])
			d := bnGradOp.apply(n, in[0], in[1], in[2], in[3], s[1], s[2])
			return join(d...)
		})})
	bnGrad2Op = op(Op{Name: "batchnorm.grad2", Args: 9, Kernel: kernels.BatchNormGrad2, Attr: normAttr,
		Shape:  func(c *Call) [][]int { return c.shapes(c.In[4].shape, c.In[4].shape, c.In[5].shape) },
		Joint:  &JointRule{Reads: ReadsIn(0, 1, 2, 3, 4, 5, 6), VJP: throughDefinition},
		Define: normSecond,
		Samples: normSamples([][]int{{5, 3}, {3}, {3}, {5, 3}, {5, 3}, {3}, {3}}, func(n normalisation, in []*Value) *Value {
			s := bnOp.apply(n, in[4], in[5], in[6])
			return join(bnGrad2Op.apply(n, append(append([]*Value{}, in...), s[1], s[2])...)...)
		})})
	affineOp = op(Op{Name: "affine", Args: 4, Kernel: kernels.ChannelAffine, Shape: sameAsFirst, Attr: normAttr,
		Joint: &JointRule{Reads: ReadsIn(0, 1) | ReadsOut(0), VJP: affineRule},
		Define: func(c *Call) []*Value {
			y := Add(Mul(c.In[0], c.In[1]), c.In[2])
			if c.In[3] != nil {
				y = Add(y, c.In[3])
			}
			if c.Attr.(normalisation).relu {
				y = ReLU(y)
			}
			return []*Value{y}
		},
		Samples: and(normSamples([][]int{{4, 3}, {3}, {3}}, func(n normalisation, in []*Value) *Value {
			return affineOp.one(n, in[0], in[1], in[2], nil)
		}), Sample{Name: "eval", Shapes: [][]int{{2, 1, 2, 3}, {3}, {3}}, F: func(in []*Value) *Value {
			mean, variance := Full(in[0].dev, 0.3, 3), Full(in[0].dev, 2, 3)
			return BatchNormEval(in[0], in[1], in[2], mean, variance, 1e-5, true)
		}}, Sample{Name: "eval and sum", Shapes: [][]int{{2, 1, 2, 3}, {3}, {3}, {2, 1, 2, 3}}, F: func(in []*Value) *Value {
			mean, variance := Full(in[0].dev, 0.3, 3), Full(in[0].dev, 2, 3)
			return BatchNormAddEval(in[0], in[1], in[2], mean, variance, in[3], 1e-5)
		}}, Sample{Name: "folded", Shapes: [][]int{{2, 1}, {2, 2}, {3}, {3}, {3}, {3}}, F: func(in []*Value) *Value {
			scale, shift := FoldNorm(in[2], in[3], in[4], Mul(in[5], in[5]), 1e-5)
			return AffineReLU(scale, shift, in[0], in[1])
		}})})
}

func orZero(v, like *Value) *Value {
	if v != nil {
		return v
	}
	return like.home().full(0, like.shape)
}

// join flattens values into one, so that a sample tests all results.
func join(vs ...*Value) *Value {
	flat := make([]*Value, len(vs))
	for i, v := range vs {
		flat[i] = Reshape(v, -1)
	}
	return Concat(0, flat...)
}

func normSamples(shapes [][]int, f func(n normalisation, in []*Value) *Value) func() []Sample {
	with := func(relu bool) func(in []*Value) *Value {
		return func(in []*Value) *Value { return f(normalisation{eps: 1e-5, relu: relu}, in) }
	}
	return func() []Sample {
		return []Sample{{Name: "plain", Shapes: shapes, F: with(false)}, {Name: "relu", Shapes: shapes, F: with(true)}}
	}
}

// usedNorm is a batch norm as users call it, with statistics that are constants.
func usedNorm(name string, norm func(x, gamma, beta *Value, eps float64, relu bool) (y, mean, variance *Value)) Sample {
	return Sample{Name: name, Shapes: [][]int{{2, 1, 2, 3}, {3}, {3}}, F: func(in []*Value) *Value {
		y, mean, variance := norm(in[0], in[1], in[2], 1e-5, true)
		return Add(y, Sub(Scale(mean, 0), Scale(variance, 0)))
	}}
}

// normTerms are the parts of batch norm in plain operations; xh, r and the mask
// are those of double-backward algebra: xh = (x-mean)*r, y = gamma*xh + beta.
type normTerms struct {
	mean, variance, r, xh, y, mask *Value
	axes                           []int
	m                              float64
}

func normTermsOf(n normalisation, x, gamma, beta *Value) *normTerms {
	t := &normTerms{m: float64(x.Size() / x.Dim(-1))}
	for i := range len(x.shape) - 1 {
		t.axes = append(t.axes, i)
	}
	t.mean = t.average(x)
	xc := Sub(x, t.mean)
	t.variance = t.average(Mul(xc, xc))
	t.r = Pow(AddScalar(t.variance, n.eps), -0.5)
	t.xh = Mul(xc, t.r)
	if beta != nil {
		t.y = Add(Mul(gamma, t.xh), beta)
	}
	t.mask = x.home().full(1, x.shape)
	if n.relu {
		t.mask = Above(t.y, 0)
	}
	return t
}

func (t *normTerms) average(v *Value) *Value { return Mean(v, t.axes...) }
func (t *normTerms) sum(v *Value) *Value     { return Sum(v, t.axes...) }

// project is P v = v - <v> - xh <v xh>.
func (t *normTerms) project(v *Value) *Value {
	return Sub(Sub(v, t.average(v)), Mul(t.xh, t.average(Mul(v, t.xh))))
}

// normSecond is the second derivative in plain operations.
func normSecond(c *Call) []*Value {
	u, g, x, gamma := c.In[0], c.In[3], c.In[4], c.In[5]
	t := normTermsOf(c.Attr.(normalisation), x, gamma, c.In[6])
	dg, dx, dgamma := t.second(u, c.In[1], c.In[2], Mul(t.mask, g), gamma)
	return []*Value{Mul(t.mask, dg), dx, dgamma}
}

// second differentiates dx = gamma*r*P g, dgamma = sum g*xh and dbeta = sum g, whose
// cotangents are u, wg and wb, the last two perhaps nil.
func (t *normTerms) second(u, wg, wb, g, gamma *Value) (dg, dx, dgamma *Value) {
	kh, ph := Mul(t.r, t.project(u)), Mul(t.r, t.project(g))
	k, p := Mul(gamma, kh), Mul(gamma, ph)
	a, b := t.average(Mul(u, t.xh)), t.average(Mul(g, t.xh))
	dx = Neg(Mul(t.r, Add(Add(Mul(b, k), Mul(a, p)), Mul(t.average(Mul(u, p)), t.xh))))
	dg = k
	if wg != nil {
		dg = Add(dg, Mul(wg, t.xh))
		dx = Add(dx, Mul(wg, ph))
	}
	if wb != nil {
		dg = Add(dg, wb)
	}
	return dg, dx, t.sum(Mul(g, kh))
}

func affineRule(c *Call, g []*Value) []*Value {
	d := g[0]
	if c.Attr.(normalisation).relu {
		d = gate(d, c.Out[0], 0)
	}
	out := c.tape.list(4)
	if c.Wants(3) {
		out[3] = d
	}
	if c.Wants(0) {
		out[0] = Mul(d, c.In[1])
	}
	if c.Wants(1) {
		out[1] = sumTo(Mul(d, c.In[0]), c.In[1].shape)
	}
	if c.Wants(2) {
		out[2] = sumTo(d, c.In[2].shape)
	}
	return out
}

// BatchNorm normalises every channel (the last axis) of x by its mean and biased
// variance over all other axes, scales by gamma and shifts by beta, both [C], and
// applies ReLU when asked. It also returns the batch's mean and biased variance,
// [C] each, as constants, for running statistics.
func BatchNorm(x, gamma, beta *Value, eps float64, relu bool) (y, mean, variance *Value) {
	return batchNorm(normalisation{eps: eps, relu: relu}, x, gamma, beta)
}

// BatchNormLean is [BatchNorm] with a derivative that, where a second one is taken,
// is computed again instead of kept: one value of x's size less in memory, for two
// passes over two of them.
func BatchNormLean(x, gamma, beta *Value, eps float64, relu bool) (y, mean, variance *Value) {
	return batchNorm(normalisation{eps: eps, relu: relu, lean: true}, x, gamma, beta)
}

func batchNorm(n normalisation, x, gamma, beta *Value) (y, mean, variance *Value) {
	checkChannels("batchnorm", x, gamma, beta)
	out := bnOp.apply(boxed(tapeOf(x, gamma, beta), n), x, gamma, beta)
	out[2].Done() // rstd: kept only where a derivative needs it
	return out[0], out[1], out[3]
}

// BatchNormEval normalises with the given mean and variance, [C] each, which are
// constants: (x-mean)/sqrt(variance+eps)*gamma + beta, then ReLU when asked.
func BatchNormEval(x, gamma, beta, mean, variance *Value, eps float64, relu bool) *Value {
	return normEval(x, gamma, beta, mean, variance, nil, eps, relu)
}

func normEval(x, gamma, beta, mean, variance, skip *Value, eps float64, relu bool) *Value {
	checkChannels("batchnorm", x, gamma, beta, mean, variance)
	scale, shift := FoldNorm(gamma, beta, mean, variance, eps)
	y := affineOp.one(boxed(tapeOf(x, scale, shift), normalisation{relu: relu}), x, scale, shift, skip)
	scale.Done()
	shift.Done()
	return y
}

// FoldNorm returns batch norm with the given mean and variance as one scale and
// one shift per channel: gamma/sqrt(variance+eps) and beta - mean*scale. All are [C].
func FoldNorm(gamma, beta, mean, variance *Value, eps float64) (scale, shift *Value) {
	padded := AddScalar(variance, eps)
	r := Pow(padded, -0.5)
	scale = Mul(gamma, r)
	shifted := Mul(mean, scale)
	shift = Sub(beta, shifted)
	for _, v := range []*Value{padded, r, shifted} {
		v.Done()
	}
	return scale, shift
}

func checkChannels(op string, x *Value, per ...*Value) {
	for _, v := range per {
		if len(x.shape) < 2 || len(v.shape) != 1 || v.shape[0] != x.Dim(-1) {
			bad(op, "x [..., C] and one number per channel [C]", slices.Concat([]*Value{x}, per)...)
		}
	}
}
