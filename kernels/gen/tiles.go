package main

import (
	"fmt"
	"strings"
)

// Offsets in struct tileArgs.
const (
	argA      = 0
	argB      = 8
	argC      = 16
	argGroups = 24
	argSegs   = 32
	argTiles  = 40
	argNSegs  = 48
	argK      = 56
	argLDA    = 64
	argLDB    = 72
	argLDC    = 80
	argMask   = 88
	argAdd    = 96
	argAhead  = 104
	argFetch  = 112
	argStride = 120
)

// unroll is the number of steps of k in the inner loop.
const unroll = 4

// tile is one micro-kernel: rows x vecs sums in registers.
type tile struct {
	isa
	form       string // "N" or "T"
	rows, vecs int
	w          *writer
}

func (t *tile) name() string {
	return fmt.Sprintf("tile%s%dx%d%s", t.form, t.rows, t.vecs*t.lanes, strings.ToUpper(t.isa.name))
}

// acc is the register of one sum, vecB one of the vectors of B, x the register
// for an element of A.
func (t *tile) acc(row, vec int) string { return fmt.Sprintf("%s%d", t.reg, row*t.vecs+vec) }
func (t *tile) vecB(vec int) string     { return fmt.Sprintf("%s%d", t.reg, t.rows*t.vecs+vec) }
func (t *tile) x(row int) string {
	first := t.rows*t.vecs + t.vecs
	return fmt.Sprintf("%s%d", t.reg, first+row%min(4, t.regs-first))
}

// groupRegs point into A, one for each four rows of an N tile.
var groupRegs = []string{"AX", "BX", "CX", "DX"}

func tileFile(s isa) string {
	w := &writer{}
	w.header()
	for v := 1; v <= 3; v++ {
		for _, rows := range s.rowsN[v] {
			t := &tile{s, "N", rows, v, w}
			t.kernelN()
		}
		for _, rows := range s.rowsT[v] {
			t := &tile{s, "T", rows, v, w}
			t.kernelT()
		}
	}
	packKernels(w, s)
	return w.String()
}

func (t *tile) begin() {
	fmt.Fprintf(t.w, "\n// func %s(p *tileArgs)\n", t.name())
	fmt.Fprintf(t.w, "TEXT ·%s(SB), NOSPLIT, $0-8\n", t.name())
	t.w.op("MOVQ p+0(FP), DI")
	t.w.op("MOVQ %d(DI), R15", argFetch)
	if t.reg == "Z" {
		t.w.op("KMOVW %d(DI), K1", argMask)
	}
}

func (t *tile) clear() {
	for r := range t.rows {
		for v := range t.vecs {
			a := t.acc(r, v)
			if t.reg == "Z" {
				t.w.op("VPXORQ %s, %s, %s", a, a, a)
			} else {
				t.w.op("VXORPS %s, %s, %s", a, a, a)
			}
		}
	}
}

// row is the address of row r of the group that register p points at, with one
// and three strides in one and three.
func row(p string, r int, one, three string, off int) string {
	s := fmt.Sprintf("(%s)", p)
	if off != 0 {
		s = fmt.Sprintf("%d(%s)", off, p)
	}
	switch r % 4 {
	case 1:
		s += fmt.Sprintf("(%s*1)", one)
	case 2:
		s += fmt.Sprintf("(%s*2)", one)
	case 3:
		s += fmt.Sprintf("(%s*1)", three)
	}
	return s
}

// multiply adds element r of A, at address a, times B to the sums of row r. A
// broadcast within the multiply-add saves an instruction where it is used once.
func (t *tile) multiply(r int, a string) {
	if t.vecs == 1 && t.reg == "Z" {
		t.w.op("VFMADD231PS.BCST %s, %s, %s", a, t.vecB(0), t.acc(r, 0))
		return
	}
	t.w.op("VBROADCASTSS %s, %s", a, t.x(r))
	for v := range t.vecs {
		t.w.op("VFMADD231PS %s, %s, %s", t.vecB(v), t.x(r), t.acc(r, v))
	}
}

// fetchLines is the number of cache lines that a turn of the inner loop asks
// for: as much as an N tile reads of A meanwhile; for a T tile, what the weight
// gradient of a pointwise convolution reads. The N tile of 8 x 48 asks for one
// more: with two, Sapphire Rapids runs its loop 5 % slower.
func (t *tile) fetchLines() int {
	if t.form == "T" || t.vecs == 3 && t.rows == 8 {
		return 3
	}
	return max(1, unroll*t.rows/16)
}

// fetch asks for memory that a later call will read, into the second-level cache:
// the first is full of what this call reads.
func (t *tile) fetch() {
	for i := range t.fetchLines() {
		t.w.op("PREFETCHT1 %d(R15)", 64*i)
	}
	t.w.op("ADDQ %d(DI), R15", argStride)
}

// kernelN: A in rows, k contiguous; the rows in groups of four whose places a
// table gives, so that a tile may cross the rows of an image. B is a packed
// panel.
func (t *tile) kernelN() {
	w, groups := t.w, t.rows/4
	t.begin()
	w.op("MOVQ %d(DI), R13", argGroups)
	w.label("tile")
	w.note("Fetch the rows of C that the next tile will write.")
	w.op("CMPQ %d(DI), $0", argAhead)
	w.op("JEQ clear")
	w.op("MOVQ %d(DI), R8", argLDC)
	w.op("LEAQ (R8)(R8*2), R9")
	for g := range groups {
		w.op("MOVQ %d(R13), AX", 16*(groups+g)+8)
		w.op("ADDQ %d(DI), AX", argC)
		for r := range 4 {
			for v := 0; v < t.vecs; v += max(1, 16/t.lanes) {
				w.op("PREFETCHT0 %s", row("AX", r, "R8", "R9", 4*t.lanes*v))
			}
		}
	}
	w.label("clear")
	t.clear()
	w.op("MOVQ %d(DI), SI", argB)
	w.op("MOVQ %d(DI), R8", argLDA)
	w.op("LEAQ (R8)(R8*2), R9")
	w.op("MOVQ %d(DI), R11", argSegs)
	w.op("MOVQ %d(DI), R12", argNSegs)
	w.label("segment")
	for g := range groups {
		w.op("MOVQ %d(R13), %s", 16*g, groupRegs[g])
		w.op("ADDQ %d(DI), %s", argA, groupRegs[g])
		w.op("ADDQ (R11), %s", groupRegs[g])
	}
	w.op("MOVQ %d(DI), R10", argK)
	w.op("SUBQ $%d, R10", unroll)
	w.op("JLT rest")
	w.label("steps")
	t.fetch()
	t.stepsN(unroll)
	w.op("SUBQ $%d, R10", unroll)
	w.op("JGE steps")
	w.label("rest")
	w.op("ADDQ $%d, R10", unroll)
	w.op("JE next")
	w.label("step")
	t.stepsN(1)
	w.op("DECQ R10")
	w.op("JNE step")
	w.label("next")
	w.op("ADDQ $8, R11")
	w.op("DECQ R12")
	w.op("JNE segment")
	t.storeN()
	w.op("ADDQ $%d, R13", 16*groups)
	w.op("DECQ %d(DI)", argTiles)
	w.op("JNE tile")
	w.op("MOVQ R15, %d(DI)", argFetch)
	w.op("VZEROUPPER")
	w.op("RET")
}

func (t *tile) stepsN(steps int) {
	for u := range steps {
		for v := range t.vecs {
			t.w.op("VMOVUPS %d(SI), %s", 4*t.lanes*(u*t.vecs+v), t.vecB(v))
		}
		for r := range t.rows {
			t.multiply(r, row(groupRegs[r/4], r, "R8", "R9", 4*u))
		}
	}
	for g := range t.rows / 4 {
		t.w.op("ADDQ $%d, %s", 4*steps, groupRegs[g])
	}
	t.w.op("ADDQ $%d, SI", 4*t.lanes*t.vecs*steps)
}

func (t *tile) storeN() {
	w := t.w
	w.op("MOVQ %d(DI), R8", argLDC)
	w.op("LEAQ (R8)(R8*2), R9")
	t.store(func(emit func(r int, addr func(v int) string)) {
		for g := range t.rows / 4 {
			w.op("MOVQ %d(R13), AX", 16*g+8)
			w.op("ADDQ %d(DI), AX", argC)
			for r := range 4 {
				emit(4*g+r, func(v int) string { return row("AX", r, "R8", "R9", 4*t.lanes*v) })
			}
		}
	})
}

// store writes the sums, added to what is there if the caller says so; each
// walks over the rows and their addresses. The mask covers the last vector.
func (t *tile) store(each func(func(r int, addr func(v int) string))) {
	w, last := t.w, t.vecs-1
	if t.reg == "Y" {
		w.op("MOVQ %d(DI), R10", argMask)
		w.op("VMOVUPS (R10), %s", t.vecB(0))
	}
	w.op("CMPQ %d(DI), $0", argAdd)
	w.op("JEQ write")
	each(func(r int, addr func(int) string) {
		for v := range last {
			w.op("VADDPS %s, %s, %s", addr(v), t.acc(r, v), t.acc(r, v))
		}
		t.addMasked(addr(last), t.acc(r, last))
	})
	w.label("write")
	each(func(r int, addr func(int) string) {
		for v := range last {
			w.op("VMOVUPS %s, %s", t.acc(r, v), addr(v))
		}
		if t.reg == "Z" {
			w.op("VMOVUPS %s, K1, %s", t.acc(r, last), addr(last))
		} else {
			w.op("VMASKMOVPS %s, %s, %s", t.acc(r, last), t.vecB(0), addr(last))
		}
	})
}

func (t *tile) addMasked(addr, acc string) {
	if t.reg == "Z" {
		t.w.op("VADDPS %s, %s, K1, %s", addr, acc, acc)
		return
	}
	t.w.op("VMASKMOVPS %s, %s, %s", addr, t.vecB(0), t.x(0))
	t.w.op("VADDPS %s, %s, %s", t.x(0), acc, acc)
}

// kernelT: A contiguous across the rows of the tile, one step of k every lda
// bytes; B is read where it lies, a step every ldb bytes, in whole vectors. A
// segment has a place in A and one in B.
func (t *tile) kernelT() {
	w := t.w
	t.begin()
	w.op("MOVQ %d(DI), BX", argA)
	w.op("MOVQ %d(DI), CX", argC)
	w.op("MOVQ %d(DI), R8", argLDA)
	w.op("MOVQ %d(DI), R9", argLDB)
	w.op("LEAQ (R8)(R8*2), R13")
	w.op("LEAQ (R9)(R9*2), DX")
	w.label("tile")
	t.clear()
	w.op("MOVQ %d(DI), R11", argSegs)
	w.op("MOVQ %d(DI), R12", argNSegs)
	w.label("segment")
	w.op("MOVQ (R11), AX")
	w.op("ADDQ BX, AX")
	w.op("MOVQ 8(R11), SI")
	w.op("ADDQ %d(DI), SI", argB)
	w.op("MOVQ %d(DI), R10", argK)
	w.op("SUBQ $%d, R10", unroll)
	w.op("JLT rest")
	w.label("steps")
	t.fetch()
	t.stepsT(unroll)
	w.op("SUBQ $%d, R10", unroll)
	w.op("JGE steps")
	w.label("rest")
	w.op("ADDQ $%d, R10", unroll)
	w.op("JE next")
	w.label("step")
	t.stepsT(1)
	w.op("DECQ R10")
	w.op("JNE step")
	w.label("next")
	w.op("ADDQ $16, R11")
	w.op("DECQ R12")
	w.op("JNE segment")
	t.storeT()
	w.op("ADDQ $%d, BX", 4*t.rows)
	w.op("DECQ %d(DI)", argTiles)
	w.op("JNE tile")
	w.op("MOVQ R15, %d(DI)", argFetch)
	w.op("VZEROUPPER")
	w.op("RET")
}

// stepsT takes the place of each step from its stride, which leaves the units that
// multiply free of additions. With one vector a row, where the multiply-adds read
// memory themselves, an index would cost more than it saves.
func (t *tile) stepsT(steps int) {
	w, indexed := t.w, t.vecs > 1 && steps == unroll
	for u := range steps {
		at := 0
		if indexed {
			at = u
		}
		for v := range t.vecs {
			w.op("VMOVUPS %s, %s", row("SI", at, "R9", "DX", 4*t.lanes*v), t.vecB(v))
		}
		for r := range t.rows {
			t.multiply(r, row("AX", at, "R8", "R13", 4*r))
		}
		if !indexed {
			w.op("ADDQ R8, AX")
			w.op("ADDQ R9, SI")
		}
	}
	if indexed {
		w.op("LEAQ (AX)(R8*%d), AX", unroll)
		w.op("LEAQ (SI)(R9*%d), SI", unroll)
	}
}

func (t *tile) storeT() {
	w := t.w
	w.op("MOVQ %d(DI), SI", argLDC)
	t.store(func(emit func(r int, addr func(v int) string)) {
		w.op("MOVQ CX, AX")
		for r := range t.rows {
			emit(r, func(v int) string { return fmt.Sprintf("%d(AX)", 4*t.lanes*v) })
			w.op("ADDQ SI, AX")
		}
	})
	w.op("MOVQ AX, CX")
}
