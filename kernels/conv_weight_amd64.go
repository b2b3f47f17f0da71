//go:build amd64 && !noasm

package kernels

import "unsafe"

const (
	// partFloats bounds the memory of the partial sums of a weight gradient.
	partFloats = 2 << 20
	// weightTasks is the number of independent pieces that a weight gradient
	// is cut into where it can be.
	weightTasks = weightGradParts
)

// weightGrad is a plan of a weight gradient: for each tap the product of the
// input, transposed, and of the output's gradient, over all pixels. Taps that
// are neighbours in the padded input are one product with more rows.
type weightGrad struct {
	*corr         // the forward convolution: padded input, units
	blocks        []weightBlock
	segs          []segmentT // of every row of outputs of a unit
	strips        panels
	parts, splits int // partial sums, and pieces of the columns
	total         int // floats of dw
}

// weightBlock is a run of taps: its place in the padded input, its rows, and
// its first row in dw.
type weightBlock struct{ offset, rows, row int }

func newWeightGrad(g *ConvAttr) *weightGrad {
	c := newCorr(g, weightDirection)
	k := &c.classes[0]
	w := &weightGrad{corr: c, strips: tiles.panels(c.cout), total: g.patchLen() * g.K}
	for i, s := range k.segs {
		w.blocks = append(w.blocks, weightBlock{s, k.segSteps, i * k.segSteps})
	}
	for img := range c.images {
		for i := range c.bandRows {
			line := len(w.segs)
			w.segs = append(w.segs, segmentT{4 * (img*c.rows + i*c.stepH) * c.cols * c.pixel, 4 * line * c.outW * c.outC})
		}
	}
	w.parts = max(1, min(weightGradParts, w.units(), partFloats/w.total))
	w.splits = min(w.strips.count, (weightTasks+w.parts-1)/w.parts)
	return w
}

// convWeightGradTiles is ConvWeightGrad by micro-kernels.
func convWeightGradTiles(dw, x, dy []float32, g *ConvAttr) bool {
	if tiles.lanes == 0 || g.patchLen() == 0 || g.K == 0 || len(dy) == 0 || g.N == 0 {
		return false
	}
	if g.winograd() {
		winoWeightPlans.get(g, newWinoWeightGrad).run(dw, x, dy)
		return true
	}
	w := weightPlans.get(g, newWeightGrad)
	sums := dw[:w.total]
	if w.parts > 1 {
		parts := borrow[float32](w.parts * w.total)
		defer giveBack(parts)
		sums = parts.data
	}
	share(w.parts*w.splits, weightGradJob{w, sums, x, dy})
	if w.parts > 1 {
		addParts(dw[:w.total], sums, w.parts)
	}
	return true
}

// weightGradJob sums one part of the units into some of the columns.
type weightGradJob struct {
	*weightGrad
	sums, x, dy []float32
}

func (j *weightGradJob) piece(i int) { j.task(j.sums, j.x, j.dy, i/j.splits, i%j.splits) }

// task sums one part of the units into some of the columns.
func (w *weightGrad) task(sums, x, dy []float32, part, split int) {
	size := w.inH * w.inW * w.inC
	lo, hi := part*w.units()/w.parts, (part+1)*w.units()/w.parts
	var pad *loan[float32]
	if !w.inPlace {
		pad = borrow[float32](w.images*w.floats() + 4)
		defer giveBack(pad)
	}
	for u := lo; u < hi; u++ {
		img, imgs, row, rows := w.unitAt(u, w.outH)
		a := x
		if w.inPlace {
			a = x[w.place(img, row):]
		} else {
			a = pad.data
			for i := range imgs {
				w.pad(a[i*w.floats():], x[(img+i)*size:][:size], row*w.stepH-w.top)
			}
		}
		at, n := (img*w.outH+row)*w.outW*w.outC, imgs*rows*w.outW*w.outC
		e := dy[at:][:n]
		var f fetcher
		if u+1 < hi {
			end := w.n * w.outH * w.outW * w.outC
			f.pieces = [2][]float32{w.following(x, img, imgs, row, rows), dy[at+n : min(at+2*n, end)]}
		}
		if w.cout%tiles.lanes != 0 && len(dy)-(at+n) < tiles.lanes {
			w.copied(sums[part*w.total:], a, e, &f, imgs*rows, split, u > lo)
		} else {
			w.unit(sums[part*w.total:], a, e, &f, imgs*rows, split, u > lo)
		}
	}
}

// copied is unit on a copy of dy with room behind: dy is read in whole vectors, and
// those of its last pixels, of which several units can be, would end behind it.
func (w *weightGrad) copied(dw, a, dy []float32, f *fetcher, lines, split int, add bool) {
	room := borrow[float32](len(dy) + tailCols)
	defer giveBack(room)
	copy(room.data, dy)
	w.unit(dw, a, room.data, f, lines, split, add)
}

// stripBytes is the most of a strip of B that is gone over again and again: half
// of a first-level cache.
const stripBytes = 24 << 10

// unit adds, or sets, the share of lines rows of outputs.
func (w *weightGrad) unit(dw, a, dy []float32, f *fetcher, lines, split int, add bool) {
	lo, hi := split*w.strips.count/w.splits, (split+1)*w.strips.count/w.splits
	first := true
	for q := range w.groups {
		for s := lo; s < hi; s++ {
			col, cols, vecs := w.strips.at(s)
			col += q * w.cout
			most := max(1, stripBytes/(4*w.outW*vecs*tiles.lanes))
			if first {
				f.calls = w.groups * (hi - lo) * ((lines + most - 1) / most) * len(w.blocks)
				first = false
			}
			for line := 0; line < lines; line += most {
				n := min(most, lines-line)
				for _, b := range w.blocks {
					w.product(dw[b.row*w.outC+col:], a[b.offset/4+q*w.cin:], dy[col:], f, b.rows, cols, vecs, line, n, add || line > 0)
				}
			}
		}
	}
}

// product is one block of one strip, rows x cols of dw, over n lines.
func (w *weightGrad) product(dw, a, dy []float32, f *fetcher, rows, cols, vecs, line, n int, add bool) {
	p := tileArgs{
		a: unsafe.Pointer(&a[0]), b: unsafe.Pointer(&dy[0]), segs: unsafe.Pointer(&w.segs[line]), nsegs: n, k: w.outW,
		lda: 4 * w.stepW * w.pixel, ldb: 4 * w.outC, ldc: 4 * w.outC, mask: tiles.maskFor(cols),
	}
	if add {
		p.add = 1
	}
	f.aim(&p, tiles.t[vecs], rows)
	tiles.rowsT(p, vecs, rows, cols, a, dw)
}
