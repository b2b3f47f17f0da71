package main

import "fmt"

// The kernels of a dense block whose statistics are known (dense_block.go): a vector
// is neighbouring pixels of one channel, and all factors of weights are broadcast,
// so that no lane is lost on a number of channels that is no multiple of 16.

// Offsets in struct blockArgs.
const (
	blockX     = 0
	blockW     = 8
	blockY     = 16
	blockMasks = 24
	blockCount = 32
	blockTiles = 40
	blockXStep = 48
	blockYStep = 56
	blockRow   = 64
)

// blockOutputs is the number of outputs of a tile. A tile is one or two vectors of
// pixels: with two, one broadcast serves two multiply-adds.
const blockOutputs = 12

type blockKernel struct {
	isa
	w *writer
}

func blockFile(s isa) string {
	w := &writer{}
	w.header()
	k := &blockKernel{s, w}
	for n := s.lanes / 8; n > 0; n-- {
		k.point(n)
		k.taps(n)
	}
	return w.String()
}

func (k *blockKernel) v(i int) string { return fmt.Sprintf("%s%d", k.reg, i) }

// begin loads the arguments that all kernels keep in registers.
func (k *blockKernel) begin(name, note string) {
	fmt.Fprintf(k.w, "\n// %s%s %s\n// func %[1]s%[2]s(p *blockArgs)\nTEXT ·%[1]s%[2]s(SB), NOSPLIT, $0-8\n", name, k.name, note)
	k.w.op("MOVQ p+0(FP), DI")
	k.w.op("MOVQ %d(DI), DX", blockX)
	k.w.op("MOVQ %d(DI), CX", blockY)
	k.w.op("MOVQ %d(DI), R13", blockTiles)
	k.w.op("MOVQ %d(DI), R8", blockXStep)
	k.w.op("MOVQ %d(DI), R9", blockYStep)
}

// vectors returns the registers of the sums of a tile of n vectors, those of its
// pixels (two sets in turn) and two spare ones.
func (k *blockKernel) vectors(n int) (sum func(o, v int) string, x func(set, v int) string, spare [2]string) {
	sum = func(o, v int) string { return k.v(o*n + v) }
	x = func(set, v int) string { return k.v(blockOutputs*n + set*n + v) }
	first := (blockOutputs + 2) * n
	if first+2 > k.regs-1 { // one set of pixels must do
		x = func(_, v int) string { return k.v(blockOutputs*n + v) }
		first = blockOutputs*n + n
	}
	return sum, x, [2]string{k.v(first), k.v(first + 1)}
}

// point computes, for tiles of n vectors of pixels, outputs of relu(a + sum over
// channels of w*relu(scale*x + shift)), and stores them one plane each, zero where
// a mask says that there is no pixel.
func (k *blockKernel) point(n int) {
	w, bytes := k.w, 4*k.lanes
	sum, x, spare := k.vectors(n)
	zero := k.v(k.regs - 1)
	k.begin(fmt.Sprintf("blockPoint%dx", n), "is the 1x1 convolution between two activations.")
	w.op("MOVQ %d(DI), R11", blockMasks)
	w.op("VXORPS %[1]s, %[1]s, %[1]s", zero)
	w.label("tile")
	w.op("MOVQ %d(DI), SI", blockW)
	for o := range blockOutputs {
		for v := range n {
			w.op("VBROADCASTSS %d(SI), %s", 4*o, sum(o, v))
		}
	}
	w.op("ADDQ $%d, SI", 4*blockOutputs)
	w.op("MOVQ DX, BX")
	w.op("MOVQ %d(DI), R10", blockCount)
	w.label("channel")
	w.op("VBROADCASTSS (SI), %s", spare[0])
	w.op("VBROADCASTSS 4(SI), %s", spare[1])
	for v := range n {
		at := map[int]string{0: "(BX)", 1: "(BX)(R8*1)"}[v]
		w.op("VMOVUPS %s, %s", at, x(0, v))
		w.op("VFMADD213PS %s, %s, %s", spare[1], spare[0], x(0, v))
		w.op("VMAXPS %s, %s, %[1]s", x(0, v), zero)
	}
	for o := range blockOutputs {
		k.multiply(8+4*o, n, func(v int) string { return x(0, v) }, func(v int) string { return sum(o, v) }, spare[o%2])
	}
	w.op("ADDQ $%d, BX", bytes)
	w.op("ADDQ $%d, SI", 4*(blockOutputs+2))
	w.op("DECQ R10")
	w.op("JNE channel")
	for v := range n {
		w.op("VMOVUPS %d(R11), %s", bytes*v, x(0, v))
	}
	w.op("MOVQ CX, AX")
	for o := range blockOutputs {
		for v := range n {
			w.op("VMAXPS %s, %s, %[1]s", sum(o, v), zero)
			w.op("VANDPS %s, %s, %[2]s", x(0, v), sum(o, v))
			w.op("VMOVUPS %s, %d(AX)", sum(o, v), bytes*v)
		}
		w.op("ADDQ R9, AX")
	}
	for range n {
		w.op("ADDQ R8, DX")
	}
	w.op("ADDQ $%d, CX", n*bytes)
	w.op("ADDQ $%d, R11", n*bytes)
	w.op("DECQ R13")
	w.op("JNE tile")
	w.op("VZEROUPPER")
	w.op("RET")
}

// multiply adds the vectors x times the weight at an offset to sums.
func (k *blockKernel) multiply(at, n int, x, sum func(v int) string, spare string) {
	if n == 1 && k.lanes == 16 {
		k.w.op("VFMADD231PS.BCST %d(SI), %s, %s", at, x(0), sum(0))
		return
	}
	k.w.op("VBROADCASTSS %d(SI), %s", at, spare)
	for v := range n {
		k.w.op("VFMADD231PS %s, %s, %s", x(v), spare, sum(v))
	}
}

// taps computes the 3x3 convolution for tiles of n vectors of pixels. The planes
// hold their zero border, one row behind the other.
func (k *blockKernel) taps(n int) {
	w, bytes := k.w, 4*k.lanes
	sum, x, spare := k.vectors(n)
	k.begin(fmt.Sprintf("blockTaps%dx", n), "is the 3x3 convolution.")
	w.label("tile")
	for i := range blockOutputs * n {
		w.op("VXORPS %[1]s, %[1]s, %[1]s", k.v(i))
	}
	w.op("MOVQ %d(DI), SI", blockW)
	w.op("MOVQ DX, R11")
	w.op("MOVQ $3, R12")
	w.label("row")
	w.op("MOVQ R11, BX")
	w.op("MOVQ %d(DI), R10", blockCount)
	w.label("channel")
	for tap := range 3 {
		pixels := func(v int) string { return x(tap%2, v) }
		for v := range n {
			w.op("VMOVUPS %d(BX), %s", 4*tap+bytes*v, pixels(v))
		}
		for o := range blockOutputs {
			k.multiply(4*(tap*blockOutputs+o), n, pixels, func(v int) string { return sum(o, v) }, spare[o%2])
		}
	}
	w.op("ADDQ R8, BX")
	w.op("ADDQ $%d, SI", 3*4*blockOutputs)
	w.op("DECQ R10")
	w.op("JNE channel")
	w.op("ADDQ %d(DI), R11", blockRow)
	w.op("DECQ R12")
	w.op("JNE row")
	for v := range n {
		for o := range blockOutputs {
			w.op("VMOVUPS %s, %d(CX)", sum(o, v), bytes*o)
		}
		w.op("ADDQ R9, CX")
	}
	w.op("ADDQ $%d, DX", n*bytes)
	w.op("DECQ R13")
	w.op("JNE tile")
	w.op("VZEROUPPER")
	w.op("RET")
}
