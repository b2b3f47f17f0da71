package cuda_test

import (
	"fmt"

	"gradgrad/kernels"
)

func init() {
	addCases(clusterCases)
	mistakes = append(mistakes,
		mistake{name: "of equal centers the last", entry: "kmeans_nearest", kernel: "kmeans.nearest", seen: "kernel kmeans.nearest, result 0, element",
			from: `setp\.lt\.and\.u32 %same`, to: "setp.gt.and.u32 %same"},
		mistake{name: "a list is read before all of it is there", entry: "kmeans_recenter", kernel: "kmeans.recenter", memory: true, seen: "shared-memory race",
			from: `(st\.shared\.u32 \[%at_1\], %i;\n)\tbar\.sync 0;\n`, to: "$1"},
		mistake{name: "a label behind the last", entry: "kmeans_recenter", kernel: "kmeans.recenter", memory: true, seen: "out of bounds",
			from: `setp\.lt\.u32 %there`, to: "setp.le.u32 %there"},
		mistake{name: "lost digits are kept", entry: "kmeans_spread", kernel: "kmeans.spread", seen: "kernel kmeans.spread, result 0, element",
			from: `setp\.gt\.f32 %is, %d, %least`, to: "setp.ge.f32 %is, %both, %least"})
}

// clusterCases are points and centers: of numbers that float32 adds exactly where
// labels come out, with ties; with centers that have no point; with points twice.
func clusterCases(s source, full bool) (all []kcase) {
	shapes := [][3]int{{5, 3, 2}, {70, 37, 9}, {300, 4, 260}}
	if full {
		shapes = append(shapes, [3]int{1, 1, 1}, [3]int{1000, 64, 128}, [3]int{513, 100, 342}, [3]int{260, 300, 33})
	}
	for _, d := range shapes {
		n, k, dim := d[0], d[1], d[2]
		at := &kernels.ClusterAttr{N: n, K: k, Dim: dim}
		name := fmt.Sprint(d)
		all = append(all,
			kcase{kernel: kernels.Nearest, name: name, attr: at, in: []filling{s.below(n*k, 4), s.below(k, 3), s.below(n, 5)},
				out: []filling{s.below(n, k), blank(n), blank(n)}, keep: true, fresh: 2},
			kcase{kernel: kernels.Recenter, name: name, attr: at, in: []filling{s.normal(n * dim), s.below(n, max(k-1, 1)), s.normal(k * dim)},
				out: []filling{blank(k * dim), blank(k), blank(k), blank(k)}})
		points := s.normal(n * dim)
		copy(points[(n-1)*dim:], points[:dim])
		which := s.below(k, n)
		which[0] = float64(n - 1)
		products, norms := make(filling, k*n), make(filling, n)
		for i := range n {
			for f := range dim {
				x := points[i*dim+f]
				norms[i] += x * x
				for c, w := range which {
					products[c*n+i] += x * points[int(w)*dim+f]
				}
			}
		}
		rounded := func(x filling) filling { return s.fill(len(x), func(i int) float64 { return x[i] }) }
		products = rounded(products)
		products[0] -= 0.01 // the first point and the last are one: their distance must not depend on this
		all = append(all, kcase{kernel: kernels.Spread, name: name, attr: at, in: []filling{points, rounded(norms), products, which},
			out: []filling{blank(k * n)}})
	}
	return all
}
