//go:build amd64 && !noasm

package kernels

import "unsafe"

// Winograd's convolution F(4x4, 3x3), arXiv:1509.09308: an output patch of 4x4
// is A'[(GgG') * (B'dB)]A, 36 products where the definition has 144. The points
// are 0, 1, -1, 2, -1/2 and infinity, whose error is a third of that with -2 in
// place of -1/2. Summed over channels, the 36 products are 36 matrix products of
// patches x channels and channels x outputs.

// The transforms, by the number that callTransform knows.
const (
	winoInput = iota
	winoOutput
	winoOutputGrad
	winoWeights
	winoWeightGrad
)

// winoArgs are the arguments of a transform, which maps a square of vectors to
// another for each of items, and within an item for each of vecs vectors of
// channels. Strides are in bytes: I from row to row of a square, J from column
// to column, Step from item to item.
type winoArgs struct {
	src, dst, tmp          unsafe.Pointer
	srcI, srcJ, dstI, dstJ int
	srcStep, dstStep       int
	items, vecs            int
	mask, full             uint64 // lanes of the last vector, and of the others
	add, addAt             int    // 1 to add, of outputs only, what lies addAt bytes behind the destination
	_                      [2]uintptr
}

// winoTmp is the floats that hold a square between columns and rows. They
// come first in a loan, whose beginning is aligned as vectors want it.
const winoTmp = positions * 16

// winoSlack is the room behind a padded image: the last pixel is read in whole
// vectors.
const winoSlack = 16

const (
	// winoPatches is the number of patches in a unit of work, if images allow:
	// what they become stays in the second-level cache.
	winoPatches = 64
	// winoShared is the number of floats of transformed weights from which it
	// is not the units of images that the threads share but the positions, of
	// winoRound patches at a time: every unit would read all weights.
	winoShared = 4 << 20
	winoRound  = 128
	// winoMinChannels is the fewest channels, on both sides, for which the
	// transforms pay, and winoMinPatches the fewest patches in all images for
	// which those of the weights do.
	winoMinChannels = 12
	winoMinPatches  = 16
)

// winoPlan is a Winograd convolution of one shape, forward or, with the kernel
// turned round, the input's gradient.
type winoPlan struct {
	padded
	n                int
	outH, outW, outC int
	gradient         bool
	patchH, patchW   int         // patches of an image
	images           int         // a unit's images,
	bandRows, bands  int         // or its rows of patches and the units in an image
	patches          int         // of a unit
	together         int         // images whose positions the threads share, or 0
	v, m             patchLayout // transformed inputs, and products
	strips           panels
	uPlane           int // the same of packed weights
	table            []tileGroup
}

// patchLayout is how vectors of channels of positions x patches lie in scratch:
// in blocks of some patches, within a block a position behind the other. With
// four patches in a block, the 36 positions of a patch are a few pages of
// memory; with all of them in one, the patches of a position are a matrix.
type patchLayout struct {
	row, position, block int // floats from patch to patch of a block, and so on
	patches              int // of a block
}

func newPatchLayout(channels, patches int) patchLayout {
	row := lined(channels)
	position := patches*row + 16
	return patchLayout{row, position, positions*position + 16, patches}
}

// floats is the length of n patches.
func (l patchLayout) floats(n int) int { return (n + l.patches - 1) / l.patches * l.block }

// at is where position 0 of patch i begins.
func (l patchLayout) at(i int) int { return i/l.patches*l.block + i%l.patches*l.row }

// run is the number of patches from i on, n at most, that lie a row apart.
func (l patchLayout) run(i, n int) int { return min(l.patches-i%l.patches, n) }

var winoForwardPlans, winoInputPlans planCache[winoPlan]

func newWinoForward(g *ConvAttr) *winoPlan {
	w := &winoPlan{n: g.N, outH: g.OutH, outW: g.OutW, outC: g.K}
	w.inH, w.inW, w.inC, w.top, w.left = g.H, g.W, g.C, g.PadH, g.PadW
	w.layout()
	return w
}

func newWinoInputGrad(g *ConvAttr) *winoPlan {
	w := &winoPlan{n: g.N, outH: g.H, outW: g.W, outC: g.C, gradient: true}
	w.inH, w.inW, w.inC, w.top, w.left = g.OutH, g.OutW, g.K, 2-g.PadH, 2-g.PadW
	w.layout()
	return w
}

// lined rounds up to whole cache lines of floats, and adds one to a multiple of
// 1024 bytes: rows that far apart would share a few sets of the cache.
func lined(n int) int {
	n = (n + 15) / 16 * 16
	if n%256 == 0 {
		n += 16
	}
	return n
}

func (w *winoPlan) layout() {
	w.patchH, w.patchW = (w.outH+3)/4, (w.outW+3)/4
	w.bandRows, w.bands, w.images = w.patchH, 1, 1
	if perImage := w.patchH * w.patchW; perImage > winoPatches {
		w.bands = min(w.patchH, (perImage+winoPatches-1)/winoPatches)
		w.bandRows = (w.patchH + w.bands - 1) / w.bands
		w.bands = (w.patchH + w.bandRows - 1) / w.bandRows
	} else {
		w.images = max(1, min(w.n/4, winoPatches/perImage))
	}
	w.rows, w.cols, w.pixel = 4*w.bandRows+2, 4*w.patchW+2, pixelStride(w.inC)
	w.patches = w.images * w.bandRows * w.patchW
	w.strips = tiles.panels(w.outC)
	w.v, w.m = newPatchLayout(w.inC, 4), newPatchLayout(w.outC, 4)
	w.uPlane = lined(w.strips.packed(w.inC))
	most := w.patches
	if perImage := w.patchH * w.patchW; positions*w.uPlane > winoShared && w.bands == 1 {
		w.together = max(1, min(w.n, winoRound/perImage))
		most = max(most, w.together*perImage)
	}
	for i := range (most+3)/4 + tileSlack {
		w.table = append(w.table, tileGroup{4 * i * w.v.block, 4 * i * w.m.block})
	}
}

// run computes the convolution, added to sum if there is one.
func (w *winoPlan) run(out, sum, in, weights []float32) {
	packed := borrow[float32](positions * w.uPlane)
	defer giveBack(packed)
	w.packWeights(packed.data, weights)
	if w.together > 0 {
		w.byPosition(out, sum, in, packed.data)
		return
	}
	units := (w.n + w.images - 1) / w.images * w.bands
	chunk := unitChunk(units)
	share((units+chunk-1)/chunk, winoUnits{w, out, sum, in, packed.data, units, chunk})
}

// winoUnits computes some units.
type winoUnits struct {
	*winoPlan
	out, sum, in, weights []float32
	units, chunk          int
}

func (w *winoUnits) piece(i int) {
	for u := i * w.chunk; u < min(w.units, (i+1)*w.chunk); u++ {
		img, row := u/w.bands*w.images, u%w.bands*w.bandRows
		w.unit(w.out, w.sum, w.in, w.weights, img, min(w.images, w.n-img), row, min(w.bandRows, w.patchH-row))
	}
}

// next is what the unit behind this one will read and write.
func (w *winoPlan) next(out, in []float32, img int) fetcher {
	f := fetcher{calls: positions * w.strips.count}
	if w.bands == 1 {
		size, end := w.inH*w.inW*w.inC, min(img+w.images, w.n)
		f.pieces[0] = in[min(img, end)*size : end*size]
		size = w.outH * w.outW * w.outC
		f.pieces[1] = out[min(img, end)*size : end*size]
	}
	return f
}

// unit computes rows [row, row+rows) of the patches of some images.
func (w *winoPlan) unit(out, sum, in, weights []float32, img, imgs, row, rows int) {
	padFloats := lined(w.floats() + winoSlack)
	vFloats := w.v.floats(w.patches)
	work := borrow[float32](winoTmp + padFloats + vFloats + w.m.floats(w.patches))
	defer giveBack(work)
	tmp, rest := work.data[:winoTmp], work.data[winoTmp:]
	pad, v, m := rest[:padFloats], rest[padFloats:][:vFloats], rest[padFloats+vFloats:]
	size := w.inH * w.inW * w.inC
	for i := range imgs {
		w.pad(pad, in[(img+i)*size:][:size], 4*row-w.top)
		w.transformInput(v, pad, tmp, i*rows*w.patchW, rows)
	}
	w.products(m, v, weights, imgs*rows*w.patchW, w.next(out, in, img+imgs))
	for i := range imgs {
		for r := range rows {
			w.transformOutput(out, sum, m, tmp, (i*rows+r)*w.patchW, img+i, row+r)
		}
	}
}

// byPosition computes all images: transforms by image, products by position
// and strip.
func (w *winoPlan) byPosition(out, sum, in, weights []float32) {
	perImage := w.patchH * w.patchW
	vFloats := w.v.floats(w.together * perImage)
	work := borrow[float32](vFloats + w.m.floats(w.together*perImage))
	defer giveBack(work)
	v, m := work.data[:vFloats], work.data[vFloats:]
	for first := 0; first < w.n; first += w.together {
		imgs := min(w.together, w.n-first)
		share(imgs, winoInputs{w, v, in, first})
		share(positions*w.strips.count, winoProducts{w, m, v, weights, imgs * perImage})
		share(imgs, winoOutputs{w, out, sum, m, first})
	}
}

// winoInputs transforms the patches of an image, to the places behind those of the
// images before it.
type winoInputs struct {
	*winoPlan
	v, in []float32
	first int // image
}

func (w *winoInputs) piece(i int) {
	size := w.inH * w.inW * w.inC
	pad := borrow[float32](winoTmp + w.floats() + winoSlack)
	defer giveBack(pad)
	w.pad(pad.data[winoTmp:], w.in[(w.first+i)*size:][:size], -w.top)
	w.transformInput(w.v, pad.data[winoTmp:], pad.data[:winoTmp], i*w.patchH*w.patchW, w.patchH)
}

// winoProducts computes one strip of one position.
type winoProducts struct {
	*winoPlan
	m, v, weights []float32
	n             int // patches
}

func (w *winoProducts) piece(i int) {
	f := fetcher{calls: 1}
	w.product(w.m, w.v, w.weights, &f, i/w.strips.count, i%w.strips.count, w.n)
}

// winoOutputs transforms the products of an image back.
type winoOutputs struct {
	*winoPlan
	out, sum, m []float32
	first       int // image
}

func (w *winoOutputs) piece(i int) {
	tmp := borrow[float32](winoTmp)
	defer giveBack(tmp)
	for r := range w.patchH {
		w.transformOutput(w.out, w.sum, w.m, tmp.data, (i*w.patchH+r)*w.patchW, w.first+i, r)
	}
}

// transformInput writes B'dB of rows of patches of a padded image, from patch at
// on.
func (w *winoPlan) transformInput(v, pad, tmp []float32, at, rows int) {
	a := winoArgs{
		tmp: unsafe.Pointer(&tmp[0]), srcI: 4 * w.cols * w.pixel, srcJ: 4 * w.pixel, dstI: 4 * 6 * w.v.position, dstJ: 4 * w.v.position,
		srcStep: 4 * 4 * w.pixel, dstStep: 4 * w.v.row, vecs: (w.inC + tiles.lanes - 1) / tiles.lanes,
	}
	for r := range rows {
		for j := 0; j < w.patchW; j += a.items {
			a.items = w.v.run(at, w.patchW-j)
			a.src, a.dst = unsafe.Pointer(&pad[4*(r*w.cols+j)*w.pixel]), unsafe.Pointer(&v[w.v.at(at)])
			callTransform(winoInput, tiles.lanes, &a)
			at += a.items
		}
	}
}

// products computes the 36 matrix products of n patches.
func (w *winoPlan) products(m, v, weights []float32, n int, f fetcher) {
	for i := range positions {
		for s := range w.strips.count {
			w.product(m, v, weights, &f, i, s, n)
		}
	}
}

// product computes one strip of the product of one position.
func (w *winoPlan) product(m, v, weights []float32, f *fetcher, position, strip, n int) {
	col, cols, vecs := w.strips.at(strip)
	p := tileArgs{
		a:    unsafe.Pointer(&v[position*w.v.position]),
		b:    unsafe.Pointer(&weights[position*w.uPlane+col*w.inC]),
		c:    unsafe.Pointer(&m[position*w.m.position+col]),
		segs: unsafe.Pointer(&noSegs[0]), nsegs: 1, k: w.inC, lda: 4 * w.v.row, ldc: 4 * w.m.row, ahead: 1,
		mask: tiles.maskFor(cols),
	}
	f.aim(&p, tiles.n[vecs], n)
	tiles.runN(p, vecs, w.table[:(n+3)/4])
}

// transformOutput writes A'mA of one row of patches of an image, from patch at
// on; what hangs over the edge goes by way of a patch of its own.
func (w *winoPlan) transformOutput(out, sum, m, tmp []float32, at, img, row int) {
	a := winoArgs{
		tmp: unsafe.Pointer(&tmp[0]), srcI: 4 * 6 * w.m.position, srcJ: 4 * w.m.position, dstI: 4 * w.outW * w.outC, dstJ: 4 * w.outC,
		srcStep: 4 * w.m.row, dstStep: 4 * 4 * w.outC, vecs: (w.outC + tiles.lanes - 1) / tiles.lanes,
		mask: tiles.maskFor(w.outC), full: tiles.maskFor(tiles.lanes),
	}
	first := (img*w.outH + 4*row) * w.outW * w.outC
	dst := out[first:]
	if sum != nil {
		a.add, a.addAt = 1, int(uintptr(unsafe.Pointer(&sum[0]))-uintptr(unsafe.Pointer(&out[0])))
	}
	whole := w.outW / 4
	if 4*row+4 > w.outH {
		whole = 0
	}
	for j := 0; j < whole; j += a.items {
		a.items = w.m.run(at, whole-j)
		a.src, a.dst = unsafe.Pointer(&m[w.m.at(at)]), unsafe.Pointer(&dst[4*j*w.outC])
		callTransform(winoOutput, tiles.lanes, &a)
		at += a.items
	}
	if whole == w.patchW {
		return
	}
	patch := borrow[float32](16 * w.outC)
	defer giveBack(patch)
	a.dst, a.dstI, a.items, a.add = unsafe.Pointer(&patch.data[0]), 4*4*w.outC, 1, 0
	for j := whole; j < w.patchW; j++ {
		a.src = unsafe.Pointer(&m[w.m.at(at)])
		callTransform(winoOutput, tiles.lanes, &a)
		at++
		cols := min(4, w.outW-4*j)
		for r := range min(4, w.outH-4*row) {
			at := (r*w.outW + 4*j) * w.outC
			to := dst[at:][:cols*w.outC]
			if sum == nil {
				copy(to, patch.data[r*4*w.outC:])
			} else {
				addFloats(to, patch.data[r*4*w.outC:], sum[first+at:])
			}
		}
	}
}

// addFloats computes to = a + b.
func addFloats(to, a, b []float32) {
	a, b = a[:len(to)], b[:len(to)]
	for i := range to {
		to[i] = a[i] + b[i]
	}
}
