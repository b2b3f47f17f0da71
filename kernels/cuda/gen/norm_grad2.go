package main

func grad2Sums(v int, k kind) *entry {
	e := normEntry(k.prefix()+"_grad2_sums", `The sums of u', g', xc, u'*xc, g'*xc and u'*g', where u' = u-ku, g' = g-kg with g masked, ku and
kg are the means of a few rows of u and g, and xc = x-mean (or xh).`, v)
	u, g, x, pick := e.ptr("u"), e.ptr("g"), e.ptr(k.xName()), e.sample()
	o := e.operands(k, false)
	p := e.partial(false)
	r := e.rows(v)
	m := o.mask(r)
	ku := r.mean(pick, func(row string) []string { return r.row("ku", u, row) })
	kg := r.maskedMean(m, o, g, x, pick)
	r.keepShift(p, 0, ku)
	r.keepShift(p, 1, kg)
	sums := r.zeros(6)
	r.each(append(o.tensors(g, x), whole("u", u)), func(_ string, t [][]string) {
		for i := range ku {
			xc, passes := m.centre(i, t)
			ud, gd := e.sub("ud", t[len(t)-1][i], ku[i]), e.sub("gd", m.through(t[0][i], passes), kg[i])
			for s, d := range []string{ud, gd, xc} {
				e.set(sums[s][i], "add.rn.f32", sums[s][i], d)
			}
			for s, pair := range [][2]string{{ud, xc}, {gd, xc}, {ud, gd}} {
				e.set(sums[3+s][i], "fma.rn.f32", pair[0], pair[1], sums[3+s][i])
			}
		}
	})
	r.save(p, sums)
	return e
}

// grad2Constants are those of dg = s*(u-uh) + gx*xc + c0 (masked) and
// dx = du*(u-uh) + dg*(g-gh) + dx*xc + c1, for each channel.
type grad2Constants struct{ s, uh, gx, c0, gh, du, dg, dx, c1 []string }

// set appends the constants of a channel.
func (c *grad2Constants) set(s, uh, gx, c0, gh, du, dg, dx, c1 string) {
	for _, p := range []struct {
		to *[]string
		v  string
	}{{&c.s, s}, {&c.uh, uh}, {&c.gx, gx}, {&c.c0, c0}, {&c.gh, gh}, {&c.du, du}, {&c.dg, dg}, {&c.dx, dx}, {&c.c1, c1}} {
		*p.to = append(*p.to, p.v)
	}
}

func grad2Apply(v int, k kind) *entry {
	doc := `bn_grad2: the cotangents of g, x and gamma, where u, wg, wb are those of dx, dgamma, dbeta, from
the sums of bn_grad2_sums. With k = s P u, p = s P g, a = <u xh>, b = <g xh>, q = <u g> - <u><g> - a b:
dg = k + wg xh + wb, dx2 = -r (b k + a p + <u p> xh) + wg r P g, dgamma2 = m r q. Nothing is divided by gamma.
wg and wb may be 0. over is 1/m.`
	if k == gated {
		doc = `bnadd_grad2: what bn_grad2 makes of gm without ReLU, with tm added to dg, which is 0 where y is not above 0.`
	}
	e := normEntry(k.prefix()+"_grad2", doc, v)
	dg, dx, dgamma := e.ptr("dg"), e.ptr("dx2"), e.ptr("dgamma2")
	var tm string
	if k == gated {
		tm = e.ptr("tm")
	}
	u, wg, wb, g, x := e.ptr("u"), e.ptr("wg"), e.ptr("wb"), e.ptr("g"), e.ptr("x")
	o := e.operands(k, true)
	p := e.partial(true)
	over, count := e.f32("over"), e.f32("count")
	r := e.rows(v)
	m := o.mask(r)
	shift, sums := r.shifts(p, 2), r.totals(p, 6)
	rs, gamma := r.channels("r", o.rstd), r.channels("gamma", o.gamma)
	wgs, wbs := r.optional("wg", wg), r.optional("wb", wb)
	var c grad2Constants
	r.write(dgamma, r.perChannel(func(i int) string {
		var mean [6]string
		for s := range mean {
			mean[s] = e.mul("mean", sums[s][i], over)
		}
		return e.bnSecond(&c, mean, shift[0][i], shift[1][i], rs[i], gamma[i], wgs[i], wbs[i], count)
	}))
	tensors := append(o.tensors(g, x), whole("u", u))
	if k == gated {
		tensors = append(tensors, whole("tm", tm))
	}
	r.second(m, c, dg, dx, tensors)
	return e
}

// bnSecond computes the constants of one channel and returns dgamma2.
func (e *entry) bnSecond(c *grad2Constants, mean [6]string, ku, kg, r, gamma, wg, wb, count string) string {
	e.note("dgamma2, and the constants of dg = s*(u-uh) + gx*xc + c0, dx2 = du*(u-uh) + gx*(g-gh) + dx*xc + c1")
	u1, g1, xm := mean[0], mean[1], mean[2]
	s := e.mul("s", gamma, r)
	minusU, minusG := e.neg(u1), e.neg(g1)
	a := e.mul("a", r, e.fma("t", minusU, xm, mean[3]))
	b := e.mul("b", r, e.fma("t", minusG, xm, mean[4]))
	ab := e.mul("ab", a, b)
	q := e.sub("q", e.fma("q", minusU, g1, mean[5]), ab)
	uh, ul := e.mean(ku, u1)
	gh, gl := e.mean(kg, g1)
	gx := e.mul("gx", r, e.fma("t", e.neg(s), a, wg))
	du := e.neg(e.mul("t", e.mul("t", s, r), b))
	dx := e.fma("t", e.mul("t", s, r), e.fma("t", ab, imm(-2), q), e.mul("t", e.mul("t", r, wg), b))
	dx = e.neg(e.mul("t", r, dx))
	c0 := e.fma("c0", e.neg(s), ul, e.fma("c0", e.neg(gx), xm, wb))
	c1 := e.fma("c1", du, ul, e.fma("c1", gx, gl, e.mul("c1", dx, xm)))
	c.set(s, uh, gx, c0, gh, du, gx, dx, e.neg(c1))
	return e.mul("dgamma", e.mul("t", count, r), q)
}

// second is the elementwise pass of the second derivatives. The tensors are those of
// operands, u and, for bnadd, tm; there g is masked already.
func (r *rows) second(m mask, c grad2Constants, dg, dx string, tensors []tensor) {
	e := r.e
	r.each(tensors, func(at string, t [][]string) {
		us := t[2]
		if m.kind == gated {
			us = t[3]
		}
		outG := make([]string, r.v)
		outX := r.perChannel(func(i int) string {
			xc, passes := m.centre(i, t)
			g := t[0][i]
			if m.kind == lined {
				g = m.through(g, passes)
			}
			uc, gc := e.sub("uc", us[i], c.uh[i]), e.sub("gc", g, c.gh[i])
			tangent := e.fma("t", c.s[i], uc, e.fma("t", c.gx[i], xc, c.c0[i]))
			if m.kind == gated {
				tangent = e.add("t", tangent, t[4][i])
			}
			outG[i] = m.through(tangent, passes)
			v := c.c1[i]
			if c.dx[i] != "" {
				v = e.fma("t", c.dx[i], xc, v)
			}
			return e.fma("v", c.du[i], uc, e.fma("t", c.dg[i], gc, v))
		})
		r.put(dg, at, outG)
		r.put(dx, at, outX)
	})
	e.do("ret")
}

func normaliseGrad2(v int) *entry {
	e := normEntry("normalise_grad2", `normalise_grad2: with a = <u xh>, b = <g xh>: dg = rstd (u - <u> - xh a),
dxh = -rstd (b u + a g) - rstd^2 u w/m, drstd = sum u (g - <g> - xh b) - 2 rstd a w, dw = -rstd^2 a, from the
sums of normalise_grad2_sums. w may be 0. over is 1/m.`, v)
	dg, dxh, drstd, dw := e.ptr("dg"), e.ptr("dxh"), e.ptr("drstd"), e.ptr("dw")
	u, g, x := e.ptr("u"), e.ptr("g"), e.ptr("xh")
	o := e.operands(centred, true)
	p := e.partial(true)
	over, count := e.f32("over"), e.f32("count")
	r := e.rows(v)
	k, sums := r.shifts(p, 2), r.totals(p, 6)
	rs, w := r.channels("r", o.rstd), r.optional("w", o.w)
	var c grad2Constants
	var drs, dws []string
	for i := range rs {
		var mean [6]string
		for s := range mean {
			mean[s] = e.mul("mean", sums[s][i], over)
		}
		dr, d := e.normaliseSecond(&c, mean, k[0][i], k[1][i], rs[i], e.mul("wm", w[i], over), count)
		drs, dws = append(drs, dr), append(dws, d)
	}
	r.write(drstd, drs)
	r.write(dw, dws)
	r.second(mask{e: e, kind: centred}, c, dg, dxh, append(o.tensors(g, x), whole("u", u)))
	return e
}

// normaliseSecond computes the constants of one channel and returns drstd and dw.
func (e *entry) normaliseSecond(c *grad2Constants, mean [6]string, ku, kg, r, wm, count string) (dr, dw string) {
	e.note("drstd and dw, and the constants of dg = r*(u-uh) - r*a*xh + c0, dxh = du*(u-uh) - r*a*(g-gh) + c1")
	uh, ul := e.mean(ku, mean[0])
	gh := e.add("gh", kg, mean[1])
	a, b := e.fma("a", ku, mean[2], mean[3]), e.fma("b", kg, mean[2], mean[4])
	ra := e.mul("ra", r, a)
	q := e.fma("q", e.neg(mean[0]), mean[1], mean[5])
	q = e.fma("q", e.neg(a), b, q)
	dr = e.mul("dr", count, e.fma("q", e.mul("t", ra, wm), imm(-2), q))
	minus := e.neg(ra)
	du := e.neg(e.mul("t", r, e.fma("t", r, wm, b)))
	e.note("dxh = du u + dg g: what was subtracted is added again")
	c1 := e.fma("c1", du, uh, e.mul("c1", minus, gh))
	c.set(r, uh, minus, e.neg(e.mul("t", r, ul)), gh, du, minus, "", c1)
	return dr, e.mul("dw", minus, r)
}
