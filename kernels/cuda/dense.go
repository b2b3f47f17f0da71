package cuda

import (
	"fmt"
	"math"

	"gradgrad/kernels"
)

func init() {
	register(affineConv, "affineconv")
	register(affineConvGrad, "affineconv.grad")
	register(affineConvGrad2, "affineconv.grad2")
}

// What one launch knows of: parts, and channels in all.
const mostParts, mostChannels = 32, 1024

// dense is one run of a kernel of this family.
type dense struct {
	*launch
	*kernels.AffineConvAttr
	c               int
	scale, shift, w uint64
	tensors         [][]uint64 // addresses by tensor and part
	vector          bool
}

// newDense lays out the operands from In[first] on: scale, shift, w, and then tensors of
// as many parts as there are widths.
func newDense(l *launch, first int, tensors ...[]kernels.Buffer) *dense {
	d := &dense{launch: l, AffineConvAttr: l.Attr.(*kernels.AffineConvAttr)}
	d.scale, d.shift, d.w = l.addr(l.In[first]), l.addr(l.In[first+1]), l.addr(l.In[first+2])
	d.vector = aligned(d.scale, d.shift, d.w) && fours(d.Widths...) && fours(d.K)
	for _, n := range d.Widths {
		d.c += n
	}
	for _, t := range tensors {
		at := make([]uint64, len(d.Widths))
		for i := range min(len(at), len(t)) {
			at[i] = l.addr(t[i])
		}
		d.vector = d.vector && aligned(at...)
		d.tensors = append(d.tensors, at)
	}
	return d
}

// segment is the channels of one launch: from lo on, with the places of their parts.
type segment struct {
	lo, n int
	parts []partPlace
}

// partPlace is a part, or some of its channels, inside a segment.
type partPlace struct {
	start, ld int
	at        []uint64
}

// segments cuts the channels so that a launch has few enough parts and channels.
func (d *dense) segments() (all []segment) {
	s := segment{}
	c := 0
	for i, width := range d.Widths {
		for skip := 0; skip < width; {
			if len(s.parts) == mostParts || s.n == mostChannels {
				all, s = append(all, s), segment{lo: c}
			}
			n := min(width-skip, mostChannels-s.n)
			p := partPlace{start: s.n, ld: width}
			for _, t := range d.tensors {
				at := t[i]
				if at != 0 {
					at += 4 * uint64(skip)
				}
				p.at = append(p.at, at)
			}
			s.parts = append(s.parts, p)
			s.n, skip, c = s.n+n, skip+n, c+n
		}
	}
	return append(all, s)
}

// table appends a segment's parts as parameters.
func (d *dense) table(s segment) {
	for k := range mostParts {
		if k < len(s.parts) {
			d.num(s.parts[k].start, s.parts[k].ld).at(s.parts[k].at...)
			continue
		}
		d.num(math.MaxInt32, 0).at(make([]uint64, len(d.tensors))...)
	}
}

// from is the address of an element.
func from(at uint64, elements int) uint64 { return at + 4*uint64(elements) }

// form launches an entry for tiles of m x n results, in so many parts.
func (d *dense) form(entry string, m, n, parts int, also ...uint64) {
	columns, v := 32, 1
	if d.vector && aligned(also...) {
		columns, v = 64, 4
	}
	d.run(fmt.Sprintf("%s_%s_%dx%d", entry, d.dev.precision, columns, v), [3]int{ceil(m, tileM), ceil(n, columns), parts}, [3]int{threads, 1, 1}, 0)
}

// forward computes y = h w, or (scale*t) w.
func (d *dense) forward(entry string, y uint64) {
	sum := uint64(0)
	for _, s := range d.segments() {
		d.at(y, sum, from(d.w, s.lo*d.K), from(d.scale, s.lo), from(d.shift, s.lo)).num(d.M, d.K, s.n)
		d.table(s)
		d.form(entry, d.M, d.K, 1, y)
		sum = y
	}
}

// weightGrad computes h' g or t' g.
func (d *dense) weightGrad(entry string, dw, g uint64) {
	for _, s := range d.segments() {
		total := s.n * d.K
		per, parts := cut(ceil(s.n, tileM)*ceil(d.K, 64), d.M)
		to := from(dw, s.lo*d.K)
		y := d.inParts(to, parts, total)
		d.at(y, g, from(d.scale, s.lo), from(d.shift, s.lo), to).partCounters(parts, ceil(s.n, tileM)*ceil(d.K, 32))
		d.num(d.M, d.K, s.n, per, total)
		d.table(s)
		d.form(entry, s.n, d.K, parts, y, to, g)
	}
}

func affineConv(l *launch) {
	newDense(l, 0, l.In[3:]).forward("affineconv", l.addr(l.Out[0]))
}

func affineConvGrad(l *launch) {
	n := len(l.Attr.(*kernels.AffineConvAttr).Widths)
	d := newDense(l, 1, l.In[4:4+n], l.Out[:n], l.In[4+n:])
	g := l.addr(l.In[0])
	tiles := ceil(d.M, tileM)
	for _, s := range d.segments() {
		sums, sums1 := uint64(0), uint64(0)
		if d.Full {
			sums = l.temp(2 * tiles * s.n)
			sums1 = from(sums, tiles*s.n)
		}
		d.at(g, from(d.w, s.lo*d.K), from(d.scale, s.lo), from(d.shift, s.lo), sums, sums1).num(d.M, d.K, s.n)
		d.table(s)
		d.form("affineconv_dx", d.M, s.n, 1, g)
		if d.Full {
			dscale, dshift := from(l.addr(l.Out[n]), s.lo), from(l.addr(l.Out[n+1]), s.lo)
			l.sumColumnsTo(dscale, dshift, sums, 2, 1, tiles, s.n)
		}
	}
	if d.Full {
		d.tensors = d.tensors[:1]
		d.weightGrad("affineconv_dw", l.addr(l.Out[n+2]), g)
	}
}

func affineConvGrad2(l *launch) {
	n := len(l.Attr.(*kernels.AffineConvAttr).Widths)
	d := newDense(l, 1, l.In[4:4+n], l.In[4+n:])
	dscale, dw := l.addr(l.Out[1]), l.addr(l.Out[2])
	d.forward("affineconv_t", l.addr(l.Out[0]))
	d.weightGrad("affineconv_tw", dw, l.addr(l.In[0]))
	l.at(dscale, dw, dw, d.w, d.scale).num(d.c, d.K).perRow("affine_scale", d.c, 0)
}
