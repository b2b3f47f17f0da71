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
	normChannels = 32 // the most channels of a tile
	normRows     = 4  // the fewest rows to a thread, where the rows are cut
	// Blocks of a first pass, and of a second one; every block of the second reads the
	// sums of all blocks of the first.
	normFirst, normSecond = 264, 528
)

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
	attr        *kernels.NormAttr
	m, c        int
	sums, rest  normLayout // of the first and the second pass
	part, shift uint64
}

// newNorm lays out the kernel's operands, and asks for memory for the sums of each
// channel and for the shifts that are subtracted before summing.
func newNorm(l *launch, sums, shifts int) *norm {
	at := l.Attr.(*kernels.NormAttr)
	all := make([]uint64, 0, 16)
	for _, b := range l.In {
		all = append(all, l.addr(b))
	}
	for _, b := range l.Out {
		all = append(all, l.addr(b))
	}
	vector := aligned(all...)
	n := &norm{launch: l, attr: at, m: at.M, c: at.C,
		sums: newNormLayout(at.M, at.C, normFirst, vector), rest: newNormLayout(at.M, at.C, normSecond, vector)}
	if sums > 0 {
		n.part, n.shift = l.temp(n.sums.pieces*sums*n.c), l.temp(shifts*n.c)
	}
	return n
}

// launchEntry runs an entry on the layout, which is its last arguments.
func (n *norm) launchEntry(entry string, on normLayout) {
	if on.v == 4 {
		entry += "_v4"
	}
	n.num(n.c, n.m).divisor(on.tiles).num(on.piece)
	n.run(entry, [3]int{on.pieces * on.tiles, 1, 1}, [3]int{on.tx, on.ty, 1}, 0)
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

// first runs a first pass, whose operands were appended.
func (n *norm) first(entry string) {
	n.at(n.part, n.shift)
	n.launchEntry(entry, n.sums)
}

// second runs a second pass, with numbers of its own.
func (n *norm) second(entry string, xs ...float64) {
	n.at(n.part, n.shift).num(n.sums.pieces).float(xs...)
	n.launchEntry(entry, n.rest)
}

// statistics takes the sums of x.
func (n *norm) statistics() {
	n.ptr(n.In[0]).num(n.sample())
	n.first("bn_sums")
}

func batchNorm(l *launch) {
	n := newNorm(l, 2, 1)
	n.statistics()
	l.ptr(l.Out...).ptr(l.In[:3]...).at(0)
	n.second("bn", n.over(), n.attr.Eps, n.low())
}

// batchNormAdd is batch norm with a sum before the bound.
func batchNormAdd(l *launch) {
	n := newNorm(l, 2, 1)
	n.statistics()
	l.ptr(l.Out...).ptr(l.In[:4]...)
	n.second("bn", n.over(), n.attr.Eps, 0)
}

func normalise(l *launch) {
	n := newNorm(l, 2, 1)
	n.statistics()
	l.ptr(l.Out...).ptr(l.In...)
	n.second("normalise", n.over(), n.attr.Eps)
}

func normApply(l *launch) {
	n := newNorm(l, 0, 0)
	l.ptr(l.Out...).ptr(l.In...).float(n.low())
	n.launchEntry("bn_apply", n.rest)
}

func affine(l *launch) {
	n := newNorm(l, 0, 0)
	l.ptr(l.Out...).ptr(l.In[:3]...).ptr(l.addend(3)).float(n.low())
	n.launchEntry("affine", n.rest)
}

// addend is operand i, to which a result is added; nil where there is none.
func (l *launch) addend(i int) kernels.Buffer {
	if i < len(l.In) {
		return l.In[i]
	}
	return nil
}

func batchNormGrad(l *launch) {
	n := newNorm(l, 3, 1)
	g, x, rest := l.In[0], l.In[1], l.In[2:6]
	l.ptr(g, x).num(n.sample()).ptr(rest...).num(n.relu())
	n.first("bn_grad_sums")
	l.ptr(l.Out...).ptr(l.In[:6]...).num(n.relu()).ptr(l.addend(6))
	n.second("bn_grad", n.over(), float64(n.m))
}

// batchNormAddGrad masks g by the result y in both passes, because gm may take the
// place of g, of which the first pass reads a few rows in every block.
func batchNormAddGrad(l *launch) {
	n := newNorm(l, 3, 1)
	g, x, gamma, mean, rstd, y := l.In[0], l.In[1], l.In[2], l.In[3], l.In[4], l.In[5]
	l.ptr(g, x).num(n.sample()).ptr(gamma, mean, rstd, y)
	n.first("bnadd_grad_sums")
	l.ptr(l.Out...).ptr(g, x, gamma, mean, rstd, y, l.addend(7))
	n.second("bnadd_grad", n.over(), float64(n.m))
}

func batchNormAddGrad2(l *launch) {
	n := newNorm(l, 6, 2)
	tm, u, wg, wb, gm, x := l.In[0], l.In[1], l.In[2], l.In[3], l.In[4], l.In[5]
	gamma, mean, rstd, y := l.In[6], l.In[7], l.In[8], l.In[9]
	l.ptr(u, gm, x).num(n.sample()).ptr(gamma, gamma, mean, rstd).num(0)
	n.first("bn_grad2_sums")
	if n.attr.NoDW {
		wg, wb = nil, nil
	}
	dgamma, finish := l.apart(l.Out[2], wg, wb)
	l.ptr(l.Out[:2]...).at(dgamma).ptr(tm, u, wg, wb, gm, x, gamma, mean, rstd, y)
	n.second("bnadd_grad2", n.over(), float64(n.m))
	finish()
}

func batchNormGrad2(l *launch) {
	n := newNorm(l, 6, 2)
	u, wg, wb, g, x, rest := l.In[0], l.In[1], l.In[2], l.In[3], l.In[4], l.In[5:]
	l.ptr(u, g, x).num(n.sample()).ptr(rest...).num(n.relu())
	n.first("bn_grad2_sums")
	if n.attr.NoDW {
		wg, wb = nil, nil
	}
	dgamma, finish := l.apart(l.Out[2], wg, wb)
	l.ptr(l.Out[:2]...).at(dgamma).ptr(u, wg, wb, g, x).ptr(rest...).num(n.relu())
	n.second("bn_grad2", n.over(), float64(n.m))
	finish()
}

func normaliseGrad(l *launch) {
	n := newNorm(l, 3, 1)
	g, xh, rstd, w := l.In[0], l.In[1], l.In[2], l.In[3]
	l.ptr(g, xh).num(n.sample())
	n.first("normalise_grad_sums")
	l.ptr(l.Out[0], g, xh, rstd, w)
	n.second("normalise_grad", n.over(), float64(n.m))
}

func normaliseGrad2(l *launch) {
	n := newNorm(l, 6, 2)
	u, g, xh, rstd, w := l.In[0], l.In[1], l.In[2], l.In[3], l.In[4]
	l.ptr(u, g, xh).num(n.sample())
	n.first("normalise_grad2_sums")
	drstd, finish := l.apart(l.Out[2], rstd, w)
	dw, finish2 := l.apart(l.Out[3], rstd, w)
	l.ptr(l.Out[:2]...).at(drstd, dw).ptr(u, g, xh, rstd, w)
	n.second("normalise_grad2", n.over(), float64(n.m))
	finish()
	finish2()
}
