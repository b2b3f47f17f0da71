package main

// The kernels of bn.grad, bn.grad2 and their twins for channels that are normalised
// already: those see xh in place of x, subtract no mean and mask nothing.

// constants are the mean and the line of the mask, for each channel of the thread;
// none where x is xh.
type mask struct {
	e          *entry
	mu, ms, mb []string
}

// operands are the vectors that the gradient kernels read.
type operands struct {
	e                                *entry
	centred                          bool
	gamma, beta, mean, rstd, relu, w string
}

// operands declares them; a first pass over xh needs none.
func (e *entry) operands(centred, second bool) operands {
	o := operands{e: e, centred: centred}
	if centred {
		if second {
			o.rstd, o.w = e.ptr("rstd"), e.ptr("w")
		}
		return o
	}
	o.gamma, o.beta, o.mean, o.rstd, o.relu = e.ptr("gamma"), e.ptr("beta"), e.ptr("mean"), e.ptr("rstd"), e.num("relu")
	return o
}

// mask reads what the mask needs: an element passes where fma(x-mu, ms, mb) > 0,
// which without ReLU is 1 > 0.
func (o operands) mask(r *rows) mask {
	e := o.e
	m := mask{e: e}
	if o.centred {
		return m
	}
	m.mu = r.channels("mu", o.mean)
	rs, g, b := r.channels("r", o.rstd), r.channels("gamma", o.gamma), r.channels("beta", o.beta)
	e.note("an element passes where fma(x-mu, ms, mb) > 0; without ReLU that is 1 > 0")
	masked := e.let("masked", "setp.ne.u32", o.relu, "0")
	for i := range m.mu {
		m.ms = append(m.ms, e.sel("ms", e.mul("s", g[i], rs[i]), imm(0), masked))
		m.mb = append(m.mb, e.sel("mb", b[i], imm(1), masked))
	}
	return m
}

// centre is x-mu, and the predicate with which the element passes ("" for always).
func (m mask) centre(i int, x string) (xc, passes string) {
	if m.mu == nil {
		return x, ""
	}
	xc = m.e.sub("xc", x, m.mu[i])
	return xc, m.e.let("passes", "setp.gt.f32", m.e.fma("line", xc, m.ms[i], m.mb[i]), imm(0))
}

// through is v where the element passes, else 0.
func (m mask) through(v, passes string) string {
	if passes == "" {
		return v
	}
	return m.e.sel("v", v, imm(0), passes)
}

// gradName is the name of an entry.
func gradName(centred bool, suffix string) string {
	if centred {
		return "normalise" + suffix
	}
	return "bn" + suffix
}

// xName is what the kernel calls its x.
func xName(centred bool) string {
	if centred {
		return "xh"
	}
	return "x"
}

func gradSums(v int, centred bool) *entry {
	e := normEntry(gradName(centred, "_grad_sums"), "The sums of g-k, (g-k)*xc and xc, where g is masked, k is the mean of a few rows of g, and xc = x-mean\n(or xh).", v)
	g, x, pick := e.ptr("g"), e.ptr(xName(centred)), e.sample()
	o := e.operands(centred, false)
	p := e.partial(false)
	r := e.rows(v)
	m := o.mask(r)
	k := r.maskedMean(m, g, x, pick)
	r.keepShift(p, 0, k)
	sums := r.zeros(3)
	r.each([]tensor{{"g", g}, {"x", x}}, func(at string, t [][]string) {
		gs, xs := t[0], t[1]
		for i := range xs {
			xc, passes := m.centre(i, xs[i])
			d := e.sub("d", m.through(gs[i], passes), k[i])
			e.set(sums[0][i], "add.rn.f32", sums[0][i], d)
			e.set(sums[1][i], "fma.rn.f32", d, xc, sums[1][i])
			e.set(sums[2][i], "add.rn.f32", sums[2][i], xc)
		}
	})
	r.save(p, sums)
	return e
}

// maskedMean is the mean of a few rows of g, masked.
func (r *rows) maskedMean(m mask, g, x string, pick sample) []string {
	return r.mean(pick, func(row string) []string {
		k := r.row("kg", g, row)
		if m.mu == nil {
			return k
		}
		xs := r.row("kx", x, row)
		return r.perChannel(func(i int) string {
			_, passes := m.centre(i, xs[i])
			return m.through(k[i], passes)
		})
	})
}

// mean of a shifted sum: k + sum/m in two parts, hi and lo.
func (e *entry) mean(k, part string) (hi, lo string) {
	hi = e.add("hi", k, part)
	return hi, e.sub("lo", part, e.sub("t", hi, k))
}

func gradApply(v int, centred bool) *entry {
	doc := `bn_grad: dgamma = sum g*xh, dbeta = sum g and dx = gamma*rstd*(g - <g> - xh*<g*xh>) from the
sums of bn_grad_sums. over is 1/m.`
	if centred {
		doc = `normalise_grad: dx = rstd*(g - <g> - xh*<g*xh>) - rstd^2*xh*w/m from the sums of
normalise_grad_sums; w may be 0. over is 1/m.`
	}
	e := normEntry(gradName(centred, "_grad"), doc, v)
	dx := e.ptr("dx")
	var dgamma, dbeta string
	if !centred {
		dgamma, dbeta = e.ptr("dgamma"), e.ptr("dbeta")
	}
	g, x := e.ptr("g"), e.ptr(xName(centred))
	o := e.operands(centred, true)
	p := e.partial(true)
	over, count := e.f32("over"), e.f32("count")
	r := e.rows(v)
	m := o.mask(r)
	k, sums := r.shifts(p, 1)[0], r.totals(p, 3)
	c := r.gradConstants(o, k, sums, over, count)
	if !centred {
		r.write(dgamma, c.dgamma)
		r.write(dbeta, c.dbeta)
	}
	r.each([]tensor{{"g", g}, {"x", x}}, func(at string, t [][]string) {
		gs, xs := t[0], t[1]
		r.put(dx, at, r.perChannel(func(i int) string {
			xc, passes := m.centre(i, xs[i])
			t := e.fma("t", c.e[i], xc, c.f[i])
			return e.fma("v", c.s[i], e.sub("d", m.through(gs[i], passes), c.hi[i]), t)
		}))
	})
	e.do("ret")
	return e
}

// gradConstants are those of dx = s*(g-hi) + e*xc + f, for each channel.
type gradConstants struct{ s, hi, e, f, dgamma, dbeta []string }

func (r *rows) gradConstants(o operands, k []string, sums [][]string, over, count string) (c gradConstants) {
	e := r.e
	rs := r.channels("r", o.rstd)
	var gamma, w []string
	if o.centred {
		w = r.optional("w", o.w)
	} else {
		gamma = r.channels("gamma", o.gamma)
	}
	e.note("the constants of dx = s*(g-hi) + e*xc + f, for each channel")
	for i := range rs {
		g1, gx, xm := e.mul("g1", sums[0][i], over), e.mul("gx", sums[1][i], over), e.mul("xm", sums[2][i], over)
		hi, lo := e.mean(k[i], g1)
		c.hi = append(c.hi, hi)
		if o.centred {
			b := e.fma("b", k[i], xm, gx)
			t := e.fma("t", e.mul("t", rs[i], over), w[i], b)
			c.s = append(c.s, rs[i])
			c.e = append(c.e, e.neg(e.mul("t", rs[i], t)))
			c.f = append(c.f, e.neg(e.mul("t", rs[i], lo)))
			continue
		}
		b := e.mul("b", rs[i], e.fma("t", e.neg(g1), xm, gx))
		c.dgamma = append(c.dgamma, e.mul("dgamma", b, count))
		c.dbeta = append(c.dbeta, e.fma("dbeta", count, k[i], sums[0][i]))
		s := e.mul("s", gamma[i], rs[i])
		c.s = append(c.s, s)
		ei := e.neg(e.mul("e", e.mul("t", s, b), rs[i]))
		c.e = append(c.e, ei)
		c.f = append(c.f, e.neg(e.fma("t", s, lo, e.mul("t", ei, xm))))
	}
	return c
}

// optional reads the thread's channels of a vector, or zeros where there is none.
func (r *rows) optional(name, base string) []string {
	e := r.e
	none := e.let("none", "setp.eq.u64", base, "0")
	return e.loadUnless(none, name, e.element("at_"+name, base, r.known), r.v)
}
