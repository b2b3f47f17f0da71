package cuda

import "gradgrad/kernels"

func init() {
	register(sum, "sum")
	register(rowNorm, "rownorm")
	register(rows, "rowmax", "logsumexp", "softmax", "logsoftmax", "crossentropy")
	register(rowPick, "rowpick")
	register(rowPlace, "rowplace")
}

// How rows are shared out. All of it depends on shapes alone, and so do the trees in
// which sums are taken.
const (
	warpRow  = 1024  // elements of the longest row that a warp does; longer ones take a block
	wholeRow = 16384 // elements of the longest row that is not cut
	pieceRow = 8192  // elements of a piece of a row
	warps    = 8     // rows to a block, of those that warps do
)

// shape returns the attribute.
func (l *launch) shape() *kernels.ReduceAttr { return l.Attr.(*kernels.ReduceAttr) }

// perRow launches the form of an entry that suits rows of n elements.
func (l *launch) perRow(entry string, tasks, n int) {
	if n <= warpRow {
		l.run(entry, [3]int{ceil(tasks, warps), 1, 1}, [3]int{32, warps, 1}, 0)
	} else {
		l.run(entry+"_block", [3]int{tasks, 1, 1}, [3]int{threads, 1, 1}, 0)
	}
}

// rows launches a kernel with a warp or a block to a row.
func rows(l *launch) {
	at := l.shape()
	l.ptr(l.Out...).ptr(l.In...).num(at.Outer, at.Reduce).perRow(l.kernel.Name, at.Outer, at.Reduce)
}

// inPieces reduces rows of n elements to y, long ones first to a number for each
// piece and these again.
func (l *launch) inPieces(entry string, y, x uint64, outer, n int) {
	for n > wholeRow {
		pieces := ceil(n, pieceRow)
		part := l.temp(outer * pieces)
		l.at(part, x).num(outer, n).divisor(pieces).num(pieceRow).perRow(entry, outer*pieces, n)
		x, n = part, pieces
	}
	l.at(y, x).num(outer, n).divisor(1).num(n).perRow(entry, outer, n)
}

func rowNorm(l *launch) {
	at := l.shape()
	l.inPieces("rownorm", l.addr(l.Out[0]), l.addr(l.In[0]), at.Outer, at.Reduce)
}

// sum adds up rows, or columns when the axis that goes is not the last.
func sum(l *launch) {
	at := l.shape()
	y, x := l.addr(l.Out[0]), l.addr(l.In[0])
	if at.Inner == 1 {
		l.inPieces("sum_rows", y, x, at.Outer, at.Reduce)
		return
	}
	l.sumColumns(y, x, at.Outer, at.Reduce, at.Inner)
}

const tileColumns, tileRows = 32, 8 // threads of a block of sum_columns

// sumColumns sums [outer][rows][inner] over the rows. Where that makes too few blocks
// to fill a GPU the rows are cut, and the last block adds the sums of the pieces.
func (l *launch) sumColumns(y, x uint64, outer, rows, inner int) {
	l.sumColumnsTo(y, 0, x, outer, outer, rows, inner)
}

// sumColumnsTo is sumColumns with the first results at y and the others at y1.
func (l *launch) sumColumnsTo(y, y1, x uint64, outer, first, rows, inner int) {
	tiles := ceil(inner, tileColumns)
	piece, pieces := columnPieces(outer*tiles, rows)
	l.at(y, y1, l.inParts(0, pieces, outer*pieces*inner)).partCounters(pieces, outer*tiles)
	l.at(x).num(first, rows, inner).divisor(pieces).num(piece).divisor(tiles)
	l.run("sum_columns", [3]int{outer * pieces * tiles, 1, 1}, [3]int{tileColumns, tileRows, 1}, 0)
}

// fill is the number of blocks that the largest GPUs need to be busy.
const busy = 528

// columnPieces cuts rows for a kernel that has so many blocks without it.
func columnPieces(blocks, rows int) (piece, pieces int) {
	want := max(1, min(busy/blocks, rows/(4*tileRows)))
	piece = ceil(ceil(rows, want), tileRows) * tileRows
	return piece, ceil(rows, piece)
}

func rowPick(l *launch) {
	at := l.shape()
	l.ptr(l.Out[0]).ptr(l.In...).num(at.Outer, at.Reduce).flat("rowpick", at.Outer)
}

func rowPlace(l *launch) {
	at := l.shape()
	n := at.Outer * at.Reduce
	l.ptr(l.Out[0]).ptr(l.In...).num(n).divisor(at.Reduce).flat("rowplace", n)
}
