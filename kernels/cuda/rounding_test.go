package cuda_test

import (
	"math"

	"gradgrad/kernels"
)

// rounding is the oracle of tensor cores: the CPU in float64, but for products, whose
// factors are rounded first, as a GPU does. With it a network has the same signs
// everywhere that it has on the GPU, and so the same ReLU masks, but for values that
// are nearly zero.
type rounding struct {
	kernels.Device
	bits int // of mantissa
}

func (r rounding) Run(k *kernels.Kernel, a *kernels.Args) {
	switch at := a.Attr.(type) {
	case *kernels.ConvAttr, *kernels.MatmulAttr:
		args := *a
		args.In = append([]kernels.Buffer{r.rounded(a.In[0]), r.rounded(a.In[1])}, a.In[2:]...)
		r.Device.Run(k, &args)
		r.Free(args.In[0])
		r.Free(args.In[1])
	case *kernels.AffineConvAttr:
		newDenseOracle(r, at, k, a).run()
	default:
		r.Device.Run(k, a)
	}
}

func (r rounding) read(b kernels.Buffer) []float64 {
	x := make([]float64, b.Len())
	r.Read64(x, b)
	return x
}

// rounded is a copy of a buffer whose elements have so many bits.
func (r rounding) rounded(b kernels.Buffer) kernels.Buffer {
	y := r.Alloc(b.Len())
	r.Write64(y, short(r.read(b), r.bits))
	return y
}

// denseOracle is a run of affineconv or one of its derivatives, by its definition.
type denseOracle struct {
	rounding
	*kernels.AffineConvAttr
	kernel  *kernels.Kernel
	a       *kernels.Args
	c       int
	part    []int // of each channel
	inside  []int // its place in the part
	s, b, w []float64
	x       [][]float64 // by part
}

func newDenseOracle(r rounding, at *kernels.AffineConvAttr, k *kernels.Kernel, a *kernels.Args) *denseOracle {
	d := &denseOracle{rounding: r, AffineConvAttr: at, kernel: k, a: a}
	for i, n := range at.Widths {
		for j := range n {
			d.part, d.inside = append(d.part, i), append(d.inside, j)
		}
		d.c += n
	}
	first := 0
	if k != kernels.AffineConv {
		first = 1
	}
	d.s, d.b, d.w = r.read(a.In[first]), r.read(a.In[first+1]), r.read(a.In[first+2])
	for _, p := range a.In[first+3:][:len(at.Widths)] {
		d.x = append(d.x, r.read(p))
	}
	return d
}

// of is an element of tensors like the parts.
func (d *denseOracle) of(t [][]float64, m, c int) float64 {
	p := t[d.part[c]]
	if p == nil {
		return 0
	}
	return p[m*d.Widths[d.part[c]]+d.inside[c]]
}

func (d *denseOracle) z(m, c int) float64 { return d.s[c]*d.of(d.x, m, c) + d.b[c] }

// matrix fills rows x columns.
func matrix(rows, columns int, f func(r, c int) float64) []float64 {
	x := make([]float64, rows*columns)
	for i := range x {
		x[i] = f(i/columns, i%columns)
	}
	return x
}

// times is the product of rounded factors: [m][k] a' or a, [k][n] b.
func (d *denseOracle) times(m, n, k int, a, b func(i, j int) float64) []float64 {
	x, y := short(matrix(m, k, a), d.bits), short(matrix(k, n, b), d.bits)
	return matrix(m, n, func(i, j int) (s float64) {
		for q := range k {
			s += x[i*k+q] * y[q*n+j]
		}
		return s
	})
}

func (d *denseOracle) run() {
	weight := func(c, k int) float64 { return d.w[c*d.K+k] }
	h := func(m, c int) float64 { return math.Max(d.z(m, c), 0) }
	if d.kernel == kernels.AffineConv {
		d.Write64(d.a.Out[0], d.times(d.M, d.K, d.c, h, weight))
		return
	}
	g := d.read(d.a.In[0])
	gAt := func(m, k int) float64 { return g[m*d.K+k] }
	n := len(d.Widths)
	var more [][]float64
	for _, b := range d.a.In[4+n:] {
		if b == nil {
			more = append(more, nil)
			continue
		}
		more = append(more, d.read(b))
	}
	if d.kernel == kernels.AffineConvGrad {
		d.grad(h, weight, gAt, more)
		return
	}
	t := func(m, c int) float64 {
		if d.z(m, c) > 0 {
			return d.of(more, m, c)
		}
		return 0
	}
	d.Write64(d.a.Out[0], d.times(d.M, d.K, d.c, func(m, c int) float64 { return d.s[c] * t(m, c) }, weight))
	tw := d.times(d.c, d.K, d.M, func(c, m int) float64 { return t(m, c) }, gAt)
	d.Write64(d.a.Out[1], matrix(d.c, 1, func(c, _ int) (s float64) {
		for k := range d.K {
			s += d.w[c*d.K+k] * tw[c*d.K+k]
		}
		return s
	}))
	d.Write64(d.a.Out[2], matrix(d.c, d.K, func(c, k int) float64 { return d.s[c] * tw[c*d.K+k] }))
}

func (d *denseOracle) grad(h, weight, gAt func(i, j int) float64, onto [][]float64) {
	gh := d.times(d.M, d.c, d.K, gAt, func(k, c int) float64 { return weight(c, k) })
	for i := range gh {
		if d.z(i/d.c, i%d.c) <= 0 {
			gh[i] = 0
		}
	}
	if len(onto) == 0 {
		onto = make([][]float64, len(d.Widths))
	}
	at := 0
	for p, n := range d.Widths {
		d.Write64(d.a.Out[p], matrix(d.M, n, func(m, j int) float64 { return d.s[at+j]*gh[m*d.c+at+j] + d.of(onto, m, at+j) }))
		at += n
	}
	if !d.Full {
		return
	}
	n := len(d.Widths)
	sum := func(f func(m, c int) float64) []float64 {
		return matrix(d.c, 1, func(c, _ int) (s float64) {
			for m := range d.M {
				s += f(m, c)
			}
			return s
		})
	}
	d.Write64(d.a.Out[n], sum(func(m, c int) float64 { return gh[m*d.c+c] * d.of(d.x, m, c) }))
	d.Write64(d.a.Out[n+1], sum(func(m, c int) float64 { return gh[m*d.c+c] }))
	d.Write64(d.a.Out[n+2], d.times(d.c, d.K, d.M, func(c, m int) float64 { return h(m, c) }, gAt))
}
