package main

import (
	"fmt"
	"strings"
)

// panelPass is a pass over columns of a block, whose rows are ld elements apart,
// beside tensors that have those columns alone: a vector of columns at a time,
// their constants in registers, down the rows. The last vector is masked.
type panelPass struct {
	name   string
	block  string   // the tensor with rows ld elements apart
	narrow []string // the others
	sums   int      // float32 sums of the columns, each of whole vectors
	add    bool     // takes a number that says whether to add to the result
	body   func(*panelKernel)
}

// panelPasses mirrors the plain loops in dense_panels.go, which say what is computed.
var panelPasses = []panelPass{
	{name: "affinePanel", block: "h", narrow: []string{"x"}, body: (*panelKernel).affine},
	{name: "gatePanel", block: "t", narrow: []string{"u", "x"}, body: (*panelKernel).gate},
	{name: "gradPanel", block: "gh", narrow: []string{"d", "x"}, sums: 2, add: true, body: (*panelKernel).grad},
}

// General registers of a panel kernel.
const (
	panelBlock = "AX"  // walks down the block
	panelOff   = "DX"  // offset of the row in the other tensors
	panelCols  = "CX"  // columns left
	panelStep  = "R8"  // bytes from row to row of the block
	panelWidth = "R9"  // bytes from row to row of the others
	panelRows  = "R12" // rows
	panelLeft  = "R13" // rows left
	panelTop   = "DI"  // first row of the block
	panelScale = "R10"
	panelShift = "R11"
	panelSums  = "R15"
)

var panelPointers = []string{"BX", "SI"}

// Vector registers: constants, zero, sums, and the masks of AVX2.
const (
	panelS, panelB, panelZero = 0, 1, 2
	panelSum                  = 3
	panelTemp                 = 5
	panelMask, panelAdd       = 15, 14
)

type panelKernel struct {
	panelPass
	isa
	w *writer
}

func panelFile(s isa) string {
	w := &writer{}
	w.header()
	if s.lanes == 8 {
		w.WriteString("\n")
		for i := range 16 {
			fmt.Fprintf(w, "DATA panelRest<>+%d(SB)/4, $%d\n", 4*i, map[bool]int64{true: 0xffffffff, false: 0}[i < 8])
		}
		w.WriteString("GLOBL panelRest<>(SB), RODATA|NOPTR, $64\n")
	}
	for _, p := range panelPasses {
		(&panelKernel{p, s, w}).write()
	}
	return w.String()
}

func (k *panelKernel) v(i int) string { return fmt.Sprintf("%s%d", k.reg, i) }

// at is the address of a row of one of the narrow tensors.
func (k *panelKernel) at(tensor string) string {
	for i, n := range k.narrow {
		if n == tensor {
			return fmt.Sprintf("(%s)(%s*1)", panelPointers[i], panelOff)
		}
	}
	panic("no tensor " + tensor)
}

// load and store move the columns of this vector that there are; what is loaded
// for the others is zero.
func (k *panelKernel) load(from, reg string) { k.masked(from, reg, "K1", panelMask) }

func (k *panelKernel) masked(from, reg, mask string, wide int) {
	if k.lanes == 16 {
		k.w.op("VMOVUPS.Z %s, %s, %s", from, mask, reg)
		return
	}
	k.w.op("VMASKMOVPS %s, %s, %s", from, k.v(wide), reg)
}

func (k *panelKernel) store(reg, to string) {
	if k.lanes == 16 {
		k.w.op("VMOVUPS %s, K1, %s", reg, to)
		return
	}
	k.w.op("VMASKMOVPS %s, %s, %s", reg, k.v(panelMask), to)
}

func (k *panelKernel) write() {
	tensors := append([]string{k.block}, k.narrow...)
	tensors = append(tensors, "scale", "shift")
	if k.sums > 0 {
		tensors = append(tensors, "sums")
	}
	numbers := []string{"ld", "cols", "rows"}
	if k.add {
		numbers = append(numbers, "add")
	}
	name := k.panelPass.name + k.isa.name
	fmt.Fprintf(k.w, "\n// func %s(%s *float32, %s int)\nTEXT ·%s(SB), NOSPLIT, $0-%d\n", name,
		strings.Join(tensors, ", "), strings.Join(numbers, ", "), name, 8*(len(tensors)+len(numbers)))
	regs := append([]string{panelTop}, panelPointers[:len(k.narrow)]...)
	regs = append(regs, panelScale, panelShift)
	if k.sums > 0 {
		regs = append(regs, panelSums)
	}
	regs = append(regs, panelStep, panelCols, panelRows)
	if k.add {
		regs = append(regs, "R14")
	}
	for i, arg := range append(tensors, numbers...) {
		k.w.op("MOVQ %s+%d(FP), %s", arg, 8*i, regs[i])
	}
	if k.add {
		k.addMask()
	}
	k.w.op("SHLQ $2, %s", panelStep)
	k.w.op("LEAQ (%s*4), %s", panelCols, panelWidth)
	k.w.op("VXORPS %[1]s, %[1]s, %[1]s", k.v(panelZero))
	k.columns()
	k.w.op("VZEROUPPER")
	k.w.op("RET")
}

// addMask turns the number into a mask over all lanes.
func (k *panelKernel) addMask() {
	k.w.op("NEGQ R14")
	if k.lanes == 16 {
		k.w.op("KMOVW R14, K4")
		return
	}
	k.w.op("VMOVQ R14, X%d", panelAdd)
	k.w.op("VPBROADCASTD X%d, Y%d", panelAdd, panelAdd)
}

func (k *panelKernel) columns() {
	w := k.w
	w.label("column")
	k.setMask()
	k.load("("+panelScale+")", k.v(panelS))
	k.load("("+panelShift+")", k.v(panelB))
	for i := range k.sums {
		w.op("VXORPS %[1]s, %[1]s, %[1]s", k.v(panelSum+i))
	}
	w.op("MOVQ %s, %s", panelTop, panelBlock)
	w.op("XORQ %[1]s, %[1]s", panelOff)
	w.op("MOVQ %s, %s", panelRows, panelLeft)
	w.label("row")
	k.body(k)
	w.op("ADDQ %s, %s", panelStep, panelBlock)
	w.op("ADDQ %s, %s", panelWidth, panelOff)
	w.op("DECQ %s", panelLeft)
	w.op("JNE row")
	bytes := 4 * k.lanes
	if k.sums > 0 {
		for i := range k.sums {
			w.op("VMOVUPS %s, %d(%s)", k.v(panelSum+i), i*bytes, panelSums)
		}
		w.op("ADDQ $%d, %s", k.sums*bytes, panelSums)
	}
	for _, p := range append([]string{panelTop, panelScale, panelShift}, panelPointers[:len(k.narrow)]...) {
		w.op("ADDQ $%d, %s", bytes, p)
	}
	w.op("SUBQ $%d, %s", k.lanes, panelCols)
	w.op("JGT column")
}

// setMask makes the mask of the columns of this vector.
func (k *panelKernel) setMask() {
	w := k.w
	if k.lanes == 16 {
		w.op("MOVL $0xffff, R14")
		w.op("CMPQ %s, $16", panelCols)
		w.op("JGE whole")
		w.op("MOVL $1, R14")
		w.op("SHLL CX, R14")
		w.op("DECL R14")
		w.label("whole")
		w.op("KMOVW R14, K1")
		if k.add {
			w.op("KANDW K1, K4, K3")
		}
		return
	}
	w.op("LEAQ panelRest<>+32(SB), R14")
	w.op("MOVQ %s, %s", panelCols, panelOff)
	w.op("CMPQ %s, $8", panelCols)
	w.op("JLT some")
	w.op("MOVQ $8, %s", panelOff)
	w.label("some")
	w.op("SHLQ $2, %s", panelOff)
	w.op("SUBQ %s, R14", panelOff)
	w.op("VMOVUPS (R14), %s", k.v(panelMask))
	if k.add {
		w.op("VANDPS %s, %s, %s", k.v(panelMask), k.v(panelAdd), k.v(13))
	}
}

// affine writes zero as the first source of MAX, which makes NaN pass.
func (k *panelKernel) affine() {
	x := k.v(panelTemp)
	k.load(k.at("x"), x)
	k.w.op("VFMADD213PS %s, %s, %s", k.v(panelB), k.v(panelS), x)
	k.w.op("VMAXPS %s, %s, %s", x, k.v(panelZero), x)
	k.store(x, "("+panelBlock+")")
}

// passed loads x into the first temporary and, into the second, what is at from
// where fma(x, scale, shift) > 0 and zero elsewhere.
func (k *panelKernel) passed(from string) {
	x, v, y := k.v(panelTemp), k.v(panelTemp+1), k.v(panelTemp+2)
	k.load(k.at("x"), x)
	k.w.op("VMOVAPS %s, %s", x, y)
	k.w.op("VFMADD213PS %s, %s, %s", k.v(panelB), k.v(panelS), y)
	if k.lanes == 16 {
		k.w.op("VCMPPS $30, %s, %s, K1, K2", k.v(panelZero), y)
		k.masked(from, v, "K2", 0)
		return
	}
	k.w.op("VCMPPS $30, %s, %s, %s", k.v(panelZero), y, y)
	k.load(from, v)
	k.w.op("VANDPS %s, %s, %s", y, v, v)
}

func (k *panelKernel) gate() {
	k.passed(k.at("u"))
	k.store(k.v(panelTemp+1), "("+panelBlock+")")
}

func (k *panelKernel) grad() {
	x, g, d := k.v(panelTemp), k.v(panelTemp+1), k.v(panelTemp+3)
	k.passed("(" + panelBlock + ")")
	k.w.op("VADDPS %s, %s, %s", g, k.v(panelSum), k.v(panelSum))
	k.w.op("VFMADD231PS %s, %s, %s", x, g, k.v(panelSum+1))
	k.masked(k.at("d"), d, "K3", 13)
	k.w.op("VFMADD231PS %s, %s, %s", g, k.v(panelS), d)
	k.store(d, k.at("d"))
}
