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
	MaxPool   = New("maxpool", cells(maxPool[float32]), cells(maxPool[float64]))
	PoolPick  = New("maxpool.pick", cells(poolPick[float32]), cells(poolPick[float64]))
	PoolPlace = New("maxpool.place", spread(poolPlace[float32]), spread(poolPlace[float64]))
	AvgPool   = New("avgpool", cells(avgPool[float32]), cells(avgPool[float64]))
	AvgSpread = New("avgpool.spread", spread(avgSpread[float32]), spread(avgSpread[float64]))
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

// poolJob is the work of a kernel on every output cell of an image.
type poolJob[T Float] struct {
	*PoolAttr
	f       func(p *poolJob[T], cell poolCell)
	y, z, x []T // the first result, the second result or operand, the first operand
}

// poolCell is an output cell: its image, its row and column, and where it begins
// in memory.
type poolCell struct{ n, i, j, at int }

func (p *poolJob[T]) piece(n int) {
	for i := range p.OutH {
		for j := range p.OutW {
			p.f(p, poolCell{n, i, j, ((n*p.OutH+i)*p.OutW + j) * p.C})
		}
	}
}

// cells makes a kernel of what it does with a cell.
func cells[T Float](f func(p *poolJob[T], cell poolCell)) func(*Args) {
	return func(a *Args) {
		p := poolJob[T]{PoolAttr: a.Attr.(*PoolAttr), f: f, y: Data[T](a.Out[0]), x: Data[T](a.In[0])}
		switch {
		case len(a.Out) > 1:
			p.z = Data[T](a.Out[1])
		case len(a.In) > 1:
			p.z = Data[T](a.In[1])
		}
		share(p.N, p)
	}
}

// spread is cells for kernels that add to a result that begins with zeros.
func spread[T Float](f func(p *poolJob[T], cell poolCell)) func(*Args) {
	add := cells(f)
	return func(a *Args) {
		y := Data[T](a.Out[0])
		share(chunks(len(y)), clearJob[T]{y})
		add(a)
	}
}

func maxPool[T Float](p *poolJob[T], cell poolCell) {
	out, at := p.y[cell.at:][:p.C], p.z[cell.at:][:p.C]
	h0, h1, w0, w1, _ := p.window(cell.i, cell.j)
	for c := range out {
		out[c], at[c] = T(math.Inf(-1)), T(h0*p.W+w0)
	}
	for h := h0; h < h1; h++ {
		for w := w0; w < w1; w++ {
			line := p.x[((cell.n*p.H+h)*p.W+w)*p.C:][:p.C]
			for c, v := range line {
				if v > out[c] || v != v && out[c] == out[c] { // the first NaN stays
					out[c], at[c] = v, T(h*p.W+w)
				}
			}
		}
	}
}

func poolPick[T Float](p *poolJob[T], cell poolCell) {
	image := p.x[cell.n*p.H*p.W*p.C:]
	for c := range p.C {
		p.y[cell.at+c] = image[int(p.z[cell.at+c])*p.C+c]
	}
}

func poolPlace[T Float](p *poolJob[T], cell poolCell) {
	image := p.y[cell.n*p.H*p.W*p.C:]
	for c := range p.C {
		image[int(p.z[cell.at+c])*p.C+c] += p.x[cell.at+c]
	}
}

func avgPool[T Float](p *poolJob[T], cell poolCell) {
	out := p.y[cell.at:][:p.C]
	clear(out)
	h0, h1, w0, w1, div := p.window(cell.i, cell.j)
	for h := h0; h < h1; h++ {
		for w := w0; w < w1; w++ {
			for c, v := range p.x[((cell.n*p.H+h)*p.W+w)*p.C:][:p.C] {
				out[c] += v
			}
		}
	}
	s := 1 / T(div)
	for c := range out {
		out[c] *= s
	}
}

func avgSpread[T Float](p *poolJob[T], cell poolCell) {
	in := p.x[cell.at:][:p.C]
	h0, h1, w0, w1, div := p.window(cell.i, cell.j)
	s := 1 / T(div)
	for h := h0; h < h1; h++ {
		for w := w0; w < w1; w++ {
			line := p.y[((cell.n*p.H+h)*p.W+w)*p.C:][:p.C]
			for c, v := range in {
				line[c] += v * s
			}
		}
	}
}
