package main

import "fmt"

// joint is a kernel that all blocks of a grid run together, in three steps with the whole
// grid waiting in between: sums of pieces of the rows; their totals, from which the
// constants of each channel follow; and the elementwise pass with these. Pieces, and the
// order of all additions, depend on the shape alone. How many blocks there are does not
// matter: each takes tiles of the channels, and of these pieces of the rows, some apart.
type joint struct {
	*rows
	// Memory between the steps: part [pieces][sums][c], and of each channel what is
	// subtracted before summing and then the constants, keep [][c].
	part, keep            string
	id                    string // the thread in its block
	barrier               string // the word at which the grid waits
	tiles, pieces, length string
	firstTile, firstPiece string
	nextTile, nextPiece   string // what they are apart
}

const jointDoc = `
All blocks are there together and wait for each other: sums of the pieces, totals and constants
of each channel, the elements. Each block takes tiles tile_step apart, and of these pieces
piece_step apart. part and keep are memory for the sums and for the constants.`

// jointEntry begins such a kernel.
func jointEntry(name, doc string, v int) *entry { return normEntry(name, doc+jointDoc, v) }

// joint declares the kernel's last parameters.
func (e *entry) joint(v int) *joint {
	j := &joint{part: e.ptr("part"), keep: e.ptr("keep"), barrier: e.ptr("barrier")}
	j.rows = e.shape(v)
	j.id = e.let("id", "mad.lo.u32", j.ty, j.ntx, j.tx)
	tiles := e.divisor("tiles")
	j.tiles, j.length, j.pieces = tiles.d, e.num("piece"), e.num("pieces")
	j.nextTile, j.nextPiece = e.num("tile_step"), e.num("piece_step")
	j.firstPiece, j.firstTile = tiles.over(e, e.let("block", "mov.u32", "%ctaid.x"))
	return j
}

// eachTile writes a loop over the block's tiles of the channels.
func (j *joint) eachTile(body func()) {
	e := j.e
	tile := e.let("tile", "mov.u32", j.firstTile)
	e.loop("tile", func() string { return e.let("more", "setp.lt.u32", tile, j.tiles) }, func() {
		j.take(tile)
		body()
		e.set(tile, "add.u32", tile, j.nextTile)
	})
}

// eachPiece writes a loop over the block's pieces of a tile; of a second one over the
// same tensors, from the last piece down, because what was read last is in the cache.
func (j *joint) eachPiece(down bool, body func(piece string)) {
	e := j.e
	next := e.let("piece", "mov.u32", j.firstPiece)
	e.loop("piece", func() string { return e.let("more", "setp.lt.u32", next, j.pieces) }, func() {
		piece := next
		if down {
			e.note("from the last piece down: what was read last is in the cache")
			piece = e.let("piece", "sub.u32", e.let("last", "sub.u32", j.pieces, "1"), next)
		}
		j.cut(piece, j.length)
		body(piece)
		e.set(next, "add.u32", next, j.nextPiece)
	})
}

// sums is the first step: begin returns what is subtracted before summing, for each of the
// thread's channels, and add adds the elements of the tensors to n sums.
func (j *joint) sums(n int, tensors []tensor, begin func() [][]string, add func(sums, t [][]string)) {
	e := j.e
	e.note("sums of the pieces")
	mem := e.sharedFloats("warp", warpsInBlock*n*tileChannels)
	j.eachTile(func() {
		leads := e.let("leads", "setp.eq.and.u32", e.let("sum", "add.u32", j.firstPiece, j.ty), "0", j.inside)
		for i, k := range begin() {
			e.raw("@%s %s [%s], %s;", leads, wide("st.global", j.v), e.element("at", j.kept(i), j.channel), vector(k))
		}
		j.eachPiece(false, func(piece string) {
			sums := j.zeros(n)
			j.each(tensors, func(_ string, t [][]string) { add(sums, t) })
			j.reduce(mem, piece, sums)
		})
	})
	j.wait()
}

// wide is an instruction that moves v float32.
func wide(op string, v int) string {
	if v == 4 {
		return op + ".v4.f32"
	}
	return op + ".f32"
}

// kept is where row i of keep begins.
func (j *joint) kept(i int) string {
	if i == 0 {
		return j.keep
	}
	return j.e.let("at_keep", "mad.wide.u32", j.c, fmt.Sprint(4*i), j.keep)
}

// tileChannels is the most channels of a tile, and the floats of a row of shared
// memory; warpsInBlock the warps of a block of 256.
const (
	tileChannels = 32
	warpsInBlock = 8
)

// reduce adds up the sums over the rows of threads of the block, first within warps, then
// the warps in their order, and stores those of the piece.
func (j *joint) reduce(mem, piece string, sums [][]string) {
	e := j.e
	e.note("lanes of the same channels are tx apart")
	for d := 16; d > 0; d /= 2 {
		skip := e.label("skip")
		e.when(e.let("few", "setp.gt.u32", j.ntx, fmt.Sprint(d)), skip)
		for _, s := range sums {
			e.exchange(s, d)
		}
		e.at(skip)
	}
	base := e.let("base", "mov.u32", mem)
	id := j.id
	warp, lane := e.let("warp", "shr.u32", id, "5"), e.let("lane", "and.b32", id, "31")
	lead := e.let("lead", "setp.lt.u32", lane, j.ntx)
	slot := e.let("slot", "mad.lo.u32", warp, fmt.Sprint(4*len(sums)*tileChannels), base)
	e.set(slot, "mad.lo.u32", j.tx, fmt.Sprint(4*j.v), slot)
	e.note("the sums of the piece before have been read")
	e.do("bar.sync", "0")
	for s, v := range sums {
		e.raw("@%s %s [%s+%d], %s;", lead, wide("st.shared", j.v), slot, 4*s*tileChannels, vector(v))
	}
	e.do("bar.sync", "0")
	e.note("thread s*32+k adds up the warps' sums s of channel k")
	s, k := e.let("s", "shr.u32", id, "5"), e.let("k", "and.b32", id, "31")
	mine := e.let("mine", "setp.lt.u32", s, fmt.Sprint(len(sums)))
	tile := e.let("wide_tile", "mul.lo.u32", j.ntx, fmt.Sprint(j.v))
	e.set(mine, "setp.lt.and.u32", k, tile, mine)
	channel := e.let("own", "mad.lo.u32", j.tile, tile, k)
	e.set(mine, "setp.lt.and.u32", channel, j.c, mine)
	from := e.let("from", "mad.lo.u32", id, "4", base)
	sum := e.inOrder(mine, from, 4*len(sums)*tileChannels)
	at := e.let("place", "mad.lo.u32", piece, fmt.Sprint(len(sums)), s)
	e.set(at, "mad.lo.u32", at, j.c, channel)
	e.guard(mine, "st.global.f32", "["+e.element("at", j.part, at)+"]", sum)
}

// exchange adds to values those of the lanes that are d apart.
func (e *entry) exchange(values []string, d int) {
	for _, v := range values {
		t := e.let("t", "shfl.sync.bfly.b32", v, fmt.Sprint(d), "31", "0xffffffff")
		e.set(v, "add.rn.f32", v, t)
	}
}

// inOrder adds up the sums that the block's warps have left in shared memory, so many
// bytes apart, where the predicate is true.
func (e *entry) inOrder(mine, from string, apart int) string {
	sum := e.let("total", "mov.f32", imm(0))
	for w := range warpsInBlock {
		t := e.let("t", "mov.f32", imm(0))
		e.raw("@%s ld.shared.f32 %s, [%s+%d];", mine, t, from, w*apart)
		e.set(sum, "add.rn.f32", sum, t)
	}
	return sum
}

// wait is a barrier of the whole grid. The word's top bit changes when the last block
// comes, and the bits below are then what they were, so it needs no setting back. Whoever
// waits reads the word without acquiring anything, and then fences once: acquiring would
// empty the multiprocessor's cache each time, under its other blocks.
func (j *joint) wait() {
	e := j.e
	e.note("the grid's barrier: the top bit changes when all blocks are here")
	done, spin := e.label("together"), e.label("spin")
	e.do("bar.sync", "0")
	e.when(e.let("others", "setp.ne.u32", j.id, "0"), done)
	blocks := e.let("blocks", "mov.u32", "%nctaid.x")
	rest := e.let("rest", "sub.u32", "0x80000001", blocks)
	first := e.let("is", "setp.eq.u32", e.let("block", "mov.u32", "%ctaid.x"), "0")
	arrive := e.let("arrive", "selp.u32", rest, "1", first)
	e.do("fence.acq_rel.gpu")
	before := e.let("before", "atom.relaxed.gpu.global.add.u32", "["+j.barrier+"]", arrive)
	e.at(spin)
	now := e.let("now", "ld.relaxed.gpu.global.u32", "["+j.barrier+"]")
	changed := e.let("changed", "and.b32", e.let("changed", "xor.b32", now, before), "0x80000000")
	e.when(e.let("same", "setp.eq.u32", changed, "0"), spin)
	e.do("fence.acq_rel.gpu")
	e.at(done)
	e.do("bar.sync", "0")
}

// groupChannels is how many channels a block totals at a time: what one read of memory
// brings.
const groupChannels = 8

// channel is the one whose constants a thread computes.
type channel struct {
	*joint
	own string
}

// totals is the second step: the sums of all pieces, n for each channel; f computes
// results and constants from them.
func (j *joint) totals(n int, f func(ch channel, sums []string)) {
	e := j.e
	e.note("totals: a thread adds up every 32nd piece's sums of a channel, the block these")
	mem := e.let("totals", "mov.u32", e.sharedFloats("total", warpsInBlock*n*groupChannels))
	id := j.id
	k, row := e.let("k", "and.b32", id, fmt.Sprint(groupChannels-1)), e.let("row", "shr.u32", id, "3")
	warp, lane := e.let("warp", "shr.u32", id, "5"), e.let("lane", "and.b32", id, "31")
	lead := e.let("lead", "setp.lt.u32", lane, fmt.Sprint(groupChannels))
	slot := e.let("slot", "mad.lo.u32", warp, fmt.Sprint(4*n*groupChannels), mem)
	e.set(slot, "mad.lo.u32", k, "4", slot)
	from := e.let("from", "mad.lo.u32", k, "4", mem)
	step := e.let("step", "mov.u32", "%nctaid.x")
	e.set(step, "mul.lo.u32", step, fmt.Sprint(groupChannels))
	low := e.let("low", "mov.u32", "%ctaid.x")
	e.set(low, "mul.lo.u32", low, fmt.Sprint(groupChannels))
	e.loop("channels", func() string { return e.let("more", "setp.lt.u32", low, j.c) }, func() {
		own := e.let("own", "add.u32", low, k)
		there := e.let("there", "setp.lt.u32", own, j.c)
		sums := j.ownPieces(n, own, row, there)
		for _, d := range []int{16, 8} {
			e.exchange(sums, d)
		}
		e.note("the sums of the channels before have been read")
		e.do("bar.sync", "0")
		for s, v := range sums {
			e.raw("@%s st.shared.f32 [%s+%d], %s;", lead, slot, 4*s*groupChannels, v)
		}
		e.do("bar.sync", "0")
		computes := e.let("computes", "setp.eq.and.u32", row, "0", there)
		skip := e.label("skip")
		e.unless(computes, skip)
		for s := range sums {
			at := e.let("from", "add.u32", from, fmt.Sprint(4*s*groupChannels))
			sums[s] = e.inOrder(computes, at, 4*n*groupChannels)
		}
		f(channel{j, own}, sums)
		e.at(skip)
		e.set(low, "add.u32", low, step)
	})
	j.wait()
}

// ownPieces are the sums of every 32nd piece from a row of threads on.
func (j *joint) ownPieces(n int, own, row, there string) []string {
	e := j.e
	sums := make([]string, n)
	for s := range sums {
		sums[s] = e.let("sum", "mov.f32", imm(0))
	}
	piece := e.let("part", "mov.u32", row)
	e.loop("parts", func() string { return e.let("more", "setp.lt.and.u32", piece, j.pieces, there) }, func() {
		e.note("several at a time, those beyond the last being zero")
		var parts [][]string
		for range max(2, 8/n) {
			is := e.let("is", "setp.lt.u32", piece, j.pieces)
			at := e.element("at_part", j.part, e.let("place", "mad.lo.u32", e.let("place", "mul.lo.u32", piece, fmt.Sprint(n)), j.c, own))
			var part []string
			for s := range n {
				if s > 0 {
					at = e.let("at_part", "mad.wide.u32", j.c, "4", at)
				}
				part = append(part, e.loadIf("@"+is, "t", at, 1)[0])
			}
			parts = append(parts, part)
			e.set(piece, "add.u32", piece, fmt.Sprint(blockLanes/groupChannels))
		}
		for _, part := range parts {
			for s, v := range part {
				e.set(sums[s], "add.rn.f32", sums[s], v)
			}
		}
	})
	return sums
}

// read is the channel's element of a vector; optional 0 where there is no vector.
func (ch channel) read(name, base string) string {
	return ch.e.load(name, ch.e.element("at_"+name, base, ch.own), 1)[0]
}

func (ch channel) optional(name, base string) string {
	none := ch.e.let("none", "setp.eq.u64", base, "0")
	return ch.e.loadUnless(none, name, ch.e.element("at_"+name, base, ch.own), 1)[0]
}

// subtracted is number i of what was subtracted before summing.
func (ch channel) subtracted(i int) string { return ch.read("k", ch.kept(i)) }

// write stores the channel's element of a result.
func (ch channel) write(base, x string) {
	ch.e.store(ch.e.element("at", base, ch.own), []string{x})
}

// keeps stores the constants for the last step.
func (ch channel) keeps(constants ...string) {
	for i, x := range constants {
		ch.write(ch.kept(i), x)
	}
}

// elements is the last step: begin gets n constants of each of the thread's channels and
// returns what is done with the elements of the tensors.
func (j *joint) elements(n int, tensors []tensor, begin func(k [][]string) func(at string, t [][]string)) {
	e := j.e
	e.note("the elements")
	j.eachTile(func() {
		k := make([][]string, n)
		for i := range k {
			k[i] = j.channels("k", j.kept(i))
		}
		body := begin(k)
		j.eachPiece(true, func(string) { j.each(tensors, body) })
	})
	e.do("ret")
}
