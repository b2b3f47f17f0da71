//go:build amd64 && !noasm

package kernels

import "unsafe"

// convTiles is ConvForward by micro-kernels; it reports false where there are
// none.
func convTiles(y, sum, x, w []float32, g *ConvAttr) bool {
	if tiles.lanes == 0 || g.patchLen() == 0 || len(y) == 0 {
		return false
	}
	if g.pointwise() {
		return gemmTiles(false, false, g.N*g.H*g.W, g.K, g.C, x, g.C, w, g.K, y, g.K, begin(y, sum, g.N, g.H*g.W*g.K))
	}
	if g.winograd() {
		winoForwardPlans.get(g, newWinoForward).run(y, sum, x, w)
		return true
	}
	forwardPlans.get(g, newForward).run(y, sum, x, w)
	return true
}

// convInputGradTiles is ConvInputGrad by micro-kernels.
func convInputGradTiles(dx, sum, dy, w []float32, g *ConvAttr) bool {
	if tiles.lanes == 0 || g.patchLen() == 0 || g.K == 0 || len(dx) == 0 || len(dy) == 0 {
		return false
	}
	if g.pointwise() {
		return gemmTiles(false, true, g.N*g.H*g.W, g.C, g.K, dy, g.K, w, g.K, dx, g.C, begin(dx, sum, g.N, g.H*g.W*g.C))
	}
	if g.winograd() {
		winoInputPlans.get(g, newWinoInputGrad).run(dx, sum, dy, w)
		return true
	}
	inputPlans.get(g, newInputGrad).run(dx, sum, dy, w)
	return true
}

// pointwise tells a convolution that is a plain matrix product.
func (g *ConvAttr) pointwise() bool {
	return g.KH == 1 && g.KW == 1 && g.StrideH == 1 && g.StrideW == 1 && g.PadH == 0 && g.PadW == 0 && g.Groups == 1 &&
		g.OutH == g.H && g.OutW == g.W
}

// begin puts n pieces of sum into out, for kernels that add to what they find, and
// reports whether there is a sum.
func begin(out, sum []float32, n, piece int) bool {
	if sum == nil || &out[0] == &sum[0] {
		return sum != nil
	}
	For(n, func(i int) { copy(out[i*piece:(i+1)*piece], sum[i*piece:]) })
	return true
}

// run computes the correlation, added to sum if there is one.
func (c *corr) run(out, sum, in, w []float32) {
	weights := borrow[float32](c.packed)
	defer giveBack(weights)
	c.pack(weights.data, w)
	units := c.units()
	chunk := unitChunk(units)
	share((units+chunk-1)/chunk, corrJob{c, out, sum, in, weights.data, units, chunk})
}

// corrJob computes some units of a correlation.
type corrJob struct {
	*corr
	out, sum, in, weights []float32
	units, chunk          int
}

func (j *corrJob) piece(i int) {
	for u := i * j.chunk; u < min(j.units, (i+1)*j.chunk); u++ {
		img, imgs, row, rows := j.unitAt(u, j.outH)
		j.begin(j.out, j.sum, img, imgs, row, rows)
		j.unit(j.out, j.in, j.weights, img, imgs, row, rows, j.sum != nil)
	}
}

// begin puts the part of sum that a unit adds to into its place.
func (c *corr) begin(out, sum []float32, img, imgs, row, rows int) {
	if sum == nil || &out[0] == &sum[0] {
		return
	}
	step, line := c.classes[0].rowStep, c.outW*c.outC
	for i := img; i < img+imgs; i++ {
		lo, hi := (i*c.outH+row*step)*line, (i*c.outH+min((row+rows)*step, c.outH))*line
		copy(out[lo:hi], sum[lo:hi])
	}
}

// unitChunk is the number of neighbouring units that one thread computes, while
// it fetches the next from memory.
func unitChunk(units int) int { return max(1, min(8, units/(4*Workers()))) }

// unit computes rows [row, row+rows) of every class for some images.
func (c *corr) unit(out, in, weights []float32, img, imgs, row, rows int, add bool) {
	size := c.inH * c.inW * c.inC
	f := fetcher{calls: c.calls}
	f.pieces[0] = c.following(in, img, imgs, row, rows)
	if c.inPlace {
		c.classesOf(out, in[c.place(img, row):], weights, &f, img, imgs, row, rows, add)
		return
	}
	// The last group of a row of outputs may read three outputs further.
	pad := borrow[float32](imgs*c.floats() + 3*c.stepW*c.pixel)
	defer giveBack(pad)
	for i := range imgs {
		c.pad(pad.data[i*c.floats():], in[(img+i)*size:][:size], row*c.stepH-c.top)
	}
	c.classesOf(out, pad.data, weights, &f, img, imgs, row, rows, add)
}

func (c *corr) classesOf(out, pad, weights []float32, f *fetcher, img, imgs, row, rows int, add bool) {
	for i := range c.classes {
		k := &c.classes[i]
		n := min(rows, k.outH-row) // rows of this class, the last band has fewer
		if n <= 0 {
			continue
		}
		first := ((img*c.outH+k.row0+row*k.rowStep)*c.outW + k.col0) * c.outC
		if len(k.taps) == 0 {
			if !add {
				c.zero(k, out[first:], imgs, n)
			}
			continue
		}
		for q := range c.groups {
			c.classUnit(k, out[first+q*c.cout:], pad[q*c.cin:], weights[c.packedAt(k, q):], f, imgs*n, add)
		}
	}
}

// packedAt is where the weights of group q of a class begin.
func (c *corr) packedAt(k *corrClass, q int) int {
	return k.packedAt + q*k.strips.packed(len(k.taps)*c.cin)
}

// classUnit computes lines rows of outputs of one class and one group.
func (c *corr) classUnit(k *corrClass, out, pad, weights []float32, f *fetcher, lines int, add bool) {
	p := tileArgs{
		a: unsafe.Pointer(&pad[0]), segs: unsafe.Pointer(&k.segs[0]), nsegs: len(k.segs), k: k.segSteps,
		lda: 4 * c.stepW * c.pixel,
	}
	if add {
		p.add = 1
	}
	for s := range k.strips.count {
		col, cols, vecs := k.strips.at(s)
		p.b = unsafe.Pointer(&weights[col*len(k.taps)*c.cin])
		p.mask = tiles.maskFor(cols)
		p.c, p.ldc, p.ahead = unsafe.Pointer(&out[col]), 4*k.colStep*c.outC, 1
		full := k.full[:lines*(k.outW/4)]
		f.aim(&p, tiles.n[vecs], 4*len(full))
		tiles.runN(p, vecs, full)
		if k.outW%4 != 0 {
			c.partial(k, p, out[col:], cols, vecs, lines)
		}
	}
}

// partial computes the last one to three outputs of every row: a whole group
// of four into scratch, from which they are copied.
func (c *corr) partial(k *corrClass, p tileArgs, out []float32, cols, vecs, lines int) {
	var tile [4 * tailCols]float32
	add := p.add != 0
	p.c, p.ldc, p.ahead, p.add = unsafe.Pointer(&tile[0]), 4*tailCols, 0, 0
	group := [1]tileGroup{}
	for _, part := range k.part[:lines] {
		group[0] = tileGroup{a: part.a}
		tiles.runN(p, vecs, group[:])
		for j := range k.outW % 4 {
			storeRow(out[part.c/4+j*k.colStep*c.outC:][:cols], tile[j*tailCols:], add)
		}
	}
}

// zero clears outputs that no tap reaches.
func (c *corr) zero(k *corrClass, out []float32, imgs, rows int) {
	for i := range imgs {
		for r := range rows {
			for j := range k.outW {
				clear(out[((i*c.outH+r*k.rowStep)*c.outW+j*k.colStep)*c.outC:][:c.outC])
			}
		}
	}
}

// pack brings the weights into strips, in the order of the taps.
func (c *corr) pack(packed, w []float32) {
	for i := range c.classes {
		k := &c.classes[i]
		steps := len(k.taps) * c.cin
		job := corrPack{c, k, packed, w}
		if steps*c.cout < 1<<14 {
			for j := range c.groups * k.strips.count {
				job.piece(j)
			}
			continue
		}
		share(c.groups*k.strips.count, job)
	}
}

// corrPack packs one strip of the weights of one group.
type corrPack struct {
	*corr
	k         *corrClass
	packed, w []float32
}

func (j *corrPack) piece(i int) {
	k, c := j.k, j.corr
	q := i / k.strips.count
	col, cols, vecs := k.strips.at(i % k.strips.count)
	dst := j.packed[c.packedAt(k, q)+col*len(k.taps)*c.cin:]
	if c.fold > 1 {
		c.packFolded(k, dst, vecs*tiles.lanes, j.w)
		return
	}
	for t, tap := range k.taps {
		c.packTap(dst[t*c.cin*vecs*tiles.lanes:], vecs*tiles.lanes, j.w, tap.weights[0], q, col, cols)
	}
}

// packTap packs columns [col, col+cols) of one tap's matrix, cin x cout; the
// weights hold it that way, or transposed for the gradient.
func (c *corr) packTap(dst []float32, width int, w []float32, tap, q, col, cols int) {
	if c.direction == inputDirection {
		packColumns(dst, width, w[(tap*c.cout+col)*c.inC+q*c.cin:], c.inC, c.cin, cols)
		return
	}
	packRows(dst, width, w[tap*c.cin*c.outC+q*c.cout+col:], c.outC, c.cin, cols)
}

func (c *corr) packFolded(k *corrClass, dst []float32, width int, w []float32) {
	clear(dst[:len(k.taps)*c.cin*width])
	for t, tap := range k.taps {
		for f, index := range tap.weights[:c.fold] {
			if index < 0 {
				continue
			}
			for i := range c.cin {
				row := dst[(t*c.cin+i)*width+f*c.cout:]
				for o := range c.cout {
					if c.direction == inputDirection {
						row[o] = w[(index*c.cout+o)*c.inC+i]
					} else {
						row[o] = w[(index*c.cin+i)*c.outC+o]
					}
				}
			}
		}
	}
}

// winograd reports whether the convolution is computed that way: by its shape
// alone.
func (g *ConvAttr) winograd() bool {
	switch {
	case g.Algorithm == ConvDirect, g.Algorithm == ConvWinograd2, g.KH != 3 || g.KW != 3, g.StrideH != 1 || g.StrideW != 1,
		g.DilationH != 1 || g.DilationW != 1, g.Groups != 1, g.PadH > 2 || g.PadW > 2, g.C == 0 || g.K == 0:
		return false
	case g.Algorithm == ConvWinograd:
		return true
	}
	// Patches that hang over the edge are work for nothing.
	patches := ((g.OutH + 3) / 4) * ((g.OutW + 3) / 4)
	return min(g.C, g.K) >= winoMinChannels && g.N*patches >= winoMinPatches && 10*g.OutH*g.OutW >= 7*16*patches
}
