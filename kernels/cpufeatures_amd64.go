//go:build amd64 && !noasm

package kernels

import xcpu "golang.org/x/sys/cpu"

// tiles is the set of micro-kernels for the machine that this runs on; its
// lanes are 0 where there is none and plain Go computes.
var tiles = detectTiles()

func detectTiles() tileSet {
	switch {
	case xcpu.X86.HasAVX512F && xcpu.X86.HasAVX2:
		return tilesAVX512
	case xcpu.X86.HasAVX2 && xcpu.X86.HasFMA:
		return tilesAVX2
	}
	return tileSet{}
}
