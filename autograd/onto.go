package autograd

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
	c := tape.call(o, attr, in)
	shapes := o.Shape(c)
	results := tape.list(len(shapes))
	for i, s := range shapes {
		if i >= len(onto) || onto[i] == nil {
			results[i] = alloc(dev, tape, s)
			c.Out = append(c.Out, results[i])
			continue
		}
		term := tape.value() // never exists by itself
		*term = Value{shape: s, dev: dev, tape: tape, done: true}
		tape.values = append(tape.values, term)
		c.Out = append(c.Out, term)
		results[i] = tape.value()
		*results[i] = Value{shape: s, dev: dev, tape: tape, op: addOp, done: true, store: onto[i].store}
		tape.values = append(tape.values, results[i])
	}
	o.run(dev, c, results, onto...)
	for _, v := range c.Out {
		v.op = o
	}
	if tape.counter != nil {
		tape.counter(o, c.with(c.In, onto...), c.Out)
	}
	tape.record(c)
	for i, sum := range onto {
		if sum == nil {
			continue
		}
		joined := tape.call(addOp, nil, tape.pair(sum, c.Out[i]))
		joined.Out = append(joined.Out, results[i])
		tape.record(joined)
		sum.store = nil
		sum.unhold()
	}
	return results
}
