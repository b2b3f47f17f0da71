package kernels

import "testing"

// TestCostOf counts calls by hand.
func TestCostOf(t *testing.T) {
	b := func(n int) Buffer { return CPU.Alloc(n) }
	direct, winograd, winograd2 := square(2, 8, 16, 32, 3, 1, 1), square(2, 8, 16, 32, 3, 1, 1), square(2, 7, 48, 64, 3, 1, 1)
	direct.Algorithm, winograd.Algorithm, winograd2.Algorithm = ConvDirect, ConvWinograd, ConvWinograd2
	dense := &DenseBlockAttr{N: 2, H: 4, W: 4, C: 8, K: 16, Growth: 4, Layers: 2}
	affine := &AffineConvAttr{M: 10, K: 3, Widths: []int{4, 2}}
	full := *affine
	full.Full = true
	const definition = 2 * 8 * 8 * 32 * 9 * 16
	for _, c := range []struct {
		name string
		k    *Kernel
		a    Args
		want Cost
	}{
		{"elements", ReLU, Args{In: []Buffer{b(5)}, Out: []Buffer{b(5)}}, Cost{Elements: 10}},
		{"left out", ReLU, Args{In: []Buffer{b(5), nil}, Out: []Buffer{b(5)}}, Cost{Elements: 10}},
		{"matmul", Matmul, Args{Attr: &MatmulAttr{Batch: 2, M: 3, N: 5, K: 7}}, Cost{0, 210, 210}},
		{"direct", Conv, Args{Attr: &direct}, Cost{0, definition, definition}},
		{"winograd2", Conv, Args{Attr: &winograd2}, Cost{0, 2 * 49 * 9 * 48 * 64, 2 * 16 * 16 * 48 * 64}},
		{"affineconv", AffineConv, Args{Attr: affine}, Cost{0, 180, 180}},
		{"affineconv.grad", AffineConvGrad, Args{Attr: affine}, Cost{0, 180, 180}},
		{"affineconv.grad, full", AffineConvGrad, Args{Attr: &full}, Cost{0, 360, 360}},
		{"affineconv.grad2", AffineConvGrad2, Args{Attr: affine}, Cost{0, 360, 360}},
		{"denseblock", DenseBlock, Args{Attr: dense}, Cost{0, 32 * (8*16 + 12*16 + 2*9*16*4), 32 * (8*16 + 12*16 + 2*9*16*4)}},
	} {
		if got := CostOf(c.k, &c.a); got != c.want {
			t.Errorf("%s: %+v, not %+v", c.name, got, c.want)
		}
	}
	got, products := CostOf(Conv, &Args{Attr: &winograd}), definition
	if hasTiles {
		products = definition / 4
	}
	if got != (Cost{0, definition, products}) {
		t.Errorf("Winograd: %+v, want %d products", got, products)
	}
}
