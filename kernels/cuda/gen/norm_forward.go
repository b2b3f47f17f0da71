package main

// moments is the first pass of bn and normalise.
func moments(v int) *entry {
	e := normEntry("bn_sums", "bn_sums: the sums of x-k and (x-k)^2, where k is the mean of a few rows:\npick, pick+pick_step, ...", v)
	x, pick := e.ptr("x"), e.sample()
	p := e.partial(false)
	r := e.rows(v)
	k := r.mean(pick, func(row string) []string { return r.row("k", x, row) })
	r.keepShift(p, 0, k)
	sums := r.zeros(2)
	r.each([]tensor{whole("x", x)}, func(_ string, t [][]string) {
		for i, xi := range t[0] {
			d := e.sub("d", xi, k[i])
			e.set(sums[0][i], "add.rn.f32", sums[0][i], d)
			e.set(sums[1][i], "fma.rn.f32", d, d, sums[1][i])
		}
	})
	r.save(p, sums)
	return e
}

// statistics are mean, rstd and var of the thread's channels, stored once.
func (r *rows) statistics(p partial, over, eps, mean, rstd, variance string) (mu, rs []string) {
	e := r.e
	k, sums := r.shifts(p, 1)[0], r.totals(p, 2)
	e.note("mean = k + sum/m, var = <(x-k)^2> - <x-k>^2, rstd = 1/sqrt(var+eps)")
	vars := make([]string, r.v)
	for i := range vars {
		d := e.mul("d", sums[0][i], over)
		mu = append(mu, e.add("mu", k[i], d))
		q := e.mul("q", sums[1][i], over)
		vars[i] = e.let("var", "max.NaN.f32", e.fma("var", e.neg(d), d, q), imm(0))
		rs = append(rs, e.let("r", "rcp.rn.f32", e.let("root", "sqrt.rn.f32", e.add("var", vars[i], eps))))
	}
	r.write(mean, mu)
	r.write(rstd, rs)
	r.write(variance, vars)
	return mu, rs
}

// line writes y = max(low, fma(x-mu, s, b) + skip); NaN passes, and skip may be no
// tensor.
func (r *rows) line(y, x string, skip tensor, mu, s, b []string, low string) {
	e := r.e
	tensors := []tensor{whole("x", x)}
	if skip.base != "" {
		tensors = append(tensors, skip)
	}
	r.each(tensors, func(at string, t [][]string) {
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
	})
	e.do("ret")
}

func bnForward(v int) *entry {
	e := normEntry("bn", "bn: mean, var and rstd = 1/sqrt(var+eps) of each channel from the sums of bn_sums, and\ny = max(low, fma(x-mean, gamma*rstd, beta) + skip). over is 1/m, skip may be 0.", v)
	y, mean, rstd, variance := e.ptr("y"), e.ptr("mean"), e.ptr("rstd"), e.ptr("var")
	x, gamma, beta, skip := e.ptr("x"), e.ptr("gamma"), e.ptr("beta"), e.possible("skip")
	p := e.partial(true)
	over, eps, low := e.f32("over"), e.f32("eps"), e.f32("low")
	r := e.rows(v)
	mu, rs := r.statistics(p, over, eps, mean, rstd, variance)
	g, b := r.channels("gamma", gamma), r.channels("beta", beta)
	s := r.perChannel(func(i int) string { return e.mul("s", g[i], rs[i]) })
	r.line(y, x, skip, mu, s, b, low)
	return e
}

func normaliseForward(v int) *entry {
	e := normEntry("normalise", "normalise: the statistics as bn takes them, and xh = (x-mean)*rstd. over is 1/m.", v)
	xh, rstd, mean, variance := e.ptr("xh"), e.ptr("rstd"), e.ptr("mean"), e.ptr("var")
	x := e.ptr("x")
	p := e.partial(true)
	over, eps := e.f32("over"), e.f32("eps")
	r := e.rows(v)
	mu, rs := r.statistics(p, over, eps, mean, rstd, variance)
	r.each([]tensor{whole("x", x)}, func(at string, t [][]string) {
		xs := t[0]
		r.put(xh, at, r.perChannel(func(i int) string { return e.mul("v", e.sub("xc", xs[i], mu[i]), rs[i]) }))
	})
	e.do("ret")
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
	r.line(y, x, tensor{}, mu, s, b, low)
	return e
}

func affine(v int) *entry {
	e := normEntry("affine", "affine: y = max(low, fma(x, scale, shift) + skip); skip may be 0.", v)
	y, x, scale, shift, skip := e.ptr("y"), e.ptr("x"), e.ptr("scale"), e.ptr("shift"), e.possible("skip")
	low := e.f32("low")
	r := e.rows(v)
	r.line(y, x, skip, nil, r.channels("scale", scale), r.channels("shift", shift), low)
	return e
}
