package autograd

import (
	"fmt"
	"slices"
)

// UseDefinition replaces a fused row by its plain definition until the returned
// function is called.
func UseDefinition(o *Op) (restore func()) {
	o.plain = true
	return func() { o.plain = false }
}

// Mutation is a mistake in one row, and the rows whose samples must show it: at
// which order of derivatives, and no earlier.
type Mutation struct {
	Name   string
	row    **Op
	mutate func(o *Op)
	SeenBy map[string]int
}

// Apply makes the mistake until the returned function is called.
func (m Mutation) Apply() (restore func()) {
	o := *m.row
	was := *o
	o.Rules = slices.Clone(o.Rules)
	m.mutate(o)
	return func() { *o = was }
}

// Mutations are mistakes that are easily made.
var Mutations = []Mutation{
	{"tanh with the wrong sign", &tanhOp, rule(0, func(c *Call, g *Value) *Value {
		return Mul(g, AddScalar(Mul(c.Out[0], c.Out[0]), 1))
	}), map[string]int{"tanh": 1}},
	{"the weight gradient's rule uses its result for the cotangent", &convWOp, rule(0, func(c *Call, g *Value) *Value {
		return convX(geometry(c), c.In[1], c.Out[0])
	}), map[string]int{"conv.w": 1, "conv": 2}},
	{"the gate's rule lets everything pass", &gateOp, rule(0, pass), map[string]int{"gate": 1, "relu": 2, "leakyrelu": 2}},
	{"exp treats its result as a constant", &expOp, rule(0, func(c *Call, g *Value) *Value {
		return Mul(g, c.Out[0].Detach())
	}), map[string]int{"exp": 2}},
	{"the norm treats its result as a constant", &normOp, rule(0, func(c *Call, g *Value) *Value {
		return Mul(Mul(c.In[0], perSample(Inverse(c.Out[0].Detach()), c.In[0])), perSample(g, c.In[0]))
	}), map[string]int{"norm": 2}},
	{"batch norm's second derivative lacks its last term", &bnGradOp, func(o *Op) {
		whole := o.Joint.VJP
		o.Joint = &JointRule{Reads: o.Joint.Reads, VJP: func(c *Call, g []*Value) []*Value {
			out := whole(c, g)
			if g[0] != nil { // take back -r xh <u p>
				t := normTermsOf(c.Attr.(normalisation), c.In[1], c.In[2], c.In[3])
				out[1] = Add(out[1], Mul(Mul(t.r, t.xh), t.average(Mul(g[0], c.Out[0]))))
			}
			return out
		}}
	}, map[string]int{"batchnorm.grad": 1, "batchnorm": 2}},
	{"batch norm's second derivative takes x for a cotangent that is missing", &bnGradOp, instead(0, func(c *Call) *Value {
		return c.In[1]
	}), map[string]int{"batchnorm.grad": 1}},
	{"that of gamma takes beta", &bnGradOp, instead(1, func(c *Call) *Value { return c.In[3] }), map[string]int{"batchnorm.grad": 1}},
	{"that of beta takes gamma", &bnGradOp, instead(2, func(c *Call) *Value { return c.In[2] }), map[string]int{"batchnorm.grad": 1}},
	{"batch norm with a sum lets the tangent of its cotangent pass everywhere", &bnAddGradOp, func(o *Op) {
		whole := o.Joint.VJP
		o.Joint = &JointRule{Reads: o.Joint.Reads, VJP: func(c *Call, g []*Value) []*Value {
			tm := g[0]
			if tm != nil {
				tm = Scale(tm, 1) // the rule may write over g[0]
			}
			out := whole(c, g)
			if tm != nil {
				out[0] = Add(out[0], Mul(tm, AddScalar(Neg(Above(c.In[5], 0)), 1)))
			}
			return out
		}}
	}, map[string]int{"batchnorm.add.grad": 1, "batchnorm.add": 2}},
	{"it takes gm for a cotangent of gm that is missing", &bnAddGradOp, instead(0, func(c *Call) *Value {
		return c.Out[0]
	}), map[string]int{"batchnorm.add.grad": 1}},
	{"a convolution added to a cotangent forgets that", &convXOp, rule(0, func(c *Call, g *Value) *Value {
		c.soFar(0)
		return conv(geometry(c), g, c.In[1])
	}), map[string]int{"conv": 2}},
	{"the rule of normalise takes its result for a cotangent that is missing", &normaliseOp, instead(0, func(c *Call) *Value {
		return c.Out[0]
	}), map[string]int{"normalise": 1}},
	{"that of rstd takes rstd", &normaliseOp, instead(1, func(c *Call) *Value { return c.Out[1] }), map[string]int{"normalise": 1}},
	{"a part that nobody asked about gets a cotangent", &affineConvGradOp, instead(0, func(c *Call) *Value {
		return c.In[4]
	}), map[string]int{"affineconv.grad": 1}},
	{"weights get no cotangent where the scale wants none", &affineConvOp, func(o *Op) {
		whole := o.Joint.VJP
		o.Joint = &JointRule{Reads: o.Joint.Reads, VJP: func(c *Call, g []*Value) []*Value {
			out := whole(c, g)
			if !c.Wants(0) {
				out[2] = nil
			}
			return out
		}}
	}, map[string]int{"affineconv": 1}},
}

// instead uses something else where result i has no cotangent.
func instead(i int, of func(c *Call) *Value) func(o *Op) {
	return func(o *Op) {
		whole := o.Joint.VJP
		o.Joint = &JointRule{Reads: o.Joint.Reads, VJP: func(c *Call, g []*Value) []*Value {
			if g[i] == nil {
				g = slices.Clone(g)
				g[i] = of(c)
			}
			return whole(c, g)
		}}
	}
}

func rule(arg int, vjp func(c *Call, g *Value) *Value) func(o *Op) {
	return func(o *Op) { o.Rules[arg].VJP = vjp }
}

// EachRead calls f once for every operand and result that a rule of the row
// claims to read, while the row does not claim it. A row that reads all of any
// number of operands claims those of its samples.
func EachRead(o *Op, f func(claim string)) {
	most := 0
	for _, s := range o.Samples() {
		most = max(most, len(s.Shapes))
	}
	without := func(claim string, r *Reads) {
		was := *r
		defer func() { *r = was }()
		for i := range 64 {
			if was>>i&1 != 0 && !(o.Args == Variadic && i >= most && i < 32) {
				*r = was &^ (1 << i)
				f(fmt.Sprintf("%s, bit %d", claim, i))
			}
		}
	}
	if o.Joint != nil {
		without("joint rule", &o.Joint.Reads)
	}
	for i := range o.Rules {
		without(fmt.Sprintf("rule %d", i), &o.Rules[i].Reads)
	}
}

// KeepRemakable lets the tape keep what it could make again, until the returned
// function is called.
func KeepRemakable() (restore func()) {
	was := map[*Op]func(*Call){}
	for _, o := range table {
		was[o], o.Remake = o.Remake, nil
	}
	return func() {
		for o, f := range was {
			o.Remake = f
		}
	}
}
