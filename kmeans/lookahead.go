package kmeans

import "gradgrad/kernels"

// lookahead draws the candidates of several centers at once, so that one product
// that reads all points serves them all. By the time a candidate is asked for,
// closest has shrunk; keeping it with the probability by which its own share has
// shrunk, and passing it over otherwise, gives exactly the distribution of a
// draw made now.
type lookahead struct {
	p      *points
	trials int
	most   int         // candidates that there is room for
	steps  int         // centers to draw for next time
	rows   []float32   // points of the candidates, [most, dim]
	free   [][]float32 // room for distances
	pool   []candidate // drawn
	weight []float32   // closest of each when it was drawn
	used   int         // of pool
	kept   int         // of those
}

const (
	maxSteps      = 8       // more would gain little: the product is no longer bound by memory
	lookaheadRoom = 8 << 20 // elements
)

func newLookahead(p *points, trials int) *lookahead {
	most := max(trials, min(maxSteps*trials, lookaheadRoom/p.n))
	return &lookahead{p: p, trials: trials, most: most, steps: 1, rows: make([]float32, most*p.dim)}
}

// next returns a point with its distances, drawn with probability proportional
// to the present closest of s.
func (a *lookahead) next(s *seeder) candidate {
	for {
		if a.used == len(a.pool) {
			a.refill(s)
		}
		weight := a.weight[a.used]
		c := a.take()
		if a.keeps(weight, c, s) {
			a.kept++
			return c
		}
		a.free = append(a.free, c.distance)
	}
}

// keeps decides about a candidate whose share was weight when it was drawn. A
// share of zero means that all points were centers, and all draws equally good.
func (a *lookahead) keeps(weight float32, c candidate, s *seeder) bool {
	return weight == 0 || s.rng.Float64()*float64(weight) < float64(s.closest[c.point])
}

// take returns the next of the pool.
func (a *lookahead) take() candidate {
	a.used++
	return a.pool[a.used-1]
}

// refill draws anew: for more centers where most of the last pool was kept, for
// fewer where much was passed over.
func (a *lookahead) refill(s *seeder) {
	if 3*a.kept >= 2*len(a.pool) {
		a.steps = min(2*a.steps, maxSteps)
	} else {
		a.steps = max(1, a.steps/2)
	}
	drawn := make([]int, min(a.most, a.steps*a.trials))
	for t := range drawn {
		drawn[t] = s.draw()
	}
	a.fill(drawn, s.closest)
}

// fill makes the pool of the given points. The rooms of the last pool have gone
// to those who asked for candidates, or back to free.
func (a *lookahead) fill(drawn []int, closest []float32) {
	a.pool, a.weight, a.used, a.kept = a.pool[:0], a.weight[:0], 0, 0
	for t, i := range drawn {
		if len(a.free) == 0 {
			a.free = append(a.free, make([]float32, a.p.n))
		}
		last := len(a.free) - 1
		a.pool = append(a.pool, candidate{i, a.free[last]})
		a.free = a.free[:last]
		a.weight = append(a.weight, closest[i])
		copy(a.rows[t*a.p.dim:][:a.p.dim], a.p.row(i))
	}
	if a.p.on != nil {
		a.p.on.spread(drawn, func(t int) []float32 { return a.pool[t].distance })
		return
	}
	kernels.For(blocks(a.p.n), func(b int) {
		lo, hi := block(b, a.p.n)
		a.p.distances(lo, hi, a.pool, a.rows)
	})
}

// distances fills in the distances of the points [lo, hi) from the candidates,
// whose points are given once more side by side.
func (p *points) distances(lo, hi int, to []candidate, rows []float32) {
	n := len(to)
	products := borrowTile((hi - lo) * n)
	defer tilePool.Put(products)
	kernels.Gemm(false, true, hi-lo, n, p.dim, p.x[lo*p.stride:], p.stride, rows, p.dim, *products, n, false)
	const group = 64 // points, whose products stay in the first-level cache
	for first := lo; first < hi; first += group {
		end := min(hi, first+group)
		for t, c := range to {
			p.expand(c.distance, c.point, first, end, (*products)[(first-lo)*n+t:], n)
		}
	}
}

// cancelled is the part of |x|^2 + |c|^2 below which the difference of the
// expanded square has lost so many digits that it is computed again term by term:
// so a point and its duplicates are at distance zero from themselves.
const cancelled = kernels.Cancelled

// expand makes squared distances of the points [lo, hi) from point c of their
// products with it, step apart.
func (p *points) expand(distance []float32, c, lo, hi int, products []float32, step int) {
	c2 := p.norm[c]
	norm := p.norm[lo:hi]
	out := distance[lo:hi][:len(norm)]
	at := 0
	for i, x2 := range norm {
		both := x2 + c2
		d := both - 2*products[at]
		at += step
		if d <= cancelled*both {
			d = float32(squaredDistance(p.row(lo+i), p.row(c)))
		}
		out[i] = d
	}
}

// tableOf returns the squared distances of all points from all, [n, n], where
// that is small and no more work than what the given number of runs would
// compute; else nil.
func tableOf(p *points, k, runs int) []float32 {
	const most = 2048
	if p.n > most || p.n > k*trialsFor(k)*runs {
		return nil
	}
	table := make([]float32, p.n*p.n)
	if p.on != nil {
		p.on.spread(consecutive(p.n), func(t int) []float32 { return table[t*p.n:][:p.n] })
		return table
	}
	kernels.Gemm(false, true, p.n, p.n, p.dim, p.x, p.stride, p.x, p.stride, table, p.n, false)
	kernels.For(p.n, func(c int) {
		row := table[c*p.n:][:p.n]
		p.expand(row, c, 0, p.n, row, 1)
	})
	return table
}

func consecutive(n int) []int {
	ids := make([]int, n)
	for i := range ids {
		ids[i] = i
	}
	return ids
}
