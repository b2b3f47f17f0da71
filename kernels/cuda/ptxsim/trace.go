package ptxsim

// Step is one instruction that one warp is about to run.
type Step struct {
	Kernel *Kernel
	Line   int
	Code   string // the instruction as written
	Block  [3]int
	Warp   int
	Mask   uint32 // lanes that run it
}

func (m *Machine) traced(w *warp, c *instr, mask uint32) {
	m.o.Trace(Step{Kernel: w.b.k, Line: c.line, Code: c.text, Block: w.b.at, Warp: w.index, Mask: mask})
}
