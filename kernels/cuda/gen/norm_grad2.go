package main

// grad2Sums is the first step of the second derivatives: the sums of u', g', xc, u'*xc,
// g'*xc and u'*g', where u' = u-ku, g' = g-kg with g masked, ku and kg are the means of a
// few rows of u and g, and xc = x-mean (or xh). The tensors are those of operands and u.
// What comes masked is not masked again.
func (j *joint) grad2Sums(o operands, g, x, u string, pick sample) {
	e := j.e
	plain := o
	if o.kind == gated {
		plain.kind, plain.relu = centred, ""
	}
	var m mask
	var mu, ku, kg []string
	j.sums(6, append(plain.tensors(g, x), whole("u", u)), func() [][]string {
		m = plain.mask(j.rows)
		if o.kind == gated {
			mu = j.channels("mu", o.mean)
		}
		ku = j.mean(pick, func(row string) []string { return j.row("ku", u, row) })
		kg = j.maskedMean(m, plain, g, x, pick)
		return [][]string{ku, kg}
	}, func(sums, t [][]string) {
		for i := range ku {
			xc, passes := m.centre(i, t)
			if mu != nil {
				xc = e.sub("xc", xc, mu[i])
			}
			ud, gd := e.sub("ud", t[len(t)-1][i], ku[i]), e.sub("gd", m.through(t[0][i], passes), kg[i])
			for s, d := range []string{ud, gd, xc} {
				e.set(sums[s][i], "add.rn.f32", sums[s][i], d)
			}
			for s, pair := range [][2]string{{ud, xc}, {gd, xc}, {ud, gd}} {
				e.set(sums[3+s][i], "fma.rn.f32", pair[0], pair[1], sums[3+s][i])
			}
		}
	})
}

// grad2Docs say what the second derivatives are.
var grad2Docs = [...]string{`bn_grad2: the cotangents of g, x and gamma, where u, wg, wb are those of dx, dgamma, dbeta.
With k = s P u, p = s P g, a = <u xh>, b = <g xh>, q = <u g> - <u><g> - a b:
dg = k + wg xh + wb, dx2 = -r (b k + a p + <u p> xh) + wg r P g, dgamma2 = m r q. Nothing is divided by gamma.
wg and wb may be 0. over is 1/m.`,
	`normalise_grad2: with a = <u xh>, b = <g xh>: dg = rstd (u - <u> - xh a),
dxh = -rstd (b u + a g) - rstd^2 u w/m, drstd = sum u (g - <g> - xh b) - 2 rstd a w, dw = -rstd^2 a.
w may be 0. over is 1/m.`,
	`bnadd_grad2: what bn_grad2 makes of gm without ReLU, with tm added to dg, which is 0 where y is not above 0.`}

func grad2(v int, k kind) *entry {
	e := jointEntry(k.prefix()+"_grad2", grad2Docs[k], v)
	e.blocks = 2
	names := [...][]string{lined: {"dx2", "dgamma2"}, centred: {"dxh", "drstd", "dw"}, gated: {"dx2", "dgamma2"}}[k]
	dg, dx := e.ptr("dg"), e.ptr(names[0])
	var results []string
	for _, name := range names[1:] {
		results = append(results, e.ptr(name))
	}
	var tm, wg, wb string
	if k == gated {
		tm = e.ptr("tm")
	}
	u := e.ptr("u")
	if k != centred {
		wg, wb = e.ptr("wg"), e.ptr("wb")
	}
	g, x := e.ptr("g"), e.ptr(k.xName())
	o := e.operands(k)
	pick := e.sample()
	over, count := e.f32("over"), e.f32("count")
	j := e.joint(v)
	j.grad2Sums(o, g, x, u, pick)
	j.totals(6, func(ch channel, sums []string) {
		for s := range sums {
			sums[s] = e.mul("mean", sums[s], over)
		}
		own := ch.maskConstants(o)
		var c, made []string
		if k == centred {
			c, made = ch.normaliseSecond(o, sums, over, count)
		} else {
			c, made = ch.bnSecond(o, sums, wg, wb, count)
		}
		for i, to := range results {
			ch.write(to, made[i])
		}
		ch.keeps(append(own, c...)...)
	})
	tensors := append(o.tensors(g, x), whole("u", u))
	if k == gated {
		tensors = append(tensors, whole("tm", tm))
	}
	j.elements(k.constants()+secondConstants(k), tensors, func(kept [][]string) func(string, [][]string) {
		m, c := o.keptMask(kept)
		return j.grad2Elements(m, c, dg, dx)
	})
	return e
}

// secondConstants are how many follow those of the mask: of
// dg = s*(u-uh) + gx*xc + c0 (masked) and dx2 = du*(u-uh) + gx*(g-gh) + c1 + dx*xc
// all but, where x is xh, dx.
func secondConstants(k kind) int {
	if k == centred {
		return 7
	}
	return 8
}

// bnSecond computes these constants and dgamma2. All is read before anything is written:
// a result may take the place of an operand.
func (ch channel) bnSecond(o operands, mean []string, wgs, wbs, count string) (c, made []string) {
	e := ch.e
	ku, kg := ch.subtracted(0), ch.subtracted(1)
	r, gamma := ch.read("r", o.rstd), ch.read("gamma", o.gamma)
	wg, wb := ch.optional("wg", wgs), ch.optional("wb", wbs)
	e.note("dgamma2, and the constants of dg = s*(u-uh) + gx*xc + c0, dx2 = du*(u-uh) + gx*(g-gh) + c1 + dx*xc")
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
	return []string{s, uh, gx, c0, gh, du, e.neg(c1), dx}, []string{e.mul("dgamma", e.mul("t", count, r), q)}
}

// normaliseSecond computes the constants, and drstd and dw.
func (ch channel) normaliseSecond(o operands, mean []string, over, count string) (c, made []string) {
	e := ch.e
	ku, kg, r := ch.subtracted(0), ch.subtracted(1), ch.read("r", o.rstd)
	wm := e.mul("wm", ch.optional("w", o.w), over)
	e.note("drstd and dw, and the constants of dg = r*(u-uh) - r*a*xh + c0, dxh = du*(u-uh) - r*a*(g-gh) + c1")
	uh, ul := e.mean(ku, mean[0])
	gh := e.add("gh", kg, mean[1])
	a, b := e.fma("a", ku, mean[2], mean[3]), e.fma("b", kg, mean[2], mean[4])
	ra := e.mul("ra", r, a)
	q := e.fma("q", e.neg(mean[0]), mean[1], mean[5])
	q = e.fma("q", e.neg(a), b, q)
	dr := e.mul("dr", count, e.fma("q", e.mul("t", ra, wm), imm(-2), q))
	minus := e.neg(ra)
	du := e.neg(e.mul("t", r, e.fma("t", r, wm, b)))
	e.note("dxh = du u + dg g: what was subtracted is added again")
	c1 := e.fma("c1", du, uh, e.mul("c1", minus, gh))
	return []string{r, uh, minus, e.neg(e.mul("t", r, ul)), gh, du, c1}, []string{dr, e.mul("dw", minus, r)}
}

// grad2Elements returns the last step of the second derivatives. The tensors are those of
// operands, u and, for bnadd, tm; there g is masked already.
func (j *joint) grad2Elements(m mask, c [][]string, dg, dx string) func(string, [][]string) {
	e := j.e
	return func(at string, t [][]string) {
		us := t[2]
		if m.kind == gated {
			us = t[3]
		}
		outG := make([]string, j.v)
		outX := j.perChannel(func(i int) string {
			xc, passes := m.centre(i, t)
			g := t[0][i]
			if m.kind == lined {
				g = m.through(g, passes)
			}
			uc, gc := e.sub("uc", us[i], c[1][i]), e.sub("gc", g, c[4][i])
			tangent := e.fma("t", c[0][i], uc, e.fma("t", c[2][i], xc, c[3][i]))
			if m.kind == gated {
				tangent = e.add("t", tangent, t[4][i])
			}
			outG[i] = m.through(tangent, passes)
			v := c[6][i]
			if len(c) > 7 {
				v = e.fma("t", c[7][i], xc, v)
			}
			return e.fma("v", c[5][i], uc, e.fma("t", c[2][i], gc, v))
		})
		j.put(dg, at, outG)
		j.put(dx, at, outX)
	}
}
