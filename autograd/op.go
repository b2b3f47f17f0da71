package autograd

import (
	"fmt"
	"iter"
	"slices"

	"gradgrad/kernels"
)

// Op is one row of the table of operations: its name, how the shapes of its
// results follow from its operands, its kernel, a derivative rule for every
// argument, and samples with which every row is tested alike.
//
// Rules are written in the operations themselves. [Grad] records what a rule
// does, so its result can be differentiated again, to any order; [Backward]
// runs the same rules without recording.
type Op struct {
	Name string
	// Args is the number of arguments; Variadic when it varies.
	Args int
	// Shape returns the shapes of the results ([Call.shapes]), or calls bad when the
	// operands do not fit.
	Shape func(c *Call) [][]int
	// Kernel computes the results. Attr makes its attribute from the call's;
	// without it the kernel gets the call's attribute itself.
	Kernel *kernels.Kernel
	Attr   func(c *Call) any
	// View marks an operation without a kernel, whose result shares the memory
	// of its operand.
	View bool
	// Rules has one rule for each argument. An operation whose derivatives share
	// work, or that is variadic, has Joint instead.
	Rules []Rule
	Joint *JointRule
	// Smooth is how many of the results, from the first, can be differentiated;
	// 0 means all. The others (indices, statistics) are constants to autograd.
	Smooth int
	// Remake computes the first result again, bit for bit, into its fresh memory,
	// from operands and results that the joint rule reads. With it the tape need
	// not keep that result; see remake.go. MayRemake, where it is set, says of which
	// calls that is wanted.
	Remake    func(c *Call)
	MayRemake func(c *Call) bool
	// Define is the plain definition of a fused operation, in other operations.
	Define func(c *Call) []*Value
	// Samples are the test plan of the row.
	Samples func() []Sample

	plain bool // tests: compute the definition instead
}

// Variadic is the Args of an operation that takes any number of operands.
const Variadic = -1

// Rule is the derivative rule for one argument: given the cotangent g of the
// (only) result it returns the argument's. Reads names the operands and results
// whose contents it looks at; the tape keeps just those.
type Rule struct {
	Reads Reads
	VJP   func(c *Call, g *Value) *Value
	none  bool
}

// None is the rule of an argument that no derivative passes: an index, or the
// operand of a step function, whose derivative is zero wherever it exists.
var None = Rule{none: true}

// JointRule is one rule for all arguments: g has a cotangent for each result
// (nil where there is none), the returned slice one for each argument (nil where
// [Call.Wants] is false).
type JointRule struct {
	Reads Reads
	VJP   func(c *Call, g []*Value) []*Value
}

// Reads is a set of operands and results of a call.
type Reads uint64

// ReadsIn is the set of the operands with these numbers, ReadsOut of the
// results, ReadsAllIn of all operands.
func ReadsIn(is ...int) Reads  { return bits(0, is) }
func ReadsOut(is ...int) Reads { return bits(32, is) }

const ReadsAllIn Reads = 1<<32 - 1

func bits(base int, is []int) (r Reads) {
	for _, i := range is {
		r |= 1 << (base + i)
	}
	return r
}

func (r Reads) in(i int) bool  { return r>>min(i, 31)&1 != 0 }
func (r Reads) out(i int) bool { return r>>(32+i)&1 != 0 }

// Sample is one way to call an operation: F applied to operands of the given
// shapes. Inputs draws operand i (nil: uniform on ±[0.3, 1.5], away from kinks at 0).
type Sample struct {
	Name   string
	Shapes [][]int
	Inputs func(i int, next func() float64) float64
	F      func(in []*Value) *Value
}

// Call is one use of an operation.
type Call struct {
	Op   *Op
	In   []*Value
	Out  []*Value
	Attr any

	tape  *Tape
	pos   int
	saved []saved
	spent bool // no longer on the tape
	part  int  // the part of the program that it belongs to, see Recompute; 0 for none
	kept  bool // its results are kept although it belongs to one
	work  workspace
}

// shapes is what a row's Shape returns.
func (c *Call) shapes(of ...[]int) [][]int {
	c.work.shapes = append(c.work.shapes[:0], of...)
	return c.work.shapes
}

// dims is a shape of these dimensions.
func (c *Call) dims(of ...int) []int { return c.tape.shape(of...) }

// gives is what a joint rule returns: the cotangents of the arguments in order.
func (c *Call) gives(gs ...*Value) []*Value {
	c.work.grads = append(c.work.grads[:0], gs...)
	return c.work.grads
}

// with are these values and then others, the operands of another call.
func (c *Call) with(front []*Value, behind ...*Value) []*Value {
	all := c.tape.list(len(front) + len(behind))
	copy(all[copy(all, front):], behind)
	return all
}

// saved is something that a rule will read. It is held, unless it can be remade.
type saved struct {
	v       *Value
	version uint64
	held    bool
}

// Wants reports whether the running derivative needs the cotangent of
// argument i.
func (c *Call) Wants(i int) bool {
	return c.In[i] != nil && c.In[i].mark == c.tape.stamp && c.In[i].tracked
}

var table []*Op

// op adds a row to the table. An incomplete row stops the program at its start.
func op(o Op) *Op {
	switch {
	case o.Shape == nil || (o.Kernel == nil && !o.View):
		panic("autograd: " + o.Name + " lacks a shape rule or a kernel")
	case o.Joint == nil && len(o.Rules) != o.Args:
		panic(fmt.Sprintf("autograd: %s has %d arguments and %d rules", o.Name, o.Args, len(o.Rules)))
	case o.Samples == nil:
		panic("autograd: " + o.Name + " has no samples to test it with")
	}
	for i, r := range o.Rules {
		if r.VJP == nil && !r.none {
			panic(fmt.Sprintf("autograd: %s has no rule for argument %d; None says that there is none", o.Name, i))
		}
	}
	row := &o
	table = append(table, row)
	return row
}

// Ops lists the table of operations.
func Ops() iter.Seq[*Op] { return slices.Values(table) }

// one applies an operation with one result.
func (o *Op) one(attr any, in ...*Value) *Value { return o.apply(attr, in...)[0] }

// apply checks the operands, runs the kernel and records the call.
func (o *Op) apply(attr any, in ...*Value) []*Value {
	dev, tape := o.home(in)
	c := tape.call(o, attr, in)
	shapes := o.Shape(c)
	if o.plain {
		return o.Define(c)
	}
	if o.View {
		c.Out = append(c.Out, view(c.In[0], shapes[0]))
	} else {
		for _, s := range shapes {
			c.Out = append(c.Out, alloc(dev, tape, s))
		}
		o.run(dev, c, c.Out)
	}
	for _, v := range c.Out {
		v.op = o
	}
	if tape != nil {
		if tape.counter != nil {
			tape.counter(o, c.In, c.Out)
		}
		tape.record(c)
	}
	return c.Out
}

// call begins a call. The operands are copied.
func (t *Tape) call(o *Op, attr any, in []*Value) *Call {
	var c *Call
	if t != nil {
		c = t.kept.calls.next()
	} else {
		c = new(Call)
	}
	c.Op, c.Attr, c.tape = o, attr, t
	c.In = append(c.In, in...)
	return c
}

// run runs the kernel on the operands, and on more behind them.
func (o *Op) run(dev kernels.Device, c *Call, out []*Value, more ...*Value) {
	args := &c.work.args
	for _, v := range out {
		args.Out = append(args.Out, v.store.buf)
	}
	args.In = appendBuffers(appendBuffers(args.In, c.In), more)
	args.Attr = c.Attr
	if o.Attr != nil {
		args.Attr = o.Attr(c)
	}
	dev.Run(o.Kernel, args)
	emptied(args)
}

// appendBuffers appends the memory of values, nil where there is none.
func appendBuffers(to []kernels.Buffer, of []*Value) []kernels.Buffer {
	for _, v := range of {
		if v == nil {
			to = append(to, nil)
			continue
		}
		to = append(to, v.Buffer())
	}
	return to
}

// emptied makes arguments ready for their next use, so that they hold no memory.
func emptied(a *kernels.Args) {
	clear(a.In)
	clear(a.Out)
	a.In, a.Out, a.Attr = a.In[:0], a.Out[:0], nil
}

// home finds the device and the tape of the operands, which must be the same.
func (o *Op) home(in []*Value) (dev kernels.Device, tape *Tape) {
	for _, v := range in {
		if v == nil {
			continue
		}
		switch {
		case dev == nil:
			dev = v.dev
		case dev != v.dev:
			panic(&UsageError{Op: o.Name, Problem: "operands on " + dev.Name() + " and on " + v.dev.Name()})
		}
		switch {
		case v.tape == nil:
		case tape == nil:
			tape = v.tape
		case tape != v.tape:
			panic(&UsageError{Op: o.Name, Problem: "operands on two tapes"})
		}
	}
	return dev, tape
}

// record puts the call on the tape when a derivative may pass through it, and
// holds what the rules will read.
func (t *Tape) record(c *Call) {
	if t.paused {
		return
	}
	reads, passes := c.needs()
	if !passes {
		return
	}
	smooth := c.Op.Smooth
	if smooth == 0 {
		smooth = len(c.Out)
	}
	severed := slices.ContainsFunc(c.In, func(v *Value) bool { return v != nil && v.tracked && v.spent() })
	for i, v := range c.Out {
		v.call, v.out = c, i
		v.tracked = i < smooth
		v.severed = severed
	}
	c.part = t.part
	for i, v := range c.Out {
		if reads.out(i) {
			c.save(v)
		}
	}
	again := c.part != 0 && !c.kept // all operands are needed
	for i, v := range c.In {
		if v != nil && v.store != nil && (again || reads.in(i)) {
			c.save(v)
		}
	}
	c.pos = len(t.calls)
	t.calls = append(t.calls, c)
}

// needs tells what the rules of the tracked arguments read, and whether there
// is any such rule.
func (c *Call) needs() (reads Reads, passes bool) {
	for i, v := range c.In {
		if v == nil || !v.tracked {
			continue
		}
		if c.Op.Joint != nil {
			return c.Op.Joint.Reads, true
		}
		if r := c.Op.Rules[i]; !r.none {
			reads |= r.Reads
			passes = true
		}
	}
	return reads, passes
}

func (c *Call) save(v *Value) {
	s := saved{v, v.store.version, !v.remakableIn(c.part)}
	if s.held {
		v.hold()
	}
	c.saved = append(c.saved, s)
}

// spend lets go of what the call held.
func (c *Call) spend() {
	for _, s := range c.saved {
		if s.held {
			s.v.unhold()
		}
	}
	clear(c.saved)
	c.saved = c.saved[:0]
}

// check panics when something that the rules read was changed in place since.
func (c *Call) check() {
	for _, s := range c.saved {
		if s.v.store != nil && s.v.store.version != s.version {
			panic(&UsageError{Op: c.Op.Name, Problem: "an operand was changed in place (by an optimiser step?) before its derivative was taken"})
		}
	}
}

// bad panics with a ShapeError for the operands of an operation.
func bad(op, want string, in ...*Value) {
	shapes := make([][]int, 0, len(in))
	for _, v := range in {
		if v != nil {
			shapes = append(shapes, v.shape)
		}
	}
	panic(&ShapeError{Op: op, Shapes: shapes, Want: want})
}
