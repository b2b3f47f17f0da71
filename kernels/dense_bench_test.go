package kernels

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkAffineConv runs the readers of DenseNet-BC-100's channels, early and late
// in each block, at a batch of 64 and on a part of it: what the three blocks hold of
// 16,384 pixels.
func BenchmarkAffineConv(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	buffer := func(n int) Buffer { return &hostBuffer[float32]{randomSlice[float32](r, n)} }
	for _, s := range []struct{ first, parts, k int }{{24, 4, 48}, {24, 15, 48}, {150, 15, 48}, {24, 16, 108}} {
		at := &AffineConvAttr{M: 1 << 14, K: s.k, Full: true, Widths: []int{s.first}}
		for range s.parts {
			at.Widths = append(at.Widths, 12)
		}
		var parts, others []Buffer
		c := 0
		for _, n := range at.Widths {
			parts, others = append(parts, buffer(at.M*n)), append(others, buffer(at.M*n))
			c += n
		}
		constants, g, y := []Buffer{buffer(c), buffer(c), buffer(c * s.k)}, buffer(at.M*s.k), buffer(at.M*s.k)
		back := append(append([]Buffer{g}, constants...), parts...)
		sums := []Buffer{buffer(c), buffer(c), buffer(c * s.k)}
		for _, k := range []struct {
			kernel  *Kernel
			in, out []Buffer
			flops   int // a multiply-add of the product
		}{
			{AffineConv, append(append([]Buffer{}, constants...), parts...), []Buffer{y}, 2},
			{AffineConvGrad, append(append([]Buffer{}, back...), others...), append(append([]Buffer{}, others...), sums...), 4},
			{AffineConvGrad2, append(append([]Buffer{}, back...), others...), append([]Buffer{y}, sums[1:]...), 4},
		} {
			b.Run(fmt.Sprintf("%d-%d/%s", c, s.k, k.kernel.Name), func(b *testing.B) {
				for b.Loop() {
					CPU.Run(k.kernel, &Args{In: k.in, Out: k.out, Attr: at})
				}
				reportRate(b, k.flops*at.M*c*s.k)
			})
		}
	}
}

// BenchmarkDenseBlock runs the blocks of DenseNet-BC-100 on 8 images.
func BenchmarkDenseBlock(b *testing.B) {
	for _, at := range []DenseBlockAttr{{8, 32, 32, 24, 48, 12, 16}, {8, 16, 16, 108, 48, 12, 16}, {8, 8, 8, 150, 48, 12, 16}} {
		in, size := blockCase(at)
		a := &Args{Attr: &at, Out: []Buffer{CPU.Alloc(size)}}
		for _, v := range in {
			a.In = append(a.In, bufferOf(CPU, v))
		}
		flop := 0
		for i := range at.Layers {
			flop += 2 * at.N * at.H * at.W * at.K * (at.C + i*at.Growth + 9*at.Growth)
		}
		b.Run(fmt.Sprintf("%dx%d", at.H, at.W), func(b *testing.B) {
			for b.Loop() {
				CPU.Run(DenseBlock, a)
			}
			reportRate(b, flop)
		})
	}
}
