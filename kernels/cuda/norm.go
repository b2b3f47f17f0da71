package cuda

import (
	"math"
	"math/bits"

	"gradgrad/kernels"
)

func init() {
	register(batchNorm, "bn")
	register(normApply, "bn.apply")
	register(affine, "affine")
	register(batchNormGrad, "bn.grad")
	register(batchNormGrad2, "bn.grad2")
	register(batchNormAdd, "bnadd")
	register(batchNormAddGrad, "bnadd.grad")
	register(batchNormAddGrad2, "bnadd.grad2")
	register(normalise, "normalise")
	register(normaliseGrad, "normalise.grad")
	register(normaliseGrad2, "normalise.grad2")
}

// normLayout is how a tensor of m rows and c channels is shared out: tiles of
// channels, pieces of rows, a block of threads for each. It depends on the shape
// alone, and on whether the operands' addresses let four channels be read at once.
type normLayout struct {
	m, c          int
	v             int // channels to a thread
	tx, ty        int // threads of a block
	tiles         int
	piece, pieces int // rows of a piece, and how many there are
}

const (
	normChannels = 32  // the most channels of a tile
	normRows     = 4   // the fewest rows to a thread, where the rows are cut
	normBlocks   = 132 // multiprocessors of an H100 or H200
)

// normPieces is how many pieces all tiles have together, where there are rows enough, when
// so many sums are taken of each: as many as a large GPU has room for blocks, whose
// registers grow with the sums.
func normPieces(sums int) int {
	switch {
	case sums > 3:
		return 2 * normBlocks
	case sums > 2:
		return 3 * normBlocks
	}
	return 4 * normBlocks
}

// newNormLayout shares the tensor out among so many blocks, or fewer where it is
// small.
func newNormLayout(m, c, blocks int, vector bool) normLayout {
	n := normLayout{m: m, c: c, v: 1}
	if vector && c%4 == 0 {
		n.v = 4
	}
	groups := c / n.v
	n.tx = min(1<<bits.Len(uint(groups-1)), normChannels/n.v)
	n.ty = threads / n.tx
	n.tiles = ceil(groups, n.tx)
	want := max(1, min(blocks/n.tiles, m/(normRows*n.ty)))
	n.piece = ceil(ceil(m, want), n.ty) * n.ty
	n.pieces = ceil(m, n.piece)
	return n
}

// norm is one run of a kernel of this family.
type norm struct {
	*launch
	attr   *kernels.NormAttr
	m, c   int
	vector bool // operands may be read four channels at once
}

func newNorm(l *launch) *norm {
	at := l.Attr.(*kernels.NormAttr)
	all := make([]uint64, 0, 16)
	for _, b := range l.In {
		all = append(all, l.addr(b))
	}
	for _, b := range l.Out {
		all = append(all, l.addr(b))
	}
	return &norm{launch: l, attr: at, m: at.M, c: at.C, vector: aligned(all...)}
}

// entry is a kernel's name, with the number of channels to a thread.
func (on normLayout) entry(name string) string {
	if on.v == 4 {
		return name + "_v4"
	}
	return name
}

// pass runs an entry with a block for each tile and piece.
func (n *norm) pass(entry string) {
	if n.m == 0 {
		n.params = n.params[:0]
		return
	}
	on := newNormLayout(n.m, n.c, normPieces(0), n.vector)
	n.num(n.c, n.m).divisor(on.tiles).num(on.piece)
	n.run(on.entry(entry), [3]int{on.pieces * on.tiles, 1, 1}, [3]int{on.tx, on.ty, 1}, 0)
}

// joint runs an entry whose blocks wait for each other, with what it sums and keeps for
// each channel. The operands have been appended; the numbers follow the rows to sample.
func (n *norm) joint(entry string, sums, kept int) {
	if n.m == 0 {
		n.fail("a tensor without rows, which have no mean; give it at least one image")
	}
	on := newNormLayout(n.m, n.c, normPieces(sums), n.vector)
	entry = on.entry(entry)
	resident, err := n.dev.together(n.ready(entry, 0), residence{entry, on.tx * on.ty, 0})
	n.dev.must("running "+n.kernel.Name, err)
	blocks, nextTile, nextPiece := on.share(resident)
	n.at(n.temp(on.pieces*sums*n.c), n.temp(kept*n.c)).barrier()
	n.num(n.c, n.m).divisor(on.tiles).num(on.piece, on.pieces, nextTile, nextPiece)
	n.cooperative(entry, blocks, [3]int{on.tx, on.ty, 1}, 0)
}

// share is how many blocks take the tiles and pieces where so many can be resident, and
// how far apart are the tiles and the pieces of one block. All blocks of a tile take
// equally many pieces, or one less.
func (on normLayout) share(resident int) (blocks, nextTile, nextPiece int) {
	if resident < on.tiles {
		return resident, resident, 1
	}
	each := ceil(on.pieces, resident/on.tiles)
	nextPiece = ceil(on.pieces, each)
	return nextPiece * on.tiles, on.tiles, nextPiece
}

// sample is the first of the eight rows whose mean is subtracted before sums are
// taken, and how many rows the next one is away.
func (n *norm) sample() (first, step int) { return n.m / 16, n.m / 8 }

// low is the bound that results have from below.
func (n *norm) low() float64 {
	if n.attr.ReLU {
		return 0
	}
	return math.Inf(-1)
}

func (n *norm) relu() int {
	if n.attr.ReLU {
		return 1
	}
	return 0
}

func (n *norm) over() float64 { return 1 / float64(n.m) }

// rows appends which rows to sample, and numbers.
func (n *norm) rows(xs ...float64) *norm {
	n.num(n.sample()).float(xs...)
	return n
}

func batchNorm(l *launch) {
	n := newNorm(l)
	l.ptr(l.Out...).ptr(l.In[:3]...).at(0)
	n.rows(n.over(), n.attr.Eps, n.low()).joint("bn", 2, 3)
}

// batchNormAdd is batch norm with a sum before the bound.
func batchNormAdd(l *launch) {
	n := newNorm(l)
	l.ptr(l.Out...).ptr(l.In[:4]...)
	n.rows(n.over(), n.attr.Eps, 0).joint("bn", 2, 3)
}

func normalise(l *launch) {
	n := newNorm(l)
	l.ptr(l.Out...).ptr(l.In...)
	n.rows(n.over(), n.attr.Eps).joint("normalise", 2, 2)
}

func normApply(l *launch) {
	n := newNorm(l)
	l.ptr(l.Out...).ptr(l.In...).float(n.low())
	n.pass("bn_apply")
}

func affine(l *launch) {
	n := newNorm(l)
	l.ptr(l.Out...).ptr(l.In[:3]...).ptr(l.addend(3)).float(n.low())
	n.pass("affine")
}

// addend is operand i, to which a result is added; nil where there is none.
func (l *launch) addend(i int) kernels.Buffer {
	if i < len(l.In) {
		return l.In[i]
	}
	return nil
}

func batchNormGrad(l *launch) {
	n := newNorm(l)
	l.ptr(l.Out...).ptr(l.In[:6]...).num(n.relu()).ptr(l.addend(6))
	n.rows(n.over(), float64(n.m)).joint("bn_grad", 3, 7)
}

// batchNormAddGrad masks g by the result y in both passes over it: gm may take the place
// of g.
func batchNormAddGrad(l *launch) {
	n := newNorm(l)
	l.ptr(l.Out...).ptr(l.In[:6]...).ptr(l.addend(7))
	n.rows(n.over(), float64(n.m)).joint("bnadd_grad", 3, 5)
}

func batchNormAddGrad2(l *launch) {
	n := newNorm(l)
	wg, wb := n.cotangents(2)
	l.ptr(l.Out...).ptr(l.In[:2]...).ptr(wg, wb).ptr(l.In[4:10]...)
	n.rows(n.over(), float64(n.m)).joint("bnadd_grad2", 6, 9)
}

func batchNormGrad2(l *launch) {
	n := newNorm(l)
	wg, wb := n.cotangents(1)
	l.ptr(l.Out...).ptr(l.In[0], wg, wb).ptr(l.In[3:]...).num(n.relu())
	n.rows(n.over(), float64(n.m)).joint("bn_grad2", 6, 11)
}

// cotangents are those of dgamma and dbeta, operand i and the next, where there are any.
func (n *norm) cotangents(i int) (wg, wb kernels.Buffer) {
	if n.attr.NoDW {
		return nil, nil
	}
	return n.In[i], n.In[i+1]
}

func normaliseGrad(l *launch) {
	n := newNorm(l)
	l.ptr(l.Out[0]).ptr(l.In[:4]...)
	n.rows(n.over(), float64(n.m)).joint("normalise_grad", 3, 4)
}

func normaliseGrad2(l *launch) {
	n := newNorm(l)
	l.ptr(l.Out[:4]...).ptr(l.In[:5]...)
	n.rows(n.over(), float64(n.m)).joint("normalise_grad2", 6, 7)
}
