package autograd

import (
	"fmt"
	"slices"

	"gradgrad/kernels"
)

// scalars are the constants of an elementwise operation.
type scalars struct{ p, q float64 }

func mapAttr(c *Call) any {
	a := &c.work.elements
	*a = kernels.MapAttr{Shape: c.Out[0].shape}
	if len(c.In) > 0 {
		a.A = c.In[0].shape
	}
	if len(c.In) > 1 {
		a.B = c.In[1].shape
	}
	if s, ok := c.Attr.(scalars); ok {
		a.P, a.Q = s.p, s.q
	}
	return a
}

// unary makes a row of one operand.
func unary(name string, k *kernels.Kernel, rule Rule, samples func() []Sample) *Op {
	return op(Op{Name: name, Args: 1, Shape: sameAsFirst, Kernel: k, Attr: mapAttr, Rules: []Rule{rule}, Samples: samples})
}

// binary makes a row of two operands that are broadcast against each other.
// Its rules return cotangents of the result's shape.
func binary(name string, k *kernels.Kernel, a, b Rule, samples func() []Sample) *Op {
	return op(Op{Name: name, Args: 2, Shape: broadcastShape(name), Kernel: k, Attr: mapAttr,
		Rules: []Rule{reduced(0, a), reduced(1, b)}, Samples: samples})
}

// reduced sums a rule's result over the axes along which argument i was repeated.
func reduced(i int, r Rule) Rule {
	if r.none {
		return r
	}
	vjp := r.VJP
	return Rule{Reads: r.Reads, VJP: func(c *Call, g *Value) *Value { return sumTo(vjp(c, g), c.In[i].shape) }}
}

func sameAsFirst(c *Call) [][]int { return c.shapes(c.In[0].shape) }

// broadcastShape aligns two shapes at the last axis; an axis of length 1, or a
// missing one, is repeated.
func broadcastShape(name string) func(*Call) [][]int {
	return func(c *Call) [][]int {
		a, b := c.In[0].shape, c.In[1].shape
		if sameShape(a, b) {
			return c.shapes(a)
		}
		var room [8]int // for the shapes that there are
		out := append(room[:0], make([]int, max(len(a), len(b)))...)
		for i := range out {
			da, db := axisFromEnd(a, len(out)-i), axisFromEnd(b, len(out)-i)
			if da != db && da != 1 && db != 1 {
				bad(name, "shapes that can be broadcast: axes, counted from the last, equal or 1", c.In...)
			}
			out[i] = max(da, db)
		}
		return c.shapes(c.dims(out...))
	}
}

func axisFromEnd(s []int, k int) int {
	if k > len(s) {
		return 1
	}
	return s[len(s)-k]
}

var addKernel = kernels.Add

func pass(_ *Call, g *Value) *Value { return g }

var (
	addOp, subOp, mulOp, divOp *Op
	minOp, maxOp, preferOp     *Op
	gateOp                     *Op
)

func init() {
	addOp = binary("add", kernels.Add, Rule{VJP: pass}, Rule{VJP: pass}, broadcastSamples(Add))
	subOp = binary("sub", kernels.Sub, Rule{VJP: pass},
		Rule{VJP: func(_ *Call, g *Value) *Value { return Neg(g) }}, broadcastSamples(Sub))
	mulOp = binary("mul", kernels.Mul,
		Rule{Reads: ReadsIn(1), VJP: func(c *Call, g *Value) *Value { return Mul(g, c.In[1]) }},
		Rule{Reads: ReadsIn(0), VJP: func(c *Call, g *Value) *Value { return Mul(g, c.In[0]) }}, broadcastSamples(Mul))
	divOp = binary("div", kernels.Div,
		Rule{Reads: ReadsIn(1), VJP: func(c *Call, g *Value) *Value { return Div(g, c.In[1]) }},
		Rule{Reads: ReadsIn(1) | ReadsOut(0), VJP: func(c *Call, g *Value) *Value {
			return Neg(Mul(g, Div(c.Out[0], c.In[1])))
		}}, broadcastSamples(Div))
	minOp = binary("minimum", kernels.Minimum, preferRule(1, 0), preferRule(0, 1), broadcastSamples(Minimum))
	maxOp = binary("maximum", kernels.Maximum, preferRule(0, 1), preferRule(1, 0), broadcastSamples(Maximum))
	preferOp = binary("prefer", kernels.Prefer, None, None, broadcastSamples(prefer))
	gateOp = binary("gate", kernels.Gate,
		Rule{Reads: ReadsIn(1), VJP: func(c *Call, g *Value) *Value { return gate(g, c.In[1], c.Attr.(scalars).p) }},
		None, broadcastSamples(func(a, b *Value) *Value { return gate(a, b, 0.2) }))
}

// preferRule passes the cotangent where argument a is above argument b, and half
// of it where they are equal, as PyTorch does.
func preferRule(a, b int) Rule {
	return Rule{Reads: ReadsIn(0, 1), VJP: func(c *Call, g *Value) *Value { return Mul(g, prefer(c.In[a], c.In[b])) }}
}

// Add returns a + b. Operands of different shapes are broadcast as in NumPy:
// aligned at the last axis, axes of length 1 repeated.
func Add(a, b *Value) *Value { return addOp.one(nil, a, b) }

// Sub returns a - b, broadcast like [Add].
func Sub(a, b *Value) *Value { return subOp.one(nil, a, b) }

// Mul returns a * b elementwise, broadcast like [Add].
func Mul(a, b *Value) *Value { return mulOp.one(nil, a, b) }

// Div returns a / b elementwise, broadcast like [Add].
func Div(a, b *Value) *Value { return divOp.one(nil, a, b) }

// Minimum returns the smaller of a and b elementwise, broadcast like [Add].
// Where they are equal each gets half the derivative.
func Minimum(a, b *Value) *Value { return minOp.one(nil, a, b) }

// Maximum returns the larger of a and b elementwise, broadcast like [Add].
// Where they are equal each gets half the derivative.
func Maximum(a, b *Value) *Value { return maxOp.one(nil, a, b) }

// prefer is the derivative of Maximum with respect to a: 1, 1/2 or 0.
func prefer(a, b *Value) *Value { return preferOp.one(nil, a, b) }

// gate passes a where b > 0 and slope*a elsewhere. No derivative goes to b.
func gate(a, b *Value, slope float64) *Value {
	return gateOp.one(boxed(tapeOf(a, b), scalars{p: slope}), a, b)
}

var (
	scaleOp, expOp, logOp, sqrtOp, powOp    *Op
	absOp, signOp, clampOp, withinOp        *Op
	reluOp, leakyOp, sigmoidOp, tanhOp      *Op
	softplusOp, inverseOp, stepOp, stepFrom *Op
	expandOp                                *Op
)

func init() {
	scaleOp = unary("scale", kernels.Scale, Rule{VJP: func(c *Call, g *Value) *Value {
		return Scale(g, c.Attr.(scalars).p)
	}}, samplesOf(Neg, func(x *Value) *Value { return AddScalar(Scale(x, -1.7), 0.4) },
		func(x *Value) *Value { return scaleOp.one(scalars{-1.7, 0.4}, x) }))
	expOp = unary("exp", kernels.Exp, Rule{Reads: ReadsOut(0), VJP: func(c *Call, g *Value) *Value {
		return Mul(g, c.Out[0])
	}}, samplesOf(Exp))
	logOp = unary("log", kernels.Log, Rule{Reads: ReadsIn(0), VJP: func(c *Call, g *Value) *Value {
		return Div(g, c.In[0])
	}}, positive(Log))
	sqrtOp = unary("sqrt", kernels.Sqrt, Rule{Reads: ReadsOut(0), VJP: func(c *Call, g *Value) *Value {
		return Div(Scale(g, 0.5), c.Out[0])
	}}, positive(Sqrt))
	powOp = unary("pow", kernels.Pow, Rule{Reads: ReadsIn(0), VJP: func(c *Call, g *Value) *Value {
		p := c.Attr.(scalars).p
		if p == 0 {
			return Scale(g, 0)
		}
		return Mul(g, Scale(Pow(c.In[0], p-1), p))
	}}, positive(power(2.5), power(0), power(1), power(2), power(-1.5)))
	absOp = unary("abs", kernels.Abs, Rule{Reads: ReadsIn(0), VJP: func(c *Call, g *Value) *Value {
		return Mul(g, Sign(c.In[0]))
	}}, samplesOf(Abs))
	signOp = unary("sign", kernels.Sign, None, samplesOf(Sign))
	clampOp = unary("clamp", kernels.Clamp, Rule{Reads: ReadsIn(0), VJP: func(c *Call, g *Value) *Value {
		return Mul(g, withinOp.one(c.Attr, c.In[0]))
	}}, samplesOf(func(x *Value) *Value { return Clamp(x, -0.9, 0.8) }))
	withinOp = unary("within", kernels.Within, None, samplesOf(func(x *Value) *Value {
		return withinOp.one(scalars{-0.9, 0.8}, x)
	}))
	reluOp = unary("relu", kernels.ReLU, Rule{Reads: ReadsOut(0), VJP: func(c *Call, g *Value) *Value {
		return gate(g, c.Out[0], 0)
	}}, samplesOf(ReLU))
	leakyOp = unary("leakyrelu", kernels.LeakyReLU, Rule{Reads: ReadsIn(0), VJP: func(c *Call, g *Value) *Value {
		return gate(g, c.In[0], c.Attr.(scalars).p)
	}}, samplesOf(func(x *Value) *Value { return LeakyReLU(x, 0.1) }))
	sigmoidOp = unary("sigmoid", kernels.Sigmoid, Rule{Reads: ReadsOut(0), VJP: func(c *Call, g *Value) *Value {
		s := c.Out[0]
		return Mul(g, Mul(s, AddScalar(Neg(s), 1)))
	}}, samplesOf(Sigmoid))
	tanhOp = unary("tanh", kernels.Tanh, Rule{Reads: ReadsOut(0), VJP: func(c *Call, g *Value) *Value {
		return Mul(g, AddScalar(Neg(Mul(c.Out[0], c.Out[0])), 1))
	}}, samplesOf(Tanh))
	softplusOp = unary("softplus", kernels.Softplus, Rule{Reads: ReadsIn(0), VJP: func(c *Call, g *Value) *Value {
		return Mul(g, Sigmoid(c.In[0]))
	}}, samplesOf(Softplus))
	inverseOp = unary("inverse", kernels.Inverse, Rule{Reads: ReadsOut(0), VJP: func(c *Call, g *Value) *Value {
		return Neg(Mul(Mul(g, c.Out[0]), c.Out[0])) // in this order: 1/x² may overflow
	}}, samplesOf(Inverse))
	stepOp = unary("step", kernels.Step, None, samplesOf(func(x *Value) *Value { return Above(x, 0.1) }))
	stepFrom = unary("stepfrom", kernels.StepFrom, None, samplesOf(func(x *Value) *Value { return AtLeast(x, 0.1) }))
	expandOp = op(Op{Name: "broadcast", Args: 1, Kernel: kernels.Broadcast,
		Shape: func(c *Call) [][]int { return c.shapes(c.Attr.([]int)) },
		Attr: func(c *Call) any {
			c.work.elements = kernels.MapAttr{Shape: c.Out[0].shape, A: c.In[0].shape}
			return &c.work.elements
		},
		Rules: []Rule{{VJP: func(c *Call, g *Value) *Value { return sumTo(g, c.In[0].shape) }}},
		Samples: func() []Sample {
			return []Sample{
				{Name: "row", Shapes: [][]int{{3}}, F: func(in []*Value) *Value { return BroadcastTo(in[0], 2, 3) }},
				{Name: "middle", Shapes: [][]int{{2, 1, 3}}, F: func(in []*Value) *Value { return BroadcastTo(in[0], 2, 4, 3) }},
				{Name: "scalar", Shapes: [][]int{{}}, F: func(in []*Value) *Value { return BroadcastTo(in[0], 2, 2) }},
			}
		}})
}

// Neg returns -x.
func Neg(x *Value) *Value { return Scale(x, -1) }

// Scale returns a*x.
func Scale(x *Value, a float64) *Value { return scaleOp.one(boxed(x.tape, scalars{p: a}), x) }

// AddScalar returns x + b.
func AddScalar(x *Value, b float64) *Value { return scaleOp.one(boxed(x.tape, scalars{p: 1, q: b}), x) }

// Exp returns e to the power x.
func Exp(x *Value) *Value { return expOp.one(nil, x) }

// Log returns the natural logarithm.
func Log(x *Value) *Value { return logOp.one(nil, x) }

// Sqrt returns the square root. Its derivative at 0 is infinite; for norms use
// [Norm], whose derivative there is 0.
func Sqrt(x *Value) *Value { return sqrtOp.one(nil, x) }

// Pow returns x to the constant power p.
func Pow(x *Value, p float64) *Value { return powOp.one(boxed(x.tape, scalars{p: p}), x) }

func power(p float64) func(*Value) *Value { return func(x *Value) *Value { return Pow(x, p) } }

// Abs returns |x|; its derivative at 0 is 0.
func Abs(x *Value) *Value { return absOp.one(nil, x) }

// Sign returns -1, 0 or 1. No derivative passes.
func Sign(x *Value) *Value { return signOp.one(nil, x) }

// Clamp limits x to [lo, hi]; the derivative is 1 from lo to hi inclusive.
func Clamp(x *Value, lo, hi float64) *Value {
	if lo > hi {
		panic(&UsageError{Op: "clamp", Problem: fmt.Sprintf("lower bound %g is above upper bound %g", lo, hi)})
	}
	return clampOp.one(boxed(x.tape, scalars{lo, hi}), x)
}

// ReLU returns max(x, 0); its derivative at 0 is 0.
func ReLU(x *Value) *Value { return reluOp.one(nil, x) }

// LeakyReLU returns x where it is positive, slope*x elsewhere; its derivative at
// 0 is slope.
func LeakyReLU(x *Value, slope float64) *Value {
	return leakyOp.one(boxed(x.tape, scalars{p: slope}), x)
}

// Sigmoid returns 1/(1+e^-x).
func Sigmoid(x *Value) *Value { return sigmoidOp.one(nil, x) }

// Tanh returns the hyperbolic tangent.
func Tanh(x *Value) *Value { return tanhOp.one(nil, x) }

// Softplus returns log(1+e^x).
func Softplus(x *Value) *Value { return softplusOp.one(nil, x) }

// Inverse returns 1/x, and 0 (with derivative 0) where x is 0 or so small that
// 1/x is infinite.
func Inverse(x *Value) *Value { return inverseOp.one(nil, x) }

// Above returns 1 where x > limit and 0 elsewhere, as a constant: no derivative
// passes.
func Above(x *Value, limit float64) *Value { return stepOp.one(boxed(x.tape, scalars{p: limit}), x) }

// AtLeast returns 1 where x >= limit and 0 elsewhere, as a constant.
func AtLeast(x *Value, limit float64) *Value {
	return stepFrom.one(boxed(x.tape, scalars{p: limit}), x)
}

// BroadcastTo repeats x to a shape that it can be broadcast to.
func BroadcastTo(x *Value, shape ...int) *Value {
	if sameShape(x.shape, shape) {
		return own(x, x)
	}
	checkRepeats("broadcast", x.shape, checkShape("broadcast", shape), "axes, counted from the last, equal or 1 in the first shape")
	return expandOp.one(x.tape.shapeAttr(shape), x)
}

// checkRepeats panics unless something of shape small can be repeated to large.
func checkRepeats(op string, small, large []int, want string) {
	fits := len(small) <= len(large)
	for i := 1; i <= len(small) && fits; i++ {
		d := axisFromEnd(small, i)
		fits = d == 1 || d == axisFromEnd(large, i)
	}
	if !fits {
		panic(&ShapeError{Op: op, Shapes: [][]int{slices.Clone(small), slices.Clone(large)}, Want: want})
	}
}

// fill sets every element of a fresh value.
func fill(v *Value, x float64) {
	var args *kernels.Args
	var attr *kernels.MapAttr
	if t := v.tape; t != nil {
		args, attr = &t.kept.args, &t.kept.sizes
	} else {
		args, attr = new(kernels.Args), new(kernels.MapAttr)
	}
	*attr = kernels.MapAttr{P: x}
	args.Attr, args.Out = attr, append(args.Out, v.Buffer())
	v.dev.Run(kernels.Fill, args)
	emptied(args)
}
