package kmeans

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// blobs is n points in well separated groups, and the group of each.
func blobs(n, dim, k int, seed uint64) (x []float32, group []int) {
	rng := rand.New(rand.NewPCG(seed, 1))
	x, group = make([]float32, n*dim), make([]int, n)
	for i := range n {
		g := i % k
		group[i] = g
		for j := range dim {
			place := float32(0)
			if j == g%dim {
				place = float32(10 * (1 + g/dim))
			}
			x[i*dim+j] = place + float32(rng.Float64()-0.5)
		}
	}
	return x, group
}

func mustFit(t *testing.T, x []float32, dim int, c Config) *Model {
	t.Helper()
	m, err := Fit(context.Background(), x, dim, c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// wantGroups fails unless the labels are the groups under other names.
func wantGroups(t *testing.T, labels, group []int) {
	t.Helper()
	name, back := map[int]int{}, map[int]int{}
	for i, g := range group {
		l, ok := name[g]
		if _, taken := back[labels[i]]; !ok && !taken {
			name[g], back[labels[i]] = labels[i], g
			continue
		}
		if !ok || l != labels[i] {
			t.Fatalf("point %d of group %d has label %d", i, g, labels[i])
		}
	}
}

func TestSeparatedBlobs(t *testing.T) {
	for _, shape := range []struct{ n, dim, k int }{{60, 2, 4}, {2500, 7, 12}, {500, 64, 40}} {
		x, group := blobs(shape.n, shape.dim, shape.k, 3)
		for name, c := range map[string]Config{
			"lloyd":      {K: shape.k, Restarts: 3, Seed: 5},
			"mini-batch": {K: shape.k, Restarts: 3, Seed: 5, Batch: 200},
		} {
			t.Run(name, func(t *testing.T) {
				m := mustFit(t, x, shape.dim, c)
				wantGroups(t, m.Labels, group)
				if !m.Converged {
					t.Error("not converged")
				}
				labels, err := m.Assign(context.Background(), x)
				if err != nil || !slices.Equal(labels, m.Labels) {
					t.Errorf("Assign gives other labels than Fit (%v)", err)
				}
			})
		}
	}
}

// TestFarFromZero wants the digits that distances lose far from the origin.
func TestFarFromZero(t *testing.T) {
	x, group := blobs(400, 5, 8, 1)
	for i := range x {
		x[i] = x[i]/10 + 10000
	}
	m := mustFit(t, x, 5, Config{K: 8, Restarts: 2})
	wantGroups(t, m.Labels, group)
	labels, err := m.Assign(context.Background(), x)
	if err != nil {
		t.Fatal(err)
	}
	wantGroups(t, labels, group)
}

func TestInertiaNeverRises(t *testing.T) {
	x := noise(1500, 12, 4)
	last := math.Inf(1)
	iterations, seeded := 0, 0
	m := mustFit(t, x, 12, Config{K: 30, Tol: -1, Seed: 2, Progress: func(p Progress) {
		if p.Iteration == 0 {
			if seeded++; p.Seeded != seeded {
				t.Errorf("report %d of %d seeds", seeded, p.Seeded)
			}
			return
		}
		if iterations++; p.Iteration != iterations {
			t.Errorf("report %d of iteration %d", iterations, p.Iteration)
		}
		if p.Inertia > last*(1+1e-6) {
			t.Errorf("iteration %d: inertia rises from %v to %v", p.Iteration, last, p.Inertia)
		}
		last = p.Inertia
	}})
	if seeded != 30 || iterations != m.Iterations || iterations < 5 {
		t.Errorf("%d seeds and %d iterations reported, %d done", seeded, iterations, m.Iterations)
	}
	if math.Abs(last-m.Inertia) > 1e-6*m.Inertia {
		t.Errorf("inertia %v, last reported %v", m.Inertia, last)
	}
}

// TestModelIsConsistent recomputes everything in float64.
func TestModelIsConsistent(t *testing.T) {
	const n, dim, k = 700, 9, 20
	x := noise(n, dim, 8)
	m := mustFit(t, x, dim, Config{K: k, Tol: -1, Restarts: 2})
	inertia := 0.0
	sum, count := make([]float64, k*dim), make([]float64, k)
	for i := range n {
		row := x[i*dim:][:dim]
		least := math.Inf(1)
		for j := range k {
			least = min(least, squaredDistance(row, m.Centers[j*dim:][:dim]))
		}
		own := squaredDistance(row, m.Centers[m.Labels[i]*dim:][:dim])
		if own > least+1e-5 {
			t.Errorf("point %d: %v from its center, %v from the nearest", i, own, least)
		}
		inertia += own
		count[m.Labels[i]]++
		for j, v := range row {
			sum[m.Labels[i]*dim+j] += float64(v)
		}
	}
	if math.Abs(inertia-m.Inertia) > 1e-6*inertia {
		t.Errorf("inertia %v, want %v", m.Inertia, inertia)
	}
	for i, v := range m.Centers {
		if want := sum[i] / count[i/dim]; math.Abs(float64(v)-want) > 1e-6 {
			t.Errorf("center %d: %v, want the mean %v", i/dim, v, want)
		}
	}
}

func TestEmptyClusterMovesToFarthestPoint(t *testing.T) {
	x := []float32{0, 1, 2, 3, 100}
	m := mustFit(t, x, 1, Config{K: 2, Init: []float32{1, 1000}, MaxIter: 1, Tol: -1})
	if math.Abs(float64(m.Centers[0])-1.5) > 1e-5 || m.Centers[1] != 100 {
		t.Errorf("centers %v, want 1.5 and 100", m.Centers)
	}
	if !slices.Equal(m.Labels, []int{0, 0, 0, 0, 1}) {
		t.Errorf("labels %v", m.Labels)
	}
}

func TestDuplicates(t *testing.T) {
	x := make([]float32, 0, 200)
	for i := range 50 {
		v := float32(i % 3)
		x = append(x, v, 1-v, v/3, 7)
	}
	for _, c := range []Config{{K: 5}, {K: 5, Batch: 20}, {K: 50}} {
		m := mustFit(t, x, 4, c)
		if m.Inertia > 1e-10 {
			t.Errorf("K = %d: inertia %v of three distinct points", c.K, m.Inertia)
		}
		for i, v := range m.Centers {
			if !(v >= -1 && v <= 7) {
				t.Fatalf("K = %d: center %d holds %v", c.K, i/4, v)
			}
		}
	}
	same := mustFit(t, make([]float32, 40), 4, Config{K: 3})
	if same.Inertia != 0 || !same.Converged {
		t.Errorf("ten equal points: %+v", same)
	}
}

func TestOneClusterForEachPoint(t *testing.T) {
	x := noise(40, 3, 9)
	m := mustFit(t, x, 3, Config{K: 40})
	seen := map[int]bool{}
	for _, l := range m.Labels {
		seen[l] = true
	}
	if len(seen) != 40 || m.Inertia > 1e-9 {
		t.Errorf("%d of 40 clusters in use, inertia %v", len(seen), m.Inertia)
	}
}

func TestErrors(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	x := noise(10, 2, 1)
	with := func(i int, v float32) []float32 {
		y := slices.Clone(x)
		y[i] = v
		return y
	}
	for _, c := range []struct {
		x    []float32
		dim  int
		c    Config
		want string
	}{
		{x, 2, Config{}, "K is 0"},
		{x, 2, Config{K: 11}, "11 clusters of 10 points"},
		{x, 0, Config{K: 1}, "dim must be at least 1"},
		{x, 3, Config{K: 1}, "no whole number of points"},
		{nil, 3, Config{K: 1}, "1 clusters of 0 points"},
		{with(7, nan), 2, Config{K: 2}, "feature 1 of point 3 is NaN"},
		{with(8, -inf), 2, Config{K: 2}, "feature 0 of point 4 is -Inf"},
		{with(8, 3e30), 2, Config{K: 2}, "scale the points down"},
		{[]float32{0, 1e-20, 2e-20}, 1, Config{K: 2}, "scale them up"},
		{x, 2, Config{K: 2, Init: x[:3]}, "Init has 3 elements"},
		{x, 2, Config{K: 1, Init: []float32{0, nan}}, "feature 1 of center 0 is NaN"},
		{x, 2, Config{K: 1, Init: []float32{0, 3e30}}, "center 0 lies too far"},
		{x, 2, Config{K: 1, Restarts: -1}, "must not be negative"},
		{x, 2, Config{K: 1, Tol: math.NaN()}, "Tol is NaN"},
	} {
		for _, c.c.Batch = range []int{0, 4} {
			if m, err := Fit(context.Background(), c.x, c.dim, c.c); m != nil || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		}
	}
	if _, err := Seeds(context.Background(), x, 2, 11, 0); err == nil {
		t.Error("Seeds: no error for more centers than points")
	}
}

func TestAssignErrors(t *testing.T) {
	m := mustFit(t, noise(10, 2, 1), 2, Config{K: 3})
	ctx := context.Background()
	far := make([]float32, 2*(assignRows+5))
	far[2*assignRows+3] = float32(math.NaN())
	for want, call := range map[string]func() ([]int, error){
		"no whole number":          func() ([]int, error) { return m.Assign(ctx, make([]float32, 5)) },
		"feature 1 of point 8193":  func() ([]int, error) { return m.Assign(ctx, far) },
		"the model has 1 elements": func() ([]int, error) { return (&Model{K: 1, Dim: 2, Centers: []float32{1}}).Assign(ctx, nil) },
		"points of 0 features":     func() ([]int, error) { return (&Model{}).Assign(ctx, nil) },
		"feature 0 of center 0 is NaN": func() ([]int, error) {
			return (&Model{K: 1, Dim: 1, Centers: []float32{float32(math.NaN())}}).Assign(ctx, nil)
		},
	} {
		if labels, err := call(); labels != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestCancellation(t *testing.T) {
	x := noise(400, 20, 1)
	why := errors.New("enough")
	for name, at := range map[string]func(Progress) bool{
		"seeding":    func(p Progress) bool { return p.Iteration == 0 && p.Seeded == 7 },
		"iterations": func(p Progress) bool { return p.Iteration == 2 },
	} {
		for _, batch := range []int{0, 50} {
			ctx, cancel := context.WithCancelCause(context.Background())
			after := 0
			m, err := Fit(ctx, x, 20, Config{K: 30, Tol: -1, Batch: batch, Progress: func(p Progress) {
				if ctx.Err() != nil {
					after++
				}
				if at(p) {
					cancel(why)
				}
			}})
			if m != nil || !errors.Is(err, why) || after > 0 {
				t.Errorf("%s, batch %d: error %v, %d reports after the end", name, batch, err, after)
			}
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	m := mustFit(t, x, 20, Config{K: 3})
	cancel()
	if _, err := m.Assign(ctx, x); !errors.Is(err, context.Canceled) {
		t.Errorf("Assign: %v", err)
	}
	if _, err := Seeds(ctx, x, 20, 3, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("Seeds: %v", err)
	}
}

// TestSameBitsForAnyGOMAXPROCS covers runs side by side and runs that share the
// threads, seeding with and without the products of all points, both variants.
func TestSameBitsForAnyGOMAXPROCS(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for name, c := range map[string]struct {
		n, dim int
		Config
	}{
		"small":      {300, 17, Config{K: 20, Restarts: 3}},
		"large":      {5000, 64, Config{K: 256, MaxIter: 2, Restarts: 2}},
		"mini-batch": {5000, 16, Config{K: 40, Batch: 1500, Restarts: 2, MaxIter: 3}},
	} {
		x := noise(c.n, c.dim, 6)
		var first *Model
		for _, procs := range []int{1, 2, 4} {
			runtime.GOMAXPROCS(procs)
			m := mustFit(t, x, c.dim, c.Config)
			if first == nil {
				first = m
			}
			if !slices.Equal(m.Centers, first.Centers) || !slices.Equal(m.Labels, first.Labels) || m.Inertia != first.Inertia {
				t.Errorf("%s: other bits with GOMAXPROCS=%d", name, procs)
			}
		}
		c.Seed++
		if other := mustFit(t, x, c.dim, c.Config); slices.Equal(other.Centers, first.Centers) {
			t.Errorf("%s: another seed changes nothing", name)
		}
	}
}

func TestRestartsKeepTheBest(t *testing.T) {
	x := noise(300, 6, 2)
	least := map[int]float64{}
	m := mustFit(t, x, 6, Config{K: 15, Restarts: 6, Progress: func(p Progress) {
		if p.Iteration > 0 {
			least[p.Restart] = p.Inertia
		}
	}})
	if len(least) != 6 {
		t.Fatalf("%d runs, want 6", len(least))
	}
	for r, v := range least {
		if m.Inertia > v*(1+1e-6) {
			t.Errorf("inertia %v, run %d had %v", m.Inertia, r, v)
		}
	}
}

func TestMiniBatchComesNearLloyd(t *testing.T) {
	x, _ := blobs(4000, 10, 60, 2)
	for i, v := range noise(4000, 10, 3) {
		x[i] += v
	}
	full := mustFit(t, x, 10, Config{K: 20, Restarts: 2})
	reports := 0
	m := mustFit(t, x, 10, Config{K: 20, Restarts: 2, Batch: 256, Progress: func(p Progress) {
		if p.Iteration > 0 {
			reports++
		}
	}})
	if m.Inertia > 1.1*full.Inertia {
		t.Errorf("inertia %v, Lloyd's %v", m.Inertia, full.Inertia)
	}
	if reports != m.Iterations || m.Iterations < 10 {
		t.Errorf("%d reports of %d steps", reports, m.Iterations)
	}
	from := mustFit(t, x, 10, Config{K: 20, Batch: 256, Init: full.Centers, MaxIter: 2})
	if from.Inertia > 1.05*full.Inertia {
		t.Errorf("inertia %v from Lloyd's centers, %v there", from.Inertia, full.Inertia)
	}
}

func TestArgmin(t *testing.T) {
	for n := 1; n < 40; n++ {
		rng := rand.New(rand.NewPCG(uint64(n), 0))
		v := make([]float32, n)
		for range 50 {
			for i := range v {
				v[i] = float32(rng.IntN(6))
			}
			want := slices.Index(v, slices.Min(v))
			if at, least := argmin(v, int32(rng.IntN(n))); int(at) != want || least != v[want] {
				t.Fatalf("argmin(%v) = %d, want %d", v, at, want)
			}
		}
	}
}
