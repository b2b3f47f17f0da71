package kernels

// The row passes below take whole wide rows of w elements, the last of which may
// be short; k holds wide rows of constants. Assembly does the whole rows where
// there is any, and says how many elements it has done. A constant that is to be subtracted
// is stored negated. With stream set the results are not wanted in the caches.

// momentRows adds sum(x-shift) and sum((x-shift)^2) to sums[:w] and sums[w:].
func momentRows[T Float](x, shift []T, sums []float64, w int) {
	if x32, ok := any(x).([]float32); ok {
		x = x[momentRowsFast(x32, any(shift).([]float32), sums, w):]
	}
	for ; len(x) > 0; x = x[min(w, len(x)):] {
		row := x[:min(w, len(x))]
		sh, s, q := shift[:len(row)], sums[:len(row)], sums[w:][:len(row)]
		for j, v := range row {
			d := float64(v + sh[j])
			s[j] += d
			q[j] += d * d
		}
	}
}

// colSumRows adds the sums of x to sums[:w].
func colSumRows[T Float](x []T, sums []float64, w int) {
	if x32, ok := any(x).([]float32); ok {
		x = x[sumRowsFast(x32, sums, w):]
	}
	for ; len(x) > 0; x = x[min(w, len(x)):] {
		row := x[:min(w, len(x))]
		s := sums[:len(row)]
		for j, v := range row {
			s[j] += float64(v)
		}
	}
}

// applyRows computes y = max(low, fma(x-mu, s, b)) with constants -mu, s, b. NaN
// passes.
func applyRows[T Float](y, x, k []T, w int, low T, stream bool) {
	if x32, ok := any(x).([]float32); ok {
		n := applyRowsFast(any(y).([]float32), x32, any(k).([]float32), w, float32(low), stream)
		x, y = x[n:], y[n:]
	}
	for ; len(x) > 0; x, y = x[min(w, len(x)):], y[min(w, len(y)):] {
		row := x[:min(w, len(x))]
		mu, s, b, out := k[:len(row)], k[w:][:len(row)], k[2*w:][:len(row)], y[:len(row)]
		for j, v := range row {
			v = fma(v+mu[j], s[j], b[j])
			if v < low {
				v = low
			}
			out[j] = v
		}
	}
}

// gradSumRows adds the sums of g', g'*xc and xc, with g masked and shifted;
// constants -mu, ms, mb, -shift.
func gradSumRows[T Float](g, x, k []T, sums []float64, w int) {
	if x32, ok := any(x).([]float32); ok {
		n := gradSumRowsFast(any(g).([]float32), x32, any(k).([]float32), sums, w)
		x, g = x[n:], g[n:]
	}
	for ; len(x) > 0; x, g = x[min(w, len(x)):], g[min(w, len(g)):] {
		row := x[:min(w, len(x))]
		gr := g[:len(row)]
		mu, ms, mb, sh := k[:len(row)], k[w:][:len(row)], k[2*w:][:len(row)], k[3*w:][:len(row)]
		s0, s1, s2 := sums[:len(row)], sums[w:][:len(row)], sums[2*w:][:len(row)]
		for j, v := range row {
			xc := v + mu[j]
			gv := gr[j]
			if !(fma(xc, ms[j], mb[j]) > 0) {
				gv = 0
			}
			gd, xd := float64(gv+sh[j]), float64(xc)
			s0[j] += gd
			s1[j] += gd * xd
			s2[j] += xd
		}
	}
}

// gradRows computes dx = s*(g-gm) + e*xc + f with g masked; constants -mu, ms, mb,
// -gm, s, e, f.
func gradRows[T Float](dx, g, x, k []T, w int, stream bool) {
	if x32, ok := any(x).([]float32); ok {
		n := gradRowsFast(any(dx).([]float32), any(g).([]float32), x32, any(k).([]float32), w, stream)
		dx, g, x = dx[n:], g[n:], x[n:]
	}
	for ; len(x) > 0; dx, g, x = dx[min(w, len(dx)):], g[min(w, len(g)):], x[min(w, len(x)):] {
		row := x[:min(w, len(x))]
		gr, out := g[:len(row)], dx[:len(row)]
		mu, ms, mb := k[:len(row)], k[w:][:len(row)], k[2*w:][:len(row)]
		gm, s, e, f := k[3*w:][:len(row)], k[4*w:][:len(row)], k[5*w:][:len(row)], k[6*w:][:len(row)]
		for j, v := range row {
			xc := v + mu[j]
			gv := gr[j]
			if !(fma(xc, ms[j], mb[j]) > 0) {
				gv = 0
			}
			out[j] = s[j]*(gv+gm[j]) + (e[j]*xc + f[j])
		}
	}
}

// gradAddRows is gradRows added to sum.
func gradAddRows[T Float](dx, g, x, sum, k []T, w int, stream bool) {
	if x32, ok := any(x).([]float32); ok {
		n := gradAddRowsFast(any(dx).([]float32), any(g).([]float32), x32, any(sum).([]float32), any(k).([]float32), w, stream)
		dx, g, x, sum = dx[n:], g[n:], x[n:], sum[n:]
	}
	for len(x) > 0 {
		n := min(w, len(x))
		for j, v := range x[:n] {
			c := k[j:]
			xc, gv := v+c[0], g[j]
			if !(fma(xc, c[w], c[2*w]) > 0) {
				gv = 0
			}
			dx[j] = c[4*w]*(gv+c[3*w]) + (c[5*w]*xc + c[6*w]) + sum[j]
		}
		dx, g, x, sum = dx[n:], g[n:], x[n:], sum[n:]
	}
}

// grad2SumRows adds the sums of u', g', xc, u'*xc, g'*xc and u'*g', with g masked,
// u and g shifted; constants -mu, ms, mb, minus the shifts of u and g.
func grad2SumRows[T Float](u, g, x, k []T, sums []float64, w int) {
	if x32, ok := any(x).([]float32); ok {
		n := grad2SumRowsFast(any(u).([]float32), any(g).([]float32), x32, any(k).([]float32), sums, w)
		u, g, x = u[n:], g[n:], x[n:]
	}
	for ; len(x) > 0; u, g, x = u[min(w, len(u)):], g[min(w, len(g)):], x[min(w, len(x)):] {
		row := x[:min(w, len(x))]
		ur, gr := u[:len(row)], g[:len(row)]
		mu, ms, mb := k[:len(row)], k[w:][:len(row)], k[2*w:][:len(row)]
		su, sg := k[3*w:][:len(row)], k[4*w:][:len(row)]
		for j, v := range row {
			xc := v + mu[j]
			gv := gr[j]
			if !(fma(xc, ms[j], mb[j]) > 0) {
				gv = 0
			}
			ud, gd, xd := float64(ur[j]+su[j]), float64(gv+sg[j]), float64(xc)
			sums[j] += ud
			sums[w+j] += gd
			sums[2*w+j] += xd
			sums[3*w+j] += ud * xd
			sums[4*w+j] += gd * xd
			sums[5*w+j] += ud * gd
		}
	}
}

// grad2Rows computes dg = mask*(s*(u-um) + gx*xc + gc) and
// dx = du*(u-um) + dg*(g-gm) + dx*xc + dc with g masked; constants -mu, ms, mb, -um,
// s, gx, gc, -gm, du, dg, dx, dc.
func grad2Rows[T Float](dg, dx, u, g, x, k []T, w int, stream bool) {
	if x32, ok := any(x).([]float32); ok {
		n := grad2RowsFast(any(dg).([]float32), any(dx).([]float32), any(u).([]float32),
			any(g).([]float32), x32, any(k).([]float32), w, stream)
		dg, dx, u, g, x = dg[n:], dx[n:], u[n:], g[n:], x[n:]
	}
	for len(x) > 0 {
		n := min(w, len(x))
		grad2Row(dg[:n], dx[:n], u[:n], g[:n], x[:n], k, w)
		dg, dx, u, g, x = dg[n:], dx[n:], u[n:], g[n:], x[n:]
	}
}

func grad2Row[T Float](dg, dx, u, g, x, k []T, w int) {
	for j, v := range x {
		c := k[j:]
		xc := v + c[0]
		uc, gv := u[j]+c[3*w], g[j]
		t := c[4*w]*uc + (c[5*w]*xc + c[6*w])
		if !(fma(xc, c[w], c[2*w]) > 0) {
			gv, t = 0, 0
		}
		dg[j] = t
		dx[j] = c[8*w]*uc + (c[9*w]*(gv+c[7*w]) + (c[10*w]*xc + c[11*w]))
	}
}
