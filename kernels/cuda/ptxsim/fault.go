package ptxsim

import "fmt"

// FaultKind sorts what the checks find.
type FaultKind uint8

const (
	OutOfBounds           FaultKind = iota // an access outside an allocation, a piece of one, a shared or a local array
	Misaligned                             // an address that is no multiple of the access size
	UseAfterFree                           // memory that was freed or taken back
	StrayPointer                           // an address that no allocation ever had, or of another state space
	UninitialisedMemory                    // bytes that nobody has written
	UninitialisedRegister                  // a register that has no value on the way that execution took
	SharedRace                             // two threads, one of them writing, with no barrier between
	GlobalRace                             // two blocks of one launch, one of them writing; or two threads of a block with no barrier between
	Divergence                             // a barrier or a warp-wide instruction that some threads do not reach
	AsyncCopy                              // cp.async without the wait or the commit that it needs
	Trap                                   // the instruction trap, or a mistake that the hardware would trap on
	Endless                                // more instructions than Options.MaxSteps
)

var faultNames = [...]string{
	"out of bounds", "misaligned", "use after free", "stray pointer", "uninitialised memory",
	"uninitialised register", "shared-memory race", "global-memory race", "divergence",
	"asynchronous copy", "trap", "endless loop",
}

func (k FaultKind) String() string {
	if int(k) < len(faultNames) {
		return faultNames[k]
	}
	return fmt.Sprintf("fault %d", k)
}

// Fault is a mistake of a kernel or of the program that drives the machine. In
// copies and frees from the host, which have no kernel, Kernel is empty.
type Fault struct {
	Kind   FaultKind
	Kernel string
	File   string
	Line   int    // of the instruction
	Code   string // the instruction as written
	Block  [3]int
	Thread [3]int
	Text   string // what is wrong
}

// Error names kernel, file:line, block and thread.
func (f *Fault) Error() string {
	if f.Kernel == "" {
		return fmt.Sprintf("%s: %s", f.Kind, f.Text)
	}
	return fmt.Sprintf("%s: %s in kernel %s at %s:%d, block (%d,%d,%d), thread (%d,%d,%d): %s",
		f.Kind, f.Text, f.Kernel, f.File, f.Line,
		f.Block[0], f.Block[1], f.Block[2], f.Thread[0], f.Thread[1], f.Thread[2], f.Code)
}

// hostFault is a mistake in a call of the host.
func hostFault(kind FaultKind, format string, args ...any) *Fault {
	return &Fault{Kind: kind, Text: fmt.Sprintf(format, args...)}
}

// fault stops the launch: the first lane of m is to blame.
func (w *warp) fault(kind FaultKind, m uint32, format string, args ...any) {
	panic(w.newFault(kind, m, format, args...))
}

func (w *warp) newFault(kind FaultKind, m uint32, format string, args ...any) *Fault {
	c := &w.b.k.code[w.pc]
	return &Fault{
		Kind: kind, Kernel: w.b.k.Name, File: w.b.k.File, Line: c.line, Code: c.text,
		Block: w.b.at, Thread: w.b.thread(w.index*lanes + first(m)),
		Text: fmt.Sprintf(format, args...),
	}
}
