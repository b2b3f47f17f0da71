package kernels

import "math"

// PoolAttr describes pooling of [N][H][W][C] to [N][OutH][OutW][C] with windows
// of KH x KW. Places outside the image count as zeros for the average (as in
// PyTorch by default) and as minus infinity for the maximum. Adaptive pooling
// leaves the window out: cell i covers [floor(iH/OutH), ceil((i+1)H/OutH)).
type PoolAttr struct {
	N, H, W, C       int
	OutH, OutW       int
	KH, KW           int
	StrideH, StrideW int
	PadH, PadW       int
	Adaptive         bool
}

// Pooling kernels. MaxPool: In x; Out y and the place y*W+x of each maximum
// (the first of equals). PoolPick reads x at such places (In x, places),
// PoolPlace is its transpose (In g, places). AvgPool and AvgSpread are transposes.
var (
	MaxPool   = New("maxpool", maxPoolKernel[float32], maxPoolKernel[float64])
	PoolPick  = New("maxpool.pick", poolPickKernel[float32], poolPickKernel[float64])
	PoolPlace = New("maxpool.place", poolPlaceKernel[float32], poolPlaceKernel[float64])
	AvgPool   = New("avgpool", avgPoolKernel[float32], avgPoolKernel[float64])
	AvgSpread = New("avgpool.spread", avgSpreadKernel[float32], avgSpreadKernel[float64])
)

// window returns the part of the image that output cell (i, j) covers, and the
// divisor of the average.
func (g *PoolAttr) window(i, j int) (h0, h1, w0, w1, div int) {
	if g.Adaptive {
		h0, h1 = i*g.H/g.OutH, ((i+1)*g.H+g.OutH-1)/g.OutH
		w0, w1 = j*g.W/g.OutW, ((j+1)*g.W+g.OutW-1)/g.OutW
		return h0, h1, w0, w1, (h1 - h0) * (w1 - w0)
	}
	h0, w0 = i*g.StrideH-g.PadH, j*g.StrideW-g.PadW
	h1, w1 = h0+g.KH, w0+g.KW
	return max(h0, 0), min(h1, g.H), max(w0, 0), min(w1, g.W), g.KH * g.KW
}

// forCells calls fn for every output cell of every image, an image to a task.
func (g *PoolAttr) forCells(fn func(n, i, j, cell int)) {
	For(g.N, func(n int) {
		for i := range g.OutH {
			for j := range g.OutW {
				fn(n, i, j, ((n*g.OutH+i)*g.OutW+j)*g.C)
			}
		}
	})
}

func maxPoolKernel[T Float](a *Args) {
	y, idx, x := Data[T](a.Out[0]), Data[T](a.Out[1]), Data[T](a.In[0])
	g := a.Attr.(*PoolAttr)
	g.forCells(func(n, i, j, cell int) {
		out, at := y[cell:cell+g.C], idx[cell:cell+g.C]
		h0, h1, w0, w1, _ := g.window(i, j)
		for c := range out {
			out[c], at[c] = T(math.Inf(-1)), T(h0*g.W+w0)
		}
		for h := h0; h < h1; h++ {
			for w := w0; w < w1; w++ {
				line := x[((n*g.H+h)*g.W+w)*g.C:][:g.C]
				for c, v := range line {
					if v > out[c] || v != v && out[c] == out[c] { // the first NaN stays
						out[c], at[c] = v, T(h*g.W+w)
					}
				}
			}
		}
	})
}

func poolPickKernel[T Float](a *Args) {
	y, x, idx := Data[T](a.Out[0]), Data[T](a.In[0]), Data[T](a.In[1])
	g := a.Attr.(*PoolAttr)
	g.forCells(func(n, _, _, cell int) {
		image := x[n*g.H*g.W*g.C:]
		for c := range g.C {
			y[cell+c] = image[int(idx[cell+c])*g.C+c]
		}
	})
}

func poolPlaceKernel[T Float](a *Args) {
	y, x, idx := Data[T](a.Out[0]), Data[T](a.In[0]), Data[T](a.In[1])
	g := a.Attr.(*PoolAttr)
	forChunks(len(y), func(lo, hi int) { clear(y[lo:hi]) })
	g.forCells(func(n, _, _, cell int) {
		image := y[n*g.H*g.W*g.C:]
		for c := range g.C {
			image[int(idx[cell+c])*g.C+c] += x[cell+c]
		}
	})
}

func avgPoolKernel[T Float](a *Args) {
	y, x := Data[T](a.Out[0]), Data[T](a.In[0])
	g := a.Attr.(*PoolAttr)
	g.forCells(func(n, i, j, cell int) {
		out := y[cell : cell+g.C]
		clear(out)
		h0, h1, w0, w1, div := g.window(i, j)
		for h := h0; h < h1; h++ {
			for w := w0; w < w1; w++ {
				for c, v := range x[((n*g.H+h)*g.W+w)*g.C:][:g.C] {
					out[c] += v
				}
			}
		}
		s := 1 / T(div)
		for c := range out {
			out[c] *= s
		}
	})
}

func avgSpreadKernel[T Float](a *Args) {
	y, x := Data[T](a.Out[0]), Data[T](a.In[0])
	g := a.Attr.(*PoolAttr)
	forChunks(len(y), func(lo, hi int) { clear(y[lo:hi]) })
	g.forCells(func(n, i, j, cell int) {
		in := x[cell : cell+g.C]
		h0, h1, w0, w1, div := g.window(i, j)
		s := 1 / T(div)
		for h := h0; h < h1; h++ {
			for w := w0; w < w1; w++ {
				line := y[((n*g.H+h)*g.W+w)*g.C:][:g.C]
				for c, v := range in {
					line[c] += v * s
				}
			}
		}
	})
}
