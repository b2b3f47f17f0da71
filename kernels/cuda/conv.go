package cuda

import "gradgrad/kernels"

func init() {
	register(func(l *launch) { l.convolve(convolution(l.Attr.(*kernels.ConvAttr))) }, "conv")
	register(func(l *launch) { l.inputGrad(convolution(l.Attr.(*kernels.ConvAttr))) }, "conv.dx")
	register(func(l *launch) { l.weightGrad(convolution(l.Attr.(*kernels.ConvAttr))) }, "conv.dw")
	register(matmul, "matmul")
}

// gathered is a convolution as the kernels see it. Products of matrices are
// convolutions of 1x1 pixels, with matrices where groups are.
type gathered struct {
	*kernels.ConvAttr
	inner, outer int // channels of a group
	layers       int // groups, or matrices
	x, w, y      int // elements from one layer to the next in images, weights, outputs
}

func convolution(g *kernels.ConvAttr) gathered {
	in, out := g.C/g.Groups, g.K/g.Groups
	return gathered{g, in, out, g.Groups, in, out, out}
}

// depth is the number of weights of an output.
func (g gathered) depth() int { return g.KH * g.KW * g.inner }

// geometry appends the parameters of the same name: of gathering from images of
// high x wide pixels with so many channels, for each pixel of rows x columns.
func (l *launch) geometry(g gathered, rows, columns, channels, high, wide int) {
	l.divisor(rows*columns).divisor(columns).divisor(channels).divisor(g.KW).num(high, wide)
	l.divisor(g.StrideH).divisor(g.StrideW).num(g.PadH, g.PadW, g.DilationH, g.DilationW)
}

// convolve computes Out[0] = In[0] * In[1] + In[2].
func (l *launch) convolve(g gathered) {
	y, sum, x, w := l.addr(l.Out[0]), l.addr(l.optional(2)), l.addr(l.In[0]), l.addr(l.In[1])
	m := g.N * g.OutH * g.OutW
	l.at(y, sum, x, w).num(m, g.outer, g.depth(), g.C, g.K, g.K, g.x, g.w, g.y)
	l.geometry(g, g.OutH, g.OutW, g.inner, g.H, g.W)
	l.multiply(tiled{"conv", m, g.outer, g.depth(), g.layers, aligned(y, sum, x) && fours(g.inner, g.C, g.outer, g.K, g.x, g.y)})
}

// inputGrad computes Out[0] = In[0] * transposed In[1] + In[2].
func (l *launch) inputGrad(g gathered) {
	dx, sum, dy, w := l.addr(l.Out[0]), l.addr(l.optional(2)), l.addr(l.In[0]), l.addr(l.In[1])
	m, r := g.N*g.H*g.W, g.KH*g.KW*g.outer
	l.at(dx, sum, dy, w).num(m, g.inner, r, g.K, g.C, g.K, g.y, g.w, g.x)
	l.geometry(g, g.H, g.W, g.outer, g.OutH, g.OutW)
	l.multiply(tiled{"conv_dx", m, g.inner, r, g.layers, aligned(dx, sum, dy, w) && fours(g.inner, g.C, g.outer, g.K, g.x, g.y, g.w)})
}

// weightGrad computes Out[0] = the sum over the pixels of In[0] times In[1].
func (l *launch) weightGrad(g gathered) {
	dw, x, dy := l.addr(l.Out[0]), l.addr(l.In[0]), l.addr(l.In[1])
	m, total := g.N*g.OutH*g.OutW, g.layers*g.depth()*g.outer
	p := tiled{"conv_dw", g.depth(), g.outer, m, g.layers, aligned(dw, x) && fours(g.inner, g.C, g.outer, g.K, g.x, g.w)}
	columns, _ := p.tile()
	tiles := ceil(p.m, tileM) * ceil(p.n, columns) * g.layers
	per, parts := cut(tiles, m)
	p.layers *= parts
	l.at(l.inParts(dw, parts, total), x, dy, dw).partCounters(parts, tiles)
	l.num(m, g.outer, p.m, g.C, g.K, g.K, g.x, g.y, g.w).divisor(parts).num(per, total)
	l.geometry(g, g.OutH, g.OutW, g.inner, g.H, g.W)
	l.multiply(p)
}

// inParts is memory for the parts of a result: its own where there is one.
func (l *launch) inParts(y uint64, parts, size int) uint64 {
	if parts > 1 {
		return l.temp(parts * size)
	}
	return y
}

// partCounters appends the counters of as many tiles, which only several parts need.
func (l *launch) partCounters(parts, tiles int) *launch {
	if parts > 1 {
		return l.counters(tiles)
	}
	return l.at(0)
}

// matmul finds the convolution of 1x1 pixels that a product is. Where both factors
// are transposed, the second one is turned first.
func matmul(l *launch) {
	at := *l.Attr.(*kernels.MatmulAttr)
	if at.TransA && at.TransB {
		args := *l.Args
		args.In = []kernels.Buffer{l.In[0], l.turned(l.In[1], at.Batch, at.N, at.K)}
		at.TransB = false
		l.Args = &args
	}
	one := func(pixels, in, out int) gathered {
		c := &kernels.ConvAttr{N: pixels, H: 1, W: 1, C: in, OutH: 1, OutW: 1, K: out, KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Groups: 1}
		return gathered{c, in, out, at.Batch, pixels * in, in * out, pixels * out}
	}
	switch {
	case at.TransA: // a' b: the weight gradient of pixels a, outputs b
		l.weightGrad(one(at.K, at.M, at.N))
	case at.TransB: // a b': the input gradient of outputs a, weights b
		l.inputGrad(one(at.M, at.N, at.K))
	default:
		l.convolve(one(at.M, at.K, at.N))
	}
}

// turned is scratch memory with the rows and columns of matrices exchanged.
func (l *launch) turned(b kernels.Buffer, batch, rows, columns int) kernels.Buffer {
	y := &buffer{dev: l.dev, at: l.temp(batch * rows * columns), n: batch * rows * columns}
	permute(&launch{dev: l.dev, kernel: kernels.Permute, Args: &kernels.Args{Out: []kernels.Buffer{y}, In: []kernels.Buffer{b},
		Attr: &kernels.MoveAttr{Shape: []int{batch, rows, columns}, Perm: []int{0, 2, 1}}}})
	return y
}
