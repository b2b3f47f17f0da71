package autograd

import "gradgrad/kernels"

// The cotangent of a value that many calls read is a sum. A kernel that can add to
// what is there already saves the term's own memory, and one reading and writing
// of it: its rule asks for the sum so far with [Call.sink] and gives it to
// [Op.applyOnto]. On the record this is the operation followed by a sum, whose rule
// reads no operands; so nothing is missing when neither the term nor the sum so far
// exists any more.

// sink hands the running rule the cotangent that argument i has so far, when
// nobody else will ever read it; nil otherwise. The rule returns the sum instead of
// its term.
func (c *Call) sink(i int) *Value {
	v := c.In[i]
	if !c.Wants(i) || v.cot == nil || !v.cot.exclusive() {
		return nil
	}
	sum := v.cot
	v.cot = nil
	return sum
}

// applyOnto is apply where result i is added to onto[i], in the memory of onto[i],
// which it takes over; where onto[i] is nil the result stands by itself. The
// kernel finds the memory to add to behind the operands.
func (o *Op) applyOnto(attr any, onto []*Value, in ...*Value) []*Value {
	if o.plain {
		out := o.apply(attr, in...)
		for i, sum := range onto {
			if sum != nil {
				out[i].hold()
				out[i] = out[i].tape.addOver(sum, out[i])
				out[i].holds--
			}
		}
		return out
	}
	dev, tape := o.home(in)
	c := &Call{Op: o, In: in, Attr: attr, tape: tape}
	shapes := o.Shape(attr, in)
	c.Out = make([]*Value, len(shapes))
	results := make([]*Value, len(shapes))
	for i, s := range shapes {
		if i >= len(onto) || onto[i] == nil {
			c.Out[i] = alloc(dev, tape, s)
			results[i] = c.Out[i]
			continue
		}
		c.Out[i] = &Value{shape: s, dev: dev, tape: tape, done: true} // a term that never exists by itself
		results[i] = &Value{shape: s, dev: dev, tape: tape, op: addOp, done: true, store: onto[i].store}
	}
	o.runOnto(dev, c, results, onto)
	for _, v := range c.Out {
		v.op = o
	}
	if tape.counter != nil {
		tape.counter(o, append(append([]*Value{}, in...), onto...), c.Out)
	}
	tape.record(c)
	for i, sum := range onto {
		if sum == nil {
			continue
		}
		tape.values = append(tape.values, results[i])
		tape.record(&Call{Op: addOp, In: []*Value{sum, c.Out[i]}, Out: []*Value{results[i]}, tape: tape})
		sum.store = nil
		sum.unhold()
	}
	return results
}

func (o *Op) runOnto(dev kernels.Device, c *Call, results, onto []*Value) {
	args := &kernels.Args{Attr: c.Attr}
	for _, v := range results {
		args.Out = append(args.Out, v.store.buf)
	}
	for _, v := range append(append([]*Value{}, c.In...), onto...) {
		if v == nil {
			args.In = append(args.In, nil)
			continue
		}
		args.In = append(args.In, v.Buffer())
	}
	if o.Attr != nil {
		args.Attr = o.Attr(c)
	}
	dev.Run(o.Kernel, args)
}
