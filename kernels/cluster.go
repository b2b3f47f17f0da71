package kernels

import "math"

// ClusterAttr is the attribute of the kernels of k-means: N points of Dim features and
// K centers, or K points to take distances from.
type ClusterAttr struct{ N, K, Dim int }

// The kernels of k-means, as package kmeans runs them on a device with memory of its
// own. Squared distances are |x|^2 - 2 x.c + |c|^2, of which the product x.c is a [Matmul].
var (
	// Nearest finds the nearest center of each point. In products [N][K] of points and
	// centers, squared norms of the centers [K] and of the points [N]. Out labels [N],
	// which are read as well; distances [N] squared, at least 0; moved [N], 1 where the
	// label has changed. Of centers as near as each other the first counts.
	Nearest = New("kmeans.nearest", nearestKernel[float32], nearestKernel[float64])
	// Recenter moves centers to the means of their points, which are added up in their
	// order. In points [N][Dim], labels [N], centers [K][Dim]. Out centers [K][Dim], which
	// must not be the operand; of each its squared norm [K], squared movement [K] and
	// number of points [K]. A center without points stays.
	Recenter = New("kmeans.recenter", recenterKernel[float32], recenterKernel[float64])
	// Spread takes squared distances of all points from K of them. In points [N][Dim],
	// their squared norms [N], products [K][N], and which [K] are the K. Out distances
	// [K][N]; where they are so small that the expanded square has lost its digits they
	// are computed term by term.
	Spread = New("kmeans.spread", spreadKernel[float32], spreadKernel[float64])
)

// Cancelled is the part of |x|^2 + |c|^2 below which the difference of the expanded
// square has lost so many digits that it is computed again.
const Cancelled = 1e-4

// clusterRows is the number of rows to a task.
const clusterRows = 64

func nearestKernel[T Float](a *Args) {
	at := a.Attr.(*ClusterAttr)
	share((at.N+clusterRows-1)/clusterRows, nearestJob[T]{at, Data[T](a.In[0]), Data[T](a.In[1]), Data[T](a.In[2]),
		Data[T](a.Out[0]), Data[T](a.Out[1]), Data[T](a.Out[2])})
}

// nearestJob is some points to a task.
type nearestJob[T Float] struct {
	*ClusterAttr
	products, center, point   []T
	labels, distance, changed []T
}

func (j *nearestJob[T]) piece(t int) {
	for i := t * clusterRows; i < min(j.N, (t+1)*clusterRows); i++ {
		at, best := 0, T(math.Inf(1))
		for k, p := range j.products[i*j.K:][:j.K] {
			if v := fma(-2, p, j.center[k]); v < best {
				at, best = k, v
			}
		}
		j.distance[i] = max(0, j.point[i]+best)
		j.changed[i] = 0
		if j.labels[i] != T(at) {
			j.labels[i], j.changed[i] = T(at), 1
		}
	}
}

func recenterKernel[T Float](a *Args) {
	at := a.Attr.(*ClusterAttr)
	share(at.K, recenterJob[T]{at, Data[T](a.In[0]), Data[T](a.In[1]), Data[T](a.In[2]),
		Data[T](a.Out[0]), Data[T](a.Out[1]), Data[T](a.Out[2]), Data[T](a.Out[3])})
}

// recenterJob is a center to a task.
type recenterJob[T Float] struct {
	*ClusterAttr
	points, labels, before     []T
	centers, norm, move, count []T
}

func (j *recenterJob[T]) piece(k int) {
	own, old := j.centers[k*j.Dim:][:j.Dim], j.before[k*j.Dim:][:j.Dim]
	clear(own)
	n := T(0)
	for i, l := range j.labels[:j.N] {
		if l == T(k) {
			n++
			vecAdd(own, own, j.points[i*j.Dim:][:j.Dim])
		}
	}
	var norm, move T
	for f, sum := range own {
		own[f] = old[f]
		if n > 0 {
			own[f] = sum / n
		}
		d := own[f] - old[f]
		norm, move = fma(own[f], own[f], norm), fma(d, d, move)
	}
	j.norm[k], j.move[k], j.count[k] = norm, move, n
}

func spreadKernel[T Float](a *Args) {
	at := a.Attr.(*ClusterAttr)
	share(at.K, spreadJob[T]{at, Data[T](a.In[0]), Data[T](a.In[1]), Data[T](a.In[2]), Data[T](a.In[3]), Data[T](a.Out[0])})
}

// spreadJob is the distances from a point to a task.
type spreadJob[T Float] struct {
	*ClusterAttr
	points, norm, products, which []T
	distance                      []T
}

func (j *spreadJob[T]) piece(k int) {
	c := int(j.which[k])
	center := j.points[c*j.Dim:][:j.Dim]
	for i := range j.N {
		both := j.norm[i] + j.norm[c]
		d := fma(-2, j.products[k*j.N+i], both)
		if d <= Cancelled*both {
			d = 0
			for f, x := range j.points[i*j.Dim:][:j.Dim] {
				t := x - center[f]
				d = fma(t, t, d)
			}
		}
		j.distance[k*j.N+i] = d
	}
}
