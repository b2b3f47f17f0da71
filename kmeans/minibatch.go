package kmeans

import (
	"math"
	"math/rand/v2"

	"gradgrad/kernels"
)

// miniBatch is the mini-batch variant (Sculley 2010): each step assigns a few
// random points and moves each center to the mean of all points it was ever
// given. Centers that hardly get any are given new places, and the end comes
// when the smoothed inertia of the batches no longer falls; both as in
// scikit-learn.
type miniBatch struct {
	f      *fit
	rng    *rand.Rand
	c      *centers
	sum    []float64 // of the points that each center was given, [k, dim]
	count  []float64 // how many
	batch  *points
	labels []int32
	values []float32
	sorted clusters
	since  int // points since centers were given new places
	smooth smoothed
}

const (
	rareShare = 0.01 // of the largest count: a center with less is given a new place
	patience  = 10   // steps without a new low before the end
)

func (f *fit) miniBatch() (*Model, error) {
	k, size := f.c.K, f.c.Batch
	m := &miniBatch{f: f, rng: f.random(-1), sum: make([]float64, k*f.p.dim), count: make([]float64, k),
		batch: emptyPoints(size, f.p.dim, nil), labels: make([]int32, size), values: make([]float32, size),
		sorted: clusters{order: make([]int32, size), start: make([]int32, k+1), shift: make([]float64, k)},
		smooth: smoothed{weight: min(1, 2*float64(size)/float64(f.p.n+1))}}
	m.sorted.of = m.labels
	if m.c = m.firstCenters(); m.c == nil {
		return nil, f.stopped(0, 0)
	}
	steps := max(1, int(float64(f.c.MaxIter)*float64(f.p.n)/float64(size)))
	done, settled := 0, false
	for done < steps && !settled {
		inertia, shift := m.step()
		if f.stop() {
			return nil, f.stopped(0, done)
		}
		done++
		f.report(Progress{Seeded: k, Iteration: done, Inertia: inertia})
		settled = f.c.Tol > 0 && shift <= f.tolerance() || done > 1 && m.smooth.rests(inertia)
	}
	labels := make([]int32, f.p.n)
	f.p.nearest(m.c, labels, make([]float32, f.p.n), f.stop)
	if f.stop() {
		return nil, f.stopped(0, done)
	}
	return f.model(m.c, labels, f.p.inertia(m.c, labels), done, settled), nil
}

// firstCenters is the best of Restarts seedings, each among a few points, on
// other points; or Init. It is nil when it was stopped.
func (m *miniBatch) firstCenters() *centers {
	f := m.f
	if f.init != nil {
		return f.init
	}
	size := min(f.p.n, 3*max(f.c.Batch, f.c.K))
	check := m.sample(emptyPoints(size, f.p.dim, nil))
	labels, values := make([]int32, size), make([]float32, size)
	var best *centers
	least := math.Inf(1)
	for r := range f.c.Restarts {
		among := emptyPoints(size, f.p.dim, nil)
		gather(among, f.p, m.rng.Perm(f.p.n)[:size])
		c := f.seed(among, r, tableOf(among, f.c.K, 1))
		if c == nil {
			return nil
		}
		check.nearest(c, labels, values, f.stop)
		if v := check.total(values); v < least {
			best, least = c, v
		}
	}
	return best
}

// sample fills dst with random points.
func (m *miniBatch) sample(dst *points) *points {
	at := make([]int, dst.n)
	for i := range at {
		at[i] = m.rng.IntN(m.f.p.n)
	}
	gather(dst, m.f.p, at)
	return dst
}

func gather(dst, src *points, at []int) {
	kernels.For(blocks(dst.n), func(b int) {
		lo, hi := block(b, dst.n)
		for i := lo; i < hi; i++ {
			copy(dst.row(i), src.row(at[i]))
			dst.norm[i] = src.norm[at[i]]
		}
	})
}

// step returns the inertia of a batch before its points moved the centers, and
// the squared movements of the centers together.
func (m *miniBatch) step() (inertia, shift float64) {
	m.sample(m.batch)
	m.batch.nearest(m.c, m.labels, m.values, m.f.stop)
	m.sorted.sort()
	kernels.For(m.c.k, func(j int) {
		own := m.sorted.own(j)
		m.sorted.shift[j] = 0
		if len(own) == 0 {
			return
		}
		sum := m.sum[j*m.c.dim:][:m.c.dim]
		sumRows(sum, len(own), func(i int) []float32 { return m.batch.row(int(own[i])) })
		m.count[j] += float64(len(own))
		m.sorted.shift[j] = place(m.c.row(j), sum, 1/m.count[j])
	})
	m.replaceRare()
	m.c.prepare()
	for _, s := range m.sorted.shift {
		shift += s
	}
	return m.batch.total(m.values), shift
}

// replaceRare now and then puts centers with few points onto points of the
// batch, with a count that does not make them rare again at once.
func (m *miniBatch) replaceRare() {
	most, least := 0.0, math.Inf(1)
	for _, n := range m.count {
		most, least = max(most, n), min(least, n)
	}
	m.since += m.batch.n
	if least > 0 && m.since < 10*m.c.k {
		return
	}
	m.since = 0
	var rare []int
	common := math.Inf(1) // the least count of the others
	for j, n := range m.count {
		if n < rareShare*most && 2*(len(rare)+1) <= m.batch.n {
			rare = append(rare, j)
		} else {
			common = min(common, n)
		}
	}
	places := m.rng.Perm(m.batch.n)
	for i, j := range rare {
		x := m.batch.row(places[i])
		sum := m.sum[j*m.c.dim:][:m.c.dim]
		m.count[j] = max(1, common)
		for f, v := range x {
			sum[f] = m.count[j] * float64(v)
		}
		m.sorted.shift[j] += squaredDistance(m.c.row(j), x)
		copy(m.c.row(j), x)
	}
}

// smoothed is an exponentially weighted mean that says when it has long not
// reached a new low.
type smoothed struct {
	weight    float64 // of the newest value
	mean, low float64
	since     int // values since the low
	begun     bool
}

func (s *smoothed) rests(v float64) bool {
	if !s.begun {
		s.begun, s.mean, s.low = true, v, v
		return false
	}
	s.mean += s.weight * (v - s.mean)
	if s.mean < s.low {
		s.low, s.since = s.mean, 0
		return false
	}
	s.since++
	return s.since >= patience
}
