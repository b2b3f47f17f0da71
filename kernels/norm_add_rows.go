package kernels

// The row passes of batch norm, a sum and ReLU as one operation, y = relu(bn(x) +
// skip). The mask is that of y.

// applyAddRows computes y = max(low, fma(x-mu, s, b) + skip) with constants -mu, s,
// b. NaN passes.
func applyAddRows[T Float](y, x, skip, k []T, w int, low T, stream bool) {
	if x32, ok := any(x).([]float32); ok {
		n := applyAddRowsFast(any(y).([]float32), x32, any(skip).([]float32), any(k).([]float32), w, float32(low), stream)
		y, x, skip = y[n:], x[n:], skip[n:]
	}
	for len(x) > 0 {
		n := min(w, len(x))
		for j, v := range x[:n] {
			c := k[j:]
			v = fma(v+c[0], c[w], c[2*w]) + skip[j]
			if v < low {
				v = low
			}
			y[j] = v
		}
		y, x, skip = y[n:], x[n:], skip[n:]
	}
}

// gateSumRows writes gm, which is g where y > 0, and adds the sums of gm', gm'*xc and
// xc, with gm shifted; constants -mu, -shift.
func gateSumRows[T Float](gm, g, y, x, k []T, sums []float64, w int) {
	if x32, ok := any(x).([]float32); ok {
		n := gateSumRowsFast(any(gm).([]float32), any(g).([]float32), any(y).([]float32), x32, any(k).([]float32), sums, w)
		gm, g, y, x = gm[n:], g[n:], y[n:], x[n:]
	}
	for len(x) > 0 {
		n := min(w, len(x))
		for j, v := range x[:n] {
			gv := g[j]
			if !(y[j] > 0) {
				gv = 0
			}
			gm[j] = gv
			gd, xd := float64(gv+k[w+j]), float64(v+k[j])
			sums[j] += gd
			sums[w+j] += gd * xd
			sums[2*w+j] += xd
		}
		gm, g, y, x = gm[n:], g[n:], y[n:], x[n:]
	}
}

// tangentRows computes dg = tm + s*(u-um) + gx*xc + gc where y > 0 and 0 elsewhere,
// and dx = du*(u-um) + dg*(gm-mean) + dx*xc + dc; constants -mu, -um, s, gx, gc,
// minus the mean of gm, du, dg, dx, dc.
func tangentRows[T Float](dg, dx, u, gm, x, tm, y, k []T, w int, stream bool) {
	if x32, ok := any(x).([]float32); ok {
		n := tangentRowsFast(any(dg).([]float32), any(dx).([]float32), any(u).([]float32), any(gm).([]float32),
			x32, any(tm).([]float32), any(y).([]float32), any(k).([]float32), w, stream)
		dg, dx, u, gm, x, tm, y = dg[n:], dx[n:], u[n:], gm[n:], x[n:], tm[n:], y[n:]
	}
	for len(x) > 0 {
		n := min(w, len(x))
		for j, v := range x[:n] {
			c := k[j:]
			xc, uc, gv := v+c[0], u[j]+c[w], gm[j]
			t := c[2*w]*uc + (c[3*w]*xc + c[4*w]) + tm[j]
			if !(y[j] > 0) {
				t = 0
			}
			dg[j] = t
			dx[j] = c[6*w]*uc + (c[7*w]*(gv+c[5*w]) + (c[8*w]*xc + c[9*w]))
		}
		dg, dx, u, gm, x, tm, y = dg[n:], dx[n:], u[n:], gm[n:], x[n:], tm[n:], y[n:]
	}
}
