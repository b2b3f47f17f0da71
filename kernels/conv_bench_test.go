package kernels

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// The convolutions of WRN-40-2, ResNet-18 and DenseNet-BC-100, at a batch of
// 128 (DenseNet 64) of 32x32 images.
var benchShapes = []ConvAttr{
	// WRN-40-2
	square(128, 32, 3, 16, 3, 1, 1), square(128, 32, 16, 32, 3, 1, 1), square(128, 32, 32, 32, 3, 1, 1), square(128, 32, 32, 64, 3, 2, 1),
	square(128, 16, 64, 64, 3, 1, 1), square(128, 16, 64, 128, 3, 2, 1), square(128, 8, 128, 128, 3, 1, 1),
	square(128, 32, 32, 64, 1, 2, 0), square(128, 32, 16, 16, 3, 1, 1),
	// ResNet-18
	square(128, 32, 3, 64, 3, 1, 1), square(128, 32, 64, 64, 3, 1, 1), square(128, 16, 128, 128, 3, 1, 1),
	square(128, 8, 256, 256, 3, 1, 1), square(128, 4, 512, 512, 3, 1, 1), square(128, 8, 256, 512, 3, 2, 1), square(128, 8, 256, 512, 1, 2, 0),
	// DenseNet-BC-100
	square(64, 32, 3, 24, 3, 1, 1), square(64, 32, 48, 12, 3, 1, 1), square(64, 32, 24, 48, 1, 1, 0), square(64, 32, 96, 48, 1, 1, 0),
	square(64, 32, 204, 48, 1, 1, 0), square(64, 16, 300, 48, 1, 1, 0), square(64, 8, 342, 48, 1, 1, 0), square(64, 32, 216, 108, 1, 1, 0),
}

// BenchmarkConv reports the rate in multiply-adds of the definition, those on
// zero padding counted.
func BenchmarkConv(b *testing.B) {
	for _, g := range benchShapes {
		r := rand.New(rand.NewPCG(1, 1))
		x, w := randomSlice[float32](r, g.N*g.H*g.W*g.C), randomSlice[float32](r, g.patchLen()*g.K)
		y := randomSlice[float32](r, g.N*g.OutH*g.OutW*g.K)
		flop := 2 * g.N * g.OutH * g.OutW * g.K * g.patchLen()
		name := fmt.Sprintf("%dx%d,%d-%d,k%ds%d", g.H, g.W, g.C, g.K, g.KH, g.StrideH)
		for _, direction := range []struct {
			name string
			run  func(g *ConvAttr)
		}{
			{"y", func(g *ConvAttr) { ConvForward(y, x, w, g) }},
			{"dx", func(g *ConvAttr) { ConvInputGrad(x, y, w, g) }},
			{"dw", func(g *ConvAttr) { ConvWeightGrad(w, x, y, g) }},
		} {
			for _, a := range []ConvAlgorithm{ConvDirect, ConvAuto, ConvWinograd2} {
				g.Algorithm = a
				b.Run(fmt.Sprintf("%s/%s/%s", name, direction.name, a), func(b *testing.B) {
					for b.Loop() {
						direction.run(&g)
					}
					reportRate(b, flop)
				})
			}
		}
	}
}
