//go:build amd64 && !noasm

package kernels

import "unsafe"

// blockArgs are the arguments of the assembly of block_avx512_amd64.s and
// block_avx2_amd64.s; steps are in bytes.
//
// A 1x1 tile reads the channels of one or two vectors of pixels, one behind the
// other, and writes those vectors of the planes of its outputs, yStep apart; the next
// vector of pixels is xStep further in x. A 3x3 tile reads planes, xStep apart, around some
// vectors of pixels, from the pixel above and left of the first on, and writes the
// channels of each, one behind the other; those of the next vector are yStep further.
type blockArgs struct {
	x, w, y      unsafe.Pointer
	masks        unsafe.Pointer // 1x1: what is a pixel, a vector of bits a tile
	count        int            // channels, or planes
	tiles        int
	xStep, yStep int
	row          int // 3x3: from row to row of a plane
}

// blockOutputs is the number of outputs of a tile.
const blockOutputs = 12

// blockPlan is how an image is laid out while a block works on it. Its rows have one
// pixel more than there is, which is zero: the border on the right of a row and on
// the left of the next. All rows are one run of pixels, cut into vectors.
type blockPlan struct {
	*DenseBlockAttr
	lanes               int // of a vector
	width, tiles        int // pixels from row to row; vectors
	tileFloats          int // of all channels of a vector
	margin              int // zeros before and behind a plane
	planes, planeFloats int
	masks               []uint32
	layers              []packedLayer
}

// packedLayer is the weights of a layer in the order in which they are read.
type packedLayer struct {
	c            int
	points, taps []float32
}

// denseBlockFast is denseBlockForward by vectors of pixels.
func denseBlockFast(at *DenseBlockAttr, y, x []float32, layers []denseLayer[float32]) bool {
	if vectors == noVectors || at.N*at.H*at.W == 0 {
		return false
	}
	p := newBlockPlan(at)
	size := 0
	for _, l := range layers {
		size += p.pointFloats(l.c) + p.tapFloats()
	}
	weights := borrow[float32](size)
	defer giveBack(weights)
	p.pack(weights.data, layers)
	pixels := at.H * at.W
	For(at.N, func(i int) {
		p.image(y[i*pixels*at.channels():][:pixels*at.channels()], x[i*pixels*at.C:][:pixels*at.C])
	})
	return true
}

func newBlockPlan(at *DenseBlockAttr) *blockPlan {
	p := &blockPlan{DenseBlockAttr: at, lanes: 8}
	if vectors == vectors512 {
		p.lanes = 16
	}
	p.width = at.W + 1
	p.tiles = (at.H*p.width + p.lanes - 1) / p.lanes
	// Odd numbers of cache lines keep tiles and planes out of each other's way.
	p.tileFloats = oddLines((at.channels() + blockOutputs) * p.lanes)
	p.margin = (p.width + 16) / 16 * 16
	p.planes = (at.K + blockOutputs - 1) / blockOutputs * blockOutputs
	p.planeFloats = oddLines(p.tiles*p.lanes + 2*p.margin + 2*p.lanes)
	p.masks = make([]uint32, p.tiles*p.lanes)
	for q := range p.masks {
		if q/p.width < at.H && q%p.width < at.W {
			p.masks[q] = ^uint32(0)
		}
	}
	return p
}

// oddLines is n rounded up to an odd number of cache lines.
func oddLines(n int) int {
	const line = 16
	lines := (n + line - 1) / line
	return (lines | 1) * line
}

func (p *blockPlan) pointFloats(c int) int {
	return p.planes / blockOutputs * (blockOutputs + c*(blockOutputs+2))
}

func (p *blockPlan) outputs() int { return (p.Growth + blockOutputs - 1) / blockOutputs }

func (p *blockPlan) tapFloats() int { return p.outputs() * 9 * p.K * blockOutputs }

// pack orders the weights of all layers. The second affine map is within the 1x1
// convolution: its factors in the weights, its terms where the sums begin.
func (p *blockPlan) pack(dst []float32, layers []denseLayer[float32]) {
	p.layers = make([]packedLayer, len(layers))
	for i, l := range layers {
		n := p.pointFloats(l.c)
		p.layers[i] = packedLayer{l.c, dst[:n], dst[n:][:p.tapFloats()]}
		dst = dst[n+p.tapFloats():]
	}
	For(len(layers), func(i int) {
		p.packPoints(p.layers[i].points, &layers[i])
		p.packTaps(p.layers[i].taps, &layers[i])
	})
}

func (p *blockPlan) packPoints(dst []float32, l *denseLayer[float32]) {
	clear(dst)
	for lo := 0; lo < p.K; lo += blockOutputs {
		n := min(blockOutputs, p.K-lo)
		copy(dst, l.shift2[lo:][:n])
		dst = dst[blockOutputs:]
		for c := range l.c {
			dst[0], dst[1] = l.scale[c], l.shift[c]
			for k, w := range l.w[c*p.K+lo:][:n] {
				dst[2+k] = w * l.scale2[lo+k]
			}
			dst = dst[blockOutputs+2:]
		}
	}
}

func (p *blockPlan) packTaps(dst []float32, l *denseLayer[float32]) {
	clear(dst)
	for lo := 0; lo < p.Growth; lo += blockOutputs {
		n := min(blockOutputs, p.Growth-lo)
		for kh := range 3 {
			for c := range p.K {
				for kw := range 3 {
					copy(dst, l.w2[((3*kh+kw)*p.K+c)*p.Growth+lo:][:n])
					dst = dst[blockOutputs:]
				}
			}
		}
	}
}

// image computes one image.
func (p *blockPlan) image(y, x []float32) {
	work := borrow[float32](p.tiles*p.tileFloats + p.planes*p.planeFloats)
	defer giveBack(work)
	all, planes := work.data[:p.tiles*p.tileFloats], work.data[p.tiles*p.tileFloats:]
	for k := range p.planes {
		plane := planes[k*p.planeFloats:][:p.planeFloats]
		clear(plane[:p.margin])
		clear(plane[p.margin+p.tiles*p.lanes:])
	}
	p.enter(all, x)
	for i := range p.layers {
		p.runPoints(planes, all, &p.layers[i])
		p.runTaps(all, planes, &p.layers[i])
	}
	p.leave(y, all)
}

// runPoints computes the planes of all outputs of the 1x1 convolution.
func (p *blockPlan) runPoints(planes, all []float32, l *packedLayer) {
	a := blockArgs{count: l.c, xStep: 4 * p.tileFloats, yStep: 4 * p.planeFloats}
	each := len(l.points) / (p.planes / blockOutputs)
	for k := 0; k < p.planes; k += blockOutputs {
		a.w = unsafe.Pointer(&l.points[k/blockOutputs*each])
		for t := 0; t < p.tiles; {
			n := p.next(t)
			a.x, a.masks = unsafe.Pointer(&all[t*p.tileFloats]), unsafe.Pointer(&p.masks[t*p.lanes])
			a.y = unsafe.Pointer(&planes[k*p.planeFloats+p.margin+t*p.lanes])
			switch {
			case p.lanes == 8:
				a.tiles = n
				blockPoint1xavx2(&a)
			case n == 1:
				a.tiles = 1
				blockPoint1xavx512(&a)
			default:
				a.tiles = n / 2
				blockPoint2xavx512(&a)
			}
			t += n
		}
	}
}

// next is how many vectors, of those from t on, the next call takes: assembly cannot
// be preempted, and has tiles of two vectors where they are long.
func (p *blockPlan) next(t int) int {
	n := min(32, p.tiles-t)
	if p.lanes == 16 && n > 1 {
		n &^= 1
	}
	return n
}

// runTaps computes the channels that the 3x3 convolution adds.
func (p *blockPlan) runTaps(all, planes []float32, l *packedLayer) {
	a := blockArgs{count: p.K, xStep: 4 * p.planeFloats, yStep: 4 * p.tileFloats, row: 4 * p.width}
	each := len(l.taps) / p.outputs()
	for o := range p.outputs() {
		a.w = unsafe.Pointer(&l.taps[o*each])
		for t := 0; t < p.tiles; {
			n := p.next(t)
			a.x = unsafe.Pointer(&planes[p.margin+t*p.lanes-p.width-1])
			a.y = unsafe.Pointer(&all[t*p.tileFloats+(l.c+o*blockOutputs)*p.lanes])
			switch {
			case p.lanes == 8:
				a.tiles = n
				blockTaps1xavx2(&a)
			case n == 1:
				a.tiles = 1
				blockTaps1xavx512(&a)
			default:
				a.tiles = n / 2
				blockTaps2xavx512(&a)
			}
			t += n
		}
	}
}

// enter brings the pixels of an image into vectors.
func (p *blockPlan) enter(all, x []float32) {
	for t := range p.tiles {
		for i := range p.lanes {
			row, col := (t*p.lanes+i)/p.width, (t*p.lanes+i)%p.width
			dst := all[t*p.tileFloats+i:]
			if row >= p.H || col >= p.W {
				for c := range p.C {
					dst[c*p.lanes] = 0
				}
				continue
			}
			for c, v := range x[(row*p.W+col)*p.C:][:p.C] {
				dst[c*p.lanes] = v
			}
		}
	}
}

// leave brings all channels of the pixels back into order.
func (p *blockPlan) leave(y, all []float32) {
	n := p.channels()
	for t := range p.tiles {
		for i := range p.lanes {
			row, col := (t*p.lanes+i)/p.width, (t*p.lanes+i)%p.width
			if row >= p.H || col >= p.W {
				continue
			}
			src := all[t*p.tileFloats+i:][:n*p.lanes-i]
			dst := y[(row*p.W+col)*n:][:n]
			for c := range dst {
				dst[c] = src[c*p.lanes]
			}
		}
	}
}

//go:noescape
func blockPoint2xavx512(p *blockArgs)

//go:noescape
func blockPoint1xavx512(p *blockArgs)

//go:noescape
func blockPoint1xavx2(p *blockArgs)

//go:noescape
func blockTaps2xavx512(p *blockArgs)

//go:noescape
func blockTaps1xavx512(p *blockArgs)

//go:noescape
func blockTaps1xavx2(p *blockArgs)
