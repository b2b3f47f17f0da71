package ptxsim

import "slices"

// Step is one instruction that one warp is about to run. It is valid until the
// function that gets it returns.
type Step struct {
	Kernel *Kernel
	Line   int
	Code   string // the instruction as written
	Block  [3]int
	Warp   int
	Mask   uint32 // lanes that run it

	w *warp
}

// Register returns what a register holds in the 32 lanes, before the instruction
// runs: bits, for floats as well. known is false for a name that the kernel does not
// use, and where a lane of the warp has no value yet.
func (s Step) Register(name string) (lane [32]uint64, known bool) {
	k := s.w.b.k
	place := slices.Index(k.names, name)
	if place < 0 {
		return lane, false
	}
	which, index := narrow, place
	if index >= len(k.file32) {
		which, index = wide, index-len(k.file32)
	}
	if which == wide && index >= len(k.file64) {
		which, index = predicate, index-len(k.file64)
	}
	for i := range lane {
		switch which {
		case narrow:
			lane[i] = uint64(s.w.r32[index][i])
		case wide:
			lane[i] = s.w.r64[index][i]
		default:
			lane[i] = uint64(s.w.pred[index] >> i & 1)
		}
	}
	return lane, s.w.def[place]&s.w.all == s.w.all
}

func (m *Machine) traced(w *warp, c *instr, mask uint32) {
	m.o.Trace(Step{Kernel: w.b.k, Line: c.line, Code: c.text, Block: w.b.at, Warp: w.index, Mask: mask, w: w})
}
