package kmeans

import (
	"fmt"
	"math"
	"slices"

	"gradgrad/kernels"
)

// points is a set of points moved so that origin lies at zero. The distances
// are computed as |x|^2 - 2 x.c + |c|^2, which loses all digits where the
// points lie far from zero and near each other; moved, they keep them.
type points struct {
	n, dim int
	stride int // elements from one point to the next in x
	x      []float32
	norm   []float32 // |x|^2
	origin []float64
	on     *remote // the same points on a device, or nil
}

// blockRows is the number of points in one piece of work. Sums over all points
// are sums over such blocks in order, so their bits depend on nothing else.
const blockRows = 1024

func blocks(n int) int { return (n + blockRows - 1) / blockRows }

func block(i, n int) (lo, hi int) { return i * blockRows, min(n, (i+1)*blockRows) }

// newPoints copies n points, moved by -origin. It returns an error where a value
// is not finite or where squares would leave the range of float32.
func newPoints(src []float32, dim int, origin []float64) (*points, error) {
	p := copyPoints(src, dim, origin)
	if err := p.checkFar(src, 0); err != nil {
		return nil, err
	}
	return p, p.checkNear()
}

func copyPoints(src []float32, dim int, origin []float64) *points {
	p := emptyPoints(len(src)/dim, dim, origin)
	kernels.For(blocks(p.n), func(b int) {
		lo, hi := block(b, p.n)
		for i := lo; i < hi; i++ {
			p.set(i, src[i*dim:][:dim])
		}
	})
	return p
}

func emptyPoints(n, dim int, origin []float64) *points {
	stride := dim
	if dim%256 == 0 {
		stride += 16 // rows a power of two apart share the same few lines of the cache
	}
	return &points{n: n, dim: dim, stride: stride, origin: origin,
		x: make([]float32, n*stride), norm: make([]float32, n)}
}

// set makes x the point number i.
func (p *points) set(i int, x []float32) {
	row := p.row(i)
	x, origin := x[:len(row)], p.origin[:len(row)]
	for j := range row {
		row[j] = float32(float64(x[j]) - origin[j])
	}
	p.norm[i] = float32(dot(row, row))
}

func (p *points) row(i int) []float32 { return p.x[i*p.stride:][:p.dim] }

// The squared distances of points further apart than this (or all of them
// closer) overflow float32 (or vanish).
const (
	maxNorm = 1e36
	minNorm = 1e-30
)

// checkFar returns an error where a point has an infinite norm or none; src is
// what the points were copied from, first the number of its first point.
func (p *points) checkFar(src []float32, first int) error {
	for i, norm := range p.norm {
		if norm <= maxNorm {
			continue
		}
		for j, v := range src[i*p.dim:][:p.dim] {
			if v-v != 0 {
				return fmt.Errorf("kmeans: feature %d of point %d is %v; all values must be finite", j, first+i, v)
			}
		}
		return fmt.Errorf("kmeans: point %d lies too far from the others for distances in float32; scale the points down", first+i)
	}
	return nil
}

// checkNear returns an error where no point has a norm worth the name, though
// they differ.
func (p *points) checkNear() error {
	most := slices.Max(p.norm)
	if most < minNorm && slices.ContainsFunc(p.x, func(v float32) bool { return v != 0 }) {
		return fmt.Errorf("kmeans: the points lie within %.3g of their mean, too close for distances in float32; scale them up", math.Sqrt(float64(most)))
	}
	return nil
}

// mean returns the mean of n points, summed in float64. It takes values that are
// not finite for zero; checkFar says which point they are in.
func mean(src []float32, dim int) []float64 {
	n := len(src) / dim
	partial := make([]float64, blocks(n)*dim)
	kernels.For(blocks(n), func(b int) {
		lo, hi := block(b, n)
		sumRows(partial[b*dim:][:dim], hi-lo, func(i int) []float32 { return src[(lo+i)*dim:][:dim] })
	})
	m := make([]float64, dim)
	for b := range blocks(n) {
		for j, v := range partial[b*dim:][:dim] {
			m[j] += v
		}
	}
	for j := range m {
		if m[j] /= float64(n); m[j]-m[j] != 0 {
			m[j] = 0
		}
	}
	return m
}

// sumRows adds n rows to sum, four at a time, which saves loads and stores of
// the sums.
func sumRows(sum []float64, n int, row func(i int) []float32) {
	i := 0
	for ; i+4 <= n; i += 4 {
		a, b, c, d := row(i)[:len(sum)], row(i + 1)[:len(sum)], row(i + 2)[:len(sum)], row(i + 3)[:len(sum)]
		for j, s := range sum {
			sum[j] = s + ((float64(a[j]) + float64(b[j])) + (float64(c[j]) + float64(d[j])))
		}
	}
	for ; i < n; i++ {
		a := row(i)[:len(sum)]
		for j := range sum {
			sum[j] += float64(a[j])
		}
	}
}

// dot is x.y in float64, summed in four interleaved parts.
func dot(x, y []float32) float64 {
	var s0, s1, s2, s3 float64
	y = y[:len(x)]
	for len(x) >= 4 && len(y) >= 4 {
		s0 += float64(x[0]) * float64(y[0])
		s1 += float64(x[1]) * float64(y[1])
		s2 += float64(x[2]) * float64(y[2])
		s3 += float64(x[3]) * float64(y[3])
		x, y = x[4:], y[4:]
	}
	for i, v := range x {
		s0 += float64(v) * float64(y[i])
	}
	return (s0 + s1) + (s2 + s3)
}

// squaredDistance is |x-y|^2 in float64, term by term: no digits are lost.
func squaredDistance(x, y []float32) float64 {
	var s0, s1 float64
	y = y[:len(x)]
	for len(x) >= 2 && len(y) >= 2 {
		d0, d1 := float64(x[0])-float64(y[0]), float64(x[1])-float64(y[1])
		s0 += d0 * d0
		s1 += d1 * d1
		x, y = x[2:], y[2:]
	}
	for i, v := range x {
		d := float64(v) - float64(y[i])
		s0 += d * d
	}
	return s0 + s1
}
