package autograd

import "gradgrad/kernels"

// The rows of batch norm in train mode, a sum and ReLU as one operation, which ends a
// residual block. Its mask is that of its result, which the next block keeps anyway.
// The first derivative begins with gm, the cotangent where the result is above 0,
// which is that of skip as well: a result of its row, so that it is written once,
// and where nobody else needs the cotangent, over it.
var bnAddOp, bnAddGradOp, bnAddGrad2Op *Op

func init() {
	bnAddOp = op(Op{Name: "batchnorm.add", Args: 4, Smooth: 1, Kernel: kernels.BatchNormAdd, Attr: normAttr,
		Shape: func(c *Call) [][]int {
			each := c.dims(c.In[0].Dim(-1))
			return c.shapes(c.In[0].shape, each, each, each)
		},
		Joint: &JointRule{Reads: ReadsIn(0, 1) | ReadsOut(0, 1, 2), VJP: func(c *Call, g []*Value) []*Value {
			gm := g[0]
			if !gm.exclusive() {
				gm = nil
			}
			d := bnAddGradOp.applyInto(c.Attr, c.tape.pair(nil, c.soFar(0)), c.tape.pair(gm, nil),
				g[0], c.In[0], c.In[1], c.Out[1], c.Out[2], c.Out[0])
			return c.gives(d[1], d[2], d[3], d[0])
		}},
		Define: func(c *Call) []*Value {
			t := normTermsOf(normalisation{eps: c.Attr.(normalisation).eps}, c.In[0], c.In[1], c.In[2])
			z := Add(t.y, c.In[3])
			return []*Value{Mul(Above(z, 0), z), t.mean, t.r, t.variance}
		},
		Samples: func() []Sample {
			return []Sample{{Name: "plain", Shapes: [][]int{{5, 3}, {3}, {3}, {5, 3}}, F: func(in []*Value) *Value {
				return bnAddOp.apply(normalisation{eps: 1e-5}, in...)[0]
			}}, {Name: "used", Shapes: [][]int{{2, 1, 2, 3}, {3}, {3}, {2, 1, 2, 3}}, F: func(in []*Value) *Value {
				y, mean, variance := BatchNormAdd(in[0], in[1], in[2], in[3], 1e-5)
				return Add(y, Sub(Scale(mean, 0), Scale(variance, 0)))
			}}, readTwice("added to a cotangent", []int{2}, func(h, gamma *Value) *Value {
				y, _, _ := BatchNormAdd(h, gamma, gamma, h, 1e-5)
				z, _, _ := BatchNormAdd(y, gamma, gamma, h, 1e-5)
				return Add(z, Mul(y, h))
			})}
		}})
	bnAddGradOp = op(Op{Name: "batchnorm.add.grad", Args: 6, Kernel: kernels.BatchNormAddGrad, Attr: normAttr,
		Shape: func(c *Call) [][]int { return c.shapes(c.In[0].shape, c.In[1].shape, c.In[2].shape, c.In[2].shape) },
		Joint: &JointRule{Reads: ReadsIn(1, 2, 3, 4, 5) | ReadsOut(0), VJP: bnAddGradRule},
		Define: func(c *Call) []*Value {
			t := normTermsOf(normalisation{eps: c.Attr.(normalisation).eps}, c.In[1], c.In[2], nil)
			gm := Mul(Above(c.In[5], 0), c.In[0])
			return []*Value{gm, Mul(Mul(c.In[2], t.r), t.project(gm)), t.sum(Mul(gm, t.xh)), t.sum(gm)}
		},
		Samples: bnAddSamples([][]int{{5, 3}, {5, 3}, {3}}, 1, func(n normalisation, in, s []*Value, y *Value) []*Value {
			return bnAddGradOp.apply(n, in[0], in[1], in[2], s[1], s[2], y)
		})})
	bnAddGrad2Op = op(Op{Name: "batchnorm.add.grad2", Args: 10, Kernel: kernels.BatchNormAddGrad2, Attr: normAttr,
		Shape: func(c *Call) [][]int { return c.shapes(c.In[5].shape, c.In[5].shape, c.In[6].shape) },
		Joint: &JointRule{Reads: ReadsIn(0, 1, 2, 3, 4, 5, 6, 9), VJP: throughDefinition},
		Define: func(c *Call) []*Value {
			t := normTermsOf(normalisation{eps: c.Attr.(normalisation).eps}, c.In[5], c.In[6], nil)
			dg, dx, dgamma := t.second(c.In[1], c.In[2], c.In[3], c.In[4], c.In[6])
			return []*Value{Mul(Above(c.In[9], 0), Add(c.In[0], dg)), dx, dgamma}
		},
		Samples: bnAddSamples([][]int{{5, 3}, {5, 3}, {3}, {3}, {5, 3}, {5, 3}, {3}}, 5, func(n normalisation, in, s []*Value, y *Value) []*Value {
			return bnAddGrad2Op.apply(n, append(append([]*Value{}, in...), s[1], s[2], y)...)
		})})
}

// bnAddGradRule differentiates gm, dx, dgamma and dbeta.
func bnAddGradRule(c *Call, g []*Value) []*Value {
	tm, u, wg, wb := g[0], g[1], g[2], g[3]
	if u == nil && wg == nil && wb == nil {
		return c.gives(gate(tm, c.In[5], 0), nil, nil, nil, nil, nil)
	}
	u, tm = orZero(u, c.In[1]), orZero(tm, c.In[1])
	if wg != nil || wb != nil {
		wg, wb = orZero(wg, c.In[2]), orZero(wb, c.In[2])
	}
	dg := c.dying(tm)
	if dg == nil {
		dg = c.dying(u)
	}
	d := bnAddGrad2Op.applyInto(c.Attr, nil, c.tape.pair(dg, c.dying(c.Out[0])),
		tm, u, wg, wb, c.Out[0], c.In[1], c.In[2], c.In[3], c.In[4], c.In[5])
	return c.gives(d[0], d[1], d[2], nil, nil, nil)
}

// bnAddSamples tests a row of derivatives, whose operands end in the statistics of
// operand x and in a result y of which only the sign matters.
func bnAddSamples(shapes [][]int, x int, f func(n normalisation, in, statistics []*Value, y *Value) []*Value) func() []Sample {
	return func() []Sample {
		return []Sample{{Name: "plain", Shapes: shapes, F: func(in []*Value) *Value {
			n := normalisation{eps: 1e-5}
			y := make([]float64, in[x].Size())
			for i := range y {
				y[i] = float64(i*7%5) - 1.5
			}
			s := bnOp.apply(n, in[x], in[x+1], in[x+1])
			return join(f(n, in, s, New64(in[x].dev, y, in[x].shape...))...)
		}}}
	}
}

// BatchNormAdd normalises every channel (the last axis) of x as [BatchNorm] does,
// adds skip, a value of x's shape, and applies ReLU. It also returns the batch's mean
// and biased variance, [C] each, as constants.
func BatchNormAdd(x, gamma, beta, skip *Value, eps float64) (y, mean, variance *Value) {
	checkChannels("batchnorm.add", x, gamma, beta)
	checkSkip(x, skip)
	out := bnAddOp.apply(boxed(tapeOf(x, gamma, beta, skip), normalisation{eps: eps}), x, gamma, beta, skip)
	out[2].Done() // rstd: kept only where a derivative needs it
	return out[0], out[1], out[3]
}

// BatchNormAddEval is relu(bn(x) + skip) with a given mean and variance, [C] each,
// which are constants; see [BatchNormEval].
func BatchNormAddEval(x, gamma, beta, mean, variance, skip *Value, eps float64) *Value {
	checkSkip(x, skip)
	return normEval(x, gamma, beta, mean, variance, skip, eps, true)
}

func checkSkip(x, skip *Value) {
	if !sameShape(x.shape, skip.shape) {
		bad("batchnorm.add", "x and what is added of one shape", x, skip)
	}
}
