package autograd

import "gradgrad/kernels"

// Some results cost less to compute again than to keep. The output of batch norm
// with ReLU is one pass over an operand that its own rule keeps anyway, while
// keeping it would cost a third of a training step's memory. Such a row has
// Remake: the tape lets the memory of its first result go as soon as the user is
// done with it, although rules will read it, and makes it again, bit for bit, for
// the time that such a rule runs. What Remake needs must be among what the row's
// own rules read.

// remakable reports whether the contents of v can be made again.
func (v *Value) remakable() bool {
	if v.call != nil && !v.call.spent && v.call.part != 0 {
		return !v.call.kept
	}
	return v.remakableByRow()
}

// remakableByRow reports whether the row says how.
func (v *Value) remakableByRow() bool {
	if v.call == nil || v.out != 0 || v.call.spent || v.call.Op.Remake == nil {
		return false
	}
	may := v.call.Op.MayRemake
	return may == nil || may(v.call)
}

// remakableIn reports whether a call of that part of the program can do without v
// until its rules run. What a part has made is kept for all that is outside of it.
func (v *Value) remakableIn(part int) bool {
	return v.remakable() && (v.call.part == 0 || v.call.part == part)
}

// remake makes again what the wanted rules of the call read and what is gone. It
// returns what it made.
func (c *Call) remake() (made []*Value) {
	made = c.work.made[:0]
	reads := c.wantedReads()
	for i, v := range c.In {
		if v != nil && reads.in(i) {
			made = v.restore(made)
		}
	}
	for i, v := range c.Out {
		if reads.out(i) {
			made = v.restore(made)
		}
	}
	c.work.made = made
	return made
}

// wantedReads is what the rules read whose cotangents are wanted.
func (c *Call) wantedReads() (reads Reads) {
	if c.Op.Joint != nil {
		return c.Op.Joint.Reads
	}
	for i, r := range c.Op.Rules {
		if !r.none && c.Wants(i) {
			reads |= r.Reads
		}
	}
	return reads
}

// restore makes the contents of v again if they are gone, after those of the
// operands that they are made from, and appends what it made.
func (v *Value) restore(made []*Value) []*Value {
	if v.store != nil || !v.remakable() {
		return made
	}
	if v.call.part != 0 {
		return v.call.again(made)
	}
	for i, x := range v.call.In {
		if x != nil && v.call.Op.Joint.Reads.in(i) {
			made = x.restore(made)
		}
	}
	v.store = v.tape.memory(v.Size())
	v.call.Op.Remake(v.call)
	return append(made, v)
}

// rerun computes the first result of a call into its memory by the call's own
// kernel; what becomes of the other results is forgotten.
func rerun(c *Call) {
	args, arena := &c.work.args, c.tape.arena
	args.Attr = c.Op.Attr(c)
	args.Out = append(args.Out, c.Out[0].Buffer())
	for _, v := range c.Out[1:] {
		args.Out = append(args.Out, arena.Get(v.Size()))
	}
	args.In = appendBuffers(args.In, c.In)
	c.tape.dev.Run(c.Op.Kernel, args)
	for _, b := range args.Out[1:] {
		arena.Put(b)
	}
	emptied(args)
}

// runInto runs a kernel on values of a call.
func (c *Call) runInto(k *kernels.Kernel, attr any, out *Value, in ...*Value) {
	args := &c.work.args
	args.Attr = attr
	args.Out = append(args.Out, out.Buffer())
	args.In = appendBuffers(args.In, in)
	out.dev.Run(k, args)
	emptied(args)
}
