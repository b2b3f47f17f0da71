package main

import (
	"fmt"
	"strings"
)

// vecLoop is a loop over slices: a body for one vector, repeated for whole groups
// of vectors, single vectors and a masked rest. The loops mirror those of vec.go,
// which say what is computed.
type vecLoop struct {
	name   string
	args   []string // slices, the output first; none is named g, which is a register
	scalar []string // float32 arguments, broadcast to registers
	loads  []string // slices that the body reads
	stores int      // how many slices it writes: the first ones
	sums   int      // float64 sums, in whole vectors only; added up into ret
	unroll int
	setup  func(*vecKernel) // before the loop
	body   func(*vecKernel)
	finish func(*vecKernel) // behind the loop
}

var vecLoops = []vecLoop{
	{name: "vecAdd", args: []string{"y", "a", "b"}, loads: []string{"a", "b"}, stores: 1, unroll: 4,
		body: func(k *vecKernel) { k.w.op("VADDPS %s, %s, %s", k.in("b"), k.in("a"), k.out()) }},
	{name: "vecSub", args: []string{"y", "a", "b"}, loads: []string{"a", "b"}, stores: 1, unroll: 4,
		body: func(k *vecKernel) { k.w.op("VSUBPS %s, %s, %s", k.in("b"), k.in("a"), k.out()) }},
	{name: "vecMul", args: []string{"y", "a", "b"}, loads: []string{"a", "b"}, stores: 1, unroll: 4,
		body: func(k *vecKernel) { k.w.op("VMULPS %s, %s, %s", k.in("b"), k.in("a"), k.out()) }},
	{name: "vecFMA", args: []string{"y", "a", "b"}, loads: []string{"a", "b", "y"}, stores: 1, unroll: 4,
		body: func(k *vecKernel) { k.w.op("VFMADD213PS %s, %s, %s", k.in("y"), k.in("b"), k.out()) }},
	{name: "vecAddRelu", args: []string{"y", "a", "b"}, loads: []string{"a", "b"}, stores: 1, unroll: 4,
		setup: (*vecKernel).setZero,
		body: func(k *vecKernel) {
			k.w.op("VADDPS %s, %s, %s", k.in("b"), k.in("a"), k.out())
			k.w.op("VMAXPS %s, %s, %s", k.out(), k.zero(), k.out())
		}},
	{name: "vecReluGrad", args: []string{"y", "dy", "x"}, loads: []string{"dy", "x"}, stores: 1, unroll: 4,
		setup: (*vecKernel).setZero,
		body: func(k *vecKernel) {
			if k.lanes == 16 {
				k.w.op("VCMPPS $30, %s, %s, K2", k.zero(), k.in("x"))
				k.w.op("VMOVAPS.Z %s, K2, %s", k.in("dy"), k.out())
				return
			}
			k.w.op("VCMPPS $30, %s, %s, %s", k.zero(), k.in("x"), k.in("x"))
			k.w.op("VANDPS %s, %s, %s", k.in("x"), k.in("dy"), k.out())
		}},
	{name: "vecScale", args: []string{"y", "a"}, scalar: []string{"s"}, loads: []string{"a"}, stores: 1, unroll: 4,
		body: func(k *vecKernel) { k.w.op("VMULPS %s, %s, %s", k.scalarReg(0), k.in("a"), k.out()) }},
	{name: "vecAxpy", args: []string{"y", "x"}, scalar: []string{"a"}, loads: []string{"y", "x"}, stores: 1, unroll: 4,
		body: func(k *vecKernel) { k.w.op("VFMADD231PS %s, %s, %s", k.scalarReg(0), k.in("x"), k.out()) }},
	{name: "vecRelu", args: []string{"y", "x"}, loads: []string{"x"}, stores: 1, unroll: 4,
		setup: (*vecKernel).setZero,
		body:  func(k *vecKernel) { k.w.op("VMAXPS %s, %s, %s", k.in("x"), k.zero(), k.out()) }},
	{name: "vecFill", args: []string{"y"}, scalar: []string{"v"}, stores: 1, unroll: 4,
		body: func(k *vecKernel) { k.w.op("VMOVAPS %s, %s", k.scalarReg(0), k.out()) }},
	{name: "vecExpSum", args: []string{"y", "x"}, scalar: []string{"shift"}, loads: []string{"x"}, stores: 1, sums: 1, unroll: 1,
		setup: (*vecKernel).setExp, body: (*vecKernel).exp, finish: (*vecKernel).addUp},
	{name: "vecSGD", args: []string{"w", "m", "grad"}, scalar: []string{"mom", "decay", "cd", "cm"},
		loads: []string{"w", "m", "grad"}, stores: 2, unroll: 2, body: (*vecKernel).sgd},
	{name: "vecAdam", args: []string{"w", "m", "v", "grad"},
		scalar: []string{"b1", "c1", "b2", "c2", "root", "eps", "step", "decay"},
		loads:  []string{"w", "m", "v", "grad"}, stores: 3, unroll: 1, body: (*vecKernel).adam},
	{name: "vecSum", args: []string{"x"}, loads: []string{"x"}, sums: 1, unroll: 2,
		body: (*vecKernel).sum, finish: (*vecKernel).addUp},
	{name: "vecDot", args: []string{"x", "y"}, loads: []string{"x", "y"}, sums: 1, unroll: 2,
		body: (*vecKernel).dot, finish: (*vecKernel).addUp},
	{name: "vecMax", args: []string{"x"}, loads: []string{"x"}, unroll: 4,
		setup: (*vecKernel).setMax, body: (*vecKernel).max, finish: (*vecKernel).finishMax},
}

var vecPointers = map[int]string{0: "DI", 1: "SI", 2: "BX", 3: "R8"}

// vecKernel writes one loop for one instruction set.
type vecKernel struct {
	vecLoop
	isa
	w    *writer
	copy int  // which copy of the body
	rest bool // whether this is the masked rest
}

func vecFile(s isa) string {
	w := &writer{}
	w.header()
	vecTables(w)
	for _, l := range vecLoops {
		(&vecKernel{vecLoop: l, isa: s, w: w}).write()
	}
	return w.String()
}

func (k *vecKernel) vreg(i int) string { return fmt.Sprintf("%s%d", k.reg, i) }
func (k *vecKernel) half(i int) string {
	return map[int]string{16: "Y", 8: "X"}[k.lanes] + fmt.Sprint(i)
}

// Each copy of the body has three registers, unless there is only one copy. Sums
// begin at register 6; scalars, zero and the mask of AVX2 are the last of 16.
func (k *vecKernel) first() int             { return 3 * k.copy }
func (k *vecKernel) tmp(i int) string       { return k.vreg(k.first() + i) }
func (k *vecKernel) out() string            { return k.tmp(0) }
func (k *vecKernel) scalarReg(i int) string { return k.vreg(15 - i) }
func (k *vecKernel) zero() string           { return k.vreg(15 - len(k.scalar)) }
func (k *vecKernel) restMask() string       { return k.vreg(14 - len(k.scalar)) }

// in is the register that holds the body's element of a slice.
func (k *vecKernel) in(slice string) string { return k.tmp(k.index(k.loads, slice)) }

func (k *vecKernel) index(list []string, s string) int {
	for i, v := range list {
		if v == s {
			return i
		}
	}
	panic(k.vecLoop.name + " has no slice " + s)
}

func (k *vecKernel) addr(slice string) string {
	return fmt.Sprintf("%d(%s)(AX*1)", 4*k.lanes*k.copy, vecPointers[k.index(k.args, slice)])
}

func (k *vecKernel) write() {
	name := k.vecLoop.name + k.isa.name
	size := 8*len(k.args) + 8 + 4*len(k.scalar)
	decl := strings.Join(k.args, ", ") + " *float32, n int"
	if len(k.scalar) > 0 {
		decl += ", " + strings.Join(k.scalar, ", ") + " float32"
	}
	decl = "(" + decl + ")"
	switch {
	case k.sums > 0:
		decl += " float64"
		size = k.retOffset() + 8
	case k.finish != nil:
		decl += " float32"
		size = k.retOffset() + 4
	}
	fmt.Fprintf(k.w, "\n// func %s%s\nTEXT ·%s(SB), NOSPLIT, $0-%d\n", name, decl, name, size)
	for i, a := range k.args {
		k.w.op("MOVQ %s+%d(FP), %s", a, 8*i, vecPointers[i])
	}
	k.w.op("MOVQ n+%d(FP), CX", 8*len(k.args))
	for i, s := range k.scalar {
		k.w.op("VBROADCASTSS %s+%d(FP), %s", s, 8*len(k.args)+8+4*i, k.scalarReg(i))
	}
	for i := range 2 * k.unroll * k.sums {
		k.w.op("VXORPS %[1]s, %[1]s, %[1]s", k.vreg(6+i))
	}
	if k.setup != nil {
		k.setup(k)
	}
	k.loop()
	if k.finish != nil {
		k.finish(k)
	}
	k.w.op("VZEROUPPER")
	k.w.op("RET")
}

func (k *vecKernel) loop() {
	w, group := k.w, k.unroll*k.lanes
	w.op("XORQ AX, AX")
	if k.unroll > 1 {
		w.op("SUBQ $%d, CX", group)
		w.op("JLT single")
		w.label("group")
		for k.copy = range k.unroll {
			k.step()
		}
		k.copy = 0
		w.op("ADDQ $%d, AX", 4*group)
		w.op("SUBQ $%d, CX", group)
		w.op("JGE group")
		w.label("single")
		w.op("ADDQ $%d, CX", group)
	}
	w.op("SUBQ $%d, CX", k.lanes)
	w.op("JLT rest")
	w.label("one")
	k.step()
	w.op("ADDQ $%d, AX", 4*k.lanes)
	w.op("SUBQ $%d, CX", k.lanes)
	w.op("JGE one")
	w.label("rest")
	if k.stores == 0 {
		return // the caller does the rest
	}
	w.op("ADDQ $%d, CX", k.lanes)
	w.op("JEQ done")
	k.setRest()
	k.rest = true
	k.step()
	w.label("done")
}

// setRest makes the mask for the CX elements that are left.
func (k *vecKernel) setRest() {
	if k.lanes == 16 {
		k.w.op("MOVL $1, DX")
		k.w.op("SHLL CX, DX")
		k.w.op("DECL DX")
		k.w.op("KMOVW DX, K1")
		return
	}
	k.w.op("LEAQ vecRest<>+32(SB), DX")
	k.w.op("SHLQ $2, CX")
	k.w.op("SUBQ CX, DX")
	k.w.op("VMOVUPS (DX), %s", k.restMask())
}

// step loads, computes and stores one vector.
func (k *vecKernel) step() {
	for _, l := range k.loads {
		switch {
		case !k.rest:
			k.w.op("VMOVUPS %s, %s", k.addr(l), k.in(l))
		case k.lanes == 16:
			k.w.op("VMOVUPS.Z %s, K1, %s", k.addr(l), k.in(l))
		default:
			k.w.op("VMASKMOVPS %s, %s, %s", k.addr(l), k.restMask(), k.in(l))
		}
	}
	k.body(k)
	for i, name := range k.args[:k.stores] {
		from, to := k.tmp(i), k.addr(name)
		switch {
		case !k.rest:
			k.w.op("VMOVUPS %s, %s", from, to)
		case k.lanes == 16:
			k.w.op("VMOVUPS %s, K1, %s", from, to)
		default:
			k.w.op("VMASKMOVPS %s, %s, %s", from, k.restMask(), to)
		}
	}
}

func (k *vecKernel) setZero() { k.w.op("VXORPS %[1]s, %[1]s, %[1]s", k.zero()) }

// sgd: d = decay*w + grad, m = mom*m + d, w += cd*d + cm*m.
func (k *vecKernel) sgd() {
	w, m, d := k.in("w"), k.in("m"), k.in("grad")
	k.w.op("VFMADD231PS %s, %s, %s", k.scalarReg(1), w, d)
	k.w.op("VFMADD213PS %s, %s, %s", d, k.scalarReg(0), m)
	k.w.op("VFMADD231PS %s, %s, %s", k.scalarReg(2), d, w)
	k.w.op("VFMADD231PS %s, %s, %s", k.scalarReg(3), m, w)
}

// adam: d = decay*w + grad, m = b1*m + c1*d, v = b2*v + c2*d*d,
// w -= step*m/(root*sqrt(v) + eps).
func (k *vecKernel) adam() {
	w, m, v, d, t := k.in("w"), k.in("m"), k.in("v"), k.in("grad"), k.tmp(4)
	b1, c1, b2, c2 := k.scalarReg(0), k.scalarReg(1), k.scalarReg(2), k.scalarReg(3)
	root, eps, step, decay := k.scalarReg(4), k.scalarReg(5), k.scalarReg(6), k.scalarReg(7)
	k.w.op("VFMADD231PS %s, %s, %s", decay, w, d)
	k.w.op("VMULPS %s, %s, %s", c1, d, t)
	k.w.op("VFMADD213PS %s, %s, %s", t, b1, m)
	k.w.op("VMULPS %s, %s, %s", d, d, t)
	k.w.op("VMULPS %s, %s, %s", c2, t, t)
	k.w.op("VFMADD213PS %s, %s, %s", t, b2, v)
	k.w.op("VSQRTPS %s, %s", v, t)
	k.w.op("VFMADD213PS %s, %s, %s", eps, root, t)
	k.w.op("VMULPS %s, %s, %s", step, m, d)
	k.w.op("VDIVPS %s, %s, %s", t, d, d)
	k.w.op("VSUBPS %s, %s, %s", d, w, w)
}
