//go:build amd64 && !noasm

package kernels

import xcpu "golang.org/x/sys/cpu"

// vectorSet is the instruction set that the row passes and vec functions use.
type vectorSet uint8

const (
	noVectors  vectorSet = iota
	vectors256           // AVX2 and FMA
	vectors512           // AVX-512 F, DQ, VL
)

// vectors is a variable for the tests, which try each set the machine has.
var vectors = bestVectors()

func bestVectors() vectorSet {
	x := &xcpu.X86
	switch {
	case x.HasAVX512F && x.HasAVX512DQ && x.HasAVX512VL:
		return vectors512
	case x.HasAVX2 && x.HasFMA:
		return vectors256
	}
	return noVectors
}
