package kernels

// Winograd's F(2x2, 3x3) (Lavin and Gray, arXiv:1509.09308), for [ConvWinograd2]: an
// output patch of 2 x 2 from an input patch of 4 x 4 by 16 products instead of 36. Its
// transforms only add and subtract, so it rounds no worse than the definition.
//
// Even and odd columns of an image lie apart, so that a step of a transform is one
// loop over a whole row of patches, and the products are matrix products.

// wino2Positions is the number of products of a patch and channel.
const wino2Positions = 16

// wino2Patches is the number of patches in a unit of work, if images allow: what they
// become stays in the second-level cache.
const wino2Patches = 64

// wino2MinChannels is the fewest channels on both sides for which the transforms pay.
const wino2MinChannels = 48

// winograd2 reports whether the convolution is computed that way: by its shape alone.
func (g *ConvAttr) winograd2() bool {
	return g.Algorithm == ConvWinograd2 && g.KH == 3 && g.KW == 3 && g.StrideH == 1 && g.StrideW == 1 &&
		g.DilationH == 1 && g.DilationW == 1 && g.Groups == 1 && g.PadH <= 2 && g.PadW <= 2 && min(g.C, g.K) >= wino2MinChannels &&
		min(g.N, g.H, g.W, g.OutH, g.OutW) > 0
}

// wino2 is a convolution of one shape in one direction.
type wino2 struct {
	n              int
	inH, inW, inC  int
	outH, outW     int
	outC           int
	padH, padW     int
	patchH, patchW int // patches of an image
	images         int // of a unit of work,
	bandRows       int // or its rows of patches,
	bands          int // and the units of an image
	// The operands and results; weights are transformed.
	x, y, u, sums []float32
	parts         int // partial sums of a weight gradient
}

func (g *ConvAttr) forward2() wino2 {
	return wino2{n: g.N, inH: g.H, inW: g.W, inC: g.C, outH: g.OutH, outW: g.OutW, outC: g.K, padH: g.PadH, padW: g.PadW}.divided()
}

// backward2 is the input's gradient: a convolution of dy with the kernel turned round.
func (g *ConvAttr) backward2() wino2 {
	return wino2{n: g.N, inH: g.OutH, inW: g.OutW, inC: g.K, outH: g.H, outW: g.W, outC: g.C, padH: 2 - g.PadH, padW: 2 - g.PadW}.divided()
}

func (w wino2) divided() wino2 {
	w.patchH, w.patchW = (w.outH+1)/2, (w.outW+1)/2
	w.images = min(w.n, max(1, wino2Patches/(w.patchH*w.patchW)))
	w.bandRows = min(w.patchH, max(1, wino2Patches/w.patchW))
	w.bands = (w.patchH + w.bandRows - 1) / w.bandRows
	w.parts = min(w.units(), weightGradParts)
	return w
}

// units is the number of units of work, band what images and rows of patches unit i has.
func (w *wino2) units() int { return (w.n + w.images - 1) / w.images * w.bands }

func (w *wino2) band(i int) (b wino2Band) {
	b.first, b.lo = i/w.bands*w.images, i%w.bands*w.bandRows
	b.images, b.hi = min(w.images, w.n-b.first), min(w.patchH, b.lo+w.bandRows)
	b.rows = b.images * (b.hi - b.lo) * w.patchW
	return b
}

// wino2Band is a unit of work: some images, some rows of patches of each, and the number
// of all those patches.
type wino2Band struct{ first, images, lo, hi, rows int }

// at is the place of the patches of row ph of image k among all, for a position.
func (w *wino2) at(b wino2Band, position, k, ph int) int {
	return position*b.rows + (k*(b.hi-b.lo)+ph-b.lo)*w.patchW
}

// conv2 is the convolution of x with w, in the given direction.
func conv2(w wino2, y, x, weights []float32, turned bool) {
	u := borrow[float32](wino2Positions * w.inC * w.outC)
	defer giveBack(u)
	share(w.inC, wino2Weights{u.data, weights, w.inC, w.outC, turned})
	w.x, w.y, w.u = x, y, u.data
	share(w.units(), wino2Unit{w})
}

// wino2Weights transforms the weights of an input channel: U = G w G^T. With turned the
// kernel is turned round and inputs and outputs change places.
type wino2Weights struct {
	u, w      []float32
	inC, outC int
	turned    bool
}

func (j *wino2Weights) piece(c int) {
	var k, half [12]float32
	for o := range j.outC {
		for t := range 9 {
			if j.turned {
				k[t] = j.w[((8-t)*j.outC+o)*j.inC+c]
			} else {
				k[t] = j.w[(t*j.inC+c)*j.outC+o]
			}
		}
		for i := range 3 { // along the rows: 3 x 3 to 4 x 3
			a, b, d := k[i], k[3+i], k[6+i]
			half[i], half[3+i], half[6+i], half[9+i] = a, 0.5*(a+b+d), 0.5*(a-b+d), d
		}
		for i := range 4 {
			a, b, d := half[3*i], half[3*i+1], half[3*i+2]
			for p, v := range [4]float32{a, 0.5 * (a + b + d), 0.5 * (a - b + d), d} {
				j.u[((4*i+p)*j.inC+c)*j.outC+o] = v
			}
		}
	}
}

// wino2Unit convolves some images.
type wino2Unit struct{ wino2 }

func (w *wino2Unit) piece(i int) {
	b := w.band(i)
	rows := b.rows
	v, m := borrow[float32](wino2Positions*rows*w.inC), borrow[float32](wino2Positions*rows*w.outC)
	defer giveBack(v)
	defer giveBack(m)
	for k := range b.images {
		w.inputs(v.data, b, k)
	}
	for p := range wino2Positions {
		Gemm(false, false, rows, w.outC, w.inC, v.data[p*rows*w.inC:], w.inC, w.u[p*w.inC*w.outC:], w.outC, m.data[p*rows*w.outC:], w.outC, false)
	}
	for k := range b.images {
		w.outputs(m.data, b, k)
	}
}

// inputs transforms the patches of image k of a unit: V = B^T d B. v holds, for each
// position, the channels of all patches.
func (w *wino2) inputs(v []float32, b wino2Band, k int) {
	x := w.x[(b.first+k)*w.inH*w.inW*w.inC:]
	half := (w.patchW + 1) * w.inC // even or odd columns of a padded row
	padded := borrow[float32](4 * 2 * half)
	mixed := borrow[float32](2 * half)
	defer giveBack(padded)
	defer giveBack(mixed)
	line := func(r int) []float32 { return padded.data[r%4*2*half:][:2*half] }
	n := w.patchW * w.inC
	for r := 2 * b.lo; r < 2*b.lo+2; r++ {
		w.split(line(r), half, x, r-w.padH)
	}
	for ph := b.lo; ph < b.hi; ph++ {
		for r := 2*ph + 2; r < 2*ph+4; r++ {
			w.split(line(r), half, x, r-w.padH)
		}
		d0, d1, d2, d3 := line(2*ph), line(2*ph+1), line(2*ph+2), line(2*ph+3)
		for i := range 4 {
			t := mixed.data
			switch i {
			case 0:
				vecSub(t, d0, d2)
			case 1:
				vecAdd(t, d1, d2)
			case 2:
				vecSub(t, d2, d1)
			case 3:
				vecSub(t, d1, d3)
			}
			e0, o1, e2, o3 := t[:n], t[half:][:n], t[w.inC:][:n], t[half+w.inC:][:n]
			at := func(j int) []float32 {
				return v[w.at(b, 4*i+j, k, ph)*w.inC:][:n]
			}
			vecSub(at(0), e0, e2)
			vecAdd(at(1), o1, e2)
			vecSub(at(2), e2, o1)
			vecSub(at(3), o1, o3)
		}
	}
}

// split copies row r of an image, zeros outside of it, even columns first.
func (w *wino2) split(to []float32, half int, x []float32, r int) {
	clear(to)
	if r < 0 || r >= w.inH {
		return
	}
	row := x[r*w.inW*w.inC:][:w.inW*w.inC]
	for col := range w.inW {
		p := col + w.padW
		if p >= 2*w.patchW+2 {
			break // beyond the last patch
		}
		copy(to[p%2*half+p/2*w.inC:][:w.inC], row[col*w.inC:])
	}
}

// outputs transforms the products of image k back: y = A^T M A.
func (w *wino2) outputs(m []float32, b wino2Band, k int) {
	y := w.y[(b.first+k)*w.outH*w.outW*w.outC:]
	n := w.patchW * w.outC
	scratch := borrow[float32](6 * n)
	defer giveBack(scratch)
	piece := func(i int) []float32 { return scratch.data[i*n:][:n] }
	for ph := b.lo; ph < b.hi; ph++ {
		for r := range min(2, w.outH-2*ph) {
			for j := range 4 { // down the columns
				at := func(i int) []float32 {
					return m[w.at(b, 4*i+j, k, ph)*w.outC:][:n]
				}
				fold(piece(j), at(r), at(1), at(2), at(3), r)
			}
			for c := range 2 {
				fold(piece(4+c), piece(c), piece(1), piece(2), piece(3), c)
			}
			row := y[(2*ph+r)*w.outW*w.outC:][:w.outW*w.outC]
			for col := range w.outW {
				copy(row[col*w.outC:][:w.outC], piece(4 + col%2)[col/2*w.outC:])
			}
		}
	}
}

// fold is a row of A^T: a+b+c for row 0, where a is the first of four, and b-c-d for
// row 1.
func fold(y, a, b, c, d []float32, row int) {
	if row == 0 {
		vecAdd(y, a, b)
		vecAdd(y, y, c)
		return
	}
	vecSub(y, b, c)
	vecSub(y, y, d)
}

// weightGrad2 sums the transformed products of x and dy over all patches, in a number of
// parts that the shape decides, and transforms the sum: dw = G^T (sum V^T E) G.
func weightGrad2(w wino2, dw, x, dy []float32) {
	size := wino2Positions * w.inC * w.outC
	sums := borrow[float32](w.parts * size)
	defer giveBack(sums)
	w.x, w.y, w.sums = x, dy, sums.data
	share(w.parts, wino2Sum{w})
	share(w.inC, wino2Kernel{w, dw})
}

// wino2Sum computes one partial sum, over some of the units.
type wino2Sum struct{ wino2 }

func (w *wino2Sum) piece(part int) {
	size := wino2Positions * w.inC * w.outC
	sum := w.sums[part*size:][:size]
	lo, hi := part*w.units()/w.parts, (part+1)*w.units()/w.parts
	for i := lo; i < hi; i++ {
		w.add(sum, w.band(i), i > lo)
	}
}

// add sums over a unit.
func (w *wino2Sum) add(sum []float32, b wino2Band, accumulate bool) {
	rows := b.rows
	v, e := borrow[float32](wino2Positions*rows*w.inC), borrow[float32](wino2Positions*rows*w.outC)
	defer giveBack(v)
	defer giveBack(e)
	for k := range b.images {
		w.inputs(v.data, b, k)
		w.cotangents(e.data, b, k)
	}
	for p := range wino2Positions {
		Gemm(true, false, w.inC, w.outC, rows, v.data[p*rows*w.inC:], w.inC, e.data[p*rows*w.outC:], w.outC, sum[p*w.inC*w.outC:], w.outC, accumulate)
	}
}

// cotangents transforms patches of 2 x 2 outputs to 4 x 4: E = A dy A^T.
func (w *wino2) cotangents(e []float32, b wino2Band, k int) {
	dy := w.y[(b.first+k)*w.outH*w.outW*w.outC:]
	n := w.patchW * w.outC // even or odd columns of a row
	scratch := borrow[float32](6 * n)
	defer giveBack(scratch)
	for ph := b.lo; ph < b.hi; ph++ {
		row0, row1, mixed := scratch.data[:2*n], scratch.data[2*n:4*n], scratch.data[4*n:]
		w.splitOutputs(row0, n, dy, 2*ph)
		w.splitOutputs(row1, n, dy, 2*ph+1)
		for i := range 4 {
			t := mixed
			switch i {
			case 0:
				t = row0
			case 1:
				vecAdd(t, row0, row1)
			case 2:
				vecSub(t, row0, row1)
			case 3:
				vecScale(t, row1, -1)
			}
			at := func(j int) []float32 {
				return e[w.at(b, 4*i+j, k, ph)*w.outC:][:n]
			}
			copy(at(0), t[:n])
			vecAdd(at(1), t[:n], t[n:])
			vecSub(at(2), t[:n], t[n:])
			vecScale(at(3), t[n:], -1)
		}
	}
}

// splitOutputs copies row r of outputs, zeros below the last, even columns first.
func (w *wino2) splitOutputs(to []float32, half int, y []float32, r int) {
	clear(to)
	if r >= w.outH {
		return
	}
	row := y[r*w.outW*w.outC:][:w.outW*w.outC]
	for col := range w.outW {
		copy(to[col%2*half+col/2*w.outC:][:w.outC], row[col*w.outC:])
	}
}

// wino2Kernel adds the partial sums of an input channel up and transforms them.
type wino2Kernel struct {
	wino2
	dw []float32
}

func (w *wino2Kernel) piece(c int) {
	size := wino2Positions * w.inC * w.outC
	for o := range w.outC {
		var s [16]float32
		for p := range s {
			at := (p*w.inC+c)*w.outC + o
			for part := range w.parts {
				s[p] += w.sums[part*size+at]
			}
		}
		var half [12]float32
		for j := range 4 {
			a, b, d, e := s[j], s[4+j], s[8+j], s[12+j]
			half[j], half[4+j], half[8+j] = a+0.5*(b+d), 0.5*(b-d), 0.5*(b+d)+e
		}
		for i := range 3 {
			a, b, d, e := half[4*i], half[4*i+1], half[4*i+2], half[4*i+3]
			for j, v := range [3]float32{a + 0.5*(b+d), 0.5 * (b - d), 0.5*(b+d) + e} {
				w.dw[((3*i+j)*w.inC+c)*w.outC+o] = v
			}
		}
	}
}
