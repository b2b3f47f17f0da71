package main

import "fmt"

// clusterFile is ptx/cluster.ptx.
func clusterFile() []*entry { return []*entry{nearest(), recenter(), spread()} }

func nearest() *entry {
	e := newEntry("kmeans_nearest", `kmeans_nearest: label[i] = the j of the least center[j] - 2 products[i][j], the first of several, whose
value with point[i] is the squared distance; moved[i] = 1 where the label was another, else 0.
In blocks of 32 x 8 threads a warp does a point.`)
	label, distance, moved := e.ptr("label"), e.ptr("distance"), e.ptr("moved")
	products, center, point := e.ptr("products"), e.ptr("center"), e.ptr("point")
	n, k := e.num("n"), e.num("k")
	g := e.group(false, false, products, n, k, divisor{}, "")
	least, place := e.let("least", "mov.f32", infinity), e.let("place", "mov.u32", "0x7fffffff")
	g.each(func(p, j string) {
		v := e.load("c", e.element("at_c", center, j), 1)[0]
		e.nearer(least, place, e.fma("v", p, imm(-2), v), j)
	})
	e.note("over the warp's lanes")
	for d := 16; d > 0; d /= 2 {
		o := e.let("t", "shfl.sync.bfly.b32", least, fmt.Sprint(d), "31", "0xffffffff")
		at := e.reg("u32", "u")
		e.set(at, "shfl.sync.bfly.b32", place, fmt.Sprint(d), "31", "0xffffffff")
		e.nearer(least, place, o, at)
	}
	e.retWhen(e.let("follows", "setp.ne.u32", g.lane, "0"))
	x2 := e.load("x2", e.element("at_x2", point, g.row), 1)[0]
	e.store(e.element("at_d", distance, g.row), []string{e.let("d", "max.f32", e.add("d", x2, least), imm(0))})
	own := e.let("own", "cvt.rn.f32.u32", place)
	at := e.element("at_l", label, g.row)
	before := e.load("before", at, 1)[0]
	e.store(at, []string{own})
	e.store(e.element("at_m", moved, g.row), []string{e.truth(e.let("is", "setp.ne.f32", before, own))})
	e.do("ret")
	return e
}

// nearer takes v at j for least at place where it is less, or as small and earlier.
func (e *entry) nearer(least, place, v, j string) {
	take := e.let("take", "setp.lt.f32", v, least)
	same := e.let("same", "setp.eq.f32", v, least)
	e.set(same, "setp.lt.and.u32", j, place, same)
	e.set(take, "or.pred", take, same)
	e.guard(take, "mov.f32", least, v)
	e.guard(take, "mov.u32", place, j)
}

func recenter() *entry {
	e := newEntry("kmeans_recenter", `kmeans_recenter: center[k] = the mean of the points x[i] whose label is k, or before[k] where there is none;
norm[k] = its squared norm, move[k] = its squared distance from before[k], count[k] = how many points.
A block does a center. It lists the points of 256 labels at a time, in their order; then a thread
adds up a feature of theirs.`)
	center, norm, move, count := e.ptr("center"), e.ptr("norm"), e.ptr("move"), e.ptr("count")
	x, label, before := e.ptr("x"), e.ptr("label"), e.ptr("before")
	n, dim := e.num("n"), e.num("dim")
	k, lane := e.let("k", "mov.u32", "%ctaid.x"), e.let("lane", "mov.u32", "%tid.x")
	number := e.let("number", "cvt.rn.f32.u32", k)
	l := e.lister(label, n, number, lane)
	sums := [2]string{e.let("norm_k", "mov.f32", imm(0)), e.let("move_k", "mov.f32", imm(0))}
	members := e.let("members", "mov.u32", "0")
	first := e.let("first", "mov.u32", "0")
	e.loop("features", func() string { return e.let("more", "setp.lt.u32", first, dim) }, func() {
		f := e.let("f", "add.u32", first, lane)
		mine := e.let("mine", "setp.lt.u32", f, dim)
		total := e.let("total", "mov.f32", imm(0))
		e.set(members, "mov.u32", "0")
		l.each(func(listed string) {
			e.set(members, "add.u32", members, listed)
			part := l.sum(x, dim, f, mine, listed)
			e.set(total, "add.rn.f32", total, part)
		})
		at := e.let("at", "mad.lo.u32", k, dim, f)
		old := e.loadIf("@"+mine, "old", e.element("at_b", before, at), 1)[0]
		some := e.let("some", "setp.ne.u32", members, "0")
		mean := e.let("mean", "div.rn.f32", total, e.let("m", "cvt.rn.f32.u32", members))
		v := e.sel("v", mean, old, some)
		e.guard(mine, "st.global.f32", "["+e.element("at_c", center, at)+"]", v)
		v = e.sel("v", v, imm(0), mine)
		d := e.sub("d", v, old)
		e.set(sums[0], "fma.rn.f32", v, v, sums[0])
		e.set(sums[1], "fma.rn.f32", d, d, sums[1])
		e.set(first, "add.u32", first, fmt.Sprint(blockLanes))
	})
	g := &group{e: e, wide: true, lane: lane}
	for _, s := range sums {
		g.all(s, "add.rn.f32")
	}
	g.task = k
	g.lead(norm, sums[0])
	g.lead(move, sums[1])
	g.lead(count, e.let("m", "cvt.rn.f32.u32", members))
	e.do("ret")
	return e
}

// lister lists the points with a label.
type lister struct {
	*entry
	label, n, number, lane string
	list, counts           string // shared memory: points, and how many each warp found
}

func (e *entry) lister(label, n, number, lane string) *lister {
	return &lister{e, label, n, number, lane, e.let("list", "mov.u32", e.sharedFloats("points", blockLanes)),
		e.let("counts", "mov.u32", e.sharedFloats("found", blockLanes/warpLanes))}
}

// each writes a loop over pieces of 256 labels; body finds the points of one listed.
func (l *lister) each(body func(listed string)) {
	e := l.entry
	lo := e.let("lo", "mov.u32", "0")
	e.loop("labels", func() string { return e.let("more", "setp.lt.u32", lo, l.n) }, func() {
		body(l.find(lo))
		e.set(lo, "add.u32", lo, fmt.Sprint(blockLanes))
	})
}

// find lists the points from lo on whose label is the number, and returns how many. Its
// first barrier comes after all have read the list before, its second one after all have
// read the counts.
func (l *lister) find(lo string) (listed string) {
	e := l.entry
	i := e.let("i", "add.u32", lo, l.lane)
	there := e.let("there", "setp.lt.u32", i, l.n)
	own := e.loadIf("@"+there, "own", e.element("at_l", l.label, i), 1)[0]
	is := e.let("is", "setp.eq.and.f32", own, l.number, there)
	mask := e.reg("b32", "mask")
	e.raw("vote.sync.ballot.b32 %s, %s, 0xffffffff;", mask, is)
	below := e.reg("b32", "below")
	e.raw("mov.u32 %s, %%lanemask_lt;", below)
	rank, found := e.reg("u32", "rank"), e.reg("u32", "found")
	e.raw("popc.b32 %s, %s;", rank, e.let("below", "and.b32", mask, below))
	e.raw("popc.b32 %s, %s;", found, mask)
	warp := e.let("warp", "shr.u32", l.lane, "5")
	leads := e.let("leads", "setp.eq.u32", e.let("low", "and.b32", l.lane, "31"), "0")
	e.guard(leads, "st.shared.u32", "["+e.let("at", "mad.lo.u32", warp, "4", l.counts)+"]", found)
	e.do("bar.sync", "0")
	e.note("behind what the warps before found")
	listed = e.let("listed", "mov.u32", "0")
	for w := range blockLanes / warpLanes {
		c := e.reg("u32", "c")
		e.raw("ld.shared.u32 %s, [%s+%d];", c, l.counts, 4*w)
		earlier := e.let("earlier", "setp.lt.u32", fmt.Sprint(w), warp)
		e.guard(earlier, "add.u32", rank, rank, c)
		e.set(listed, "add.u32", listed, c)
	}
	e.guard(is, "st.shared.u32", "["+e.let("at", "mad.lo.u32", rank, "4", l.list)+"]", i)
	e.do("bar.sync", "0")
	return listed
}

// sum adds up feature f of the points listed.
func (l *lister) sum(x, dim, f, mine, listed string) string {
	e := l.entry
	part := e.let("part", "mov.f32", imm(0))
	q := e.let("q", "mov.u32", "0")
	at := e.let("at", "mov.u32", l.list)
	e.loop("points", func() string { return e.let("more", "setp.lt.and.u32", q, listed, mine) }, func() {
		i := e.reg("u32", "i")
		e.raw("ld.shared.u32 %s, [%s];", i, at)
		v := e.load("v", e.element("at_x", x, e.let("place", "mad.lo.u32", i, dim, f)), 1)[0]
		e.set(part, "add.rn.f32", part, v)
		e.set(q, "add.u32", q, "1")
		e.set(at, "add.u32", at, "4")
	})
	return part
}

func spread() *entry {
	e := newEntry("kmeans_spread", `kmeans_spread: distance[k][i] = norm[i] + norm[c] - 2 products[k][i] with c = which[k], an element to a thread.
Where that is at most a part of the first two terms, it is the sum of (x[i][f] - x[c][f])^2.`)
	distance, x, norm, products, which := e.ptr("distance"), e.ptr("x"), e.ptr("norm"), e.ptr("products"), e.ptr("which")
	count, n, dim, cancelled := e.num("count"), e.divisor("n"), e.num("dim"), e.f32("cancelled")
	t := e.thread("t")
	e.retWhen(e.let("out", "setp.ge.u32", t, count))
	k, i := n.over(e, t)
	c := e.let("c", "cvt.rzi.u32.f32", e.load("which_k", e.element("at_w", which, k), 1)[0])
	both := e.add("both", e.load("ni", e.element("at_i", norm, i), 1)[0], e.load("nc", e.element("at_c", norm, c), 1)[0])
	d := e.fma("d", e.load("p", e.element("at_p", products, t), 1)[0], imm(-2), both)
	far := e.label("far")
	e.when(e.let("is", "setp.gt.f32", d, e.mul("least", cancelled, both)), far)
	e.set(d, "mov.f32", imm(0))
	a, b := e.element("at_a", x, e.let("first", "mul.lo.u32", i, dim)), e.element("at_b", x, e.let("first", "mul.lo.u32", c, dim))
	f := e.let("f", "mov.u32", "0")
	e.loop("features", func() string { return e.let("more", "setp.lt.u32", f, dim) }, func() {
		s := e.sub("s", e.load("va", a, 1)[0], e.load("vb", b, 1)[0])
		e.set(d, "fma.rn.f32", s, s, d)
		e.set(a, "add.u64", a, "4")
		e.set(b, "add.u64", b, "4")
		e.set(f, "add.u32", f, "1")
	})
	e.at(far)
	e.store(e.element("at_d", distance, t), []string{d})
	e.do("ret")
	return e
}
