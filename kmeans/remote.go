package kmeans

import (
	"slices"

	"gradgrad/kernels"
)

// remote is a run on a device with memory of its own: the points stay there, and so do
// labels and centers while a run goes on. An iteration is a product, the search for the
// nearest, and the means; all that comes back is a few numbers for each center. What
// happens once in a while is done on the host: drawing seeds, of which the device takes
// the distances, and giving centers without points a new place.
type remote struct {
	dev kernels.Device
	p   *points
	k   int

	slab         kernels.Buffer
	x, norm      kernels.Buffer // points, moved, and their squared norms
	centers      [2]kernels.Buffer
	now          int            // which of them
	square       kernels.Buffer // squared norms of the centers
	products     kernels.Buffer // [n, k]
	labels       kernels.Buffer
	distance     kernels.Buffer
	moved        kernels.Buffer
	stats        kernels.Buffer // what an iteration comes to: see the constants
	shift, count kernels.Buffer // parts of stats
	host         []float32      // stats
}

// Places in stats: changed labels, the sum of squared distances, and by center squared
// movement and number of points.
const (
	statChanged = iota
	statSum
	statCenters
)

func newRemote(dev kernels.Device, p *points, k int) *remote {
	r := &remote{dev: dev, p: p, k: k, host: make([]float32, statCenters+2*k)}
	parts := []struct {
		b *kernels.Buffer
		n int
	}{{&r.x, p.n * p.dim}, {&r.norm, p.n}, {&r.centers[0], k * p.dim}, {&r.centers[1], k * p.dim}, {&r.square, k},
		{&r.products, p.n * k}, {&r.labels, p.n}, {&r.distance, p.n}, {&r.moved, p.n}, {&r.stats, len(r.host)}}
	total := 0
	for _, part := range parts {
		total += aligned(part.n)
	}
	r.slab = dev.Alloc(total)
	at := 0
	for _, part := range parts {
		*part.b = dev.Slice(r.slab, at, part.n)
		at += aligned(part.n)
	}
	r.shift, r.count = dev.Slice(r.stats, statCenters, k), dev.Slice(r.stats, statCenters+k, k)
	x := make([]float32, 0, p.n*p.dim)
	for i := range p.n {
		x = append(x, p.row(i)...)
	}
	dev.Write(r.x, x)
	dev.Write(r.norm, p.norm)
	return r
}

// aligned is room for n elements that the next buffer begins on a line of memory.
func aligned(n int) int { return (n + 63) / 64 * 64 }

func (r *remote) close() { r.dev.Free(r.slab) }

// run runs a kernel of k-means for that many centers.
func (r *remote) run(k *kernels.Kernel, count int, in, out []kernels.Buffer) {
	r.dev.Run(k, &kernels.Args{In: in, Out: out, Attr: &kernels.ClusterAttr{N: r.p.n, K: count, Dim: r.p.dim}})
}

// begin brings a run's first centers; no point has a label.
func (r *remote) begin(l *lloyd) {
	r.now = 0
	r.put(l.centers)
	none := make([]float32, r.p.n)
	for i := range none {
		none[i] = -1
	}
	r.dev.Write(r.labels, none)
}

func (r *remote) put(c *centers) {
	r.dev.Write(r.centers[r.now], c.c)
	r.dev.Write(r.square, c.norm)
}

// assign finds the nearest center of every point.
func (r *remote) assign() {
	at := &kernels.MatmulAttr{TransB: true, Batch: 1, M: r.p.n, N: r.k, K: r.p.dim, Exact: true}
	r.dev.Run(kernels.Matmul, &kernels.Args{In: []kernels.Buffer{r.x, r.centers[r.now]}, Out: []kernels.Buffer{r.products}, Attr: at})
	r.run(kernels.Nearest, r.k, []kernels.Buffer{r.products, r.square, r.norm}, []kernels.Buffer{r.labels, r.distance, r.moved})
}

// iterate does what it does of a lloyd.
func (r *remote) iterate(l *lloyd) (changed int, sum, shift float64) {
	if l.done == 0 {
		r.begin(l)
	}
	r.assign()
	for i, b := range []kernels.Buffer{statChanged: r.moved, statSum: r.distance} {
		r.dev.Run(kernels.Sum, &kernels.Args{In: []kernels.Buffer{b}, Out: []kernels.Buffer{r.dev.Slice(r.stats, i, 1)},
			Attr: &kernels.ReduceAttr{Outer: 1, Reduce: r.p.n, Inner: 1}})
	}
	r.run(kernels.Recenter, r.k, []kernels.Buffer{r.x, r.labels, r.centers[r.now]}, []kernels.Buffer{r.centers[1-r.now], r.square, r.shift, r.count})
	r.dev.Read(r.host, r.stats)
	changed, sum = int(r.host[statChanged]), float64(r.host[statSum])
	if slices.Contains(r.host[statCenters+r.k:], 0) {
		return changed, sum, r.relocate(l)
	}
	r.now = 1 - r.now
	for _, s := range r.host[statCenters:][:r.k] {
		shift += float64(s)
	}
	return changed, sum, shift
}

// relocate moves the centers on the host, because some have no points.
func (r *remote) relocate(l *lloyd) (shift float64) {
	r.fetch(l)
	for i := range l.members.last {
		l.members.last[i] = -1 // all means are computed anew
	}
	shift = l.update()
	r.put(l.centers)
	return shift
}

// fetch brings labels and centers to the host, at the end of a run too: the next one
// brings its own.
func (r *remote) fetch(l *lloyd) {
	r.dev.Read(l.centers.c, r.centers[r.now])
	labels := make([]float32, r.p.n)
	r.dev.Read(labels, r.labels)
	for i, v := range labels {
		l.labels[i] = int32(v)
	}
}

// spread takes the squared distances of all points from some of them; to has room for
// those from the t-th.
func (r *remote) spread(from []int, to func(t int) []float32) {
	k, n := len(from), r.p.n
	part := r.dev.Alloc(aligned(k) + aligned(k*r.p.dim) + 2*k*n)
	defer r.dev.Free(part)
	which, rows := r.dev.Slice(part, 0, k), r.dev.Slice(part, aligned(k), k*r.p.dim)
	products := r.dev.Slice(part, aligned(k)+aligned(k*r.p.dim), k*n)
	distance := r.dev.Slice(part, aligned(k)+aligned(k*r.p.dim)+k*n, k*n)
	ids := make([]float32, k)
	for t, i := range from {
		ids[t] = float32(i)
	}
	r.dev.Write(which, ids)
	r.dev.Run(kernels.Gather, &kernels.Args{In: []kernels.Buffer{r.x}, Out: []kernels.Buffer{rows},
		Attr: &kernels.MoveAttr{Shape: []int{n, r.p.dim}, Index: from}})
	r.dev.Run(kernels.Matmul, &kernels.Args{In: []kernels.Buffer{rows, r.x}, Out: []kernels.Buffer{products},
		Attr: &kernels.MatmulAttr{TransB: true, Batch: 1, M: k, N: n, K: r.p.dim, Exact: true}})
	r.run(kernels.Spread, k, []kernels.Buffer{r.x, r.norm, products, which}, []kernels.Buffer{distance})
	all := make([]float32, k*n)
	r.dev.Read(all, distance)
	for t := range from {
		copy(to(t), all[t*n:][:n])
	}
}
