package kernels

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// naiveConv calls fn with the places in x, w and y of every triple that the
// definition multiplies.
func naiveConv(g *ConvAttr, fn func(x, w, y int)) {
	cg, kg := g.C/g.Groups, g.K/g.Groups
	for n := range g.N {
		for oh := range g.OutH {
			for ow := range g.OutW {
				for kh := range g.KH {
					for kw := range g.KW {
						h := oh*g.StrideH + kh*g.DilationH - g.PadH
						w := ow*g.StrideW + kw*g.DilationW - g.PadW
						if h < 0 || h >= g.H || w < 0 || w >= g.W {
							continue
						}
						for k := range g.K {
							for c := range cg {
								fn(((n*g.H+h)*g.W+w)*g.C+k/kg*cg+c, ((kh*g.KW+kw)*cg+c)*g.K+k, ((n*g.OutH+oh)*g.OutW+ow)*g.K+k)
							}
						}
					}
				}
			}
		}
	}
}

// shape fills in what a table of shapes leaves out.
func shape(g ConvAttr) ConvAttr {
	for _, p := range []*int{&g.N, &g.StrideH, &g.DilationH, &g.Groups} {
		*p = max(*p, 1)
	}
	if g.StrideW == 0 {
		g.StrideW = g.StrideH
	}
	if g.DilationW == 0 {
		g.DilationW = g.DilationH
	}
	g.OutH = (g.H+2*g.PadH-g.DilationH*(g.KH-1)-1)/g.StrideH + 1
	g.OutW = (g.W+2*g.PadW-g.DilationW*(g.KW-1)-1)/g.StrideW + 1
	return g
}

// square is a usual convolution: size x size images, k x k kernels.
func square(n, size, c, k, kernel, stride, pad int) ConvAttr {
	return shape(ConvAttr{N: n, H: size, W: size, C: c, K: k, KH: kernel, KW: kernel, StrideH: stride, PadH: pad, PadW: pad})
}

// convShapes holds every kind of convolution, small.
func convShapes() []ConvAttr {
	var out []ConvAttr
	for _, size := range []int{4, 5, 7, 8, 12} {
		for _, c := range [][2]int{{1, 1}, {3, 16}, {16, 3}, {12, 24}, {17, 33}, {36, 48}, {20, 70}} {
			out = append(out,
				square(2, size, c[0], c[1], 3, 1, 1), square(2, size, c[0], c[1], 3, 2, 1),
				square(3, size, c[0], c[1], 1, 1, 0), square(2, size, c[0], c[1], 1, 2, 0))
		}
	}
	return append(out,
		square(1, 16, 3, 8, 7, 2, 3), square(2, 9, 5, 6, 5, 1, 2), square(2, 8, 4, 6, 3, 1, 0), square(2, 9, 4, 6, 4, 3, 1),
		square(2, 6, 3, 5, 2, 1, 3), square(2, 8, 4, 4, 1, 1, 1), square(19, 4, 20, 24, 3, 1, 1),
		square(3, 4, 64, 80, 3, 1, 1), square(2, 32, 16, 16, 3, 1, 1),
		// Images that are cut into bands.
		square(2, 32, 164, 12, 1, 1, 0), square(1, 64, 44, 12, 1, 2, 0), square(1, 64, 44, 8, 3, 1, 1), square(1, 64, 8, 164, 3, 2, 1),
		shape(ConvAttr{N: 2, H: 9, W: 12, C: 8, K: 12, KH: 3, KW: 3, StrideH: 1, PadH: 2, PadW: 2, DilationH: 2, Groups: 1}),
		shape(ConvAttr{N: 2, H: 9, W: 7, C: 8, K: 12, KH: 3, KW: 2, StrideH: 2, StrideW: 3, PadH: 1, DilationH: 1, DilationW: 3}),
		shape(ConvAttr{N: 2, H: 8, W: 8, C: 12, K: 18, KH: 3, KW: 3, PadH: 1, PadW: 1, Groups: 3}),
		shape(ConvAttr{N: 2, H: 8, W: 8, C: 6, K: 6, KH: 3, KW: 3, StrideH: 2, PadH: 1, PadW: 1, Groups: 6}),
		shape(ConvAttr{N: 2, H: 6, W: 10, C: 32, K: 64, KH: 1, KW: 3, PadW: 1, Groups: 2}),
	)
}

// testConv compares the three directions with the definition.
func testConv[T Float](t *testing.T, g ConvAttr, scale float64) {
	r := rand.New(rand.NewPCG(7, uint64(g.C*100+g.K)))
	x := randomSlice[T](r, g.N*g.H*g.W*g.C)
	w := randomSlice[T](r, g.patchLen()*g.K)
	dy := randomSlice[T](r, g.N*g.OutH*g.OutW*g.K)
	y, dx, dw := make([]float64, len(dy)), make([]float64, len(x)), make([]float64, len(w))
	naiveConv(&g, func(i, j, k int) {
		y[k] += float64(x[i]) * float64(w[j])
		dx[i] += float64(dy[k]) * float64(w[j])
		dw[j] += float64(x[i]) * float64(dy[k])
	})
	nan := func(n int) []T {
		s := make([]T, n)
		for i := range s {
			s[i] = T(math.NaN())
		}
		return s
	}
	gotY, gotDX, gotDW := nan(len(y)), nan(len(dx)), nan(len(dw))
	ConvForward(gotY, x, w, &g)
	requireNear(t, gotY, y, scale*tolerance[T](g.patchLen()))
	ConvInputGrad(gotDX, dy, w, &g)
	requireNear(t, gotDX, dx, scale*tolerance[T](g.KH*g.KW*g.K/g.Groups))
	ConvWeightGrad(gotDW, x, dy, &g)
	requireNear(t, gotDW, dw, scale*tolerance[T](g.N*g.OutH*g.OutW))
	testConvOnto(t, y, scale*tolerance[T](g.patchLen()), func(out, sum []T) { convForward(out, sum, x, w, &g) })
	testConvOnto(t, dx, scale*tolerance[T](g.KH*g.KW*g.K/g.Groups), func(out, sum []T) { convInputGrad(out, sum, dy, w, &g) })
}

// testConvOnto adds a convolution to a sum, which lies elsewhere or in its place.
func testConvOnto[T Float](t *testing.T, term []float64, tolerance float64, run func(out, sum []T)) {
	sum, want := make([]T, len(term)), make([]float64, len(term))
	for i := range sum {
		sum[i] = T(i%7) - 3
		want[i] = term[i] + float64(sum[i])
	}
	out := make([]T, len(term))
	run(out, sum)
	requireNear(t, out, want, tolerance)
	run(sum, sum)
	requireNear(t, sum, want, tolerance)
}

func convName(g ConvAttr) string {
	return fmt.Sprintf("n%d,%dx%dx%d,%dx%d-%d,s%d%d,p%d%d,d%d%d,g%d", g.N, g.H, g.W, g.C, g.KH, g.KW, g.K,
		g.StrideH, g.StrideW, g.PadH, g.PadW, g.DilationH, g.DilationW, g.Groups)
}

func TestConv(t *testing.T) { eachTileSet(t, testConvShapes) }

func testConvShapes(t *testing.T) {
	for _, g := range convShapes() {
		g.Algorithm = ConvDirect
		t.Run(convName(g), func(t *testing.T) {
			testConv[float64](t, g, 1)
			testConv[float32](t, g, 1)
		})
	}
}

// Winograd where it applies; its bound is that of the definition's rounding,
// times ten.
func TestConvWinograd(t *testing.T) { eachTileSet(t, testConvWinogradShapes) }

func testConvWinogradShapes(t *testing.T) {
	shapes := append(convShapes(),
		square(2, 8, 16, 16, 3, 1, 0), square(2, 8, 20, 18, 3, 1, 2), square(1, 40, 12, 16, 3, 1, 1),
		square(9, 8, 102, 110, 3, 1, 1), square(40, 4, 33, 64, 3, 1, 1), square(3, 5, 340, 350, 3, 1, 1), square(3, 34, 17, 15, 3, 1, 1))
	for _, g := range shapes {
		g.Algorithm = ConvWinograd
		t.Run(convName(g), func(t *testing.T) { testConv[float32](t, g, 10) })
	}
}

func TestConvSameBits(t *testing.T) { eachTileSet(t, testConvSameBits) }

func testConvSameBits(t *testing.T) {
	for _, g := range []ConvAttr{
		square(11, 8, 16, 24, 3, 1, 1), square(5, 8, 48, 20, 3, 2, 1), square(9, 8, 40, 24, 1, 1, 0), square(20, 4, 130, 70, 3, 1, 1),
		square(9, 12, 16, 24, 3, 1, 1), square(9, 8, 104, 110, 3, 1, 1),
	} {
		r := rand.New(rand.NewPCG(5, 6))
		x := randomSlice[float32](r, g.N*g.H*g.W*g.C)
		w := randomSlice[float32](r, g.patchLen()*g.K)
		dy := randomSlice[float32](r, g.N*g.OutH*g.OutW*g.K)
		t.Run(convName(g), func(t *testing.T) {
			sameBits(t, func() []float32 {
				y, dx, dw := make([]float32, len(dy)), make([]float32, len(x)), make([]float32, len(w))
				ConvForward(y, x, w, &g)
				ConvInputGrad(dx, dy, w, &g)
				ConvWeightGrad(dw, x, dy, &g)
				return append(append(y, dx...), dw...)
			})
		})
	}
}

func TestConvKernels(t *testing.T) {
	g := square(2, 6, 5, 7, 3, 1, 1)
	r := rand.New(rand.NewPCG(8, 9))
	buffer := func(n int) Buffer {
		b := CPU64.Alloc(n)
		CPU64.Write64(b, randomSlice[float64](r, n))
		return b
	}
	x, w, dy := buffer(2*36*5), buffer(9*5*7), buffer(2*36*7)
	y, dx, dw := buffer(dy.Len()), buffer(x.Len()), buffer(w.Len())
	CPU64.Run(Conv, &Args{In: []Buffer{x, w}, Out: []Buffer{y}, Attr: &g})
	CPU64.Run(ConvDX, &Args{In: []Buffer{dy, w}, Out: []Buffer{dx}, Attr: &g})
	CPU64.Run(ConvDW, &Args{In: []Buffer{x, dy}, Out: []Buffer{dw}, Attr: &g})
	dot := func(a, b Buffer) (s float64) {
		for i, v := range Data[float64](a) {
			s += v * Data[float64](b)[i]
		}
		return s
	}
	// The three are one trilinear form.
	want := dot(y, dy)
	if a, b := dot(x, dx), dot(w, dw); math.Abs(a-want) > 1e-12 || math.Abs(b-want) > 1e-12 {
		t.Fatalf("y.dy = %v, x.dx = %v, w.dw = %v: not equal", want, a, b)
	}
}

// Without images or outputs there is nothing to sum: gradients are zero.
func TestConvOfNothing(t *testing.T) {
	none, flat, small := square(1, 6, 48, 48, 3, 1, 1), square(2, 6, 48, 48, 3, 1, 1), square(2, 6, 48, 48, 3, 1, 1)
	none.N, flat.OutH, small.OutW = 0, 0, 0
	for _, g := range []ConvAttr{none, flat, small} {
		for i := range convAlgorithms {
			g.Algorithm = ConvAlgorithm(i)
			t.Run(fmt.Sprintf("n%d,out%dx%d,%s", g.N, g.OutH, g.OutW, g.Algorithm), func(t *testing.T) { testConv[float32](t, g, 1) })
		}
	}
}

func TestConvWithoutGroupsPanics(t *testing.T) {
	g := square(1, 4, 2, 2, 3, 1, 1)
	g.Groups = 0
	defer func() {
		var e *ConvError
		if err, ok := recover().(error); !ok || !errors.As(err, &e) {
			t.Fatalf("panic value %v, want a *ConvError", err)
		}
	}()
	ConvForward(make([]float32, 32), make([]float32, 32), make([]float32, 36), &g)
}

func TestConvWrongSizePanics(t *testing.T) {
	g := square(1, 4, 2, 2, 3, 1, 1)
	defer func() {
		var e *ConvError
		if err, ok := recover().(error); !ok || !errors.As(err, &e) || e.WantX != 32 {
			t.Fatalf("panic value %v, want a *ConvError", err)
		}
	}()
	ConvForward(make([]float32, 32), make([]float32, 31), make([]float32, 36), &g)
}
