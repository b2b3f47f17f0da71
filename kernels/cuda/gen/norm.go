package main

import "fmt"

// normFile is ptx/norm.ptx: every kernel for one channel to a thread and for four.
func normFile() []*entry {
	var all []*entry
	for _, v := range []int{1, 4} {
		all = append(all, bnForward(v), normaliseForward(v), bnApply(v), affine(v))
		for _, k := range []kind{lined, centred, gated} {
			all = append(all, grad(v, k), grad2(v, k))
		}
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
	tile             string // the tile of the channels that is being worked on
	channel          string // the thread's first
	known            string // the same, or the last of all where there is none
	inside           string // predicate: there is such a channel
	first, end       string // rows of the piece that is being worked on
}

// normEntry begins a kernel with v channels to a thread.
func normEntry(name, doc string, v int) *entry {
	if v == 4 {
		name += "_v4"
	}
	return newEntry(name, doc+fmt.Sprintf(normDoc, v))
}

// shape declares the tensor's shape and finds the thread's place in the block.
func (e *entry) shape(v int) *rows {
	r := &rows{e: e, v: v, c: e.num("c"), m: e.num("m")}
	r.tx, r.ty = e.let("tx", "mov.u32", "%tid.x"), e.let("ty", "mov.u32", "%tid.y")
	r.ntx, r.nty = e.let("ntx", "mov.u32", "%ntid.x"), e.let("nty", "mov.u32", "%ntid.y")
	return r
}

// rows declares the shape and takes the piece of the rows and the tile of the channels
// that are the block's.
func (e *entry) rows(v int) *rows {
	r := e.shape(v)
	tiles, length := e.divisor("tiles"), e.num("piece")
	e.note("the block's piece of the rows and tile of the channels")
	piece, tile := tiles.over(e, e.let("block", "mov.u32", "%ctaid.x"))
	r.take(tile)
	r.cut(piece, length)
	return r
}

// take finds the thread's channels of a tile.
func (r *rows) take(tile string) {
	e := r.e
	e.note("the thread's channels")
	r.tile = tile
	group := e.let("group", "mad.lo.u32", tile, r.ntx, r.tx)
	r.channel = e.let("channel", "mul.lo.u32", group, fmt.Sprint(r.v))
	r.inside = e.let("inside", "setp.lt.u32", r.channel, r.c)
	r.known = e.let("known", "min.u32", r.channel, e.let("last", "sub.u32", r.c, fmt.Sprint(r.v)))
}

// cut finds the thread's rows of a piece.
func (r *rows) cut(piece, length string) {
	e := r.e
	lo := e.let("lo", "mul.lo.u32", piece, length)
	r.first = e.let("first", "add.u32", lo, r.ty)
	r.end = e.let("end", "min.u32", e.let("hi", "add.u32", lo, length), r.m)
}

// channels reads the thread's channels of a vector.
func (r *rows) channels(name, base string) []string {
	return r.e.load(name, r.e.element("at_"+name, base, r.known), r.v)
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
