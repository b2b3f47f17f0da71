package kmeans

import (
	"math"
	"math/rand/v2"

	"gradgrad/kernels"
)

// seeder chooses first centers by greedy k-means++ (Arthur and Vassilvitskii
// 2007, section 2.2 and its closing remark): each further center is the best of
// a few points drawn with probability proportional to their squared distance
// from the nearest center so far.
type seeder struct {
	p       *points
	rng     *rand.Rand
	gram    []float32   // products of all points with all, or nil
	closest []float32   // squared distance to the nearest center
	trial   [][]float32 // what closest becomes with each candidate
	sums    []float64   // sum of closest by block
	partial []float64   // sum of each trial by block: [blocks, candidates]
	drawn   []int       // the candidates
	rows    []float32   // the candidates' points
}

// candidates is the number of trials for each of k centers.
func candidates(k int) int { return 2 + int(math.Log(float64(k))) }

func newSeeder(p *points, k int, gram []float32, rng *rand.Rand) *seeder {
	trials := candidates(k)
	s := &seeder{p: p, rng: rng, gram: gram,
		closest: make([]float32, p.n), trial: make([][]float32, trials),
		sums: make([]float64, blocks(p.n)), partial: make([]float64, blocks(p.n)*trials),
		drawn: make([]int, trials), rows: make([]float32, trials*p.dim)}
	for t := range s.trial {
		s.trial[t] = make([]float32, p.n)
	}
	return s
}

// choose returns the indices of k points, or nil when it was stopped.
func (s *seeder) choose(k int, stop func() bool, report func(seeded int)) []int {
	inf := float32(math.Inf(1))
	for i := range s.closest {
		s.closest[i] = inf
	}
	chosen := make([]int, 0, k)
	for len(chosen) < k {
		if stop() {
			return nil
		}
		drawn := s.drawn
		if len(chosen) == 0 {
			drawn = drawn[:1]
			drawn[0] = s.rng.IntN(s.p.n)
		} else {
			s.draw(drawn)
		}
		best := s.try(drawn)
		chosen = append(chosen, drawn[best])
		s.closest, s.trial[best] = s.trial[best], s.closest
		for b := range s.sums {
			s.sums[b] = s.partial[b*len(drawn)+best]
		}
		report(len(chosen))
	}
	return chosen
}

// draw fills drawn with points, each with probability proportional to closest.
func (s *seeder) draw(drawn []int) {
	total := 0.0
	for _, v := range s.sums {
		total += v
	}
	for t := range drawn {
		if total == 0 { // every point is a center already: more centers than distinct points
			drawn[t] = s.rng.IntN(s.p.n)
			continue
		}
		drawn[t] = s.find(s.rng.Float64() * total)
	}
}

// find returns the point at which the running sum of closest exceeds at.
func (s *seeder) find(at float64) int {
	last := 0 // a point that may be drawn, should rounding carry at beyond the end
	for b, sum := range s.sums {
		if at >= sum && b+1 < len(s.sums) {
			at -= sum
			continue
		}
		lo, hi := block(b, s.p.n)
		for i := lo; i < hi; i++ {
			if v := float64(s.closest[i]); v > 0 {
				if last = i; at < v {
					return i
				}
				at -= v
			}
		}
	}
	return last
}

// try computes what closest becomes with each of the drawn points as a center
// and returns the one that leaves the least sum, the first of several.
func (s *seeder) try(drawn []int) (best int) {
	n := len(drawn)
	for t, i := range drawn {
		copy(s.rows[t*s.p.dim:][:s.p.dim], s.p.row(i))
	}
	kernels.For(blocks(s.p.n), func(b int) {
		lo, hi := block(b, s.p.n)
		sums := s.partial[b*n:][:n]
		if s.gram != nil {
			for t, i := range drawn {
				sums[t] = s.tryBlock(t, i, lo, hi, s.gram[i*s.p.n+lo:], 1)
			}
			return
		}
		products := borrowTile((hi - lo) * n)
		defer tilePool.Put(products)
		kernels.Gemm(false, true, hi-lo, n, s.p.dim, s.p.x[lo*s.p.stride:], s.p.stride, s.rows, s.p.dim, *products, n, false)
		for t, i := range drawn {
			sums[t] = s.tryBlock(t, i, lo, hi, (*products)[t:], n)
		}
	})
	least := math.Inf(1)
	for t := range drawn {
		sum := 0.0
		for b := range s.sums {
			sum += s.partial[b*n+t]
		}
		if sum < least {
			best, least = t, sum
		}
	}
	return best
}

// cancelled is the part of |x|^2 + |c|^2 below which the difference of the
// expanded square has lost so many digits that it is computed again term by term:
// so a point and its duplicates are at distance zero from themselves.
const cancelled = 1e-4

// tryBlock fills trial t, whose candidate is point c, for the points [lo, hi) and
// returns its sum; products holds their products with c, step apart.
func (s *seeder) tryBlock(t, c, lo, hi int, products []float32, step int) float64 {
	n := hi - lo
	out, closest, norm := s.trial[t][lo:hi], s.closest[lo:hi][:n], s.p.norm[lo:hi][:n]
	c2 := s.p.norm[c]
	sum, at := 0.0, 0
	for i := range out {
		both := norm[i] + c2
		d := both - 2*products[at]
		at += step
		old := closest[i]
		if d <= cancelled*both {
			d = float32(squaredDistance(s.p.row(lo+i), s.p.row(c)))
		}
		if old < d {
			d = old
		}
		out[i] = d
		sum += float64(d)
	}
	return sum
}

// gramOf returns the products of all points with all where that is less work
// than the products that the given number of runs would ask for, and small.
func gramOf(p *points, k, runs int) []float32 {
	const most = 2048
	if p.n > most || p.n > k*candidates(k)*runs {
		return nil
	}
	g := make([]float32, p.n*p.n)
	kernels.Gemm(false, true, p.n, p.n, p.dim, p.x, p.stride, p.x, p.stride, g, p.n, false)
	return g
}
