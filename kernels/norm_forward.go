package kernels

import "math"

func batchNorm[T Float](a *Args) {
	at := a.Attr.(*NormAttr)
	l := newNormLayout(at.M, at.C)
	n := at.M * at.C
	x, gamma, beta := Data[T](a.In[0])[:n], Data[T](a.In[1])[:at.C], Data[T](a.In[2])[:at.C]
	y, mean := Data[T](a.Out[0])[:n], Data[T](a.Out[1])[:at.C]
	rstd, variance := Data[T](a.Out[2])[:at.C], Data[T](a.Out[3])[:at.C]
	normMoments(l, x, at.Eps, mean, rstd, variance)

	k := borrow[T](3 * l.w)
	defer giveBack(k)
	maskConstants(k.data, l.w, true, gamma, beta, mean, rstd)
	applyAll(l, y, x, k.data, at.ReLU)
}

func batchNormApply[T Float](a *Args) {
	at := a.Attr.(*NormAttr)
	l := newNormLayout(at.M, at.C)
	n := at.M * at.C
	x, gamma, beta := Data[T](a.In[0])[:n], Data[T](a.In[1])[:at.C], Data[T](a.In[2])[:at.C]
	mean, rstd := Data[T](a.In[3])[:at.C], Data[T](a.In[4])[:at.C]
	k := borrow[T](3 * l.w)
	defer giveBack(k)
	maskConstants(k.data, l.w, true, gamma, beta, mean, rstd)
	applyAll(l, Data[T](a.Out[0])[:n], x, k.data, at.ReLU)
}

func channelAffine[T Float](a *Args) {
	at := a.Attr.(*NormAttr)
	l := newNormLayout(at.M, at.C)
	n := at.M * at.C
	x, scale, shift := Data[T](a.In[0])[:n], Data[T](a.In[1])[:at.C], Data[T](a.In[2])[:at.C]
	k := borrow[T](3 * l.w)
	defer giveBack(k)
	clear(k.data[:l.w])
	copy(k.data[l.w:], scale)
	copy(k.data[2*l.w:], shift)
	if skip := addend[T](a, 3, n); skip != nil {
		applyAddAll(l, Data[T](a.Out[0])[:n], x, skip, k.data, at.ReLU)
		return
	}
	applyAll(l, Data[T](a.Out[0])[:n], x, k.data, at.ReLU)
}

// applyAll repeats the constants -mu, s, b of k to wide rows and computes
// y = max(floor, fma(x-mu, s, b)).
func applyAll[T Float](l normLayout, y, x, k []T, relu bool) {
	widen(l, k, 3)
	low, stream := floorOf[T](relu), l.stream()
	rowsOf(l, rowApply[T]{y, x, nil, k, l.w, low, stream})
}

// momentsJob computes the moments of a chunk.
type momentsJob[T Float] struct {
	normLayout
	x     []T
	parts []float64
}

func (j *momentsJob[T]) piece(i int) {
	lo, hi := j.span(i)
	chunkMoments(j.normLayout, j.x[lo:hi], j.parts[2*i*j.c:2*(i+1)*j.c])
}

// normMoments computes mean, 1/sqrt(var+eps) and var over the rows of x. Every
// chunk subtracts a shift of its own, close to its mean, before it squares, and
// the chunks are merged in order as in Chan, Golub and LeVeque (1983): nothing
// cancels where |mean| is far above the deviation.
func normMoments[T Float](l normLayout, x []T, eps float64, mean, rstd, variance []T) {
	parts := borrow[float64](l.chunks * 2 * l.c)
	defer giveBack(parts)
	share(l.chunks, momentsJob[T]{l, x, parts.data})
	mu, m2 := parts.data[:l.c], parts.data[l.c:2*l.c]
	var done float64
	for i := range l.chunks {
		lo, hi := l.span(i)
		rows := float64((hi - lo) / l.c)
		if i > 0 {
			p := parts.data[2*i*l.c : 2*(i+1)*l.c]
			mergeMoments(mu, m2, p[:l.c], p[l.c:], done, rows)
		}
		done += rows
	}
	for c := range l.c {
		v := m2[c] / done
		mean[c], variance[c] = T(mu[c]), T(v)
		rstd[c] = T(1 / math.Sqrt(v+eps))
	}
}

// chunkMoments computes the mean and the sum of squared deviations of the
// channels of one chunk into out[:c] and out[c:].
func chunkMoments[T Float](l normLayout, x []T, out []float64) {
	shift := borrow[T](l.w)
	defer giveBack(shift)
	rows := len(x) / l.c
	sampleMean(shift.data, x, rows, l.c)
	widen(l, shift.data, 1)
	wide := borrow[float64](2 * l.w)
	defer giveBack(wide)
	clear(wide.data)
	momentRows(x, shift.data, wide.data, l.w)
	l.fold(out, wide.data, 2)
	n := float64(rows)
	for c := range l.c {
		s, q := out[c], out[l.c+c]
		out[c] = s/n - float64(shift.data[c])
		out[l.c+c] = max(q-s*s/n, 0)
	}
}

// sampleRows returns where eight rows spread over an [m, c] tensor begin. One row
// would do for a shift, were it not that the first pixel of an image is often unlike
// the rest.
func sampleRows(m, c int) [8]int {
	var at [8]int
	for i := range at {
		at[i] = (2*i + 1) * m / 16 * c
	}
	return at
}

// sampleMean sets shift to minus the mean of a few of the m rows of x.
func sampleMean[T Float](shift, x []T, m, c int) {
	rows := sampleRows(m, c)
	for j := range c {
		var sum T
		for _, row := range rows {
			sum += x[row+j]
		}
		shift[j] = -sum / T(len(rows))
	}
}

// mergeMoments merges the moments of n2 rows into those of n1 rows.
func mergeMoments(mu1, m1, mu2, m2 []float64, n1, n2 float64) {
	f, h := n2/(n1+n2), n1*n2/(n1+n2)
	m1, mu2, m2 = m1[:len(mu1)], mu2[:len(mu1)], m2[:len(mu1)]
	for c := range mu1 {
		d := mu2[c] - mu1[c]
		mu1[c] += d * f
		m1[c] += m2[c] + d*d*h
	}
}
