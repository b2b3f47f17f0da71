package main

// moments is the first step of bn and normalise: the sums of x-k and (x-k)^2, where k is
// the mean of a few rows.
func (j *joint) moments(x string, pick sample) {
	e := j.e
	var k []string
	j.sums(2, []tensor{whole("x", x)}, func() [][]string {
		k = j.mean(pick, func(row string) []string { return j.row("k", x, row) })
		return [][]string{k}
	}, func(sums, t [][]string) {
		for i, xi := range t[0] {
			d := e.sub("d", xi, k[i])
			e.set(sums[0][i], "add.rn.f32", sums[0][i], d)
			e.set(sums[1][i], "fma.rn.f32", d, d, sums[1][i])
		}
	})
}

// statistics writes mean, rstd and var of the channel, from the sums of moments.
func (ch channel) statistics(sums []string, over, eps, mean, rstd, variance string) (mu, r string) {
	e := ch.e
	e.note("mean = k + sum/m, var = <(x-k)^2> - <x-k>^2, rstd = 1/sqrt(var+eps)")
	d := e.mul("d", sums[0], over)
	mu = e.add("mu", ch.subtracted(0), d)
	v := e.let("var", "max.NaN.f32", e.fma("var", e.neg(d), d, e.mul("q", sums[1], over)), imm(0))
	r = e.let("r", "rcp.rn.f32", e.let("root", "sqrt.rn.f32", e.add("var", v, eps)))
	ch.write(mean, mu)
	ch.write(rstd, r)
	ch.write(variance, v)
	return mu, r
}

// line returns what writes y = max(low, fma(x-mu, s, b) + skip); NaN passes, and skip may
// be no tensor.
func (r *rows) line(y string, skip tensor, mu, s, b []string, low string) func(at string, t [][]string) {
	e := r.e
	return func(at string, t [][]string) {
		r.put(y, at, r.perChannel(func(i int) string {
			xc := t[0][i]
			if mu != nil {
				xc = e.sub("xc", xc, mu[i])
			}
			v := e.fma("v", xc, s[i], b[i])
			if skip.base != "" {
				v = e.sel("v", e.add("v", v, t[1][i]), v, skip.guard[1:])
			}
			return e.sel("v", low, v, e.let("below", "setp.lt.f32", v, low))
		}))
	}
}

func bnForward(v int) *entry {
	e := jointEntry("bn", "bn: mean, var and rstd = 1/sqrt(var+eps) of each channel, and\ny = max(low, fma(x-mean, gamma*rstd, beta) + skip). over is 1/m, skip may be 0. What is subtracted\nbefore summing is the mean of a few rows: pick, pick+pick_step, ...", v)
	y, mean, rstd, variance := e.ptr("y"), e.ptr("mean"), e.ptr("rstd"), e.ptr("var")
	x, gamma, beta, skip := e.ptr("x"), e.ptr("gamma"), e.ptr("beta"), e.possible("skip")
	pick := e.sample()
	over, eps, low := e.f32("over"), e.f32("eps"), e.f32("low")
	j := e.joint(v)
	j.moments(x, pick)
	j.totals(2, func(ch channel, sums []string) {
		mu, r := ch.statistics(sums, over, eps, mean, rstd, variance)
		ch.keeps(mu, e.mul("s", ch.read("gamma", gamma), r), ch.read("beta", beta))
	})
	j.elements(3, []tensor{whole("x", x), skip}, func(k [][]string) func(string, [][]string) {
		return j.line(y, skip, k[0], k[1], k[2], low)
	})
	return e
}

func normaliseForward(v int) *entry {
	e := jointEntry("normalise", "normalise: the statistics as bn takes them, and xh = (x-mean)*rstd. over is 1/m.", v)
	xh, rstd, mean, variance := e.ptr("xh"), e.ptr("rstd"), e.ptr("mean"), e.ptr("var")
	x, pick := e.ptr("x"), e.sample()
	over, eps := e.f32("over"), e.f32("eps")
	j := e.joint(v)
	j.moments(x, pick)
	j.totals(2, func(ch channel, sums []string) {
		ch.keeps(ch.statistics(sums, over, eps, mean, rstd, variance))
	})
	j.elements(2, []tensor{whole("x", x)}, func(k [][]string) func(string, [][]string) {
		return func(at string, t [][]string) {
			j.put(xh, at, j.perChannel(func(i int) string { return e.mul("v", e.sub("xc", t[0][i], k[0][i]), k[1][i]) }))
		}
	})
	return e
}

func bnApply(v int) *entry {
	e := normEntry("bn_apply", "bn_apply: y = max(low, fma(x-mean, gamma*rstd, beta)), as bn computes it.", v)
	y, x, gamma, beta, mean, rstd := e.ptr("y"), e.ptr("x"), e.ptr("gamma"), e.ptr("beta"), e.ptr("mean"), e.ptr("rstd")
	low := e.f32("low")
	r := e.rows(v)
	mu, rs := r.channels("mu", mean), r.channels("r", rstd)
	g, b := r.channels("gamma", gamma), r.channels("beta", beta)
	s := r.perChannel(func(i int) string { return e.mul("s", g[i], rs[i]) })
	r.each([]tensor{whole("x", x)}, r.line(y, tensor{}, mu, s, b, low))
	e.do("ret")
	return e
}

func affine(v int) *entry {
	e := normEntry("affine", "affine: y = max(low, fma(x, scale, shift) + skip); skip may be 0.", v)
	y, x, scale, shift, skip := e.ptr("y"), e.ptr("x"), e.ptr("scale"), e.ptr("shift"), e.possible("skip")
	low := e.f32("low")
	r := e.rows(v)
	r.each([]tensor{whole("x", x), skip}, r.line(y, skip, nil, r.channels("scale", scale), r.channels("shift", shift), low))
	e.do("ret")
	return e
}
