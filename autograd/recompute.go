package autograd

// Recompute runs f, a part of a program such as a block of a network, and keeps no
// memory for what the part computes inside: when its derivative is taken, the part's
// operations run again, with the same operands and so to the same bits, and again
// when a derivative of the derivative is. What a part reads from outside, and what is
// read of it outside, is kept. That saves memory for time: one forward more for each
// order of derivatives and for each time that its record is gone through.
//
// Only operations run again, not f: layers do not see it, and running statistics move
// once. Within f, values that are not read again must be done with, as always
// ([Value.Done]); a value that is not is kept. A part within a part belongs to the outer
// one.
//
// This is checkpointing (Chen et al., arXiv:1604.06174) on the record itself.
func (t *Tape) Recompute(f func()) {
	if t.part != 0 {
		f()
		return
	}
	t.parts++
	t.part = t.parts
	defer func() { t.part = 0 }()
	f()
}

// What rules compute while a derivative is taken belongs to the part of the call whose
// rule it is. So the derivative of a part is one with it: between the two passes over
// its record only what crosses its border is there.

// again runs the call once more for those of its results that are gone, after what
// they are made from, and appends what it made.
func (c *Call) again(made []*Value) []*Value {
	for _, x := range c.In {
		if x != nil {
			made = x.restore(made)
		}
	}
	if c.Op.View {
		v := c.Out[0]
		c.In[0].Buffer() // panics when it is gone
		v.store = c.In[0].store
		v.store.owners++
		return append(made, v)
	}
	t, args := c.tape, &c.work.args
	for _, v := range c.Out {
		if v.store == nil {
			v.store = t.memory(v.Size())
			made = append(made, v)
			args.Out = append(args.Out, v.store.buf)
			continue
		}
		args.Out = append(args.Out, t.arena.Get(v.Size())) // it is there: the same comes again
	}
	args.In = appendBuffers(args.In, c.In)
	args.Attr = c.Attr
	if c.Op.Attr != nil {
		args.Attr = c.Op.Attr(c)
	}
	t.dev.Run(c.Op.Kernel, args)
	for i, v := range c.Out {
		if b := args.Out[i]; b != v.store.buf {
			t.arena.Put(b)
		}
	}
	emptied(args)
	if t.counter != nil {
		t.counter(c.Op, c.In, c.Out)
	}
	return made
}

// forgetRemade lets go of what was remade, from number n on.
func (t *Tape) forgetRemade(n int) {
	freeUnused(t.remade[n:])
	clear(t.remade[n:])
	t.remade = t.remade[:n]
}

func freeUnused(vs []*Value) {
	for _, v := range vs {
		v.freeIfUnused()
	}
}
