package main

import (
	"fmt"
	"strings"
)

// Offsets in struct packArgs.
const (
	packDst    = 0
	packSrc    = 8
	packRows   = 16
	packStride = 24
	packMask   = 32
)

// packAhead is how far ahead, in bytes, a row is fetched: what the next strips take
// of it. Few rows are packed at a time, so that each is read as one stream.
const packAhead = 1024

// packName is the function that packs a strip of so many vectors.
func packName(s isa, vecs int) string {
	return fmt.Sprintf("packStrip%d%s", vecs*s.lanes, strings.ToUpper(s.name))
}

// packKernels copies rows into a strip, in which they follow one another, the lanes
// behind the last column set to zero.
func packKernels(w *writer, s isa) {
	for vecs := 1; vecs <= 3; vecs++ {
		fmt.Fprintf(w, "\n// func %s(p *packArgs)\nTEXT ·%[1]s(SB), NOSPLIT, $0-8\n", packName(s, vecs))
		w.op("MOVQ p+0(FP), DI")
		w.op("MOVQ %d(DI), AX", packDst)
		w.op("MOVQ %d(DI), SI", packSrc)
		w.op("MOVQ %d(DI), CX", packRows)
		w.op("MOVQ %d(DI), R8", packStride)
		if s.reg == "Z" {
			w.op("KMOVW %d(DI), K1", packMask)
		} else {
			w.op("MOVQ %d(DI), DX", packMask)
			w.op("VMOVUPS (DX), Y3")
		}
		w.label("row")
		for v := range vecs {
			if v%(16/s.lanes) == 0 {
				w.op("PREFETCHT0 %d(SI)", packAhead+4*s.lanes*v)
			}
		}
		for v := range vecs {
			at := 4 * s.lanes * v
			switch {
			case v < vecs-1:
				w.op("VMOVUPS %d(SI), %s%d", at, s.reg, v)
			case s.reg == "Z":
				w.op("VMOVUPS.Z %d(SI), K1, Z%d", at, v)
			default:
				w.op("VMASKMOVPS %d(SI), Y3, Y%d", at, v)
			}
			w.op("VMOVUPS %s%d, %d(AX)", s.reg, v, at)
		}
		w.op("ADDQ R8, SI")
		w.op("ADDQ $%d, AX", 4*s.lanes*vecs)
		w.op("DECQ CX")
		w.op("JNE row")
		w.op("VZEROUPPER")
		w.op("RET")
	}
}
