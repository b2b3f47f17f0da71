package main

import "fmt"

// rowPass is a pass over blocks of wide rows (see normLayout in package kernels):
// column by column, the constants of the column in registers, down the rows.
// Sums are kept in float32 for the rows of one call and then added to float64.
type rowPass struct {
	name   string
	data   []string // float32 tensors, in the order of the arguments (none named g, a register)
	consts int      // wide rows of constants
	sums   int      // wide rows of float64 sums
	low    bool     // takes a lower bound
	stores int      // how many tensors, the first ones, are written
	cached bool     // what is written is read again soon: there is no form that stores around the caches
	body   func(*rowKernel)
}

// rowPasses mirrors the plain loops in norm_rows.go, which say what is computed.
var rowPasses = []rowPass{
	{name: "sumRows", data: []string{"x"}, sums: 1, body: (*rowKernel).sumBody},
	{name: "momentRows", data: []string{"x"}, consts: 1, sums: 2, body: (*rowKernel).momentBody},
	{name: "applyRows", data: []string{"y", "x"}, consts: 3, low: true, stores: 1, body: (*rowKernel).applyBody},
	{name: "gradSumRows", data: []string{"gy", "x"}, consts: 4, sums: 3, body: (*rowKernel).gradSumBody},
	{name: "gradRows", data: []string{"dx", "gy", "x"}, consts: 7, stores: 1, body: (*rowKernel).gradBody},
	{name: "grad2SumRows", data: []string{"u", "gy", "x"}, consts: 5, sums: 6, body: (*rowKernel).grad2SumBody},
	{name: "grad2Rows", data: []string{"dg", "dx", "u", "gy", "x"}, consts: 12, stores: 2, body: (*rowKernel).grad2Body},
	{name: "applyAddRows", data: []string{"y", "x", "skip"}, consts: 3, low: true, stores: 1, body: (*rowKernel).applyAddBody},
	{name: "gradAddRows", data: []string{"dx", "gy", "x", "sum"}, consts: 7, stores: 1, body: (*rowKernel).gradAddBody},
	{name: "gateSumRows", data: []string{"gm", "gy", "y", "x"}, consts: 2, sums: 3, stores: 1, cached: true, body: (*rowKernel).gateSumBody},
	{name: "tangentRows", data: []string{"dg", "dx", "u", "gm", "x", "tm", "y"}, consts: 10, stores: 2, body: (*rowKernel).tangentBody},
}

// rowAhead is how many bytes ahead in its row an element is fetched. Several rows
// are read at a time, more than hardware follows by itself.
const rowAhead = 512

// General registers of a row kernel.
const (
	rowOff    = "AX"  // offset of the row from the block's first one
	rowConsts = "R10" // constants of the column
	rowSums   = "R11" // sums of the column
	rowWidth  = "R12" // bytes of a wide row
	rowEnd    = "R13" // offset behind the last row
	rowCols   = "CX"  // bytes of columns left
	rowWalk   = "R15" // walks over constants and sums
)

// The last pointer is that of the sums, which no pass over seven tensors has.
var rowPointers = []string{"SI", "DI", "BX", "R8", "R9", "DX", rowSums}

// rowKernel writes one pass for one instruction set.
type rowKernel struct {
	rowPass
	isa
	w      *writer
	temp   int  // first vector register that is free in the body
	stream bool // stores go around the caches, to addresses that are whole cache lines
}

func rowFile(s isa) string {
	w := &writer{}
	w.header()
	for _, p := range rowPasses {
		(&rowKernel{rowPass: p, isa: s, w: w}).write()
		if p.stores > 0 && !p.cached && s.lanes == 16 {
			(&rowKernel{rowPass: p, isa: s, w: w, stream: true}).write()
		}
	}
	return w.String()
}

func (k *rowKernel) write() {
	args := 8 * (len(k.data) + 2) // tensors, w, rows
	decl := ""
	for i, d := range k.data {
		if i > 0 {
			decl += ", "
		}
		decl += d
	}
	if k.consts > 0 {
		decl += ", k"
		args += 8
	}
	decl += " *float32, "
	if k.sums > 0 {
		decl += "sums *float64, "
		args += 8
	}
	decl += "w, rows int"
	if k.low {
		decl += ", low float32"
		args += 4
	}
	name := k.rowPass.name + k.isa.name
	if k.stream {
		name += "stream"
	}
	fmt.Fprintf(k.w, "\n// func %s(%s)\nTEXT ·%s(SB), NOSPLIT, $0-%d\n", name, decl, name, args)
	k.prologue()
	k.columns()
	if k.stream {
		k.w.op("SFENCE")
	}
	k.w.op("VZEROUPPER")
	k.w.op("RET")
}

func (k *rowKernel) prologue() {
	off := 0
	load := func(arg, reg string) {
		k.w.op("MOVQ %s+%d(FP), %s", arg, off, reg)
		off += 8
	}
	for i, d := range k.data {
		load(d, rowPointers[i])
	}
	if k.consts > 0 {
		load("k", rowConsts)
	}
	if k.sums > 0 {
		load("sums", rowSums)
	}
	load("w", rowWidth)
	load("rows", rowEnd)
	k.temp = k.consts + k.sums
	if k.lanes == 8 && k.consts == 12 {
		k.temp = 11 // one constant stays in memory
	}
	if k.low {
		k.w.op("VBROADCASTSS low+%d(FP), %s", off, k.vreg(k.temp))
		k.temp++
	}
	k.w.op("SHLQ $2, %s", rowWidth)
	k.w.op("IMULQ %s, %s", rowWidth, rowEnd)
	k.w.op("MOVQ %s, %s", rowWidth, rowCols)
}

// vreg is vector register i.
func (k *rowKernel) vreg(i int) string { return fmt.Sprintf("%s%d", k.reg, i) }

// c is constant i, s sum i, t temporary i.
func (k *rowKernel) c(i int) string { return k.vreg(i) }
func (k *rowKernel) s(i int) string { return k.vreg(k.consts + i) }
func (k *rowKernel) t(i int) string { return k.vreg(k.temp + i) }

// at is the address of tensor i's element in the loop.
func (k *rowKernel) at(tensor string) string {
	for i, d := range k.data {
		if d == tensor {
			return fmt.Sprintf("(%s)(%s*1)", rowPointers[i], rowOff)
		}
	}
	panic("no tensor " + tensor)
}

// put stores a register.
func (k *rowKernel) put(reg, tensor string) {
	move := "VMOVUPS"
	if k.stream {
		move = "VMOVNTPS"
	}
	k.w.op("%s %s, %s", move, reg, k.at(tensor))
}

func (k *rowKernel) columns() {
	w := k.w
	w.label("column")
	k.loadConsts()
	for i := range k.sums {
		w.op("VXORPS %[1]s, %[1]s, %[1]s", k.s(i))
	}
	w.op("XORQ %[1]s, %[1]s", rowOff)
	w.label("row")
	for i := k.stores; i < len(k.data); i++ {
		w.op("PREFETCHT0 %d(%s)(%s*1)", rowAhead, rowPointers[i], rowOff)
	}
	k.body(k)
	w.op("ADDQ %s, %s", rowWidth, rowOff)
	w.op("CMPQ %s, %s", rowOff, rowEnd)
	w.op("JLT row")
	k.addSums()
	bytes := 4 * k.lanes
	for i := range k.data {
		w.op("ADDQ $%d, %s", bytes, rowPointers[i])
	}
	if k.consts > 0 {
		w.op("ADDQ $%d, %s", bytes, rowConsts)
	}
	if k.sums > 0 {
		w.op("ADDQ $%d, %s", 2*bytes, rowSums)
	}
	w.op("SUBQ $%d, %s", bytes, rowCols)
	w.op("JGT column")
}

func (k *rowKernel) loadConsts() {
	if k.consts == 0 {
		return
	}
	k.w.op("MOVQ %s, %s", rowConsts, rowWalk)
	for i := range k.consts {
		if i >= k.temp {
			break
		}
		if i > 0 {
			k.w.op("ADDQ %s, %s", rowWidth, rowWalk)
		}
		k.w.op("VMOVUPS (%s), %s", rowWalk, k.c(i))
	}
	if k.consts > k.temp {
		k.w.op("ADDQ %s, %s", rowWidth, rowWalk) // the last one, read in the body
	}
}

// addSums adds the float32 sums of the column to the float64 ones.
func (k *rowKernel) addSums() {
	if k.sums == 0 {
		return
	}
	w := k.w
	half, extract := "Y", "VEXTRACTF64X4"
	if k.lanes == 8 {
		half, extract = "X", "VEXTRACTF128"
	}
	w.op("MOVQ %s, %s", rowSums, rowWalk)
	for i := range k.sums {
		if i > 0 {
			w.op("LEAQ (%[1]s)(%[2]s*2), %[1]s", rowWalk, rowWidth)
		}
		reg, lo := k.consts+i, k.t(0)
		hi := k.t(1)
		w.op("VCVTPS2PD %s%d, %s", half, reg, lo)
		w.op("%s $1, %s, %s%d", extract, k.vreg(reg), half, reg)
		w.op("VCVTPS2PD %s%d, %s", half, reg, hi)
		w.op("VADDPD (%s), %s, %s", rowWalk, lo, lo)
		w.op("VADDPD %d(%s), %s, %s", 4*k.lanes, rowWalk, hi, hi)
		w.op("VMOVUPD %s, (%s)", lo, rowWalk)
		w.op("VMOVUPD %s, %d(%s)", hi, 4*k.lanes, rowWalk)
	}
}

func (k *rowKernel) sumBody() {
	k.w.op("VADDPS %s, %s, %s", k.at("x"), k.s(0), k.s(0))
}

func (k *rowKernel) momentBody() {
	d := k.t(0)
	k.w.op("VADDPS %s, %s, %s", k.at("x"), k.c(0), d)
	k.w.op("VADDPS %s, %s, %s", d, k.s(0), k.s(0))
	k.w.op("VFMADD231PS %s, %s, %s", d, d, k.s(1))
}

// applyBody writes the bound as the first source of MAX, which makes NaN pass.
func (k *rowKernel) applyBody() {
	xc, low := k.t(0), k.vreg(k.temp-1)
	k.w.op("VADDPS %s, %s, %s", k.at("x"), k.c(0), xc)
	k.w.op("VFMADD213PS %s, %s, %s", k.c(2), k.c(1), xc)
	k.w.op("VMAXPS %s, %s, %s", xc, low, xc)
	k.put(xc, "y")
}

// masked computes xc = x-mean into t(0) and the masked g into t(1), with the
// mask left in K1 or t(2).
func (k *rowKernel) masked() {
	xc, g, m := k.t(0), k.t(1), k.t(2)
	w := k.w
	w.op("VADDPS %s, %s, %s", k.at("x"), k.c(0), xc)
	w.op("VMOVAPS %s, %s", k.c(2), m)
	w.op("VFMADD231PS %s, %s, %s", k.c(1), xc, m)
	w.op("VXORPS %[1]s, %[1]s, %[1]s", g)
	if k.lanes == 16 {
		w.op("VCMPPS $30, %s, %s, K1", g, m)
		w.op("VMOVUPS.Z %s, K1, %s", k.at("gy"), g)
		return
	}
	w.op("VCMPPS $30, %s, %s, %s", g, m, m)
	w.op("VANDPS %s, %s, %s", k.at("gy"), m, g)
}

func (k *rowKernel) gradSumBody() {
	xc, g := k.t(0), k.t(1)
	k.masked()
	k.w.op("VADDPS %s, %s, %s", k.c(3), g, g)
	k.w.op("VADDPS %s, %s, %s", g, k.s(0), k.s(0))
	k.w.op("VFMADD231PS %s, %s, %s", xc, g, k.s(1))
	k.w.op("VADDPS %s, %s, %s", xc, k.s(2), k.s(2))
}

func (k *rowKernel) gradBody() {
	xc, g := k.t(0), k.t(1)
	k.masked()
	k.w.op("VADDPS %s, %s, %s", k.c(3), g, g)
	k.w.op("VFMADD213PS %s, %s, %s", k.c(6), k.c(5), xc)
	k.w.op("VFMADD231PS %s, %s, %s", k.c(4), g, xc)
	k.put(xc, "dx")
}

func (k *rowKernel) grad2SumBody() {
	xc, g, u := k.t(0), k.t(1), k.t(2)
	w := k.w
	k.masked()
	w.op("VADDPS %s, %s, %s", k.at("u"), k.c(3), u)
	w.op("VADDPS %s, %s, %s", k.c(4), g, g)
	w.op("VADDPS %s, %s, %s", u, k.s(0), k.s(0))
	w.op("VADDPS %s, %s, %s", g, k.s(1), k.s(1))
	w.op("VADDPS %s, %s, %s", xc, k.s(2), k.s(2))
	w.op("VFMADD231PS %s, %s, %s", u, xc, k.s(3))
	w.op("VFMADD231PS %s, %s, %s", g, xc, k.s(4))
	w.op("VFMADD231PS %s, %s, %s", u, g, k.s(5))
}

// grad2Body: constants as in grad2Rows; AVX2 has registers for all but the last.
func (k *rowKernel) grad2Body() {
	xc, g, m, u := k.t(0), k.t(1), k.t(2), k.t(3)
	w := k.w
	k.masked()
	w.op("VADDPS %s, %s, %s", k.at("u"), k.c(3), u)
	w.op("VADDPS %s, %s, %s", k.c(7), g, g)
	// g becomes dx = du*u + (dg*g + (dx*xc + dc)); g and u are centred.
	if k.lanes == 16 {
		t := k.t(4)
		w.op("VMOVAPS %s, %s", k.c(11), t)
		w.op("VFMADD231PS %s, %s, %s", k.c(10), xc, t)
		w.op("VFMADD231PS %s, %s, %s", k.c(9), g, t)
		w.op("VFMADD231PS %s, %s, %s", k.c(8), u, t)
		w.op("VFMADD213PS %s, %s, %s", k.c(6), k.c(5), xc)
		w.op("VFMADD231PS %s, %s, %s", k.c(4), u, xc)
		w.op("VMOVAPS.Z %s, K1, %s", xc, xc)
		k.put(xc, "dg")
		k.put(t, "dx")
		return
	}
	t := k.t(4)
	w.op("VMOVUPS (%s), %s", rowWalk, t)
	w.op("VFMADD231PS %s, %s, %s", k.c(10), xc, t)
	w.op("VFMADD231PS %s, %s, %s", k.c(9), g, t)
	w.op("VFMADD231PS %s, %s, %s", k.c(8), u, t)
	w.op("VFMADD213PS %s, %s, %s", k.c(6), k.c(5), xc)
	w.op("VFMADD231PS %s, %s, %s", k.c(4), u, xc)
	w.op("VANDPS %s, %s, %s", m, xc, xc)
	k.put(xc, "dg")
	k.put(t, "dx")
}
