package kernels

import "unsafe"

// DenseBlockAttr is the attribute of [DenseBlock]: images N x H x W of C channels,
// and layers that append Growth channels each by way of K.
type DenseBlockAttr struct{ N, H, W, C, K, Growth, Layers int }

// DenseBlock computes the layers of a dense block whose batch statistics are known:
// In x, and of every layer scale [c], shift [c] and w [c,K] of the c channels so far,
// scale2 [K], shift2 [K] and w2 [3,3,K,Growth]; Out y [N,H,W,C+Layers*Growth], x
// followed by what the layers make of all channels before,
//
//	conv3x3(relu(scale2*(relu(scale*y + shift) w) + shift2), w2)
//
// with a border of zeros. One image at a time is worked on, and stays in the cache.
var DenseBlock = New("denseblock", denseBlockForward[float32], denseBlockForward[float64])

// denseLayer is the constants of one layer, whose input has c channels.
type denseLayer[T Float] struct {
	c                                   int
	scale, shift, w, scale2, shift2, w2 []T
}

func denseBlockForward[T Float](a *Args) {
	at := a.Attr.(*DenseBlockAttr)
	x, y := Data[T](a.In[0]), Data[T](a.Out[0])
	layers := make([]denseLayer[T], at.Layers)
	for i := range layers {
		in, c := a.In[1+6*i:], at.C+i*at.Growth
		layers[i] = denseLayer[T]{c, Data[T](in[0])[:c], Data[T](in[1])[:c], Data[T](in[2])[:c*at.K],
			Data[T](in[3])[:at.K], Data[T](in[4])[:at.K], Data[T](in[5])[:9*at.K*at.Growth]}
	}
	if isFloat32[T]() && denseBlockFast(at, asFloat32(y), asFloat32(x), *(*[]denseLayer[float32])(unsafe.Pointer(&layers))) {
		return
	}
	pixels := at.H * at.W
	For(at.N, func(i int) {
		denseBlockPlain(at, y[i*pixels*at.channels():][:pixels*at.channels()], x[i*pixels*at.C:][:pixels*at.C], layers)
	})
}

// channels is the number of channels of the result.
func (at *DenseBlockAttr) channels() int { return at.C + at.Layers*at.Growth }

// denseBlockPlain computes one image.
func denseBlockPlain[T Float](at *DenseBlockAttr, y, x []T, layers []denseLayer[T]) {
	pixels, width := at.H*at.W, at.channels()
	for p := range pixels {
		copy(y[p*width:], x[p*at.C:][:at.C])
	}
	work := borrow[T](pixels * (width + at.K + at.Growth))
	defer giveBack(work)
	h, rest := work.data[:pixels*width], work.data[pixels*width:]
	mid, out := rest[:pixels*at.K], rest[pixels*at.K:]
	g := ConvAttr{N: 1, H: at.H, W: at.W, C: at.K, OutH: at.H, OutW: at.W, K: at.Growth, KH: 3, KW: 3, StrideH: 1, StrideW: 1,
		PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1, Algorithm: ConvDirect}
	for i := range layers {
		l := &layers[i]
		for p := range pixels {
			for c, v := range y[p*width:][:l.c] {
				h[p*width+c] = relu(fma(v, l.scale[c], l.shift[c]))
			}
		}
		Gemm(false, false, pixels, at.K, l.c, h, width, l.w, at.K, mid, at.K, false)
		for p := range mid {
			mid[p] = relu(fma(mid[p], l.scale2[p%at.K], l.shift2[p%at.K]))
		}
		ConvForward(out, mid, l.w2, &g)
		for p := range pixels {
			copy(y[p*width+l.c:][:at.Growth], out[p*at.Growth:])
		}
	}
}
