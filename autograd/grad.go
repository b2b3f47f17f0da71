package autograd

import (
	"fmt"

	"gradgrad/kernels"
)

// Grad returns the gradients of the scalar y with respect to xs, watched leaves
// or values computed on the same tape. What it computes is recorded like
// everything else, so a gradient can be part of a loss and be differentiated
// again. Only calls that lie between xs and y are visited. The gradient with
// respect to something that y does not depend on is zero.
func Grad(y *Value, xs ...*Value) []*Value {
	t := derivable("Grad", y)
	for _, x := range xs {
		if x.released() {
			panic(&LifetimeError{Op: x.opName(), Shape: x.shape})
		}
		if x.tape != t || !x.tracked {
			panic(&UsageError{Op: "Grad", Problem: fmt.Sprintf("%v is not watched by the tape of %v", x, y)})
		}
	}
	gs := t.derive(y, xs)
	for i, g := range gs {
		if g == nil {
			gs[i] = t.Full(0, xs[i].shape...)
			continue
		}
		g.holds--
		if !g.done { // two of xs have one gradient; each gets a value of its own
			gs[i] = reshapeOp.one(t.shapeAttr(g.shape), g)
			continue
		}
		g.done = false // it is the caller's now, or the running rule's
		if t.scoped {
			t.scope = append(t.scope, g)
		}
	}
	return gs
}

// Backward takes the last derivative of a step: it adds the gradients of the
// scalar y to the parameters and spends the record, freeing memory as it goes.
// Nothing that it does is recorded. Parameters that y does not depend on get
// nothing. Values that are not done stay readable until the tape is released.
func Backward(y *Value, params ...*Param) {
	t := derivable("Backward", y)
	xs := t.list(len(params))[:0]
	for _, p := range params {
		p.Value.Buffer() // panics when the parameter is gone
		if leaf := t.leaves[p.Value.store]; leaf != nil && leaf.step == t.step {
			xs = append(xs, leaf)
		}
	}
	gs := t.last(y, xs)
	for _, p := range params {
		if leaf := t.leaves[p.Value.store]; leaf == nil || leaf.step != t.step {
			continue
		}
		if g := gs[0]; g != nil {
			p.add(g)
			g.unhold()
		}
		gs = gs[1:]
	}
	t.forget()
}

// last takes a derivative that is not recorded and spends what is.
func (t *Tape) last(y *Value, xs []*Value) []*Value {
	t.paused = true
	defer func() { t.paused = false }()
	return t.derive(y, xs)
}

func derivable(name string, y *Value) *Tape {
	switch {
	case y.Size() != 1:
		panic(&ShapeError{Op: name, Shapes: [][]int{y.shape}, Want: "a scalar; sum or average it first"})
	case y.released():
		panic(&LifetimeError{Op: y.opName(), Shape: y.shape})
	case y.tape == nil || !y.tracked:
		panic(&UsageError{Op: name, Problem: fmt.Sprintf("%v does not depend on anything watched", y)})
	case y.spent():
		panic(&UsageError{Op: name, Problem: fmt.Sprintf("Backward has spent the record behind %v; compute it again from what is watched, or Detach what it was computed from", y)})
	}
	return y.tape
}

// derive runs the rules of all calls between xs and y, last first, and returns
// the cotangents of xs, each held once, nil where there is none.
func (t *Tape) derive(y *Value, xs []*Value) []*Value {
	outer, remade := t.stamp, len(t.remade) // a rule may take derivatives itself
	part := t.part
	t.stamps++
	t.stamp = t.stamps
	finished := false
	defer func() {
		t.stamp, t.part = outer, part
		for i := 0; !finished && i < len(t.values); i++ {
			t.values[i].cot = nil // of a derivative that ended in a panic
		}
	}()
	t.markPath(xs)
	if y.mark != t.stamp {
		finished = true
		return t.list(len(xs))
	}
	for _, x := range xs {
		x.wanted = t.stamp
	}
	one := t.Full(1, y.shape...)
	one.hold()
	one.Done()
	t.accumulate(y, one)
	last := -1
	if y.call != nil {
		last = y.call.pos
	}
	for i := last; i >= 0; i-- {
		c := t.calls[i]
		if t.onPath(c) {
			if c.part != t.part {
				t.forgetRemade(remade)
			}
			t.part = c.part
			t.visit(c)
		}
		if t.paused {
			c.spend()
		}
	}
	for i := last + 1; t.paused && i < len(t.calls); i++ {
		t.calls[i].spend()
	}
	t.forgetRemade(remade)
	gs := t.list(len(xs))
	for i, x := range xs {
		if gs[i] = x.cot; gs[i] != nil {
			gs[i].hold()
		}
	}
	for _, x := range xs {
		if x.cot != nil {
			x.cot.holds--
			x.cot = nil
		}
	}
	finished = true
	return gs
}

// markPath stamps every value that depends on one of xs.
func (t *Tape) markPath(xs []*Value) {
	for _, x := range xs {
		x.mark = t.stamp
	}
	for _, c := range t.calls {
		for i, v := range c.In {
			if v != nil && v.mark == t.stamp && v.tracked && (c.Op.Joint != nil || !c.Op.Rules[i].none) {
				for _, o := range c.Out {
					if o.tracked {
						o.mark = t.stamp
					}
				}
				break
			}
		}
	}
}

// onPath reports whether the call has a cotangent of the running derivative; a
// derivative that a rule takes must not touch those of the outer one.
func (t *Tape) onPath(c *Call) bool {
	for _, o := range c.Out {
		if o.cot != nil && o.mark == t.stamp {
			return true
		}
	}
	return false
}

// visit runs the rules of one call and hands the cotangents on.
func (t *Tape) visit(c *Call) {
	c.check()
	made := c.remake()
	for _, o := range c.Out {
		if o.cot != nil && o.wanted == t.stamp {
			o.cot.hold() // rules may write over what nobody else holds
		}
	}
	gs := t.within(func() []*Value { return c.vjp() })
	if c.part == 0 {
		freeUnused(made)
	} else { // the part's other rules will read it too
		t.remade = append(t.remade, made...)
	}
	for i, g := range gs {
		if g == nil {
			continue
		}
		if !c.Wants(i) {
			g.unhold()
			continue
		}
		if !sameShape(g.shape, c.In[i].shape) {
			panic(fmt.Sprintf("autograd: the rule of %s for argument %d of shape %v returned %v", c.Op.Name, i, c.In[i].shape, g.shape))
		}
		t.accumulate(c.In[i], g)
	}
	for _, o := range c.Out {
		if o.cot == nil {
			continue
		}
		o.cot.unhold()
		if o.wanted != t.stamp {
			o.cot = nil
		}
	}
}

// vjp returns the cotangents of the arguments that are wanted.
func (c *Call) vjp() []*Value {
	if c.Op.Joint != nil {
		g := c.tape.list(len(c.Out))
		for i, o := range c.Out {
			g[i] = o.cot
		}
		return c.Op.Joint.VJP(c, g)
	}
	gs := c.tape.list(len(c.In))
	for i, r := range c.Op.Rules {
		if !r.none && c.Wants(i) {
			gs[i] = r.VJP(c, c.Out[0].cot)
		}
	}
	return gs
}

// accumulate adds g, which it takes over, to the cotangent of v.
func (t *Tape) accumulate(v, g *Value) {
	if v.cot == nil {
		v.cot = g
		return
	}
	v.cot = t.sumOf(v.cot, g)
}

// sumOf adds two cotangents, each held once by the caller, which it takes over.
func (t *Tape) sumOf(a, b *Value) *Value {
	switch {
	case a.exclusive():
		return t.addOver(a, b)
	case b.exclusive():
		return t.addOver(b, a)
	}
	sum := Add(a, b)
	sum.hold()
	sum.Done()
	a.unhold()
	b.unhold()
	return sum
}

// exclusive reports whether only the one who holds v will ever read it.
func (v *Value) exclusive() bool {
	return v.holds == 1 && v.done && v.store.owners == 1 && !v.remakableByRow()
}

// addOver is Add(a, b) in the memory of a, which only the caller holds. It takes
// over both. Recorded or not it is right, since no rule of a sum reads operands.
func (t *Tape) addOver(a, b *Value) *Value {
	t.addInPlace(a, b)
	if t.paused {
		b.unhold()
		return a
	}
	sum := t.value()
	*sum = Value{shape: a.shape, dev: a.dev, tape: t, op: addOp, store: a.store, done: true, holds: 1}
	t.values = append(t.values, sum)
	a.store = nil
	c := t.call(addOp, nil, t.pair(a, b))
	c.Out = append(c.Out, sum)
	c.kept = true // its operand's memory is its own now
	t.record(c)
	a.unhold()
	b.unhold()
	return sum
}

// pair is a list of two.
func (t *Tape) pair(a, b *Value) []*Value {
	l := t.list(2)
	l[0], l[1] = a, b
	return l
}

func sameShape(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// addInPlace adds g to v, which is of the tape and which nothing else may be reading.
func (t *Tape) addInPlace(v, g *Value) {
	if t.counter != nil {
		t.counter(addOp, t.pair(v, g), t.pair(v, nil)[:1])
	}
	runAdd(&t.kept.args, &t.kept.sizes, v, g)
}

// runAdd is v += g, with arguments that can be used again.
func runAdd(args *kernels.Args, attr *kernels.MapAttr, v, g *Value) {
	*attr = kernels.MapAttr{Shape: v.shape, A: v.shape, B: g.shape}
	args.Out = append(args.Out, v.Buffer())
	args.In = append(args.In, v.Buffer(), g.Buffer())
	args.Attr = attr
	v.dev.Run(addKernel, args)
	emptied(args)
}
