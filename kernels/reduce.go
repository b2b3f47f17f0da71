package kernels

import "math"

// ReduceAttr is the attribute of the reductions: the operand is seen as
// [Outer][Reduce][Inner] and the middle axis goes.
type ReduceAttr struct{ Outer, Reduce, Inner int }

// Sum adds up the middle axis. Every sum is taken in float64 over a fixed
// sequence of pieces, so its bits depend on the shape alone.
var Sum = New("sum", sumKernel[float32], sumKernel[float64])

func sumKernel[T Float](a *Args) {
	y, x := Data[T](a.Out[0]), Data[T](a.In[0])
	at := a.Attr.(*ReduceAttr)
	if at.Inner == 1 {
		sumRows(y, x, at.Outer, at.Reduce)
		return
	}
	sumColumns(y, x, at)
}

// sumRows sums rows of n neighbours.
func sumRows[T Float](y, x []T, outer, n int) {
	if outer == 1 {
		y[0] = T(sumAll(x))
		return
	}
	each := max(1, chunk/n)
	share((outer+each-1)/each, sumRowsJob[T]{y, x, outer, n, each})
}

// sumRowsJob sums some rows.
type sumRowsJob[T Float] struct {
	y, x           []T
	outer, n, each int
}

func (j *sumRowsJob[T]) piece(i int) {
	for o := i * j.each; o < min(j.outer, (i+1)*j.each); o++ {
		j.y[o] = T(sumPiece(j.x[o*j.n : (o+1)*j.n]))
	}
}

func sumAll[T Float](x []T) float64 {
	parts := borrow[float64](chunks(len(x)))
	defer giveBack(parts)
	share(len(parts.data), sumAllJob[T]{parts.data, x})
	return sumPiece(parts.data)
}

// sumAllJob sums a chunk.
type sumAllJob[T Float] struct {
	parts []float64
	x     []T
}

func (j *sumAllJob[T]) piece(i int) {
	lo, hi := chunkAt(i, len(j.x))
	j.parts[i] = sumPiece(j.x[lo:hi])
}

// sumPiece keeps four running sums to hide the latency of an addition.
func sumPiece[T Float](x []T) float64 {
	var s0, s1, s2, s3 float64
	i := 0
	for ; i+4 <= len(x); i += 4 {
		s0 += float64(x[i])
		s1 += float64(x[i+1])
		s2 += float64(x[i+2])
		s3 += float64(x[i+3])
	}
	for ; i < len(x); i++ {
		s0 += float64(x[i])
	}
	return (s0 + s1) + (s2 + s3)
}

// sumColumns sums over rows that are Inner apart, a fixed number of rows to a
// partial sum.
func sumColumns[T Float](y, x []T, at *ReduceAttr) {
	rows := max(1, chunk/at.Inner)
	pieces := (at.Reduce + rows - 1) / rows
	parts := borrow[float64](at.Outer * pieces * at.Inner)
	defer giveBack(parts)
	job := sumColumnsJob[T]{y, x, parts.data, *at, rows, pieces}
	share(at.Outer*pieces, job)
	share(at.Outer, sumPartsJob[T](job))
}

// sumColumnsJob makes a partial sum, sumPartsJob adds partial sums up.
type (
	sumColumnsJob[T Float] struct {
		y, x         []T
		parts        []float64
		at           ReduceAttr
		rows, pieces int
	}
	sumPartsJob[T Float] sumColumnsJob[T]
)

func (j *sumColumnsJob[T]) piece(i int) {
	o, p := i/j.pieces, i%j.pieces
	part := j.parts[i*j.at.Inner : (i+1)*j.at.Inner]
	clear(part)
	for r := p * j.rows; r < min(j.at.Reduce, (p+1)*j.rows); r++ {
		line := j.x[(o*j.at.Reduce+r)*j.at.Inner:][:len(part)]
		for k, v := range line {
			part[k] += float64(v)
		}
	}
}

func (j *sumPartsJob[T]) piece(o int) {
	inner := j.at.Inner
	first := j.parts[o*j.pieces*inner:][:inner]
	for p := 1; p < j.pieces; p++ {
		for k, v := range j.parts[(o*j.pieces+p)*inner:][:inner] {
			first[k] += v
		}
	}
	for k, v := range first {
		j.y[o*inner+k] = T(v)
	}
}

// RowMax finds the largest element of each row (In [Outer][Reduce], Inner 1):
// Out values and the index of the first of them.
var RowMax = New("rowmax", rows2(rowMax[float32]), rows2(rowMax[float64]))

// rows1 makes a kernel from a loop body: f computes y, one element of the result or
// a row of it, from a row of the operand and the second operand's element.
func rows1[T Float](f func(y, row []T, second T)) func(*Args) {
	return func(a *Args) {
		j := rowsJob[T]{at: *a.Attr.(*ReduceAttr), f: f, y: Data[T](a.Out[0]), x: Data[T](a.In[0])}
		if len(a.In) > 1 {
			j.second = Data[T](a.In[1])
		}
		j.run()
	}
}

// rows2 is rows1 for two results.
func rows2[T Float](f func(y, z, row []T)) func(*Args) {
	return func(a *Args) {
		j := rowsJob[T]{at: *a.Attr.(*ReduceAttr), f2: f, y: Data[T](a.Out[0]), z: Data[T](a.Out[1]), x: Data[T](a.In[0])}
		j.run()
	}
}

// rowsJob is the work of a kernel over rows.
type rowsJob[T Float] struct {
	at              ReduceAttr
	f               func(y, row []T, second T)
	f2              func(y, z, row []T)
	y, z, x, second []T
	each            int // rows to a task
}

func (j rowsJob[T]) run() {
	j.each = max(1, chunk/j.at.Reduce)
	share((j.at.Outer+j.each-1)/j.each, j)
}

func (j *rowsJob[T]) piece(i int) {
	wide, long := len(j.y)/j.at.Outer, len(j.x)/j.at.Outer
	for o := i * j.each; o < min(j.at.Outer, (i+1)*j.each); o++ {
		y, row := j.y[o*wide:(o+1)*wide], j.x[o*long:(o+1)*long]
		if j.f2 != nil {
			j.f2(y, j.z[o*wide:(o+1)*wide], row)
			continue
		}
		var second T
		if j.second != nil {
			second = j.second[o]
		}
		j.f(y, row, second)
	}
}

func rowMax[T Float](y, idx, row []T) {
	best := 0
	for j, v := range row {
		if v > row[best] {
			best = j
		}
		if v != v { // the first NaN stays
			best = j
			break
		}
	}
	y[0], idx[0] = row[best], T(best)
}

// The softmax family works on rows (In [Outer][Reduce], Inner 1). Largest
// elements are subtracted first, so nothing overflows.
var (
	// LogSumExp: Out [Outer].
	LogSumExp = New("logsumexp", rows1(logSumExp[float32]), rows1(logSumExp[float64]))
	// Softmax and LogSoftmax: Out [Outer][Reduce].
	Softmax    = New("softmax", rows1(softmax[float32]), rows1(softmax[float64]))
	LogSoftmax = New("logsoftmax", rows1(logSoftmax[float32]), rows1(logSoftmax[float64]))
	// CrossEntropy: In logits and labels [Outer] (class numbers); Out [Outer].
	CrossEntropy = New("crossentropy", rows1(crossEntropy[float32]), rows1(crossEntropy[float64]))
)

func lse[T Float](row []T) float64 {
	top := row[0]
	for _, v := range row {
		top = max(top, v)
	}
	if math.IsInf(float64(top), 0) {
		return float64(top)
	}
	var s float64
	for _, v := range row {
		s += math.Exp(float64(v - top))
	}
	return float64(top) + math.Log(s)
}

func logSumExp[T Float](y, row []T, _ T) { y[0] = T(lse(row)) }

func softmax[T Float](y, row []T, _ T) {
	l := lse(row)
	for j, v := range row {
		y[j] = T(math.Exp(float64(v) - l))
	}
}

func logSoftmax[T Float](y, row []T, _ T) {
	l := lse(row)
	for j, v := range row {
		y[j] = T(float64(v) - l)
	}
}

func crossEntropy[T Float](y, row []T, label T) {
	y[0] = T(lse(row) - float64(row[int(label)]))
}

// RowNorm is the Euclidean norm of each row (In [Outer][Reduce]; Out [Outer]).
// Squares neither overflow nor vanish: those of float32 are float64, others are
// scaled by the largest element.
var RowNorm = New("rownorm", rows1(rowNorm[float32]), rows1(rowNorm[float64]))

func rowNorm[T Float](y, row []T, _ T) { y[0] = T(norm2(row)) }

func norm2[T Float](row []T) float64 {
	if isFloat32[T]() {
		return math.Sqrt(vecDot(row, row))
	}
	var top T
	for _, v := range row {
		top = max(top, v, -v)
	}
	if top == 0 || math.IsInf(float64(top), 0) || top != top {
		return float64(top)
	}
	scale := 1 / float64(top)
	var s float64
	for _, v := range row {
		w := float64(v) * scale
		s += w * w
	}
	return float64(top) * math.Sqrt(s)
}

// RowPick takes from each row the element at its index: In x [Outer][Reduce] and
// indices [Outer]; Out [Outer]. RowPlace is its transpose: In g [Outer] and
// indices; Out [Outer][Reduce], zero elsewhere.
var (
	RowPick  = New("rowpick", rows1(rowPick[float32]), rows1(rowPick[float64]))
	RowPlace = New("rowplace", rows1(rowPlace[float32]), rows1(rowPlace[float64]))
)

func rowPick[T Float](y, row []T, index T) { y[0] = row[int(index)] }

func rowPlace[T Float](row, g []T, index T) {
	clear(row)
	row[int(index)] = g[0]
}
