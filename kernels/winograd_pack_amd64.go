//go:build amd64 && !noasm

package kernels

import "unsafe"

// packWeights writes GgG' of all kernels into strips, a plane for each
// position.
func (w *winoPlan) packWeights(packed, weights []float32) {
	share((w.inC+winoPackChannels-1)/winoPackChannels*w.strips.count, winoPack{w, packed, weights})
}

// winoPackChannels is the number of input channels whose weights are packed in one piece.
const winoPackChannels = 64

// winoPack packs some input channels of one strip.
type winoPack struct {
	*winoPlan
	packed, weights []float32
}

func (w *winoPack) piece(i int) {
	lo := i / w.strips.count * winoPackChannels
	w.packPiece(w.packed, w.weights, lo, min(winoPackChannels, w.inC-lo), i%w.strips.count)
}

// packPiece packs n input channels from lo on of one strip. For the gradient
// the kernel is transposed and turned round.
func (w *winoPlan) packPiece(packed, weights []float32, lo, n, strip int) {
	col, cols, vecs := w.strips.at(strip)
	width := vecs * tiles.lanes
	work := borrow[float32](winoTmp + 9*n*width)
	defer giveBack(work)
	tmp, turned := work.data[:winoTmp], work.data[winoTmp:]
	step, tap := w.outC, w.inC*w.outC
	if w.gradient {
		step, tap = width, n*width
		for t := range 9 {
			transpose(turned[(8-t)*tap:], width, weights[(t*w.outC+col)*w.inC+lo:], w.inC, n, cols)
		}
		weights = turned
	} else {
		weights = weights[lo*step+col:]
	}
	a := winoArgs{
		src: unsafe.Pointer(&weights[0]), dst: unsafe.Pointer(&packed[col*w.inC+lo*width]), tmp: unsafe.Pointer(&tmp[0]),
		srcI: 4 * 3 * tap, srcJ: 4 * tap, dstI: 4 * 6 * w.uPlane, dstJ: 4 * w.uPlane, srcStep: 4 * step, dstStep: 4 * width,
		items: n, vecs: vecs, mask: tiles.maskFor(cols), full: tiles.maskFor(tiles.lanes),
	}
	callTransform(winoWeights, tiles.lanes, &a)
}
