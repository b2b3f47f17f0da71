package kernels

// The kernels of batch norm without scale and shift, for channels that are
// normalised once and read by many. xh takes the place of x: no kernel but the
// first sees x. Attribute *[NormAttr], without ReLU.
var (
	// Normalise: In x [M,C]; Out xh [M,C] = (x-mean)*rstd, rstd [C], mean [C],
	// var [C].
	Normalise = New("normalise", normalise[float32], normalise[float64])

	// NormaliseGrad: In g [M,C], xh, rstd, w [C] (the cotangents of xh and, or nil,
	// of rstd); Out dx [M,C] = rstd*(g - <g> - xh*<g*xh>) - rstd^2*xh*w/M.
	NormaliseGrad = New("normalise.grad", normaliseGrad[float32], normaliseGrad[float64])

	// NormaliseGrad2 differentiates NormaliseGrad as a function of its operands:
	// In u [M,C] (the cotangent of dx), g, xh, rstd, w (or nil); with a = <u*xh>,
	// b = <g*xh> Out
	//
	//	dg    = rstd*(u - <u> - xh*a)
	//	dxh   = -rstd*(b*u + a*g) - rstd^2*u*w/M
	//	drstd = sum u*(g - <g> - xh*b) - 2*rstd*a*w
	//	dw    = -rstd^2*a
	NormaliseGrad2 = New("normalise.grad2", normaliseGrad2[float32], normaliseGrad2[float64])
)

func normalise[T Float](a *Args) {
	at := a.Attr.(*NormAttr)
	l := newNormLayout(at.M, at.C)
	n := at.M * at.C
	x, xh := Data[T](a.In[0])[:n], Data[T](a.Out[0])[:n]
	rstd, mean, variance := Data[T](a.Out[1])[:at.C], Data[T](a.Out[2])[:at.C], Data[T](a.Out[3])[:at.C]
	normMoments(l, x, at.Eps, mean, rstd, variance)
	k := borrow[T](3 * l.w)
	defer giveBack(k)
	for c := range at.C {
		k.data[c], k.data[l.w+c], k.data[2*l.w+c] = -mean[c], rstd[c], 0
	}
	applyAll(l, xh, x, k.data, false)
}

// noMask fills the first three wide rows of k for xh, which is centred already
// and not masked.
func noMask[T Float](k []T, w int) {
	clear(k[:2*w])
	vecFill(k[2*w:3*w], 1)
}

func normaliseGrad[T Float](a *Args) {
	at := a.Attr.(*NormAttr)
	l := newNormLayout(at.M, at.C)
	n, w := at.M*at.C, l.w
	g, xh, dx := Data[T](a.In[0])[:n], Data[T](a.In[1])[:n], Data[T](a.Out[0])[:n]
	rstd, dr := Data[T](a.In[2])[:at.C], optional[T](a.In[3], at.C)

	kp := borrow[T](7 * w)
	defer giveBack(kp)
	k := kp.data
	noMask(k, w)
	sampleMean(k[3*w:4*w], g, at.M, at.C)
	widen(l, k, 4)
	total := sumsOf(l, 3, gradSums[T]{g, xh, k, w})
	defer giveBack(total)
	sums, m := total.data, float64(at.M)
	for c := range at.C {
		r, shift := float64(rstd[c]), float64(k[3*w+c])
		gm := sums[c]/m - shift
		b := sums[at.C+c]/m - shift*sums[2*at.C+c]/m
		e := -r * b
		if dr != nil {
			e -= r * r * float64(dr[c]) / m
		}
		hi, lo := split[T](gm)
		k[3*w+c], k[4*w+c], k[5*w+c], k[6*w+c] = -hi, T(r), T(e), T(-r*lo)
	}
	widen(l, k, 7)
	stream := l.stream()
	rowsOf(l, rowGrad[T]{dx, g, xh, nil, k, w, stream})
}

func optional[T Float](b Buffer, n int) []T {
	if b == nil {
		return nil
	}
	return Data[T](b)[:n]
}

func normaliseGrad2[T Float](a *Args) {
	at := a.Attr.(*NormAttr)
	l := newNormLayout(at.M, at.C)
	n, w := at.M*at.C, l.w
	u, g, xh := Data[T](a.In[0])[:n], Data[T](a.In[1])[:n], Data[T](a.In[2])[:n]
	rstd, dr := Data[T](a.In[3])[:at.C], optional[T](a.In[4], at.C)
	dg, dxh := Data[T](a.Out[0])[:n], Data[T](a.Out[1])[:n]
	drstd, dw := Data[T](a.Out[2])[:at.C], Data[T](a.Out[3])[:at.C]

	kp := borrow[T](12 * w)
	defer giveBack(kp)
	k := kp.data
	noMask(k, w)
	sampleMean(k[3*w:4*w], u, at.M, at.C)
	sampleMean(k[4*w:5*w], g, at.M, at.C)
	widen(l, k, 5)
	total := sumsOf(l, 6, grad2Sums[T]{u, g, xh, k, w})
	defer giveBack(total)
	for c := range at.C {
		var v [6]float64 // the means of u', g', xh, u'*xh, g'*xh, u'*g'
		for i := range v {
			v[i] = total.data[i*at.C+c] / float64(at.M)
		}
		us, gs, r := float64(k[3*w+c]), float64(k[4*w+c]), float64(rstd[c])
		um, gm := v[0]-us, v[1]-gs
		ua, gb := v[3]-us*v[2], v[4]-gs*v[2]
		var wm float64
		if dr != nil {
			wm = float64(dr[c]) / float64(at.M)
		}
		drstd[c] = T(float64(at.M) * (v[5] - v[0]*v[1] - ua*gb - 2*r*ua*wm))
		dw[c] = T(-r * r * ua)
		uh, ul := split[T](um)
		gh := T(gm)
		du, dgf := -r*gb-r*r*wm, -r*ua
		for i, e := range [...]float64{
			-float64(uh), r, -r * ua, -r * ul,
			-float64(gh), du, dgf, 0, du*float64(uh) + dgf*float64(gh),
		} {
			k[(3+i)*w+c] = T(e)
		}
	}
	widen(l, k, 12)
	stream := l.stream()
	rowsOf(l, rowGrad2[T]{dg: dg, dx: dxh, u: u, g: g, x: xh, k: k, w: w, stream: stream})
}
