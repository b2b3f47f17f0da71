package main

import "fmt"

// vecTables writes the constants of the vec loops.
func vecTables(w *writer) {
	w.WriteString("\n// All ones and all zeros: a vector read n floats before the middle has n ones.\n")
	for i := range 16 {
		fmt.Fprintf(w, "DATA vecRest<>+%d(SB)/4, $%d\n", 4*i, map[bool]int{true: -1, false: 0}[i < 8])
	}
	w.WriteString("GLOBL vecRest<>(SB), RODATA|NOPTR, $64\n")
	w.WriteString("\n// The constants of exp, in the order of expConst.\n")
	for i, c := range expConsts {
		fmt.Fprintf(w, "DATA vecExp<>+%d(SB)/4, %s\n", 4*i, c)
	}
	fmt.Fprintf(w, "GLOBL vecExp<>(SB), RODATA|NOPTR, $%d\n", 4*len(expConsts))
	w.WriteString("\nDATA vecInf<>+0(SB)/4, $0xff800000\nGLOBL vecInf<>(SB), RODATA|NOPTR, $4\n")
}

// Positions in expConsts.
const (
	expMax = iota
	expMin
	expLog2e
	expLn2Hi // negated
	expLn2Lo // negated
	expPoly  // highest power first, down to that of r^2
	expOne   = expPoly + 6
	expBias  = expOne + 1
)

// expConsts: the polynomial is that of expf in Moshier's Cephes library, for
// |r| <= ln(2)/2.
var expConsts = []string{
	"$0x42b20000", // 89: above, the result is +Inf
	"$0xc2d00000", // -104: below, it is 0
	"$0x3fb8aa3b", // log2(e)
	"$0xbf318000", // -0.693359375
	"$0x395e8083", // 2.12194440e-4
	"$0x39506967", "$0x3ab743ce", "$0x3c088908", "$0x3d2aa9c1", "$0x3e2aaaaa", "$0x3f000000",
	"$0x3f800000", // 1
	"$127",
}

// setExp keeps 1 and the constants of the range reduction in registers.
func (k *vecKernel) setExp() {
	if k.lanes == 16 {
		for i := range expConsts {
			k.w.op("VBROADCASTSS vecExp<>+%d(SB), %s", 4*i, k.expReg(i))
		}
	}
}

func (k *vecKernel) expReg(i int) string { return k.vreg(16 + i) }

// expConst returns a register with constant i; AVX2 loads it into spare.
func (k *vecKernel) expConst(i int, spare string) string {
	if k.lanes == 16 {
		return k.expReg(i)
	}
	k.w.op("VBROADCASTSS vecExp<>+%d(SB), %s", 4*i, spare)
	return spare
}

// exp: x-shift = n*ln2 + r, exp(r) = 1 + r + r^2*poly(r), times 2^n. The bound is
// the first source of MIN and MAX, which makes NaN pass.
func (k *vecKernel) exp() {
	w := k.w
	x, n, p, c := k.tmp(0), k.tmp(1), k.tmp(2), k.vreg(3)
	w.op("VSUBPS %s, %s, %s", k.scalarReg(0), x, x)
	w.op("VMINPS %s, %s, %s", x, k.expConst(expMax, c), x)
	w.op("VMAXPS %s, %s, %s", x, k.expConst(expMin, c), x)
	w.op("VMULPS %s, %s, %s", k.expConst(expLog2e, c), x, n)
	w.op("%s $0, %s, %s", map[int]string{16: "VRNDSCALEPS", 8: "VROUNDPS"}[k.lanes], n, n)
	w.op("VFMADD231PS %s, %s, %s", k.expConst(expLn2Hi, c), n, x)
	w.op("VFMADD231PS %s, %s, %s", k.expConst(expLn2Lo, c), n, x)
	w.op("VMOVAPS %s, %s", k.expConst(expPoly, c), p)
	for i := expPoly + 1; i < expOne; i++ {
		w.op("VFMADD213PS %s, %s, %s", k.expConst(i, c), x, p)
	}
	w.op("VMULPS %s, %s, %s", x, p, p) // p = r*poly
	w.op("VFMADD213PS %s, %s, %s", x, x, p)
	one := k.expConst(expOne, c)
	w.op("VADDPS %s, %s, %s", one, p, x)
	if k.lanes == 16 {
		w.op("VSCALEFPS %s, %s, %s", n, x, x)
	} else {
		k.scale(x, n, p, c)
	}
	k.addExp()
}

// scale multiplies x by 2^n in two steps, so that the result may be subnormal.
func (k *vecKernel) scale(x, n, p, c string) {
	w := k.w
	w.op("VCVTPS2DQ %s, %s", n, n)
	w.op("VPSRAD $1, %s, %s", n, p)
	w.op("VPSUBD %s, %s, %s", p, n, n)
	bias := k.expConst(expBias, c)
	for _, e := range []string{p, n} {
		w.op("VPADDD %s, %s, %s", bias, e, e)
		w.op("VPSLLD $23, %s, %s", e, e)
		w.op("VMULPS %s, %s, %s", e, x, x)
	}
}

// addExp adds the result to the sums, without the lanes behind the end.
func (k *vecKernel) addExp() {
	v := k.tmp(0)
	if k.rest {
		v = k.tmp(1)
		if k.lanes == 16 {
			k.w.op("VMOVAPS.Z %s, K1, %s", k.tmp(0), v)
		} else {
			k.w.op("VANDPS %s, %s, %s", k.restMask(), k.tmp(0), v)
		}
	}
	k.widen(v, 4, 5)
	k.w.op("VADDPD %s, %s, %s", k.vreg(4), k.vreg(6), k.vreg(6))
	k.w.op("VADDPD %s, %s, %s", k.vreg(5), k.vreg(7), k.vreg(7))
}

// widen converts the floats of v to doubles in registers lo and hi.
func (k *vecKernel) widen(v string, lo, hi int) {
	narrow := map[int]string{16: "Y", 8: "X"}[k.lanes] + v[1:]
	extract := map[int]string{16: "VEXTRACTF64X4", 8: "VEXTRACTF128"}[k.lanes]
	k.w.op("%s $1, %s, %s", extract, v, k.half(hi))
	k.w.op("VCVTPS2PD %s, %s", narrow, k.vreg(lo))
	k.w.op("VCVTPS2PD %s, %s", k.half(hi), k.vreg(hi))
}

// sumReg is the sum of half i of the current copy.
func (k *vecKernel) sumReg(i int) string { return k.vreg(6 + 2*k.copy + i) }

func (k *vecKernel) sum() {
	lo, hi := k.first()+1, k.first()+2
	k.widen(k.in("x"), lo, hi)
	k.w.op("VADDPD %s, %[2]s, %[2]s", k.vreg(lo), k.sumReg(0))
	k.w.op("VADDPD %s, %[2]s, %[2]s", k.vreg(hi), k.sumReg(1))
}

func (k *vecKernel) dot() {
	x, y := k.in("x"), k.in("y")
	narrow := map[int]string{16: "Y", 8: "X"}[k.lanes]
	extract := map[int]string{16: "VEXTRACTF64X4", 8: "VEXTRACTF128"}[k.lanes]
	lo, hi := 10, 11
	k.w.op("VCVTPS2PD %s%s, %s", narrow, x[1:], k.vreg(lo))
	k.w.op("VCVTPS2PD %s%s, %s", narrow, y[1:], k.vreg(hi))
	k.w.op("VFMADD231PD %s, %s, %s", k.vreg(lo), k.vreg(hi), k.sumReg(0))
	k.w.op("%s $1, %s, %s", extract, x, k.half(lo))
	k.w.op("%s $1, %s, %s", extract, y, k.half(hi))
	k.w.op("VCVTPS2PD %s, %s", k.half(lo), k.vreg(lo))
	k.w.op("VCVTPS2PD %s, %s", k.half(hi), k.vreg(hi))
	k.w.op("VFMADD231PD %s, %s, %s", k.vreg(lo), k.vreg(hi), k.sumReg(1))
}

// addUp adds the sums of all lanes and stores them as the result.
func (k *vecKernel) addUp() {
	w := k.w
	for i := 1; i < 2*k.unroll; i++ {
		w.op("VADDPD %s, %s, %s", k.vreg(6+i), k.vreg(6), k.vreg(6))
	}
	if k.lanes == 16 {
		w.op("VEXTRACTF64X4 $1, Z6, Y0")
		w.op("VADDPD Y0, Y6, Y6")
	}
	w.op("VEXTRACTF128 $1, Y6, X0")
	w.op("VADDPD X0, X6, X6")
	w.op("VHADDPD X6, X6, X6")
	w.op("VMOVSD X6, ret+%d(FP)", k.retOffset())
}

// retOffset is where the result is stored: behind the arguments, aligned.
func (k *vecKernel) retOffset() int {
	return 8*len(k.args) + 8 + (4*len(k.scalar)+7)/8*8
}

// setMax keeps the maxima of the copies in registers 2, 5, 8, 11 and what is NaN
// in 12 or K2.
func (k *vecKernel) setMax() {
	for k.copy = range k.unroll {
		k.w.op("VBROADCASTSS vecInf<>(SB), %s", k.tmp(2))
	}
	k.copy = 0
	if k.lanes == 16 {
		k.w.op("KXORW K2, K2, K2")
	} else {
		k.w.op("VXORPS Y12, Y12, Y12")
	}
}

func (k *vecKernel) max() {
	x, best := k.in("x"), k.tmp(2)
	k.w.op("VMAXPS %s, %s, %s", x, best, best)
	if k.lanes == 16 {
		k.w.op("VCMPPS $3, %[1]s, %[1]s, K3", x)
		k.w.op("KORW K3, K2, K2")
		return
	}
	k.w.op("VCMPPS $3, %[1]s, %[1]s, %[1]s", x)
	k.w.op("VORPS %s, Y12, Y12", x)
}

func (k *vecKernel) finishMax() {
	w := k.w
	for i := 1; i < k.unroll; i++ {
		w.op("VMAXPS %s, %s, %s", k.vreg(3*i+2), k.vreg(2), k.vreg(2))
	}
	if k.lanes == 16 {
		w.op("VEXTRACTF64X4 $1, Z2, Y0")
		w.op("VMAXPS Y0, Y2, Y2")
		w.op("KMOVW K2, AX")
	} else {
		w.op("VMOVMSKPS Y12, AX")
	}
	w.op("VEXTRACTF128 $1, Y2, X0")
	w.op("VMAXPS X0, X2, X2")
	w.op("VPERMILPS $0x4e, X2, X0")
	w.op("VMAXPS X0, X2, X2")
	w.op("VPERMILPS $0xb1, X2, X0")
	w.op("VMAXPS X0, X2, X2")
	w.op("TESTL AX, AX")
	w.op("JEQ number")
	w.op("VPCMPEQD X2, X2, X2") // a NaN
	w.label("number")
	w.op("VMOVSS X2, ret+%d(FP)", k.retOffset())
}
