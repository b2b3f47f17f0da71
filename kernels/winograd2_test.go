package kernels

import (
	"math/rand/v2"
	"testing"
)

// wino2Shapes are maps of odd and even sizes, with all paddings, with more patches than
// a unit holds and with fewer.
var wino2Shapes = []ConvAttr{
	square(1, 2, 48, 48, 3, 1, 1), square(3, 7, 48, 52, 3, 1, 0), square(2, 5, 50, 49, 3, 1, 2),
	square(9, 8, 56, 48, 3, 1, 1), square(1, 33, 48, 48, 3, 1, 1), square(20, 3, 48, 64, 3, 1, 1),
	{N: 2, H: 6, W: 9, C: 48, OutH: 4, OutW: 11, K: 48, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadW: 2, DilationH: 1, DilationW: 1, Groups: 1},
}

func TestConvWinograd2(t *testing.T) { eachTileSet(t, testConvWinograd2) }

func testConvWinograd2(t *testing.T) {
	for _, g := range append(convShapes(), wino2Shapes...) {
		g.Algorithm = ConvWinograd2
		t.Run(convName(g), func(t *testing.T) { testConv[float32](t, g, 2) })
	}
	used := 0
	for _, g := range wino2Shapes {
		g.Algorithm = ConvWinograd2
		if g.winograd2() {
			used++
		}
	}
	if used != len(wino2Shapes) {
		t.Errorf("%d of %d shapes are computed that way", used, len(wino2Shapes))
	}
}

func TestConvWinograd2SameBits(t *testing.T) {
	for _, g := range wino2Shapes {
		g.Algorithm = ConvWinograd2
		r := rand.New(rand.NewPCG(5, 6))
		x, w := randomSlice[float32](r, g.N*g.H*g.W*g.C), randomSlice[float32](r, g.patchLen()*g.K)
		dy := randomSlice[float32](r, g.N*g.OutH*g.OutW*g.K)
		sameBits(t, func() []float32 {
			y, dx, dw := make([]float32, len(dy)), make([]float32, len(x)), make([]float32, len(w))
			ConvForward(y, x, w, &g)
			ConvInputGrad(dx, dy, w, &g)
			ConvWeightGrad(dw, x, dy, &g)
			return append(append(y, dx...), dw...)
		})
	}
}
