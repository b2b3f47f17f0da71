package kernels

// The sums of the two derivative kernels use v' = v - shift for u and g, where the
// shift is close to the mean of v, and xc = x - mean, whose own mean is
// only nearly zero because the stored mean is rounded. With <.> the mean over rows,
//
//	<v> = shift + <v'>,   <v*xh> = r*(<v'*xc> - <v'>*<xc>)
//
// hold exactly; no large numbers cancel.

func batchNormGrad[T Float](a *Args) {
	at := a.Attr.(*NormAttr)
	l := newNormLayout(at.M, at.C)
	n, w := at.M*at.C, l.w
	g, x := Data[T](a.In[0])[:n], Data[T](a.In[1])[:n]
	gamma, beta := Data[T](a.In[2])[:at.C], Data[T](a.In[3])[:at.C]
	mean, rstd := Data[T](a.In[4])[:at.C], Data[T](a.In[5])[:at.C]
	dx := Data[T](a.Out[0])[:n]
	dgamma, dbeta := Data[T](a.Out[1])[:at.C], Data[T](a.Out[2])[:at.C]

	kp := borrow[T](7 * w)
	defer giveBack(kp)
	k := kp.data
	maskConstants(k, w, at.ReLU, gamma, beta, mean, rstd)
	shift := k[3*w : 4*w]
	maskedMean(shift, g, x, k, w, at)
	widen(l, k, 4)
	total := sumsOf(l, 3, gradSums[T]{g, x, k, w})
	defer giveBack(total)
	gradConstants(at, k, w, total.data, gamma, rstd, dgamma, dbeta)
	gradApply(l, dx, g, x, addend[T](a, 6, n), k)
}

// gradConstants turns the sums of the first derivative into dgamma, dbeta and the
// constants of the elementwise pass, rows 3 to 6 of k; row 3 holds minus the shift.
func gradConstants[T Float](at *NormAttr, k []T, w int, sums []float64, gamma, rstd, dgamma, dbeta []T) {
	m := float64(at.M)
	for c := range at.C {
		r, s := float64(rstd[c]), float64(gamma[c])*float64(rstd[c])
		g1, gx, xm := sums[c]/m, sums[at.C+c]/m, sums[2*at.C+c]/m
		gm := g1 - float64(k[3*w+c])
		b := r * (gx - g1*xm)
		dbeta[c], dgamma[c] = T(gm*m), T(b*m)
		e := -s * b * r
		hi, lo := split[T](gm)
		k[3*w+c], k[4*w+c], k[5*w+c], k[6*w+c] = -hi, T(s), T(e), T(-s*lo-e*xm)
	}
}

// gradApply is the elementwise pass of the first derivative, added to sum if there
// is one. Results that take the place of an operand are in the caches already.
func gradApply[T Float](l normLayout, dx, g, x, sum, k []T) {
	widen(l, k, 7)
	w, stream := l.w, l.stream() && &dx[0] != &g[0]
	if sum != nil {
		stream = stream && &dx[0] != &sum[0]
	}
	rowsOf(l, rowGrad[T]{dx, g, x, sum, k, w, stream})
}

// addend returns operand i, to which the first result is added; nil where there is
// none.
func addend[T Float](a *Args, i, n int) []T {
	if len(a.In) <= i || a.In[i] == nil {
		return nil
	}
	return Data[T](a.In[i])[:n]
}

// maskedMean sets dst, the shift of the sums, to minus the mean of a few masked
// rows of g.
func maskedMean[T Float](dst, g, x, k []T, w int, at *NormAttr) {
	rows := sampleRows(at.M, at.C)
	for c := range at.C {
		var sum T
		for _, row := range rows {
			if fma(x[row+c]+k[c], k[w+c], k[2*w+c]) > 0 {
				sum += g[row+c]
			}
		}
		dst[c] = -sum / T(len(rows))
	}
}

func batchNormGrad2[T Float](a *Args) {
	at := a.Attr.(*NormAttr)
	l := newNormLayout(at.M, at.C)
	n, w := at.M*at.C, l.w
	u, g, x := Data[T](a.In[0])[:n], Data[T](a.In[3])[:n], Data[T](a.In[4])[:n]
	gamma, beta := Data[T](a.In[5])[:at.C], Data[T](a.In[6])[:at.C]
	mean, rstd := Data[T](a.In[7])[:at.C], Data[T](a.In[8])[:at.C]
	dg, dx := Data[T](a.Out[0])[:n], Data[T](a.Out[1])[:n]

	kp := borrow[T](12 * w)
	defer giveBack(kp)
	k := kp.data
	maskConstants(k, w, at.ReLU, gamma, beta, mean, rstd)
	sampleMean(k[3*w:4*w], u, at.M, at.C)
	maskedMean(k[4*w:5*w], g, x, k, w, at)
	widen(l, k, 5)
	total := sumsOf(l, 6, grad2Sums[T]{u, g, x, k, w})
	defer giveBack(total)

	f := grad2Constants[T]{at: at, k: k, w: w, sums: total.data, gamma: gamma, rstd: rstd, dgamma: Data[T](a.Out[2])[:at.C]}
	if !at.NoDW {
		f.wg, f.wb = Data[T](a.In[1])[:at.C], Data[T](a.In[2])[:at.C]
	}
	for c := range at.C {
		f.set(c)
	}
	widen(l, k, 12)
	stream := l.stream() && &dg[0] != &u[0] && &dx[0] != &g[0]
	rowsOf(l, rowGrad2[T]{dg: dg, dx: dx, u: u, g: g, x: x, k: k, w: w, stream: stream})
}

// grad2Constants turns the sums of BatchNormGrad2 into the constants of its
// elementwise pass.
type grad2Constants[T Float] struct {
	at                          *NormAttr
	k                           []T // in: rows 3, 4 minus the shifts of u, g; out: rows 3 to 11
	w                           int
	sums                        []float64 // u', g', xc, u'*xc, g'*xc, u'*g'
	gamma, rstd, wg, wb, dgamma []T
}

// set computes channel c. With k = s*P u, p = s*P g, a = <u*xh>, b = <g*xh> and
// q = <u*g> - <u><g> - a*b:
//
//	dg  = k + wg*xh + wb
//	dx2 = -r*(b*k + a*p + <u*p>*xh) + wg*r*P g
//	    = -s*r*(b*(u-<u>) + a*(g-<g>) + (q-2*a*b)*xh) + wg*r*(g - <g> - b*xh)
//	dgamma2 = M*r*q
//
// Nothing is divided by gamma, which may be zero.
func (f *grad2Constants[T]) set(c int) {
	var v [6]float64
	for i := range v {
		v[i] = f.sums[i*f.at.C+c] / float64(f.at.M)
	}
	u1, g1, xm := v[0], v[1], v[2]
	r := float64(f.rstd[c])
	s := float64(f.gamma[c]) * r
	a, b := r*(v[3]-u1*xm), r*(v[4]-g1*xm)
	q := v[5] - u1*g1 - a*b
	f.dgamma[c] = T(float64(f.at.M) * r * q)
	var wg, wb float64
	if !f.at.NoDW {
		wg, wb = float64(f.wg[c]), float64(f.wb[c])
	}
	um, ul := split[T](u1 - float64(f.k[3*f.w+c]))
	gm, gl := split[T](g1 - float64(f.k[4*f.w+c]))

	gx := r * (wg - s*a)                // dg: factor of xc
	du, dg := -s*r*b, r*(wg-s*a)        // dx2: factors of u-um, g-gm
	dx := r * (-s*r*(q-2*a*b) - r*wg*b) // dx2: factor of xc
	for i, e := range [...]float64{
		-float64(um), s, gx, wb - s*ul - gx*xm,
		-float64(gm), du, dg, dx, -du*ul - dg*gl - dx*xm,
	} {
		f.k[(3+i)*f.w+c] = T(e)
	}
}
