package cuda

import "gradgrad/kernels"

func init() {
	register(nearest, "kmeans.nearest")
	register(recenter, "kmeans.recenter")
	register(spread, "kmeans.spread")
}

// nearest is a warp to a point.
func nearest(l *launch) {
	at := l.Attr.(*kernels.ClusterAttr)
	l.ptr(l.Out...).ptr(l.In...).num(at.N, at.K).run("kmeans_nearest", [3]int{ceil(at.N, warps), 1, 1}, [3]int{32, warps, 1}, 0)
}

// recenter is a block to a center.
func recenter(l *launch) {
	at := l.Attr.(*kernels.ClusterAttr)
	l.ptr(l.Out...).ptr(l.In...).num(at.N, at.Dim).run("kmeans_recenter", [3]int{at.K, 1, 1}, [3]int{threads, 1, 1}, 0)
}

// spread is a distance to a thread.
func spread(l *launch) {
	at := l.Attr.(*kernels.ClusterAttr)
	n := at.K * at.N
	l.ptr(l.Out[0]).ptr(l.In...).num(n).divisor(at.N).num(at.Dim).float(kernels.Cancelled).flat("kmeans_spread", n)
}
