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
	table   []float32 // squared distances of all points from all, or nil
	closest []float32 // squared distance from the nearest center
	sums    []float64 // sum of closest by block
	partial []float64 // what it would be with each candidate: [blocks, trials]
	trials  []candidate
	ahead   *lookahead
}

// candidate is a point that may become a center.
type candidate struct {
	point    int
	distance []float32 // squared, from all points
}

// trialsFor is the number of candidates for each of k centers.
func trialsFor(k int) int { return 2 + int(math.Log(float64(k))) }

func newSeeder(p *points, k int, table []float32, rng *rand.Rand) *seeder {
	trials := trialsFor(k)
	s := &seeder{p: p, rng: rng, table: table, closest: make([]float32, p.n),
		sums: make([]float64, blocks(p.n)), partial: make([]float64, blocks(p.n)*trials),
		trials: make([]candidate, 0, trials)}
	if table == nil {
		s.ahead = newLookahead(p, trials)
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
		s.release()
		if len(chosen) == 0 {
			s.propose(s.rng.IntN(s.p.n))
		} else {
			for range cap(s.trials) {
				s.proposeRandom()
			}
		}
		chosen = append(chosen, s.takeBest())
		report(len(chosen))
	}
	return chosen
}

// release forgets the candidates of the last center.
func (s *seeder) release() {
	if s.ahead != nil {
		for _, c := range s.trials {
			s.ahead.free = append(s.ahead.free, c.distance)
		}
	}
	s.trials = s.trials[:0]
}

// propose makes one particular point a candidate.
func (s *seeder) propose(i int) {
	if s.table != nil {
		s.trials = append(s.trials, candidate{i, s.table[i*s.p.n:][:s.p.n]})
		return
	}
	s.ahead.fill([]int{i}, s.closest)
	s.trials = append(s.trials, s.ahead.take())
}

// proposeRandom draws a candidate.
func (s *seeder) proposeRandom() {
	if s.table != nil {
		s.propose(s.draw())
		return
	}
	s.trials = append(s.trials, s.ahead.next(s))
}

// draw returns a point with probability proportional to closest.
func (s *seeder) draw() int {
	total := 0.0
	for _, v := range s.sums {
		total += v
	}
	if total == 0 { // every point is a center already: more centers than distinct points
		return s.rng.IntN(s.p.n)
	}
	return s.find(s.rng.Float64() * total)
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

// takeBest makes a center of the candidate that leaves the least sum of closest,
// the first of several, and returns its point.
func (s *seeder) takeBest() int {
	n := len(s.trials)
	kernels.For(len(s.sums), func(b int) {
		lo, hi := block(b, s.p.n)
		for t, c := range s.trials {
			s.partial[b*n+t] = sumOfLesser(s.closest[lo:hi], c.distance[lo:hi])
		}
	})
	best, least := 0, math.Inf(1)
	for t := range n {
		sum := 0.0
		for b := range s.sums {
			sum += s.partial[b*n+t]
		}
		if sum < least {
			best, least = t, sum
		}
	}
	for b := range s.sums {
		s.sums[b] = s.partial[b*n+best]
	}
	kernels.For(len(s.sums), func(b int) {
		lo, hi := block(b, s.p.n)
		lower(s.closest[lo:hi], s.trials[best].distance[lo:hi])
	})
	return s.trials[best].point
}

// lower is a = min(a, b).
func lower(a, b []float32) {
	b = b[:len(a)]
	for i, v := range a {
		if b[i] < v {
			a[i] = b[i]
		}
	}
}

// sumOfLesser is the sum of min(a, b) in float64, in four interleaved parts.
func sumOfLesser(a, b []float32) float64 {
	var s0, s1, s2, s3 float64
	b = b[:len(a)]
	for len(a) >= 4 && len(b) >= 4 {
		// Branches, not min: most come out as before, and NaN does not occur.
		v0, v1, v2, v3 := a[0], a[1], a[2], a[3]
		if b[0] < v0 {
			v0 = b[0]
		}
		if b[1] < v1 {
			v1 = b[1]
		}
		if b[2] < v2 {
			v2 = b[2]
		}
		if b[3] < v3 {
			v3 = b[3]
		}
		s0 += float64(v0)
		s1 += float64(v1)
		s2 += float64(v2)
		s3 += float64(v3)
		a, b = a[4:], b[4:]
	}
	for i, v := range a {
		s0 += float64(min(v, b[i]))
	}
	return (s0 + s1) + (s2 + s3)
}
