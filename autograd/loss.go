package autograd

import (
	"fmt"

	"gradgrad/kernels"
)

var lseOp, softmaxOp, logSoftmaxOp, crossOp, normOp, dropoutOp *Op

func init() {
	lseOp = op(Op{Name: "logsumexp", Args: 1, Shape: reducedShape, Kernel: kernels.LogSumExp, Attr: reduceAttr,
		Rules: []Rule{{Reads: ReadsIn(0), VJP: func(c *Call, g *Value) *Value {
			return Mul(column(g), Softmax(c.In[0]))
		}}},
		Define:  func(c *Call) []*Value { return []*Value{plainLogSumExp(c.In[0])} },
		Samples: samplesOf(LogSumExp)})
	softmaxOp = op(Op{Name: "softmax", Args: 1, Shape: sameAsFirst, Kernel: kernels.Softmax, Attr: reduceAttr,
		Rules: []Rule{{Reads: ReadsOut(0), VJP: func(c *Call, g *Value) *Value {
			return Mul(c.Out[0], Sub(g, column(Sum(Mul(g, c.Out[0]), -1))))
		}}},
		Define: func(c *Call) []*Value {
			return []*Value{Exp(Sub(c.In[0], column(plainLogSumExp(c.In[0]))))}
		},
		Samples: samplesOf(Softmax)})
	logSoftmaxOp = op(Op{Name: "logsoftmax", Args: 1, Shape: sameAsFirst, Kernel: kernels.LogSoftmax, Attr: reduceAttr,
		Rules: []Rule{{Reads: ReadsOut(0), VJP: func(c *Call, g *Value) *Value {
			return Sub(g, Mul(Exp(c.Out[0]), column(Sum(g, -1))))
		}}},
		Define: func(c *Call) []*Value {
			return []*Value{Sub(c.In[0], column(plainLogSumExp(c.In[0])))}
		},
		Samples: samplesOf(LogSoftmax)})
	crossOp = op(Op{Name: "crossentropy", Args: 2, Shape: reducedShape, Kernel: kernels.CrossEntropy, Attr: reduceAttr,
		Rules: []Rule{{Reads: ReadsIn(0, 1), VJP: func(c *Call, g *Value) *Value {
			return Mul(column(g), Sub(Softmax(c.In[0]), OneHot(c.In[1], c.In[0].Dim(-1))))
		}}, None},
		Define: func(c *Call) []*Value {
			return []*Value{Sub(plainLogSumExp(c.In[0]), Pick(c.In[0], c.In[1]))}
		},
		Samples: rowIndexSamples([]int{3, 4}, CrossEntropyRows, CrossEntropy)})
	normOp = op(Op{Name: "norm", Args: 1, Shape: reducedShape, Kernel: kernels.RowNorm, Attr: reduceAttr,
		Rules: []Rule{{Reads: ReadsIn(0) | ReadsOut(0), VJP: func(c *Call, g *Value) *Value {
			// The unit vector first: products with 1/norm alone may overflow.
			unit := Mul(c.In[0], perSample(Inverse(c.Out[0]), c.In[0]))
			return Mul(unit, perSample(g, c.In[0]))
		}}},
		Define: func(c *Call) []*Value {
			x := c.In[0]
			return []*Value{Sqrt(Sum(Reshape(Mul(x, x), x.shape[0], -1), 1))}
		},
		Samples: func() []Sample {
			f := func(in []*Value) *Value { return Norm(in[0]) }
			return []Sample{{Name: "rows", Shapes: [][]int{{3, 4}}, F: f}, {Name: "images", Shapes: [][]int{{2, 2, 2, 3}}, F: f}}
		}})
	dropoutOp = op(Op{Name: "dropout", Args: 1, Shape: sameAsFirst, Kernel: kernels.Dropout,
		Attr:    func(c *Call) any { d := c.Attr.(kernels.DropAttr); return &d },
		Rules:   []Rule{{VJP: func(c *Call, g *Value) *Value { return dropoutOp.one(c.Attr, g) }}},
		Samples: samplesOf(func(x *Value) *Value { return Dropout(x, 0.4, 7, 1) })})
}

// plainLogSumExp subtracts the row's maximum as a constant, which changes
// neither the value nor any derivative.
func plainLogSumExp(x *Value) *Value {
	top := Max(x, -1).Detach()
	return Add(top, Log(Sum(Exp(Sub(x, column(top))), -1)))
}

// column appends an axis of length 1.
func column(v *Value) *Value {
	var room [8]int
	return Reshape(v, append(append(room[:0], v.shape...), 1)...)
}

// perSample gives per-sample numbers [N] the rank of x [N, ...].
func perSample(v, x *Value) *Value {
	var room [8]int
	shape := append(room[:0], v.Size())
	for range len(x.shape) - 1 {
		shape = append(shape, 1)
	}
	return Reshape(v, shape...)
}

// LogSumExp returns log(sum(exp(x))) over the last axis: [..., k] gives [...].
func LogSumExp(x *Value) *Value { return lseOp.one(rowsOf("logsumexp", x).attr(x.tape), x) }

// Softmax returns exp(x)/sum(exp(x)) over the last axis.
func Softmax(x *Value) *Value { return softmaxOp.one(rowsOf("softmax", x).attr(x.tape), x) }

// LogSoftmax returns x - logsumexp(x) over the last axis.
func LogSoftmax(x *Value) *Value { return logSoftmaxOp.one(rowsOf("logsoftmax", x).attr(x.tape), x) }

// CrossEntropyRows returns -log softmax(logits)[label] for every row: logits
// [n, classes] and labels [n] (class numbers, see [Labels]) give [n].
func CrossEntropyRows(logits, labels *Value) *Value {
	r := rowsOf("cross-entropy", logits)
	if !sameShape(labels.shape, r.out) {
		bad("cross-entropy", "one label for each row of logits", logits, labels)
	}
	return crossOp.one(r.attr(tapeOf(logits, labels)), logits, labels)
}

// CrossEntropy is the mean of [CrossEntropyRows].
func CrossEntropy(logits, labels *Value) *Value {
	rows := CrossEntropyRows(logits, labels)
	defer rows.Done()
	return Mean(rows)
}

// Labels puts class numbers below classes on the device of the tape. It panics
// when a label is out of range.
func (t *Tape) Labels(labels []int, classes int) *Value {
	data := make([]float32, len(labels))
	for i, l := range labels {
		if l < 0 || l >= classes {
			panic(&UsageError{Op: "labels", Problem: fmt.Sprintf("label %d of sample %d is not one of %d classes", l, i, classes)})
		}
		data[i] = float32(l)
	}
	return t.New(data, len(labels))
}

// Norm returns the Euclidean norm of every sample: x [n, ...] gives [n]. At a
// sample that is exactly zero the norm and its derivative are 0, not NaN.
func Norm(x *Value) *Value {
	if len(x.shape) < 1 {
		bad("norm", "samples along the first axis", x)
	}
	n := x.shape[0]
	return normOp.one(reduction{outer: n, reduce: x.Size() / n, inner: 1, out: x.shape[:1]}.attr(x.tape), x)
}

// Dropout sets elements to zero with probability p and multiplies the others by
// 1/(1-p). The mask is a function of seed, stream and the element's place: the
// same arguments give the same mask.
func Dropout(x *Value, p float64, seed, stream uint64) *Value {
	return DropoutAt(nil, x, p, seed, stream)
}

// DropoutAt is Dropout with the stream *clock + stream, which is looked up whenever the
// operation runs, in a replay of a [kernels.Capturer] too. The clock must stand still
// while a step runs, or its derivative drops other elements. A nil clock adds nothing.
func DropoutAt(clock *uint64, x *Value, p float64, seed, stream uint64) *Value {
	if p < 0 || p >= 1 {
		panic(&UsageError{Op: "dropout", Problem: fmt.Sprintf("probability %g is not in [0, 1)", p)})
	}
	if p == 0 {
		return own(x, x)
	}
	return dropoutOp.one(kernels.DropAttr{P: p, Seed: seed, Stream: stream, Clock: clock}, x)
}
