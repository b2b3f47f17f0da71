package kmeans

import (
	"fmt"
	"sync"

	"gradgrad/kernels"
)

// centers is K centers, moved like the points, with what products need.
type centers struct {
	k, dim int
	c      []float32 // [k, dim]
	minus2 []float32 // [dim, k]: -2c, as a product reads it fastest
	norm   []float32 // |c|^2
}

func newCenters(k, dim int) *centers {
	return &centers{k: k, dim: dim, c: make([]float32, k*dim), minus2: make([]float32, k*dim), norm: make([]float32, k)}
}

func (c *centers) row(j int) []float32 { return c.c[j*c.dim:][:c.dim] }

// prepare follows a change of c.c.
func (c *centers) prepare() {
	const group = 16 // centers side by side: a line of the cache
	kernels.For((c.k+group-1)/group, func(g int) {
		lo, hi := g*group, min(c.k, (g+1)*group)
		for j := lo; j < hi; j++ {
			c.norm[j] = float32(dot(c.row(j), c.row(j)))
		}
		for f := range c.dim {
			out := c.minus2[f*c.k:][lo:hi]
			for j := range out {
				out[j] = -2 * c.c[(lo+j)*c.dim+f]
			}
		}
	})
}

// from fills in centers [k, dim], to be moved by -origin.
func (c *centers) from(src []float32, origin []float64) (*centers, error) {
	for i, v := range src {
		if v-v != 0 {
			return nil, fmt.Errorf("kmeans: feature %d of center %d is %v; all values must be finite", i%c.dim, i/c.dim, v)
		}
		c.c[i] = float32(float64(v) - origin[i%c.dim])
	}
	c.prepare()
	for j, norm := range c.norm {
		if !(norm <= maxNorm) {
			return nil, fmt.Errorf("kmeans: center %d lies too far from the others for distances in float32; scale points and centers down", j)
		}
	}
	return c, nil
}

// tileElements is the size of a tile of distances, which stays in the
// second-level cache from the product that writes it to the search that reads it.
const tileElements = 512 << 10

// tileRows is the number of points in a tile; a function of k alone.
func tileRows(k int) int { return min(blockRows, max(48, tileElements/k/48*48)) }

// tilePool holds the tiles between uses.
var tilePool = sync.Pool{New: func() any { return new([]float32) }}

func borrowTile(n int) *[]float32 {
	t := tilePool.Get().(*[]float32)
	if cap(*t) < n {
		*t = make([]float32, n)
	}
	*t = (*t)[:n]
	return t
}

// nearest sets labels[i] to the center nearest to point i, the first of several
// that are equally near, and values[i] to its squared distance less |x|^2. What
// labels holds before is a guess, which saves time where it is right. It leaves
// off when stop says so; labels and values then mean nothing.
func (p *points) nearest(c *centers, labels []int32, values []float32, stop func() bool) {
	rows := tileRows(c.k)
	kernels.For((p.n+rows-1)/rows, func(t int) {
		if stop() {
			return
		}
		lo, hi := t*rows, min(p.n, (t+1)*rows)
		tile := borrowTile((hi - lo) * c.k)
		defer tilePool.Put(tile)
		d := *tile
		c.distances(d, hi-lo, p.x[lo*p.stride:], p.stride)
		for i := lo; i < hi; i++ {
			labels[i], values[i] = argmin(d[(i-lo)*c.k:][:c.k], labels[i])
		}
	})
}

// distances fills d with |c|^2 - 2 x.c of n points, [n, k].
func (c *centers) distances(d []float32, n int, x []float32, stride int) {
	for i := range n {
		copy(d[i*c.k:][:c.k], c.norm)
	}
	kernels.Gemm(false, false, n, c.k, c.dim, x, stride, c.minus2, c.k, d, c.k, true)
}

// total is the sum of the squared distances of which nearest gave the values.
func (p *points) total(values []float32) float64 {
	sum := 0.0
	for i, x2 := range p.norm {
		sum += max(0, float64(x2)+float64(values[i])) // rounding may make it negative
	}
	return sum
}

// argmin returns the index of the first of the least elements, and the element.
// A guess that is right makes all branches predictable.
func argmin(v []float32, guess int32) (int32, float32) {
	at := int(guess)
	best := v[at]
	j := 0
	for ; j+4 <= len(v); j += 4 {
		q := (*[4]float32)(v[j:])
		if q[0] > best && q[1] > best && q[2] > best && q[3] > best {
			continue
		}
		for i, e := range q {
			if e < best || e == best && j+i < at {
				at, best = j+i, e
			}
		}
	}
	for ; j < len(v); j++ {
		if e := v[j]; e < best || e == best && j < at {
			at, best = j, e
		}
	}
	return int32(at), best
}

// inertia is the sum of the squared distances from each point to its center,
// term by term in float64.
func (p *points) inertia(c *centers, labels []int32) float64 {
	partial := make([]float64, blocks(p.n))
	kernels.For(len(partial), func(b int) {
		lo, hi := block(b, p.n)
		sum := 0.0
		for i := lo; i < hi; i++ {
			sum += squaredDistance(p.row(i), c.row(int(labels[i])))
		}
		partial[b] = sum
	})
	total := 0.0
	for _, v := range partial {
		total += v
	}
	return total
}
