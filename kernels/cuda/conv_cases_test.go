package cuda_test

import (
	"fmt"

	"gradgrad/kernels"
)

func init() {
	addCases(convCases)
	addCases(matmulCases)
}

// square is a convolution of square images and kernels.
func square(n, side, c, k, kernel, stride, pad, dilation, groups int) *kernels.ConvAttr {
	out := (side+2*pad-dilation*(kernel-1)-1)/stride + 1
	return &kernels.ConvAttr{N: n, H: side, W: side, C: c, OutH: out, OutW: out, K: k, KH: kernel, KW: kernel, StrideH: stride, StrideW: stride,
		PadH: pad, PadW: pad, DilationH: dilation, DilationW: dilation, Groups: groups}
}

// convCases are shapes with every kind of tile, of tails, of taps outside.
func convCases(s source, full bool) (cases []kcase) {
	shapes := []*kernels.ConvAttr{
		square(2, 6, 3, 16, 3, 1, 1, 1, 1),   // a stem
		square(1, 6, 16, 116, 3, 1, 1, 1, 1), // 116 columns are not two tiles of 64, nor four of a warp's 32
		square(1, 7, 12, 20, 3, 2, 1, 1, 1),
		square(1, 6, 36, 36, 3, 2, 1, 1, 1), // strides in tiles of 64 columns
		square(3, 5, 24, 12, 1, 1, 0, 1, 1),
		square(2, 5, 40, 8, 1, 1, 0, 1, 1), // an input gradient of more than 32 columns
		square(1, 5, 6, 10, 3, 1, 1, 1, 2),
		{N: 3, H: 9, W: 10, C: 4, OutH: 9, OutW: 10, K: 8, KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Groups: 1}, // a weight gradient in two parts, of 9 and 8 steps
		{N: 2, H: 6, W: 5, C: 4, OutH: 3, OutW: 4, K: 8, KH: 3, KW: 2, StrideH: 2, StrideW: 1, PadH: 1, PadW: 0, DilationH: 1, DilationW: 1, Groups: 1},
	}
	if full {
		shapes = append(shapes,
			square(2, 9, 16, 64, 3, 1, 1, 1, 1), square(1, 8, 64, 130, 3, 2, 1, 1, 1), square(2, 8, 8, 68, 1, 2, 0, 1, 1),
			square(1, 9, 8, 8, 3, 1, 2, 2, 1), square(1, 8, 12, 24, 3, 1, 1, 1, 4), square(1, 11, 3, 64, 7, 2, 3, 1, 1),
			square(5, 4, 20, 32, 3, 1, 1, 1, 1), square(1, 1, 1, 1, 1, 1, 0, 1, 1), square(1, 5, 5, 7, 5, 3, 2, 1, 1),
			square(40, 6, 4, 4, 3, 1, 1, 1, 1), square(12, 6, 6, 4, 3, 1, 1, 1, 2))
	}
	for _, g := range shapes {
		in, w, out := g.N*g.H*g.W*g.C, g.KH*g.KW*g.C/g.Groups*g.K, g.N*g.OutH*g.OutW*g.K
		name := fmt.Sprintf("%dx%dx%dx%d to %d, %dx%d", g.N, g.H, g.W, g.C, g.K, g.KH, g.KW)
		x, weights, dy := s.normal(in), s.normal(w), s.normal(out)
		cases = append(cases,
			kcase{kernel: kernels.Conv, name: name, attr: g, in: []filling{x, weights}, out: []filling{blank(out)}},
			kcase{kernel: kernels.ConvDX, name: name, attr: g, in: []filling{dy, weights}, out: []filling{blank(in)}},
			kcase{kernel: kernels.ConvDW, name: name, attr: g, in: []filling{x, dy}, out: []filling{blank(w)}},
			kcase{kernel: kernels.Conv, name: name + ", and a sum", attr: g, in: []filling{x, weights, dy}, out: []filling{blank(out)}},
			kcase{kernel: kernels.ConvDX, name: name + ", and itself", attr: g, in: []filling{dy, weights, x}, out: []filling{blank(in)}, over: []int{3}})
	}
	return cases
}

func matmulCases(s source, full bool) (cases []kcase) {
	type size struct{ batch, m, n, k int }
	sizes := []size{{1, 5, 10, 270}, {2, 20, 36, 33}, {1, 132, 116, 20}, {1, 130, 4, 8}, {1, 8, 20, 270}, {1, 8, 52, 270}} // a depth of 270 is done in two parts
	if full {
		sizes = append(sizes, size{1, 1, 1, 1}, size{1, 5, 10, 16}, size{3, 128, 64, 16}, size{1, 129, 65, 17}, size{1, 12, 16, 400})
	}
	// Weight gradients in parts, of several tiles and layers, whose sums must not mix.
	inParts := []size{{2, 4, 8, 270}, {2, 132, 20, 270}, {2, 4, 116, 270}, {2, 5, 33, 270}}
	for i, z := range append(sizes, inParts...) {
		for trans := range 4 {
			if i >= len(sizes) && trans != 1 {
				continue
			}
			at := &kernels.MatmulAttr{TransA: trans&1 > 0, TransB: trans&2 > 0, Batch: z.batch, M: z.m, N: z.n, K: z.k}
			cases = append(cases, kcase{kernel: kernels.Matmul, name: fmt.Sprintf("%+v", *at), attr: at,
				in: []filling{s.normal(z.batch * z.m * z.k), s.normal(z.batch * z.k * z.n)}, out: []filling{blank(z.batch * z.m * z.n)}})
		}
	}
	return cases
}
