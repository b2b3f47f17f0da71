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

// operands declares them.
func (e *entry) operands(k kind) operands {
	o := operands{e: e, kind: k}
	switch k {
	case lined:
		o.gamma, o.beta, o.mean, o.rstd, o.relu = e.ptr("gamma"), e.ptr("beta"), e.ptr("mean"), e.ptr("rstd"), e.num("relu")
	case gated:
		o.gamma, o.mean, o.rstd, o.y = e.ptr("gamma"), e.ptr("mean"), e.ptr("rstd"), e.ptr("y")
	default:
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

// constants are how many a mask has.
func (k kind) constants() int { return [...]int{lined: 3, centred: 0, gated: 1}[k] }

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
	m.line(o.relu, rs, g, b)
	return m
}

// line appends the constants of the line.
func (m *mask) line(relu string, rs, gamma, beta []string) {
	e := m.e
	e.note("an element passes where fma(x-mu, ms, mb) > 0; without ReLU that is 1 > 0")
	masked := e.let("masked", "setp.ne.u32", relu, "0")
	for i := range rs {
		m.ms = append(m.ms, e.sel("ms", e.mul("s", gamma[i], rs[i]), imm(0), masked))
		m.mb = append(m.mb, e.sel("mb", beta[i], imm(1), masked))
	}
}

// maskConstants are those of the mask, for the last step.
func (ch channel) maskConstants(o operands) []string {
	if o.kind == centred {
		return nil
	}
	mu := ch.read("mu", o.mean)
	if o.kind == gated {
		return []string{mu}
	}
	m := mask{e: ch.e}
	m.line(o.relu, []string{ch.read("r", o.rstd)}, []string{ch.read("gamma", o.gamma)}, []string{ch.read("beta", o.beta)})
	return []string{mu, m.ms[0], m.mb[0]}
}

// keptMask is the mask from the first of the constants that were kept, and what follows.
func (o operands) keptMask(k [][]string) (mask, [][]string) {
	m := mask{e: o.e, kind: o.kind}
	for i, to := range []*[]string{&m.mu, &m.ms, &m.mb}[:o.kind.constants()] {
		*to = k[i]
	}
	return m, k[o.kind.constants():]
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

// gradSums is the first step of the first derivatives: the sums of g-k, (g-k)*xc and xc,
// where g is masked, k is the mean of a few rows of g, and xc = x-mean (or xh).
func (j *joint) gradSums(o operands, g, x string, pick sample) {
	e := j.e
	var m mask
	var shift []string
	j.sums(3, o.tensors(g, x), func() [][]string {
		m = o.mask(j.rows)
		shift = j.maskedMean(m, o, g, x, pick)
		return [][]string{shift}
	}, func(sums, t [][]string) {
		for i := range shift {
			xc, passes := m.centre(i, t)
			d := e.sub("d", m.through(t[0][i], passes), shift[i])
			e.set(sums[0][i], "add.rn.f32", sums[0][i], d)
			e.set(sums[1][i], "fma.rn.f32", d, xc, sums[1][i])
			e.set(sums[2][i], "add.rn.f32", sums[2][i], xc)
		}
	})
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

// gradDocs say what the first derivatives are.
var gradDocs = [...]string{`bn_grad: dgamma = sum g*xh, dbeta = sum g and dx = gamma*rstd*(g - <g> - xh*<g*xh>) + sum, with g
masked. over is 1/m, sum may be 0.`,
	`normalise_grad: dx = rstd*(g - <g> - xh*<g*xh>) - rstd^2*xh*w/m; w may be 0. over is 1/m.`,
	`bnadd_grad: gm = g where y > 0, else 0, and what bn_grad makes of gm. over is 1/m, sum may be 0.`}

func grad(v int, k kind) *entry {
	e := jointEntry(k.prefix()+"_grad", gradDocs[k], v)
	e.blocks = 3
	var gm, dgamma, dbeta string
	if k == gated {
		gm = e.ptr("gm")
	}
	dx := e.ptr("dx")
	if k != centred {
		dgamma, dbeta = e.ptr("dgamma"), e.ptr("dbeta")
	}
	g, x := e.ptr("g"), e.ptr(k.xName())
	o := e.operands(k)
	tensors, sum := o.tensors(g, x), tensor{}
	if k != centred {
		sum = e.possible("sum")
		tensors = append(tensors, sum)
	}
	pick := e.sample()
	over, count := e.f32("over"), e.f32("count")
	j := e.joint(v)
	j.gradSums(o, g, x, pick)
	j.totals(3, func(ch channel, sums []string) {
		own := ch.maskConstants(o)
		ch.keeps(append(own, ch.gradConstants(o, sums, over, count, dgamma, dbeta)...)...)
	})
	j.elements(k.constants()+4, tensors, func(kept [][]string) func(string, [][]string) {
		m, c := o.keptMask(kept)
		return j.gradElements(m, c, gm, dx, sum)
	})
	return e
}

// gradElements returns the last step of the first derivatives,
// dx = s*(g-hi) + e*xc + f + sum with the constants s, hi, e, f.
func (j *joint) gradElements(m mask, c [][]string, gm, dx string, sum tensor) func(string, [][]string) {
	e := j.e
	return func(at string, t [][]string) {
		masked := make([]string, j.v)
		out := j.perChannel(func(i int) string {
			xc, passes := m.centre(i, t)
			masked[i] = m.through(t[0][i], passes)
			v := e.fma("v", c[0][i], e.sub("d", masked[i], c[1][i]), e.fma("t", c[2][i], xc, c[3][i]))
			if sum.base == "" {
				return v
			}
			return e.sel("v", e.add("v", v, t[len(t)-1][i]), v, sum.guard[1:])
		})
		if m.kind == gated {
			j.put(gm, at, masked)
		}
		j.put(dx, at, out)
	}
}

// gradConstants are s, hi, e and f of the channel; dgamma and dbeta are written.
func (ch channel) gradConstants(o operands, sums []string, over, count, dgamma, dbeta string) []string {
	e := ch.e
	k, r := ch.subtracted(0), ch.read("r", o.rstd)
	e.note("the constants of dx = s*(g-hi) + e*xc + f")
	g1, gx, xm := e.mul("g1", sums[0], over), e.mul("gx", sums[1], over), e.mul("xm", sums[2], over)
	hi, lo := e.mean(k, g1)
	if o.kind == centred {
		b := e.fma("b", k, xm, gx)
		t := e.fma("t", e.mul("t", r, over), ch.optional("w", o.w), b)
		return []string{r, hi, e.neg(e.mul("t", r, t)), e.neg(e.mul("t", r, lo))}
	}
	b := e.mul("b", r, e.fma("t", e.neg(g1), xm, gx))
	ch.write(dgamma, e.mul("dgamma", b, count))
	ch.write(dbeta, e.fma("dbeta", count, k, sums[0]))
	s := e.mul("s", ch.read("gamma", o.gamma), r)
	xs := e.neg(e.mul("e", e.mul("t", s, b), r))
	return []string{s, hi, xs, e.neg(e.fma("t", s, lo, e.mul("t", xs, xm)))}
}
