package autograd

import "slices"

// The cotangent of a value that many calls read is a sum. A kernel that can add to
// what is there already saves the term's own memory, and a reading and a writing of
// it: its rule asks for the sum so far with [Call.soFar] (or [Call.sink], when the
// kernel adds in place only) and gives it to [Op.applyOnto]. On the record this is
// the operation followed by a sum, whose rule reads no operands; so nothing is
// missing when neither the term nor the sum so far exists any more.
//
// Likewise a result may take the place of an operand that nobody else will read
// ([Op.applyInto]): in the last derivative, what a call has saved dies with it.

// soFar hands the running rule the cotangent that argument i has so far; nil where
// there is none. The rule returns the sum instead of its term.
func (c *Call) soFar(i int) *Value {
	v := c.In[i]
	if !c.Wants(i) || v.cot == nil {
		return nil
	}
	sum := v.cot
	v.cot = nil
	return sum
}

// sink is soFar in memory of its own, for a kernel that adds in place.
func (c *Call) sink(i int) *Value {
	sum := c.soFar(i)
	if sum == nil || sum.exclusive() {
		return sum
	}
	own := Scale(sum, 1)
	own.hold()
	own.Done()
	sum.unhold()
	return own
}

// dying returns v if what it holds will not be read again once the running rule has
// ended: nobody else holds it, and no record of the rule will. Else it is nil.
func (c *Call) dying(v *Value) *Value {
	if v == nil || !c.tape.paused || !v.exclusive() {
		return nil
	}
	return v
}

// applyOnto is apply where result i is added to onto[i], which it takes over, in its
// memory where nobody else needs that; where onto[i] is nil or missing the result
// stands by itself. The kernel finds what to add to behind the operands.
func (o *Op) applyOnto(attr any, onto []*Value, in ...*Value) []*Value {
	return o.applyInto(attr, onto, nil, in...)
}

// applyInto is applyOnto where result i, if it is not added to something, is written
// over over[i], if that is not nil. Nobody may read that afterwards, and the kernel
// must be able to.
func (o *Op) applyInto(attr any, onto, over []*Value, in ...*Value) []*Value {
	if o.plain {
		out := o.apply(attr, in...)
		for i, sum := range onto {
			if sum != nil {
				out[i].hold()
				out[i] = out[i].tape.sumOf(sum, out[i])
				out[i].holds--
			}
		}
		return out
	}
	dev, tape := o.home(in)
	c := tape.call(o, attr, in)
	shapes := o.Shape(c)
	if tape.part != 0 && !tape.paused {
		over = nil // the call may have to run again
	}
	results := tape.list(len(shapes))
	for i, s := range shapes {
		switch {
		case i < len(onto) && onto[i] != nil:
			term := tape.value() // never exists by itself
			*term = Value{shape: s, dev: dev, tape: tape, done: true}
			c.Out = append(c.Out, term)
			results[i] = tape.value()
			*results[i] = Value{shape: s, dev: dev, tape: tape, op: addOp, done: true, store: tape.placeOf(onto[i])}
			tape.values = append(tape.values, term, results[i])
		case i < len(over) && over[i] != nil:
			results[i] = tape.value()
			*results[i] = Value{shape: s, dev: dev, tape: tape, store: over[i].store}
			tape.own(results[i])
			c.Out = append(c.Out, results[i])
		default:
			results[i] = alloc(dev, tape, s)
			c.Out = append(c.Out, results[i])
		}
	}
	o.run(dev, c, results, onto...)
	for _, v := range c.Out {
		v.op = o
	}
	if tape.counter != nil {
		tape.counter(o, c.with(c.In, onto...), results)
	}
	for i, v := range over {
		if v != nil && v.store == results[i].store { // it was not added to something
			v.store = nil
		}
	}
	// A term that was added cannot be made again by itself, and the rows of dense blocks
	// make too much at a time.
	c.kept = o.Args == Variadic || slices.ContainsFunc(onto, func(v *Value) bool { return v != nil })
	tape.record(c)
	for i, sum := range onto {
		if sum != nil {
			tape.joined(sum, c.Out[i], results[i])
		}
	}
	return results
}

// plus is what users call: apply added to sum, which they keep.
func (o *Op) plus(attr any, sum *Value, in ...*Value) *Value {
	_, t := o.home(in)
	if o.plain || t == nil {
		term := o.one(attr, in...)
		defer term.Done()
		return Add(sum, term)
	}
	sum.Buffer() // panics when it is gone
	sum.hold()
	y := o.applyOnto(attr, t.pair(sum, nil), in...)[0]
	y.done = false // it is the caller's, or the running rule's
	if t.scoped {
		t.scope = append(t.scope, y)
	}
	return y
}

// joined records that a term was added to sum, which it is done with.
func (t *Tape) joined(sum, term, result *Value) {
	c := t.call(addOp, nil, t.pair(sum, term))
	c.Out = append(c.Out, result)
	c.kept = true
	t.record(c)
	if sum.store == result.store {
		sum.store = nil
	}
	sum.unhold()
}

// placeOf returns the memory of a sum for what is added to it, or fresh memory where
// somebody else may read the sum.
func (t *Tape) placeOf(sum *Value) *store {
	if sum.exclusive() {
		return sum.store
	}
	return t.memory(sum.Size())
}
