package kernels

import (
	"fmt"
	"testing"
)

// benchKernel times a kernel on operands and results of the given elements, and reports
// the bytes of all of them, each counted once.
func benchKernel(b *testing.B, name string, k *Kernel, attr any, in, out []int) {
	a := &Args{Attr: attr}
	for _, n := range in {
		x := CPU.Alloc(n)
		for i := range Data[float32](x) {
			Data[float32](x)[i] = float32(i * 7919 % 10) // a class number or a place too
		}
		a.In = append(a.In, x)
	}
	for _, n := range out {
		a.Out = append(a.Out, CPU.Alloc(n))
	}
	b.Run(k.Name+"/"+name, func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(4 * CostOf(k, a).Elements))
		for b.Loop() {
			CPU.Run(k, a)
		}
	})
}

// BenchmarkPool has the last maps of the networks, a transition of DenseNet-101 at 32x32,
// and the stem of DenseNet-121 at 224.
func BenchmarkPool(b *testing.B) {
	for _, g := range []PoolAttr{
		{N: 128, H: 8, W: 8, C: 128, OutH: 1, OutW: 1, Adaptive: true}, {N: 128, H: 4, W: 4, C: 512, OutH: 1, OutW: 1, Adaptive: true},
		{N: 128, H: 32, W: 32, C: 108, OutH: 16, OutW: 16, KH: 2, KW: 2, StrideH: 2, StrideW: 2},
		{N: 8, H: 112, W: 112, C: 64, OutH: 56, OutW: 56, KH: 3, KW: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1},
	} {
		x, y := g.N*g.H*g.W*g.C, g.N*g.OutH*g.OutW*g.C
		name := fmt.Sprintf("n%d,%dx%dx%d-%d", g.N, g.H, g.W, g.C, g.OutH)
		benchKernel(b, name, AvgPool, &g, []int{x}, []int{y})
		benchKernel(b, name, AvgSpread, &g, []int{y}, []int{x})
		benchKernel(b, name, MaxPool, &g, []int{x}, []int{y, y})
		benchKernel(b, name, PoolPick, &g, []int{x, y}, []int{y})
		benchKernel(b, name, PoolPlace, &g, []int{y, y}, []int{x})
	}
}

// BenchmarkRows has the logits of batches.
func BenchmarkRows(b *testing.B) {
	for _, classes := range []int{10, 100, 1000} {
		const rows = 128
		at, n := &ReduceAttr{Outer: rows, Reduce: classes, Inner: 1}, rows*classes
		name := fmt.Sprintf("%dx%d", rows, classes)
		benchKernel(b, name, LogSumExp, at, []int{n}, []int{rows})
		benchKernel(b, name, Softmax, at, []int{n}, []int{n})
		benchKernel(b, name, LogSoftmax, at, []int{n}, []int{n})
		benchKernel(b, name, CrossEntropy, at, []int{n, rows}, []int{rows})
		benchKernel(b, name, RowMax, at, []int{n}, []int{rows, rows})
		benchKernel(b, name, RowNorm, at, []int{n}, []int{rows})
	}
}

// BenchmarkMove has what a step copies: images, halves of a batch, layers of a block.
func BenchmarkMove(b *testing.B) {
	images := &ImageAttr{N: 128, H: 32, W: 32, Std: [3]float32{1, 1, 1}}
	benchKernel(b, "128,32x32", Images, images, []int{ByteElements(images.Bytes())}, []int{128 * 32 * 32 * 3})
	for _, s := range [][]int{{128, 32, 32, 16}, {128, 8, 8, 512}} {
		half, n := []int{s[0] / 2, s[1], s[2], s[3]}, product(s)
		name := fmt.Sprint(s)
		benchKernel(b, name, Slice, &MoveAttr{Shape: s, Lo: []int{0, 0, 0, 0}, Out: half}, []int{n}, []int{n / 2})
		benchKernel(b, name, Pad, &MoveAttr{Shape: half, Lo: []int{0, 0, 0, 0}, Out: s}, []int{n / 2}, []int{n})
		benchKernel(b, name+" channels", Concat, &MoveAttr{Axis: 3, Out: s}, []int{n / 2, n / 2}, []int{n})
		benchKernel(b, name+" images", Concat, &MoveAttr{Axis: 0, Out: s}, []int{n / 2, n / 2}, []int{n})
		benchKernel(b, name, Permute, &MoveAttr{Shape: s, Perm: []int{0, 3, 1, 2}}, []int{n}, []int{n})
	}
}

// BenchmarkCluster has the k-means of a step of GReg+, and a part of DOS's.
func BenchmarkCluster(b *testing.B) {
	for _, g := range []ClusterAttr{{N: 384, K: 64, Dim: 342}, {N: 10000, K: 100, Dim: 512}} {
		name := fmt.Sprintf("%dx%d,%d", g.N, g.Dim, g.K)
		benchKernel(b, name, Nearest, &g, []int{g.N * g.K, g.K, g.N}, []int{g.N, g.N, g.N})
		benchKernel(b, name, Recenter, &g, []int{g.N * g.Dim, g.N, g.K * g.Dim}, []int{g.K * g.Dim, g.K, g.K, g.K})
	}
}
