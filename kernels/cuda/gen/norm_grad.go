package main

// The kernels of bn.grad and bn.grad2 come in three kinds.
type kind int

const (
	lined   kind = iota // bn: g passes where the line gamma*xh + beta of x is above 0, or always
	centred             // normalise: xh takes the place of x, no mean is subtracted, all passes
	gated               // bnadd: g passes where the result y is above 0
)

// prefix begins the names of a kind's entries.
func (k kind) prefix() string { return [...]string{"bn", "normalise", "bnadd"}[k] }

// xName is what the kernels call their x.
func (k kind) xName() string { return [...]string{"x", "xh", "x"}[k] }

// operands are what the gradient kernels read beside g and x.
type operands struct {
	e                                   *entry
	kind                                kind
	gamma, beta, mean, rstd, relu, w, y string
}

// operands declares them; a first pass over xh needs none.
func (e *entry) operands(k kind, second bool) operands {
	o := operands{e: e, kind: k}
	switch {
	case k == lined:
		o.gamma, o.beta, o.mean, o.rstd, o.relu = e.ptr("gamma"), e.ptr("beta"), e.ptr("mean"), e.ptr("rstd"), e.num("relu")
	case k == gated:
		o.gamma, o.mean, o.rstd, o.y = e.ptr("gamma"), e.ptr("mean"), e.ptr("rstd"), e.ptr("y")
	case second:
		o.rstd, o.w = e.ptr("rstd"), e.ptr("w")
	}
	return o
}

// tensors are g, x and, where it decides, y.
func (o operands) tensors(g, x string) []tensor {
	t := []tensor{whole("g", g), whole("x", x)}
	if o.kind == gated {
		t = append(t, whole("y", o.y))
	}
	return t
}

// mask says which elements of g pass: the mean and the line for each channel of the
// thread, none where x is xh.
type mask struct {
	e          *entry
	kind       kind
	mu, ms, mb []string
}

// mask reads what the mask needs: an element passes where fma(x-mu, ms, mb) > 0,
// which without ReLU is 1 > 0.
func (o operands) mask(r *rows) mask {
	e := o.e
	m := mask{e: e, kind: o.kind}
	if o.kind == centred {
		return m
	}
	m.mu = r.channels("mu", o.mean)
	if o.kind == gated {
		return m
	}
	rs, g, b := r.channels("r", o.rstd), r.channels("gamma", o.gamma), r.channels("beta", o.beta)
	e.note("an element passes where fma(x-mu, ms, mb) > 0; without ReLU that is 1 > 0")
	masked := e.let("masked", "setp.ne.u32", o.relu, "0")
	for i := range m.mu {
		m.ms = append(m.ms, e.sel("ms", e.mul("s", g[i], rs[i]), imm(0), masked))
		m.mb = append(m.mb, e.sel("mb", b[i], imm(1), masked))
	}
	return m
}

// centre is x-mu of channel i, and the predicate with which the element passes (""
// for always); t are the elements of operands.tensors.
func (m mask) centre(i int, t [][]string) (xc, passes string) {
	e, x := m.e, t[1][i]
	if m.kind == centred {
		return x, ""
	}
	xc = e.sub("xc", x, m.mu[i])
	if m.kind == gated {
		return xc, e.let("passes", "setp.gt.f32", t[2][i], imm(0))
	}
	return xc, e.let("passes", "setp.gt.f32", e.fma("line", xc, m.ms[i], m.mb[i]), imm(0))
}

// through is v where the element passes, else 0.
func (m mask) through(v, passes string) string {
	if passes == "" {
		return v
	}
	return m.e.sel("v", v, imm(0), passes)
}

func gradSums(v int, k kind) *entry {
	e := normEntry(k.prefix()+"_grad_sums", "The sums of g-k, (g-k)*xc and xc, where g is masked, k is the mean of a few rows of g, and xc = x-mean\n(or xh).", v)
	g, x, pick := e.ptr("g"), e.ptr(k.xName()), e.sample()
	o := e.operands(k, false)
	p := e.partial(false)
	r := e.rows(v)
	m := o.mask(r)
	shift := r.maskedMean(m, o, g, x, pick)
	r.keepShift(p, 0, shift)
	sums := r.zeros(3)
	r.each(o.tensors(g, x), func(_ string, t [][]string) {
		for i := range shift {
			xc, passes := m.centre(i, t)
			d := e.sub("d", m.through(t[0][i], passes), shift[i])
			e.set(sums[0][i], "add.rn.f32", sums[0][i], d)
			e.set(sums[1][i], "fma.rn.f32", d, xc, sums[1][i])
			e.set(sums[2][i], "add.rn.f32", sums[2][i], xc)
		}
	})
	r.save(p, sums)
	return e
}

// maskedMean is the mean of a few rows of g, masked.
func (r *rows) maskedMean(m mask, o operands, g, x string, pick sample) []string {
	return r.mean(pick, func(row string) []string {
		t := [][]string{r.row("kg", g, row)}
		if m.kind == centred {
			return t[0]
		}
		t = append(t, r.row("kx", x, row))
		if m.kind == gated {
			t = append(t, r.row("ky", o.y, row))
		}
		return r.perChannel(func(i int) string {
			_, passes := m.centre(i, t)
			return m.through(t[0][i], passes)
		})
	})
}

// mean of a shifted sum: k + sum/m in two parts, hi and lo.
func (e *entry) mean(k, part string) (hi, lo string) {
	hi = e.add("hi", k, part)
	return hi, e.sub("lo", part, e.sub("t", hi, k))
}

// gradDocs say what the second passes of the first derivatives compute.
var gradDocs = [...]string{`bn_grad: dgamma = sum g*xh, dbeta = sum g and dx = gamma*rstd*(g - <g> - xh*<g*xh>) + sum from
the sums of bn_grad_sums. over is 1/m, sum may be 0.`,
	`normalise_grad: dx = rstd*(g - <g> - xh*<g*xh>) - rstd^2*xh*w/m from the sums of
normalise_grad_sums; w may be 0. over is 1/m.`,
	`bnadd_grad: gm = g where y > 0, else 0, and what bn_grad makes of gm. over is 1/m, sum may be 0.`}

func gradApply(v int, k kind) *entry {
	e := normEntry(k.prefix()+"_grad", gradDocs[k], v)
	var gm, dgamma, dbeta string
	if k == gated {
		gm = e.ptr("gm")
	}
	dx := e.ptr("dx")
	if k != centred {
		dgamma, dbeta = e.ptr("dgamma"), e.ptr("dbeta")
	}
	g, x := e.ptr("g"), e.ptr(k.xName())
	o := e.operands(k, true)
	tensors := o.tensors(g, x)
	sum := tensor{}
	if k != centred {
		sum = e.possible("sum")
		tensors = append(tensors, sum)
	}
	p := e.partial(true)
	over, count := e.f32("over"), e.f32("count")
	r := e.rows(v)
	m := o.mask(r)
	shift, sums := r.shifts(p, 1)[0], r.totals(p, 3)
	c := r.gradConstants(o, shift, sums, over, count)
	if k != centred {
		r.write(dgamma, c.dgamma)
		r.write(dbeta, c.dbeta)
	}
	r.each(tensors, func(at string, t [][]string) {
		masked := make([]string, r.v)
		out := r.perChannel(func(i int) string {
			xc, passes := m.centre(i, t)
			masked[i] = m.through(t[0][i], passes)
			v := e.fma("v", c.s[i], e.sub("d", masked[i], c.hi[i]), e.fma("t", c.e[i], xc, c.f[i]))
			if sum.base == "" {
				return v
			}
			return e.sel("v", e.add("v", v, t[len(t)-1][i]), v, sum.guard[1:])
		})
		if k == gated {
			r.put(gm, at, masked)
		}
		r.put(dx, at, out)
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
	if o.kind == centred {
		w = r.optional("w", o.w)
	} else {
		gamma = r.channels("gamma", o.gamma)
	}
	e.note("the constants of dx = s*(g-hi) + e*xc + f, for each channel")
	for i := range rs {
		g1, gx, xm := e.mul("g1", sums[0][i], over), e.mul("gx", sums[1][i], over), e.mul("xm", sums[2][i], over)
		hi, lo := e.mean(k[i], g1)
		c.hi = append(c.hi, hi)
		if o.kind == centred {
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
