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

// fmaLoop runs a loop of multiply-adds in registers and returns the number of
// operations.
func fmaLoop() int {
	const n, sums = 30000, 12 // some 50 microseconds
	switch tiles.lanes {
	case 16:
		peakAVX512(n)
	case 8:
		peakAVX2(n)
	}
	return 2 * n * sums * tiles.lanes
}

//go:noescape
func peakAVX512(n int)

//go:noescape
func peakAVX2(n int)
