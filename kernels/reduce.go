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
	For((outer+each-1)/each, func(i int) {
		for o := i * each; o < min(outer, (i+1)*each); o++ {
			y[o] = T(sumPiece(x[o*n : (o+1)*n]))
		}
	})
}

func sumAll[T Float](x []T) float64 {
	parts := make([]float64, (len(x)+chunk-1)/chunk)
	For(len(parts), func(i int) { parts[i] = sumPiece(x[i*chunk : min(len(x), (i+1)*chunk)]) })
	return sumPiece(parts)
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
	parts := make([]float64, at.Outer*pieces*at.Inner)
	For(at.Outer*pieces, func(i int) {
		o, p := i/pieces, i%pieces
		part := parts[i*at.Inner : (i+1)*at.Inner]
		for r := p * rows; r < min(at.Reduce, (p+1)*rows); r++ {
			line := x[(o*at.Reduce+r)*at.Inner:][:len(part)]
			for j, v := range line {
				part[j] += float64(v)
			}
		}
	})
	For(at.Outer, func(o int) {
		first := parts[o*pieces*at.Inner:][:at.Inner]
		for p := 1; p < pieces; p++ {
			for j, v := range parts[(o*pieces+p)*at.Inner:][:at.Inner] {
				first[j] += v
			}
		}
		for j, v := range first {
			y[o*at.Inner+j] = T(v)
		}
	})
}

// RowMax finds the largest element of each row (In [Outer][Reduce], Inner 1):
// Out values and the index of the first of them.
var RowMax = New("rowmax", rowMaxKernel[float32], rowMaxKernel[float64])

func rowMaxKernel[T Float](a *Args) {
	y, idx, x := Data[T](a.Out[0]), Data[T](a.Out[1]), Data[T](a.In[0])
	at := a.Attr.(*ReduceAttr)
	forRows(at, func(o int) {
		row := x[o*at.Reduce : (o+1)*at.Reduce]
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
		y[o], idx[o] = row[best], T(best)
	})
}

func forRows(at *ReduceAttr, fn func(o int)) {
	each := max(1, chunk/at.Reduce)
	For((at.Outer+each-1)/each, func(i int) {
		for o := i * each; o < min(at.Outer, (i+1)*each); o++ {
			fn(o)
		}
	})
}

// The softmax family works on rows (In [Outer][Reduce], Inner 1). Largest
// elements are subtracted first, so nothing overflows.
var (
	// LogSumExp: Out [Outer].
	LogSumExp = New("logsumexp", logSumExpKernel[float32], logSumExpKernel[float64])
	// Softmax and LogSoftmax: Out [Outer][Reduce].
	Softmax    = New("softmax", softmaxKernel[float32], softmaxKernel[float64])
	LogSoftmax = New("logsoftmax", logSoftmaxKernel[float32], logSoftmaxKernel[float64])
	// CrossEntropy: In logits and labels [Outer] (class numbers); Out [Outer].
	CrossEntropy = New("crossentropy", crossEntropyKernel[float32], crossEntropyKernel[float64])
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

func logSumExpKernel[T Float](a *Args) {
	y, x := Data[T](a.Out[0]), Data[T](a.In[0])
	at := a.Attr.(*ReduceAttr)
	forRows(at, func(o int) { y[o] = T(lse(x[o*at.Reduce : (o+1)*at.Reduce])) })
}

func softmaxKernel[T Float](a *Args) {
	y, x := Data[T](a.Out[0]), Data[T](a.In[0])
	at := a.Attr.(*ReduceAttr)
	forRows(at, func(o int) {
		row := x[o*at.Reduce : (o+1)*at.Reduce]
		l := lse(row)
		for j, v := range row {
			y[o*at.Reduce+j] = T(math.Exp(float64(v) - l))
		}
	})
}

func logSoftmaxKernel[T Float](a *Args) {
	y, x := Data[T](a.Out[0]), Data[T](a.In[0])
	at := a.Attr.(*ReduceAttr)
	forRows(at, func(o int) {
		row := x[o*at.Reduce : (o+1)*at.Reduce]
		l := lse(row)
		for j, v := range row {
			y[o*at.Reduce+j] = T(float64(v) - l)
		}
	})
}

func crossEntropyKernel[T Float](a *Args) {
	y, x, label := Data[T](a.Out[0]), Data[T](a.In[0]), Data[T](a.In[1])
	at := a.Attr.(*ReduceAttr)
	forRows(at, func(o int) {
		row := x[o*at.Reduce : (o+1)*at.Reduce]
		y[o] = T(lse(row) - float64(row[int(label[o])]))
	})
}

// RowNorm is the Euclidean norm of each row (In [Outer][Reduce]; Out [Outer]),
// scaled by the largest element so that squares neither overflow nor vanish.
var RowNorm = New("rownorm", rowNormKernel[float32], rowNormKernel[float64])

func rowNormKernel[T Float](a *Args) {
	y, x := Data[T](a.Out[0]), Data[T](a.In[0])
	at := a.Attr.(*ReduceAttr)
	forRows(at, func(o int) { y[o] = T(norm2(x[o*at.Reduce : (o+1)*at.Reduce])) })
}

func norm2[T Float](row []T) float64 {
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
	RowPick  = New("rowpick", rowPickKernel[float32], rowPickKernel[float64])
	RowPlace = New("rowplace", rowPlaceKernel[float32], rowPlaceKernel[float64])
)

func rowPickKernel[T Float](a *Args) {
	y, x, idx := Data[T](a.Out[0]), Data[T](a.In[0]), Data[T](a.In[1])
	at := a.Attr.(*ReduceAttr)
	forRows(at, func(o int) { y[o] = x[o*at.Reduce+int(idx[o])] })
}

func rowPlaceKernel[T Float](a *Args) {
	y, g, idx := Data[T](a.Out[0]), Data[T](a.In[0]), Data[T](a.In[1])
	at := a.Attr.(*ReduceAttr)
	forRows(at, func(o int) {
		row := y[o*at.Reduce : (o+1)*at.Reduce]
		clear(row)
		row[int(idx[o])] = g[o]
	})
}
