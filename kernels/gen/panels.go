package main

import "fmt"

// panelPass is a pass over a block, whose rows are ld bytes apart, beside the parts
// whose channels lie side by side in it. A part has rows of its own width. The pass
// takes the parts in turn, of each a vector of columns at a time, their constants
// in registers, and walks down the rows; the last vector of a part is masked.
type panelPass struct {
	name string
	note string
	two  bool // reads or writes a second tensor of every part
	sums int  // sums of every column
	body func(*panelKernel)
}

// panelPasses mirrors the plain loops in dense_panels.go, which say what is computed.
var panelPasses = []panelPass{
	{name: "affinePanel", note: "sets the block to the activation of x.", body: (*panelKernel).affine},
	{name: "gatePanel", note: "sets the block to the second tensor where the activation of x is not zero.", two: true, body: (*panelKernel).gate},
	{name: "gradPanel", note: "adds the block, masked and scaled, to the second tensor.", two: true, sums: 2, body: (*panelKernel).grad},
	{name: "gradKeepPanel", note: "is gradPanel, and leaves the activation of x in the block.", two: true, sums: 2, body: (*panelKernel).gradKeep},
}

// Offsets in struct panelArgs and in struct panelPart.
const (
	panelArgBlock = 0
	panelArgParts = 8
	panelArgScale = 16
	panelArgShift = 24
	panelArgSums  = 32
	panelArgCount = 40
	panelArgLD    = 48
	panelArgRow   = 56
	panelArgRows  = 64
	panelArgLeft  = 72

	panelPartX     = 0
	panelPartOther = 8
	panelPartCols  = 16
	panelPartOn    = 24
	panelPartSize  = 32
)

// General registers of a panel kernel.
const (
	panelArg   = "DI"  // *panelArgs
	panelPart  = "R12" // *panelPart
	panelBlock = "AX"  // walks down the block
	panelOff   = "DX"  // offset of the row in the part
	panelX     = "BX"  // first row of the part, from this vector's columns on
	panelOther = "SI"  // and of its second tensor
	panelNextX = "R14" // the rows behind those of this call, which are fetched,
	panelNextO = "CX"  // of both
	panelStep  = "R8"  // bytes from row to row of the block
	panelWidth = "R9"  // bytes from row to row of the part
	panelLeft  = "R13" // rows left
	panelScale = "R10"
	panelShift = "R11"
	panelSums  = "R15"
)

// Vector registers: constants, zero, sums, and the masks of AVX2.
const (
	panelS, panelB, panelZero  = 0, 1, 2
	panelSum                   = 3
	panelTemp                  = 5
	panelMask, panelOn, panelM = 15, 14, 13
)

type panelKernel struct {
	panelPass
	isa
	w      *writer
	twelve bool // a part of twelve columns
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
		(&panelKernel{panelPass: p, isa: s, w: w}).write()
	}
	return w.String()
}

func (k *panelKernel) v(i int) string { return fmt.Sprintf("%s%d", k.reg, i) }

// narrow is the lower half of register i as the conversion to float64 reads it.
func (k *panelKernel) narrow(i int) string {
	return fmt.Sprintf("%s%d", map[int]string{16: "Y", 8: "X"}[k.lanes], i)
}

func (k *panelKernel) row(base string) string { return fmt.Sprintf("(%s)(%s*1)", base, panelOff) }

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
	w := k.w
	name := k.panelPass.name + k.isa.name
	fmt.Fprintf(w, "\n// %s %s\n// func %s(p *panelArgs)\nTEXT ·%s(SB), NOSPLIT, $0-8\n", name, k.note, name, name)
	w.op("MOVQ p+0(FP), %s", panelArg)
	for _, a := range []struct {
		reg string
		at  int
	}{{panelPart, panelArgParts}, {panelScale, panelArgScale}, {panelShift, panelArgShift}, {panelSums, panelArgSums}, {panelStep, panelArgLD}} {
		w.op("MOVQ %d(%s), %s", a.at, panelArg, a.reg)
	}
	w.op("VXORPS %[1]s, %[1]s, %[1]s", k.v(panelZero))
	w.label("part")
	w.op("MOVQ %d(%s), %s", panelPartX, panelPart, panelX)
	w.op("MOVQ %d(%s), %s", panelPartOther, panelPart, panelOther)
	w.op("MOVQ %d(%s), CX", panelPartCols, panelPart)
	w.op("MOVQ CX, %d(%s)", panelArgLeft, panelArg)
	w.op("LEAQ (CX*4), %s", panelWidth)
	w.op("MOVQ %d(%s), %s", panelArgRow, panelArg, panelOff)
	w.op("IMULQ %s, %s", panelWidth, panelOff)
	w.op("ADDQ %s, %s", panelOff, panelX)
	w.op("ADDQ %s, %s", panelOff, panelOther)
	if k.two {
		k.onMask()
	}
	k.columns()
	w.op("ADDQ $%d, %s", panelPartSize, panelPart)
	w.op("DECQ %d(%s)", panelArgCount, panelArg)
	w.op("JNE part")
	w.op("VZEROUPPER")
	w.op("RET")
}

// onMask turns the number that says whether the second tensor counts into a mask
// over all lanes.
func (k *panelKernel) onMask() {
	k.w.op("MOVQ %d(%s), R14", panelPartOn, panelPart)
	k.w.op("NEGQ R14")
	if k.lanes == 16 {
		k.w.op("KMOVW R14, K4")
		return
	}
	k.w.op("VMOVQ R14, X%d", panelOn)
	k.w.op("VPBROADCASTD X%[1]d, Y%[1]d", panelOn)
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
	w.op("MOVQ %d(%s), %s", panelArgRows, panelArg, panelLeft)
	w.op("MOVQ %s, %s", panelLeft, panelNextX)
	w.op("IMULQ %s, %s", panelWidth, panelNextX)
	if k.two {
		w.op("LEAQ (%s)(%s*1), %s", panelOther, panelNextX, panelNextO)
	}
	w.op("ADDQ %s, %s", panelX, panelNextX)
	w.op("MOVQ %d(%s), %s", panelArgBlock, panelArg, panelBlock)
	w.op("XORQ %[1]s, %[1]s", panelOff)
	if k.sums > 0 && k.lanes == 16 {
		w.op("CMPQ %s, $%d", panelWidth, 4*12)
		w.op("JNE row")
		k.twelve = true
		k.rows("twelve")
		k.twelve = false
		w.op("JMP sums")
	}
	k.rows("row")
	k.addSums()
	w.op("MOVQ %d(%s), CX", panelArgLeft, panelArg)
	w.op("MOVQ $%d, R14", k.lanes)
	w.op("CMPQ CX, R14")
	w.op("CMOVQLT CX, R14")
	w.op("LEAQ (R14*4), DX")
	for _, p := range []string{panelScale, panelShift, panelX, panelOther} {
		w.op("ADDQ DX, %s", p)
	}
	w.op("ADDQ DX, %d(%s)", panelArgBlock, panelArg)
	w.op("SUBQ R14, %d(%s)", panelArgLeft, panelArg)
	w.op("JGT column")
}

// rows walks down the rows.
func (k *panelKernel) rows(label string) {
	w := k.w
	w.label(label)
	w.op("PREFETCHT1 %s", k.row(panelNextX))
	if k.two {
		w.op("PREFETCHT1 %s", k.row(panelNextO))
	}
	k.body(k)
	w.op("ADDQ %s, %s", panelStep, panelBlock)
	w.op("ADDQ %s, %s", panelWidth, panelOff)
	w.op("DECQ %s", panelLeft)
	w.op("JNE %s", label)
}

// addSums adds the sums of a vector of columns, as float64, to those in memory: all
// lanes of the first, then of the second.
func (k *panelKernel) addSums() {
	w, extract := k.w, map[int]string{16: "VEXTRACTF64X4", 8: "VEXTRACTF128"}[k.lanes]
	if k.sums > 0 && k.lanes == 16 {
		w.label("sums")
	}
	for i := range k.sums {
		w.op("VCVTPS2PD %s, %s", k.narrow(panelSum+i), k.v(panelTemp))
		w.op("%s $1, %s, %s", extract, k.v(panelSum+i), k.narrow(panelTemp+1))
		w.op("VCVTPS2PD %s, %s", k.narrow(panelTemp+1), k.v(panelTemp+1))
		for half := range 2 {
			at, reg := fmt.Sprintf("%d(%s)", (2*i+half)*4*k.lanes, panelSums), k.v(panelTemp+half)
			w.op("VADDPD %s, %s, %s", at, reg, reg)
			w.op("VMOVUPD %s, %s", reg, at)
		}
	}
	if k.sums > 0 {
		w.op("ADDQ $%d, %s", k.sums*8*k.lanes, panelSums)
	}
}

// setMask makes the mask of the columns of this vector.
func (k *panelKernel) setMask() {
	w := k.w
	w.op("MOVQ %d(%s), CX", panelArgLeft, panelArg)
	if k.lanes == 16 {
		w.op("MOVL $0xffff, R14")
		w.op("CMPQ CX, $16")
		w.op("JGE whole")
		w.op("MOVL $1, R14")
		w.op("SHLL CX, R14")
		w.op("DECL R14")
		w.label("whole")
		w.op("KMOVW R14, K1")
		if k.two {
			w.op("KANDW K1, K4, K3")
		}
		return
	}
	w.op("LEAQ panelRest<>+32(SB), R14")
	w.op("CMPQ CX, $8")
	w.op("JLT some")
	w.op("MOVQ $8, CX")
	w.label("some")
	w.op("SHLQ $2, CX")
	w.op("SUBQ CX, R14")
	w.op("VMOVUPS (R14), %s", k.v(panelMask))
	if k.two {
		w.op("VANDPS %s, %s, %s", k.v(panelMask), k.v(panelOn), k.v(panelM))
	}
}

// affine writes zero as the first source of MAX, which makes NaN pass.
func (k *panelKernel) affine() {
	x := k.v(panelTemp)
	k.load(k.row(panelX), x)
	k.w.op("VFMADD213PS %s, %s, %s", k.v(panelB), k.v(panelS), x)
	k.w.op("VMAXPS %s, %s, %s", x, k.v(panelZero), x)
	k.store(x, "("+panelBlock+")")
}

// above loads x into the first temporary and computes y = fma(x, scale, shift) in
// the third. Where that is above zero is a mask: K2, or the fifth.
func (k *panelKernel) above(among string) {
	x, y := k.v(panelTemp), k.v(panelTemp+2)
	k.load(k.row(panelX), x)
	k.w.op("VMOVAPS %s, %s", x, y)
	k.w.op("VFMADD213PS %s, %s, %s", k.v(panelB), k.v(panelS), y)
	if k.lanes == 16 {
		k.w.op("VCMPPS $30, %s, %s, %s, K2", k.v(panelZero), y, among)
		return
	}
	k.w.op("VCMPPS $30, %s, %s, %s", k.v(panelZero), y, k.v(panelTemp+4))
}

func (k *panelKernel) gate() {
	u := k.v(panelTemp + 1)
	k.above("K3")
	if k.lanes == 16 {
		k.masked(k.row(panelOther), u, "K2", 0)
	} else {
		k.masked(k.row(panelOther), u, "", panelM)
		k.w.op("VANDPS %s, %s, %s", k.v(panelTemp+4), u, u)
	}
	k.store(u, "("+panelBlock+")")
}

func (k *panelKernel) grad() {
	x, g, d := k.v(panelTemp), k.v(panelTemp+1), k.v(panelTemp+3)
	k.above("K1")
	if k.lanes == 16 {
		k.masked("("+panelBlock+")", g, "K2", 0)
	} else {
		k.load("("+panelBlock+")", g)
		k.w.op("VANDPS %s, %s, %s", k.v(panelTemp+4), g, g)
	}
	k.w.op("VADDPS %s, %s, %s", g, k.v(panelSum), k.v(panelSum))
	k.w.op("VFMADD231PS %s, %s, %s", x, g, k.v(panelSum+1))
	k.masked(k.row(panelOther), d, "K3", panelM)
	k.w.op("VFMADD231PS %s, %s, %s", g, k.v(panelS), d)
	k.storeOther(d)
}

// storeOther stores a row of the second tensor. The next row of a narrow part is
// read a moment later, and a load that lies within the whole vector of a masked
// store waits for it; so rows of twelve columns are stored as eight and four.
func (k *panelKernel) storeOther(d string) {
	if !k.twelve {
		k.store(d, k.row(panelOther))
		return
	}
	k.w.op("VMOVUPS Y%s, %s", d[1:], k.row(panelOther))
	k.w.op("VEXTRACTF32X4 $2, %s, X%s", d, d[1:])
	k.w.op("VMOVUPS X%s, 32%s", d[1:], k.row(panelOther))
}

func (k *panelKernel) gradKeep() {
	k.grad()
	y := k.v(panelTemp + 2)
	k.w.op("VMAXPS %s, %s, %s", y, k.v(panelZero), y)
	k.store(y, "("+panelBlock+")")
}
