package kmeans

import "gradgrad/kernels"

// assign finds the nearest center of every point. As a run goes on, more and
// more centers stay where they are. A point whose own center stayed knows its
// distance from it, and that no other that stayed is nearer: it is compared with
// those that moved alone. The others are compared with all. The labels are those
// of comparing everything, bit by bit, since a product's bits do not depend on
// what stands beside it.
func (l *lloyd) assign() {
	if l.p.on != nil {
		l.p.on.assign()
		return
	}
	moved, again, rest := l.split()
	if l.done == 0 || l.compareAll(moved, again, rest) {
		l.p.nearest(l.centers, l.labels, l.values, l.stop)
		return
	}
	l.compare(again, l.centers, nil)
	if len(moved) > 0 {
		l.compare(rest, l.centers.subset(moved), moved)
	}
}

// compareAll says whether making all comparisons is about as quick: copying
// points side by side costs time too.
func (l *lloyd) compareAll(moved, again, rest []int32) bool {
	const worthwhile = 0.9 // of all comparisons
	work := float64(len(again))*float64(l.centers.k) + float64(len(rest))*float64(len(moved))
	return work > worthwhile*float64(l.p.n)*float64(l.centers.k)
}

// split returns the centers that moved, the points of those, and the others.
func (l *lloyd) split() (moved, again, rest []int32) {
	for j, m := range l.members.changed {
		if m {
			moved = append(moved, int32(j))
		}
	}
	for i, j := range l.labels {
		if l.members.changed[j] {
			again = append(again, int32(i))
		} else {
			rest = append(rest, int32(i))
		}
	}
	return moved, again, rest
}

// subset is some of the centers.
func (c *centers) subset(which []int32) *centers {
	s := newCenters(len(which), c.dim)
	for i, j := range which {
		copy(s.row(i), c.row(int(j)))
	}
	s.prepare()
	return s
}

// compare compares some of the points with centers c, which are all or have the
// numbers in ids, ascending; in the latter case with the present label too.
func (l *lloyd) compare(who []int32, c *centers, ids []int32) {
	rows := tileRows(c.k)
	kernels.For((len(who)+rows-1)/rows, func(t int) {
		if l.stop() {
			return
		}
		part := who[t*rows : min(len(who), (t+1)*rows)]
		tile, x := borrowTile(len(part)*c.k), borrowTile(len(part)*c.dim)
		defer tilePool.Put(tile)
		defer tilePool.Put(x)
		d := *tile
		for n, i := range part {
			copy((*x)[n*c.dim:][:c.dim], l.p.row(int(i)))
		}
		c.distances(d, len(part), *x, c.dim)
		for n, i := range part {
			row := d[n*c.k:][:c.k]
			if ids == nil {
				l.labels[i], l.values[i] = argmin(row, l.labels[i])
			} else {
				l.labels[i], l.values[i] = argminOf(row, ids, l.labels[i], l.values[i])
			}
		}
	})
}

// argminOf is argmin where the elements have the numbers ids, ascending, and one
// more has number at and value best.
func argminOf(v []float32, ids []int32, at int32, best float32) (int32, float32) {
	ids = ids[:len(v)]
	for i, e := range v {
		if e < best || e == best && ids[i] < at {
			at, best = ids[i], e
		}
	}
	return at, best
}
