package autograd

// throughDefinition is the rule of a fused operation whose derivatives nobody
// wrote by hand: it computes the plain definition from the same operands,
// recorded, and differentiates that. What it returns can be differentiated
// again.
func throughDefinition(c *Call, g []*Value) []*Value {
	t := c.tape
	paused, recorded := t.paused, len(t.calls)
	t.paused = false
	defer func() {
		if t.paused = paused; paused { // nobody will differentiate this
			t.truncate(recorded)
		}
	}()

	// Fresh names for the operands: the derivative must end at them, even where
	// one operand was computed from another.
	inner := Call{Op: c.Op, In: make([]*Value, len(c.In)), Attr: c.Attr, tape: t}
	var leaves []*Value
	var at []int
	for i, v := range c.In {
		if v == nil {
			continue
		}
		if inner.In[i] = v; c.Wants(i) {
			inner.In[i] = reshapeOp.one(v.shape, v)
			leaves, at = append(leaves, inner.In[i]), append(at, i)
		}
	}
	var total *Value
	for k, y := range c.Op.Define(&inner) {
		if g[k] == nil || !y.tracked {
			continue
		}
		if part := Sum(Mul(y, g[k])); total == nil {
			total = part
		} else {
			total = Add(total, part)
		}
	}
	out := make([]*Value, len(c.In))
	if total == nil {
		return out
	}
	for k, d := range Grad(total, leaves...) {
		if paused { // what follows must not look for the record of it
			d = d.Detach()
		}
		out[at[k]] = d
	}
	return out
}
