package kmeans

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestComparingWithMovedCentersAloneChangesNoBit runs to the end beside a run
// that compares everything.
func TestComparingWithMovedCentersAloneChangesNoBit(t *testing.T) {
	never := func() bool { return false }
	for _, shape := range []struct{ n, dim, k int }{{500, 1, 9}, {1500, 7, 30}, {1200, 64, 50}, {900, 600, 8}} {
		x, _ := blobs(shape.n, shape.dim, shape.k, 4)
		for i, v := range noise(shape.n, shape.dim, 5) {
			x[i] += 2 * v
		}
		p, err := newPoints(x, shape.dim, mean(x, shape.dim))
		if err != nil {
			t.Fatal(err)
		}
		start := func() *lloyd {
			c := newCenters(shape.k, shape.dim)
			for j, i := range rand.New(rand.NewPCG(1, 2)).Perm(shape.n)[:shape.k] {
				copy(c.row(j), p.row(i))
			}
			c.row(0)[0] += 1000 // an empty cluster, a center that is relocated
			c.prepare()
			return newLloyd(p, c, never)
		}
		some, all := start(), start()
		saved := 0
		for rest := false; !rest; {
			if moved, again, rest := some.split(); some.done > 0 && !some.compareAll(moved, again, rest) {
				saved++
			}
			some.assign()
			p.nearest(all.centers, all.labels, all.values, never)
			if !slices.Equal(some.labels, all.labels) || !slices.Equal(some.values, all.values) {
				t.Fatalf("%+v: iteration %d differs", shape, some.done)
			}
			rest = slices.Equal(all.labels, all.before)
			for _, l := range []*lloyd{some, all} {
				copy(l.before, l.labels)
				l.update()
				l.done++
			}
		}
		if saved < 2 {
			t.Errorf("%+v: of %d iterations only %d compared with some centers", shape, some.done, saved)
		}
	}
}

func TestArgminOf(t *testing.T) {
	ids := []int32{2, 5, 9}
	for _, c := range []struct {
		v    []float32
		at   int32
		best float32
		want int32
	}{
		{[]float32{1, 1, 1}, 7, 2, 2},
		{[]float32{3, 2, 2}, 7, 2, 5},
		{[]float32{3, 3, 2}, 7, 2, 7},
		{[]float32{3, 3, 3}, 7, 2, 7},
	} {
		if at, _ := argminOf(c.v, ids, c.at, c.best); at != c.want {
			t.Errorf("argminOf(%v, %v, %d, %v) = %d, want %d", c.v, ids, c.at, c.best, at, c.want)
		}
	}
}
