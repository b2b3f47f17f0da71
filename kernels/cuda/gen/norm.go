package main

import "fmt"

// normFile is ptx/norm.ptx: every kernel for one channel to a thread and for four.
func normFile() []*entry {
	var all []*entry
	for _, v := range []int{1, 4} {
		all = append(all, moments(v), bnForward(v), normaliseForward(v), bnApply(v), affine(v))
		for _, k := range []kind{lined, centred, gated} {
			all = append(all, gradSums(v, k), gradApply(v, k))
		}
		all = append(all, grad2Sums(v, lined), grad2Sums(v, centred), grad2Apply(v, lined), grad2Apply(v, gated), normaliseGrad2(v))
	}
	return all
}

const normDoc = `
x is [m][c]. A block of tx x ty threads does the channels of a tile, %d to a thread, and a
piece of the rows, every ty-th of them to a thread.`

// rows is the place of a thread in the tensor.
type rows struct {
	e                *entry
	v                int // channels to a thread
	c, m             string
	tx, ty, ntx, nty string
	piece, tile      string // the block's numbers
	channel          string // the thread's first
	known            string // the same, or the last of all where there is none
	inside           string // predicate: there is such a channel
	leads            string // predicate: first block of the tile, first row, inside
	first, end       string // rows
}

// normEntry begins a kernel with v channels to a thread.
func normEntry(name, doc string, v int) *entry {
	if v == 4 {
		name += "_v4"
	}
	return newEntry(name, doc+fmt.Sprintf(normDoc, v))
}

// rows declares the shape and finds the thread's place.
func (e *entry) rows(v int) *rows {
	r := &rows{e: e, v: v, c: e.num("c"), m: e.num("m")}
	tiles, piece := e.divisor("tiles"), e.num("piece")
	r.tx, r.ty = e.let("tx", "mov.u32", "%tid.x"), e.let("ty", "mov.u32", "%tid.y")
	r.ntx, r.nty = e.let("ntx", "mov.u32", "%ntid.x"), e.let("nty", "mov.u32", "%ntid.y")
	e.note("the block's piece of the rows and tile of the channels, the thread's channels and rows")
	r.piece, r.tile = tiles.over(e, e.let("block", "mov.u32", "%ctaid.x"))
	group := e.let("group", "mad.lo.u32", r.tile, r.ntx, r.tx)
	r.channel = e.let("channel", "mul.lo.u32", group, fmt.Sprint(v))
	r.inside = e.let("inside", "setp.lt.u32", r.channel, r.c)
	r.known = e.let("known", "min.u32", r.channel, e.let("last", "sub.u32", r.c, fmt.Sprint(v)))
	lo := e.let("lo", "mul.lo.u32", r.piece, piece)
	r.first = e.let("first", "add.u32", lo, r.ty)
	r.end = e.let("end", "min.u32", e.let("hi", "add.u32", lo, piece), r.m)
	r.leads = e.let("leads", "setp.eq.and.u32", e.let("sum", "add.u32", r.piece, r.ty), "0", r.inside)
	return r
}

// channels reads the thread's channels of a vector.
func (r *rows) channels(name, base string) []string {
	return r.e.load(name, r.e.element("at_"+name, base, r.known), r.v)
}

// write stores the thread's channels of a vector, once for each.
func (r *rows) write(base string, x []string) {
	op := "st.global.f32"
	if r.v == 4 {
		op = "st.global.v4.f32"
	}
	r.e.raw("@%s %s [%s], %s;", r.leads, op, r.e.element("at", base, r.channel), vector(x))
}

// row reads the thread's channels of one row.
func (r *rows) row(name, base, row string) []string {
	at := r.e.let("place", "mad.lo.u32", row, r.c, r.known)
	return r.e.load(name, r.e.element("at_"+name, base, at), r.v)
}

// sampled is the number of rows whose mean is subtracted before sums are taken: one
// would do, were it not that it may be an outlier.
const sampled = 8

// sample declares where those rows are; mean is the mean of f over them, for each of
// the thread's channels.
type sample struct{ first, step string }

func (e *entry) sample() sample { return sample{e.num("pick"), e.num("pick_step")} }

func (r *rows) mean(s sample, f func(row string) []string) []string {
	e := r.e
	var sum []string
	e.note("the mean of %d rows, to be subtracted", sampled)
	row := e.let("pick_row", "mov.u32", s.first)
	for i := range sampled {
		if i == 0 {
			sum = f(row)
			continue
		}
		e.set(row, "add.u32", row, s.step)
		for k, x := range f(row) {
			sum[k] = e.add("k", sum[k], x)
		}
	}
	return r.perChannel(func(k int) string { return e.mul("k", sum[k], imm(1.0/sampled)) })
}

// tensor is one that a pass reads; with a guard, such as "@%there", it is zeros
// where the guard is false.
type tensor struct{ name, base, guard string }

// whole is a tensor that is always there; possible declares one that may be 0.
func whole(name, base string) tensor { return tensor{name, base, ""} }

func (e *entry) possible(name string) tensor {
	base := e.ptr(name)
	return tensor{name, base, "@" + e.let("has_"+name, "setp.ne.u64", base, "0")}
}

// each writes a loop over the thread's rows. body gets the distance in bytes and the
// elements of the tensors. With four channels to a thread a first loop reads several
// rows at a time, so that enough loads are under way.
func (r *rows) each(tensors []tensor, body func(at string, x [][]string)) {
	e := r.e
	row := e.let("row", "mov.u32", r.first)
	at := e.let("at", "mul.wide.u32", e.let("place", "mad.lo.u32", row, r.c, r.known), "4")
	step := e.let("step", "mul.wide.u32", e.let("place", "mul.lo.u32", r.nty, r.c), "4")
	counts := []int{1}
	if r.v == 4 {
		counts = []int{max(2, 4/len(tensors)), 1}
	}
	for _, n := range counts {
		e.note("%d rows at a time", n)
		ahead := e.let("ahead", "mul.lo.u32", r.nty, fmt.Sprint(n-1))
		e.loop("row", func() string {
			last := e.let("last", "add.u32", row, ahead)
			return e.let("more", "setp.lt.and.u32", last, r.end, r.inside)
		}, func() {
			places, x := make([]string, n), make([][][]string, n)
			for k := range n {
				places[k] = e.let("at", "mov.u64", at)
				for _, t := range tensors {
					place := e.let("at_"+t.name, "add.u64", t.base, at)
					if t.guard == "" {
						x[k] = append(x[k], e.load(t.name, place, r.v))
					} else {
						x[k] = append(x[k], e.loadIf(t.guard, t.name, place, r.v))
					}
				}
				e.set(at, "add.u64", at, step)
				e.set(row, "add.u32", row, r.nty)
			}
			for k := range n {
				body(places[k], x[k])
			}
		})
	}
}

func (r *rows) put(base, at string, x []string) {
	r.e.store(r.e.let("at_out", "add.u64", base, at), x)
}

// perChannel calls f for each of the thread's channels and collects the results.
func (r *rows) perChannel(f func(i int) string) []string {
	out := make([]string, r.v)
	for i := range out {
		out[i] = f(i)
	}
	return out
}

// zeros are n sums for each channel.
func (r *rows) zeros(n int) [][]string {
	sums := make([][]string, n)
	for s := range sums {
		sums[s] = r.perChannel(func(int) string { return r.e.let("sum", "mov.f32", imm(0)) })
	}
	return sums
}

// tileChannels is the most channels of a tile, and the floats of a row of shared
// memory; warpsInBlock the warps of a block of 256.
const (
	tileChannels = 32
	warpsInBlock = 8
)

// reduce adds up sums over the rows of threads of the block: first within warps,
// then the warps in their order. total gets the sum with its number s and channel,
// both relative to the block, in the threads where p is true.
func (r *rows) reduce(sums [][]string, total func(p, s, channel, sum string)) {
	e := r.e
	e.note("lanes of the same channels are tx apart")
	for d := 16; d > 0; d /= 2 {
		skip := e.label("skip")
		e.when(e.let("few", "setp.gt.u32", r.ntx, fmt.Sprint(d)), skip)
		for _, s := range sums {
			for _, v := range s {
				t := e.let("t", "shfl.sync.bfly.b32", v, fmt.Sprint(d), "31", "0xffffffff")
				e.set(v, "add.rn.f32", v, t)
			}
		}
		e.at(skip)
	}
	mem := e.sharedFloats("warp", warpsInBlock*len(sums)*tileChannels)
	base := e.let("base", "mov.u32", mem)
	id := e.let("id", "mad.lo.u32", r.ty, r.ntx, r.tx)
	warp, lane := e.let("warp", "shr.u32", id, "5"), e.let("lane", "and.b32", id, "31")
	lead := e.let("lead", "setp.lt.u32", lane, r.ntx)
	slot := e.let("slot", "mul.lo.u32", warp, fmt.Sprint(4*len(sums)*tileChannels))
	e.set(slot, "mad.lo.u32", r.tx, fmt.Sprint(4*r.v), slot)
	e.set(slot, "add.u32", slot, base)
	op := "st.shared.f32"
	if r.v == 4 {
		op = "st.shared.v4.f32"
	}
	for s, v := range sums {
		e.raw("@%s %s [%s+%d], %s;", lead, op, slot, 4*s*tileChannels, vector(v))
	}
	e.do("bar.sync", "0")
	e.note("thread s*32+k adds up the warps' sums s of channel k")
	s, k := e.let("s", "shr.u32", id, "5"), e.let("k", "and.b32", id, "31")
	mine := e.let("mine", "setp.lt.u32", s, fmt.Sprint(len(sums)))
	wide := e.let("wide_tile", "mul.lo.u32", r.ntx, fmt.Sprint(r.v))
	e.set(mine, "setp.lt.and.u32", k, wide, mine)
	from := e.let("from", "mad.lo.u32", id, "4", base)
	sum := e.let("total", "mov.f32", imm(0))
	for w := range warpsInBlock {
		t := e.let("t", "mov.f32", imm(0))
		e.raw("@%s ld.shared.f32 %s, [%s+%d];", mine, t, from, 4*w*len(sums)*tileChannels)
		e.set(sum, "add.rn.f32", sum, t)
	}
	total(mine, s, k, sum)
}

// partial is the memory between the two passes: part [pieces][sums][c], and the
// shifts that were subtracted before summing [shifts][c].
type partial struct{ part, shift, pieces string }

func (e *entry) partial(second bool) partial {
	p := partial{part: e.ptr("part"), shift: e.ptr("shift")}
	if second {
		p.pieces = e.num("pieces")
	}
	return p
}

// save ends a first pass: it stores the block's sums.
func (r *rows) save(p partial, sums [][]string) {
	e := r.e
	r.reduce(sums, func(mine, s, k, sum string) {
		wide := e.let("wide_tile", "mul.lo.u32", r.ntx, fmt.Sprint(r.v))
		channel := e.let("own", "mad.lo.u32", r.tile, wide, k)
		e.set(mine, "setp.lt.and.u32", channel, r.c, mine)
		at := e.let("place", "mad.lo.u32", r.piece, fmt.Sprint(len(sums)), s)
		e.set(at, "mad.lo.u32", at, r.c, channel)
		e.guard(mine, "st.global.f32", "["+e.element("at", p.part, at)+"]", sum)
	})
	e.do("ret")
}

// totals begins a second pass: it adds up the pieces' sums of the thread's channels.
func (r *rows) totals(p partial, n int) [][]string {
	e := r.e
	e.note("the sums of all pieces: each row of threads adds up some, the block these")
	sums := r.zeros(n)
	piece := e.let("part", "mov.u32", r.ty)
	e.loop("pieces", func() string { return e.let("more", "setp.lt.and.u32", piece, p.pieces, r.inside) }, func() {
		e.note("several pieces at a time, those beyond the last being zero")
		var parts [][][]string
		for range max(2, 8/n) {
			there := e.let("there", "setp.lt.u32", piece, p.pieces)
			at := e.let("place", "mul.lo.u32", piece, fmt.Sprint(n))
			var part [][]string
			for s := range n {
				own := e.let("place", "add.u32", at, fmt.Sprint(s))
				e.set(own, "mad.lo.u32", own, r.c, r.known)
				part = append(part, e.loadIf("@"+there, "t", e.element("at_t", p.part, own), r.v))
			}
			parts = append(parts, part)
			e.set(piece, "add.u32", piece, r.nty)
		}
		for _, part := range parts {
			for s := range sums {
				for i, v := range part[s] {
					e.set(sums[s][i], "add.rn.f32", sums[s][i], v)
				}
			}
		}
	})
	mem := e.sharedFloats("total", n*tileChannels)
	r.reduce(sums, func(mine, s, k, sum string) {
		at := e.let("at", "mov.u32", mem)
		slot := e.let("slot", "mad.lo.u32", s, fmt.Sprint(tileChannels), k)
		e.guard(mine, "st.shared.f32", "["+e.let("at", "mad.lo.u32", slot, "4", at)+"]", sum)
	})
	e.do("bar.sync", "0")
	at := e.let("at", "mov.u32", mem)
	at = e.let("at", "mad.lo.u32", r.tx, fmt.Sprint(4*r.v), at)
	op := "ld.shared.f32"
	if r.v == 4 {
		op = "ld.shared.v4.f32"
	}
	for s := range sums {
		e.raw("%s %s, [%s+%d];", op, vector(sums[s]), at, 4*s*tileChannels)
	}
	return sums
}

// shifts reads back what the first pass has subtracted.
func (r *rows) shifts(p partial, n int) [][]string {
	out := make([][]string, n)
	for i := range out {
		base := p.shift
		if i > 0 {
			base = r.e.let("shift", "mad.wide.u32", r.c, fmt.Sprint(4*i), p.shift)
		}
		out[i] = r.channels("k", base)
	}
	return out
}

// keep stores shift number i for the second pass.
func (r *rows) keepShift(p partial, i int, k []string) {
	base := p.shift
	if i > 0 {
		base = r.e.let("shift", "mad.wide.u32", r.c, fmt.Sprint(4*i), p.shift)
	}
	r.write(base, k)
}
