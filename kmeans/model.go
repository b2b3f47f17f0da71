package kmeans

import (
	"context"
	"fmt"
)

// Model is a clustering.
type Model struct {
	K, Dim     int
	Centers    []float32 // [K, Dim]
	Labels     []int     // the nearest center of each point that was fitted
	Inertia    float64   // sum of the squared distances from the points to their centers
	Iterations int       // of the run that was kept; mini-batch steps with Config.Batch
	Converged  bool      // whether that run came to rest before MaxIter
}

// assignRows is the number of points that Assign copies at a time.
const assignRows = 8 * blockRows

// Assign returns the index of the nearest center of each of the points, [n, Dim]
// row by row; of equally near ones the first. It reads K, Dim and Centers alone,
// so a Model may be made from stored centers. A point whose two nearest centers
// differ in distance by rounding (about 1e-6 of its own distance from them) may
// get another label than [Fit] gave it.
func (m *Model) Assign(ctx context.Context, points []float32) ([]int, error) {
	n, err := checkShape(points, m.Dim)
	if err != nil {
		return nil, err
	}
	if m.K < 1 || len(m.Centers) != m.K*m.Dim {
		return nil, fmt.Errorf("kmeans: the model has %d elements of centers; %d centers of %d features have %d", len(m.Centers), m.K, m.Dim, m.K*m.Dim)
	}
	origin := mean(m.Centers, m.Dim)
	c, err := newCenters(m.K, m.Dim).from(m.Centers, origin)
	if err != nil {
		return nil, err
	}
	labels := make([]int, n)
	found, values := make([]int32, min(n, assignRows)), make([]float32, min(n, assignRows))
	stop := func() bool { return ctx.Err() != nil }
	for lo := 0; lo < n; lo += assignRows {
		part := points[lo*m.Dim : min(n, lo+assignRows)*m.Dim]
		p := copyPoints(part, m.Dim, origin)
		if err := p.checkFar(part, lo); err != nil {
			return nil, err
		}
		p.nearest(c, found[:p.n], values[:p.n], stop)
		if stop() {
			return nil, fmt.Errorf("kmeans: stopped after assigning %d of %d points: %w", lo, n, context.Cause(ctx))
		}
		for i, j := range found[:p.n] {
			labels[lo+i] = int(j)
		}
	}
	return labels, nil
}
