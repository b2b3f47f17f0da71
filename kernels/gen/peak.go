package main

import (
	"fmt"
	"strings"
)

// peakFile is a loop of multiply-adds in registers, as many independent ones as
// hide their latency: what the machine can do at most.
func peakFile() string {
	w := &writer{}
	w.header()
	for _, s := range []isa{avx512, avx2} {
		name := "peak" + strings.ToUpper(s.name)
		fmt.Fprintf(w, "\n// func %s(n int)\n// %d multiply-adds of %d lanes, n times.\nTEXT ·%s(SB), NOSPLIT, $0-8\n", name, peakSums, s.lanes, name)
		w.op("MOVQ n+0(FP), CX")
		for i := range s.regs {
			if i < peakSums+2 {
				w.op("VXORPS Y%d, Y%d, Y%d", i, i, i)
			}
		}
		w.label("loop")
		for i := range peakSums {
			w.op("VFMADD231PS %s%d, %s%d, %s%d", s.reg, peakSums, s.reg, peakSums+1, s.reg, i)
		}
		w.op("DECQ CX")
		w.op("JNE loop")
		w.op("VZEROUPPER")
		w.op("RET")
	}
	return w.String()
}

const peakSums = 12
