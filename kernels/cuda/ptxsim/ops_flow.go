package ptxsim

var flowOps = map[string]func(*build) action{
	"bra": bra, "ret": leave, "exit": leave, "trap": trap,
	"bar": bar, "barrier": bar,
	"membar": fence, "fence": fence, "nanosleep": nothing, "prefetch": nothing, "prefetchu": nothing, "discard": nothing,
	"griddepcontrol": nothing, // one launch runs after the other
}

func bra(b *build) action {
	b.arity(1, 1)
	b.in.flow = branch
	b.in.uni = b.has("uni")
	o := *b.arg(0)
	target, ok := b.s.scope.label(o.text)
	if o.kind != isLabel || !ok {
		b.fail("no label %s in sight", o.text)
	}
	b.in.target = target
	return nil
}

// leave compiles ret and exit, which are the same in an entry.
func leave(b *build) action {
	b.arity(0, 0)
	b.has("uni")
	b.in.flow = exit
	return nil
}

func trap(b *build) action {
	b.arity(0, 0)
	return func(w *warp, m uint32) { w.fault(Trap, m, "trap") }
}

// nothing compiles hints.
func nothing(b *build) action {
	b.mods = nil
	return func(*warp, uint32) {}
}
