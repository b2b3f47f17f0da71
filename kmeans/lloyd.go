package kmeans

import (
	"slices"

	"gradgrad/kernels"
)

// lloyd is one run of Lloyd's algorithm.
type lloyd struct {
	p       *points
	centers *centers
	labels  []int32
	values  []float32 // squared distances from the centers of the labels, less |x|^2
	before  []int32   // labels of the iteration before
	members clusters
	inertia float64
	done    int // iterations
	settled bool
	stop    func() bool
}

// clusters is who the points of each center's mean are: the labels, but for
// points that were given to a center that had none.
type clusters struct {
	of, last []int32 // cluster of each point, now and at the last update
	order    []int32 // points by cluster, each cluster's in ascending order
	start    []int32 // of cluster j in order; its end is start[j+1]
	changed  []bool  // by cluster: its center has moved
	shift    []float64
}

func newLloyd(p *points, c *centers, stop func() bool) *lloyd {
	fresh := func() []int32 {
		s := make([]int32, p.n)
		for i := range s {
			s[i] = -1
		}
		return s
	}
	return &lloyd{p: p, centers: c, labels: make([]int32, p.n), values: make([]float32, p.n), before: fresh(), stop: stop, members: clusters{
		of: make([]int32, p.n), last: fresh(), order: make([]int32, p.n),
		start: make([]int32, c.k+1), changed: make([]bool, c.k), shift: make([]float64, c.k),
	}}
}

// run iterates until the labels rest, the centers move by no more than tol in
// squared distance together, or maxIter iterations are done. It reports false
// when it was stopped.
func (l *lloyd) run(maxIter int, tol float64, report func(iteration, changed int, inertia float64)) bool {
	for l.done < maxIter {
		changed, sum, shift := l.iterate()
		if l.stop() {
			return false
		}
		l.done++
		report(l.done, changed, sum)
		if changed == 0 || shift <= tol {
			l.settled = true
			if changed == 0 {
				return l.finish()
			}
			break
		}
	}
	// The centers have moved since the labels were found.
	l.assign()
	return l.finish()
}

// iterate finds the labels and moves the centers. It returns how many labels have
// changed, the sum of the squared distances under the centers as they were, and the sum
// of the centers' squared movements.
func (l *lloyd) iterate() (changed int, sum, shift float64) {
	if l.p.on != nil {
		return l.p.on.iterate(l)
	}
	l.assign()
	if l.stop() {
		return 0, 0, 0
	}
	for i, v := range l.labels {
		if v != l.before[i] {
			changed++
		}
	}
	sum, shift = l.p.total(l.values), l.update()
	copy(l.before, l.labels)
	return changed, sum, shift
}

func (l *lloyd) finish() bool {
	if l.p.on != nil {
		l.p.on.fetch(l)
	}
	if l.stop() {
		return false
	}
	l.inertia = l.p.inertia(l.centers, l.labels)
	return true
}

// update moves every center to the mean of its points and returns the sum of the
// squared movements. A center whose points are the same as before stays.
func (l *lloyd) update() float64 {
	m := &l.members
	copy(m.of, l.labels)
	m.sort()
	l.relocate()
	clear(m.changed)
	for i, now := range m.of {
		if last := m.last[i]; now != last {
			m.changed[now] = true
			if last >= 0 {
				m.changed[last] = true
			}
		}
	}
	copy(m.last, m.of)
	kernels.For(l.centers.k, l.moveCenter)
	l.fillEmpty()
	l.centers.prepare()
	total := 0.0
	for _, s := range m.shift {
		total += s
	}
	return total
}

// moveCenter moves center j to the mean of its points, if it has any.
func (l *lloyd) moveCenter(j int) {
	m := &l.members
	m.shift[j] = 0
	own := m.own(j)
	if len(own) == 0 || !m.changed[j] {
		return
	}
	sum := make([]float64, l.p.dim)
	sumRows(sum, len(own), func(i int) []float32 { return l.p.row(int(own[i])) })
	m.shift[j] = place(l.centers.row(j), sum, 1/float64(len(own)))
}

// place sets a center to scale*sum and returns how far it moved, squared.
func place(center []float32, sum []float64, scale float64) (shift float64) {
	sum = sum[:len(center)]
	for f, old := range center {
		v := float32(sum[f] * scale)
		d := float64(v) - float64(old)
		shift += d * d
		center[f] = v
	}
	return shift
}

// own is the points of cluster j.
func (m *clusters) own(j int) []int32 { return m.order[m.start[j]:m.start[j+1]] }

// sort fills order and start from of: a counting sort.
func (m *clusters) sort() {
	clear(m.start)
	for _, j := range m.of {
		m.start[j+1]++
	}
	for j := range m.start[1:] {
		m.start[j+1] += m.start[j]
	}
	for i, j := range m.of {
		m.order[m.start[j]] = int32(i)
		m.start[j]++
	}
	copy(m.start[1:], m.start) // the ends are the starts of the next
	m.start[0] = 0
}

// relocate gives each center without points one of the points that lie furthest
// from their centers, as scikit-learn does. Where all points lie at their
// centers there is nothing to gain.
func (l *lloyd) relocate() {
	m := &l.members
	var empty []int32
	for j := range l.centers.k {
		if len(m.own(j)) == 0 {
			empty = append(empty, int32(j))
		}
	}
	if len(empty) == 0 {
		return
	}
	distance := make([]float64, l.p.n)
	for i, j := range l.labels {
		distance[i] = squaredDistance(l.p.row(i), l.centers.row(int(j)))
	}
	far := make([]int32, l.p.n)
	for i := range far {
		far[i] = int32(i)
	}
	slices.SortStableFunc(far, func(a, b int32) int {
		switch {
		case distance[a] > distance[b]:
			return -1
		case distance[a] < distance[b]:
			return 1
		}
		return 0
	})
	if distance[far[0]] == 0 {
		return
	}
	for i, j := range empty {
		m.of[far[i]] = j
	}
	m.sort()
}

// fillEmpty puts centers that are still without points where the largest
// cluster has its center: anywhere but at zero, which means nothing.
func (l *lloyd) fillEmpty() {
	m := &l.members
	largest := 0
	for j := range l.centers.k {
		if len(m.own(j)) > len(m.own(largest)) {
			largest = j
		}
	}
	for j := range l.centers.k {
		if len(m.own(j)) == 0 {
			m.changed[j] = true
			m.shift[j] = squaredDistance(l.centers.row(j), l.centers.row(largest))
			copy(l.centers.row(j), l.centers.row(largest))
		}
	}
}
