package main

// The bodies of the passes of batch norm with a sum, which norm_add_rows.go mirrors, and
// of those that add to a sum.

func (k *rowKernel) applyAddBody() {
	xc, low := k.t(0), k.vreg(k.temp-1)
	k.w.op("VADDPS %s, %s, %s", k.at("x"), k.c(0), xc)
	k.w.op("VFMADD213PS %s, %s, %s", k.c(2), k.c(1), xc)
	k.w.op("VADDPS %s, %s, %s", k.at("skip"), xc, xc)
	k.w.op("VMAXPS %s, %s, %s", xc, low, xc)
	k.put(xc, "y")
}

// gated leaves where y > 0 in K1 or the register, and zero in none.
func (k *rowKernel) gated(mask, zero string) {
	k.w.op("VXORPS %[1]s, %[1]s, %[1]s", zero)
	if k.lanes == 16 {
		k.w.op("VMOVUPS %s, %s", k.at("y"), mask)
		k.w.op("VCMPPS $30, %s, %s, K1", zero, mask)
		return
	}
	k.w.op("VMOVUPS %s, %s", k.at("y"), mask)
	k.w.op("VCMPPS $30, %s, %s, %s", zero, mask, mask)
}

func (k *rowKernel) gateSumBody() {
	xc, g, m := k.t(0), k.t(1), k.t(2)
	w := k.w
	k.gated(m, g)
	if k.lanes == 16 {
		w.op("VMOVUPS.Z %s, K1, %s", k.at("gy"), g)
	} else {
		w.op("VANDPS %s, %s, %s", k.at("gy"), m, g)
	}
	w.op("VADDPS %s, %s, %s", k.at("x"), k.c(0), xc)
	k.put(g, "gm")
	w.op("VADDPS %s, %s, %s", k.c(1), g, g)
	w.op("VADDPS %s, %s, %s", g, k.s(0), k.s(0))
	w.op("VFMADD231PS %s, %s, %s", xc, g, k.s(1))
	w.op("VADDPS %s, %s, %s", xc, k.s(2), k.s(2))
}

func (k *rowKernel) gradAddBody() {
	xc, g := k.t(0), k.t(1)
	k.masked()
	k.w.op("VADDPS %s, %s, %s", k.c(3), g, g)
	k.w.op("VFMADD213PS %s, %s, %s", k.c(6), k.c(5), xc)
	k.w.op("VFMADD231PS %s, %s, %s", k.c(4), g, xc)
	k.w.op("VADDPS %s, %s, %s", k.at("sum"), xc, xc)
	k.put(xc, "dx")
}

// tangentBody: constants as in tangentRows. Like grad2Body with the mask of y.
func (k *rowKernel) tangentBody() {
	xc, g, u, t := k.t(0), k.t(1), k.t(2), k.t(3)
	w := k.w
	k.gated(t, xc)
	m := t
	if k.lanes == 8 {
		m, t = t, k.t(4)
	}
	w.op("VMOVUPS %s, %s", k.at("x"), xc)
	w.op("VADDPS %s, %s, %s", k.c(0), xc, xc)
	w.op("VADDPS %s, %s, %s", k.at("u"), k.c(1), u)
	w.op("VADDPS %s, %s, %s", k.at("gm"), k.c(5), g)
	w.op("VMOVAPS %s, %s", k.c(9), t)
	w.op("VFMADD231PS %s, %s, %s", k.c(8), xc, t)
	w.op("VFMADD231PS %s, %s, %s", k.c(7), g, t)
	w.op("VFMADD231PS %s, %s, %s", k.c(6), u, t)
	w.op("VFMADD213PS %s, %s, %s", k.c(4), k.c(3), xc)
	w.op("VFMADD231PS %s, %s, %s", k.c(2), u, xc)
	if k.lanes == 16 {
		w.op("VADDPS.Z %s, %s, K1, %s", k.at("tm"), xc, xc)
	} else {
		w.op("VADDPS %s, %s, %s", k.at("tm"), xc, xc)
		w.op("VANDPS %s, %s, %s", m, xc, xc)
	}
	k.put(xc, "dg")
	k.put(t, "dx")
}
