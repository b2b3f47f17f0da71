//go:build amd64 && !noasm

package machine

import "golang.org/x/sys/cpu"

// fma256 and fma512 do 12 independent multiply-adds of 8 and 16 numbers, rounds
// times.
//
//go:noescape
func fma256(rounds uint64)

//go:noescape
func fma512(rounds uint64)

// fmaLoop returns the widest loop that the processor has and the floating-point
// operations of a round.
func fmaLoop() (loop func(rounds uint64), flops int) {
	switch {
	case cpu.X86.HasAVX512F:
		return fma512, 12 * 16 * 2
	case cpu.X86.HasAVX2 && cpu.X86.HasFMA:
		return fma256, 12 * 8 * 2
	}
	return nil, 0
}
