//go:build amd64 && !noasm

package kernels

import "unsafe"

// winoWeightPlan is the weight gradient G'[(AeA') * (B'dB)]G, the transpose of
// the forward convolution: 36 products of channels x patches and patches x
// outputs, summed before the last transform.
//
// Where the sums are small, each of a fixed number of parts of the images has
// its own. Where they are large there is one, and after the transforms of many
// images the threads share its positions.
type winoWeightPlan struct {
	*winoPlan
	pieces         int // patches that are transformed at once: of a unit, or of many
	edge           padded
	uRow, uPlane   int // floats from channel to channel and position to position, of the sums
	parts          int // partial sums, or 0 where positions are shared
	rounds, images int // where they are: the number of times, and the images of each
}

var winoWeightPlans planCache[winoWeightPlan]

func newWinoWeightGrad(g *ConvAttr) *winoWeightPlan {
	w := &winoWeightPlan{winoPlan: newWinoForward(g)}
	w.uRow = lined(w.outC)
	w.uPlane = w.inC*w.uRow + 16
	units := (w.n + w.winoPlan.images - 1) / w.winoPlan.images * w.bands
	w.parts = min(weightGradParts, units)
	w.pieces = w.patches
	if w.parts*positions*w.uPlane > partFloats {
		w.parts = 0
		w.images = max(1, winoRound/(w.patchH*w.patchW))
		w.rounds = (w.n + w.images - 1) / w.images
		w.images = (w.n + w.rounds - 1) / w.rounds
		w.rounds = (w.n + w.images - 1) / w.images
		w.pieces = w.images * w.patchH * w.patchW
		w.bandRows, w.bands = w.patchH, 1
		w.winoPlan.images = 1
		w.rows = 4*w.patchH + 2
	}
	w.v, w.m = newPatchLayout(w.inC, w.pieces), newPatchLayout(w.outC, w.pieces)
	w.edge = padded{inH: w.outH, inW: w.outW, inC: w.outC, rows: 4 * w.bandRows, cols: 4 * w.patchW, pixel: pixelStride(w.outC)}
	return w
}

// run computes dw.
func (w *winoWeightPlan) run(dw, x, dy []float32) {
	total := positions * w.uPlane
	sums := borrow[float32](max(1, w.parts) * total)
	defer giveBack(sums)
	if w.parts > 0 {
		units := (w.n + w.winoPlan.images - 1) / w.winoPlan.images * w.bands
		share(w.parts, winoWeightParts{w, sums.data, x, dy, units})
		if w.parts > 1 {
			out := borrow[float32](total)
			defer giveBack(out)
			addParts(out.data, sums.data, w.parts)
			w.transformSums(dw, out.data)
			return
		}
	} else {
		w.byPosition(sums.data, x, dy)
	}
	w.transformSums(dw, sums.data)
}

// winoWeightParts sums one part of the units.
type winoWeightParts struct {
	*winoWeightPlan
	sums, x, dy []float32
	units       int
}

func (w *winoWeightParts) piece(i int) {
	total := positions * w.uPlane
	w.part(w.sums[i*total:][:total], w.x, w.dy, i*w.units/w.parts, (i+1)*w.units/w.parts)
}

// part sums units [lo, hi).
func (w *winoWeightPlan) part(sums, x, dy []float32, lo, hi int) {
	work := borrow[float32](w.v.floats(w.pieces) + w.m.floats(w.pieces))
	defer giveBack(work)
	v, e := work.data[:w.v.floats(w.pieces)], work.data[w.v.floats(w.pieces):]
	images := w.winoPlan.images
	for u := lo; u < hi; u++ {
		img, row := u/w.bands*images, u%w.bands*w.bandRows
		imgs, rows := min(images, w.n-img), min(w.bandRows, w.patchH-row)
		for i := range imgs {
			w.transforms(v, e, x, dy, img+i, row, rows, i*rows*w.patchW)
		}
		n := imgs * rows * w.patchW
		f := w.next(dy, x, img+imgs)
		if u+1 == hi {
			f = fetcher{calls: 1}
		}
		for p := range positions {
			w.product(sums, v, e, &f, p, 0, w.strips.count, n, u > lo)
		}
	}
}

// byPosition sums all images: transforms by image, then products by position
// and by strip.
func (w *winoWeightPlan) byPosition(sums, x, dy []float32) {
	work := borrow[float32](w.v.floats(w.pieces) + w.m.floats(w.pieces))
	defer giveBack(work)
	v, e := work.data[:w.v.floats(w.pieces)], work.data[w.v.floats(w.pieces):]
	perImage := w.patchH * w.patchW
	for round := range w.rounds {
		first := round * w.images
		imgs := min(w.images, w.n-first)
		share(imgs, winoWeightInputs{w, v, e, x, dy, first})
		share(positions*w.strips.count, winoWeightProducts{w, sums, v, e, imgs * perImage, round > 0})
	}
}

// winoWeightInputs transforms the patches of an image, to the places behind those of the
// images before it.
type winoWeightInputs struct {
	*winoWeightPlan
	v, e, x, dy []float32
	first       int // image
}

func (w *winoWeightInputs) piece(i int) {
	w.transforms(w.v, w.e, w.x, w.dy, w.first+i, 0, w.patchH, i*w.patchH*w.patchW)
}

// winoWeightProducts adds one strip of one position.
type winoWeightProducts struct {
	*winoWeightPlan
	sums, v, e []float32
	n          int // patches
	add        bool
}

func (w *winoWeightProducts) piece(i int) {
	f, p, s := fetcher{calls: 1}, i/w.strips.count, i%w.strips.count
	w.product(w.sums, w.v, w.e, &f, p, s, s+1, w.n, w.add)
}

// transforms writes B'dB and AeA' of rows of patches of an image, from patch at
// on.
func (w *winoWeightPlan) transforms(v, e, x, dy []float32, img, row, rows, at int) {
	padFloats := lined(w.floats() + winoSlack)
	work := borrow[float32](winoTmp + padFloats + w.edge.floats())
	defer giveBack(work)
	tmp, pad, edge := work.data[:winoTmp], work.data[winoTmp:][:padFloats], work.data[winoTmp+padFloats:]
	size := w.inH * w.inW * w.inC
	w.pad(pad, x[img*size:][:size], 4*row-w.top)
	w.transformInput(v, pad, tmp, at, rows)

	size = w.outH * w.outW * w.outC
	src, line, pixel := dy[img*size:][:size], w.outW*w.outC, w.outC
	if w.outH%4 == 0 && w.outW%4 == 0 {
		src = src[4*row*line:]
	} else {
		w.edge.pad(edge, src, 4*row)
		src, line, pixel = edge, w.edge.cols*w.edge.pixel, w.edge.pixel
	}
	a := winoArgs{
		tmp: unsafe.Pointer(&tmp[0]), srcI: 4 * line, srcJ: 4 * pixel, dstI: 4 * 6 * w.m.position, dstJ: 4 * w.m.position,
		srcStep: 4 * 4 * pixel, dstStep: 4 * w.m.row, vecs: (w.outC + tiles.lanes - 1) / tiles.lanes,
		mask: tiles.maskFor(w.outC), full: tiles.maskFor(tiles.lanes),
	}
	for r := range rows {
		for j := 0; j < w.patchW; j += a.items {
			a.items = w.m.run(at, w.patchW-j)
			a.src, a.dst = unsafe.Pointer(&src[4*r*line+4*j*pixel]), unsafe.Pointer(&e[w.m.at(at)])
			callTransform(winoOutputGrad, tiles.lanes, &a)
			at += a.items
		}
	}
}

// product adds, or sets, the products of n patches at one position, for strips
// [lo, hi).
func (w *winoWeightPlan) product(sums, v, e []float32, f *fetcher, position, lo, hi, n int, add bool) {
	for s := lo; s < hi; s++ {
		col, cols, vecs := w.strips.at(s)
		p := tileArgs{
			segs: unsafe.Pointer(&noSegs[0]), nsegs: 1,
			lda: 4 * w.v.row, ldb: 4 * w.m.row, ldc: 4 * w.uRow, mask: tiles.maskFor(cols),
		}
		most := stripBytes / (4 * vecs * tiles.lanes)
		for i := 0; i < n; i += most {
			if i > 0 || add {
				p.add = 1
			}
			p.k = min(most, n-i)
			a, b := v[position*w.v.position+i*w.v.row:], e[position*w.m.position+i*w.m.row+col:]
			p.a, p.b = unsafe.Pointer(&a[0]), unsafe.Pointer(&b[0])
			f.aim(&p, tiles.t[vecs], w.inC)
			tiles.rowsT(p, vecs, w.inC, cols, a, sums[position*w.uPlane+col:])
		}
	}
}

// transformSums writes G'uG to dw.
func (w *winoWeightPlan) transformSums(dw, sums []float32) {
	share((w.inC+winoSumChannels-1)/winoSumChannels, winoWeightSums{w, dw, sums})
}

// winoSumChannels is the number of input channels whose sums are transformed in one piece.
const winoSumChannels = 32

// winoWeightSums transforms the sums of some input channels.
type winoWeightSums struct {
	*winoWeightPlan
	dw, sums []float32
}

func (w *winoWeightSums) piece(i int) {
	lo, tap := i*winoSumChannels, w.inC*w.outC
	tmp := borrow[float32](winoTmp)
	defer giveBack(tmp)
	a := winoArgs{
		src: unsafe.Pointer(&w.sums[lo*w.uRow]), dst: unsafe.Pointer(&w.dw[lo*w.outC]), tmp: unsafe.Pointer(&tmp.data[0]),
		srcI: 4 * 6 * w.uPlane, srcJ: 4 * w.uPlane, dstI: 4 * 3 * tap, dstJ: 4 * tap, srcStep: 4 * w.uRow, dstStep: 4 * w.outC,
		items: min(winoSumChannels, w.inC-lo), vecs: (w.outC + tiles.lanes - 1) / tiles.lanes,
		mask: tiles.maskFor(w.outC), full: tiles.maskFor(tiles.lanes),
	}
	callTransform(winoWeightGrad, tiles.lanes, &a)
}
