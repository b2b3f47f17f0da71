package kmeans

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"

	"gradgrad/kernels"
)

// Fit clusters points, [n, dim] row by row. It works on one copy of them, so it
// needs their memory once more. Errors name a K out of range, a shape that does
// not fit, values that are not finite, a device that fails; when ctx is done, the error
// wraps its cause.
func Fit(ctx context.Context, points []float32, dim int, c Config) (m *Model, err error) {
	defer catch(&err)
	n, err := checkShape(points, dim)
	if err != nil {
		return nil, err
	}
	if c, err = c.withDefaults(n, dim); err != nil {
		return nil, err
	}
	f, err := newFit(ctx, points, dim, c)
	if err != nil {
		return nil, err
	}
	defer f.close()
	if c.Batch > 0 {
		return f.miniBatch()
	}
	return f.lloyd()
}

// catch turns the panic of a device into an error.
func catch(err *error) {
	switch p := recover().(type) {
	case nil:
	case *kernels.DeviceError:
		*err = fmt.Errorf("kmeans: %w", p)
	default:
		panic(p)
	}
}

// Seeds chooses k of the points by greedy k-means++ seeding with 2+floor(ln k)
// trials for each center, and returns their indices in the order of choice: the
// first centers of [Fit] with the same seed.
func Seeds(ctx context.Context, points []float32, dim, k int, seed uint64) ([]int, error) {
	n, err := checkShape(points, dim)
	if err != nil {
		return nil, err
	}
	c, err := Config{K: k, Seed: seed}.withDefaults(n, dim)
	if err != nil {
		return nil, err
	}
	f, err := newFit(ctx, points, dim, c)
	if err != nil {
		return nil, err
	}
	chosen := newSeeder(f.p, k, tableOf(f.p, k, 1), f.random(0)).choose(k, f.stop, func(int) {})
	if chosen == nil {
		return nil, f.stopped(0, 0)
	}
	return chosen, nil
}

// fit is what the runs share.
type fit struct {
	ctx  context.Context
	c    Config
	p    *points
	init *centers // of Config.Init, or nil

	reporting sync.Mutex
}

func newFit(ctx context.Context, src []float32, dim int, c Config) (*fit, error) {
	origin := mean(src, dim)
	p, err := newPoints(src, dim, origin)
	if err != nil {
		return nil, err
	}
	f := &fit{ctx: ctx, c: c, p: p}
	if c.Init != nil {
		if f.init, err = newCenters(c.K, dim).from(c.Init, origin); err != nil {
			return nil, err
		}
	}
	if c.Device != nil {
		p.on = newRemote(c.Device, p, c.K)
	}
	return f, nil
}

// close gives memory back to the device, if there is one.
func (f *fit) close() {
	if f.p.on != nil {
		f.p.on.close()
	}
}

func (f *fit) stop() bool { return f.ctx.Err() != nil }

func (f *fit) stopped(restart, iterations int) error {
	return fmt.Errorf("kmeans: stopped in run %d of %d after %d iterations: %w",
		restart+1, f.c.Restarts, iterations, context.Cause(f.ctx))
}

func (f *fit) random(restart int) *rand.Rand {
	return rand.New(rand.NewPCG(f.c.Seed, uint64(restart)))
}

func (f *fit) report(p Progress) {
	if f.c.Progress == nil {
		return
	}
	f.reporting.Lock()
	defer f.reporting.Unlock()
	f.c.Progress(p)
}

// smallRun is the number of multiply-adds in one iteration below which the
// threads take a run each; above, they share every run.
const smallRun = 64 << 20

// lloyd makes all runs and keeps the one with the least inertia, the first of
// several.
func (f *fit) lloyd() (*Model, error) {
	var table []float32
	if f.init == nil {
		table = tableOf(f.p, f.c.K, f.c.Restarts)
	}
	runs := make([]*lloyd, f.c.Restarts)
	together := len(runs) // runs at a time
	if f.p.n*f.c.K*f.p.dim > smallRun || f.p.on != nil {
		together = 1
	}
	var best *lloyd
	for first := 0; first < len(runs); first += together {
		now := runs[first:][:together]
		kernels.For(together, func(i int) { now[i] = f.run(first+i, table) })
		for i, l := range now {
			if f.stop() {
				return nil, f.stopped(first+i, l.done)
			}
			if best == nil || l.inertia < best.inertia {
				best = l
			}
			now[i] = nil // what is lost need not be kept
		}
	}
	return f.model(best.centers, best.labels, best.inertia, best.done, best.settled), nil
}

// run is one run from its seeds to its end, or until it is stopped.
func (f *fit) run(restart int, table []float32) *lloyd {
	first := f.init
	if first == nil {
		first = f.seed(f.p, restart, table)
	}
	if first == nil {
		return &lloyd{}
	}
	l := newLloyd(f.p, first, f.stop)
	l.run(f.c.MaxIter, f.tolerance(), func(iteration, changed int, inertia float64) {
		f.report(Progress{Restart: restart, Seeded: f.c.K, Iteration: iteration, Inertia: inertia, Changed: changed})
	})
	return l
}

// seed chooses first centers among the points of p; nil when stopped.
func (f *fit) seed(p *points, restart int, table []float32) *centers {
	s := newSeeder(p, f.c.K, table, f.random(restart))
	chosen := s.choose(f.c.K, f.stop, func(seeded int) {
		f.report(Progress{Restart: restart, Seeded: seeded})
	})
	if chosen == nil {
		return nil
	}
	c := newCenters(f.c.K, p.dim)
	for j, i := range chosen {
		copy(c.row(j), p.row(i))
	}
	c.prepare()
	return c
}

// tolerance is Tol times the mean variance of the features; below zero, where
// only labels at rest end a run, it is less than any movement.
func (f *fit) tolerance() float64 {
	if f.c.Tol < 0 {
		return -1
	}
	sum := 0.0
	for _, v := range f.p.norm {
		sum += float64(v)
	}
	return f.c.Tol * sum / float64(f.p.n) / float64(f.p.dim)
}

func (f *fit) model(c *centers, labels []int32, inertia float64, iterations int, settled bool) *Model {
	m := &Model{K: c.k, Dim: c.dim, Centers: make([]float32, len(c.c)), Labels: make([]int, len(labels)),
		Inertia: inertia, Iterations: iterations, Converged: settled}
	for i, v := range c.c {
		m.Centers[i] = float32(float64(v) + f.p.origin[i%c.dim])
	}
	for i, j := range labels {
		m.Labels[i] = int(j)
	}
	return m
}
