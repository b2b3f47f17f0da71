package kernels

// MoveAttr is the attribute of the kernels that copy elements from one
// arrangement to another. Shape is the operand's.
type MoveAttr struct {
	Shape []int
	// Perm: axis i of the result is axis Perm[i] of the operand (permute).
	Perm []int
	// Lo is where the cut begins (slice), or how many zeros go before (pad); Out
	// is the result's shape.
	Lo, Out []int
	// Axis and Index: the operand's places along the axis, in the order of the
	// result (gather); repeats allowed. Len is the axis's length in the result of
	// scatter.
	Axis  int
	Index []int
	Len   int
}

// The moving kernels. Slice and Pad are transposes of each other, so are Gather
// and Scatter; Concat joins operands along Axis.
var (
	Permute = New("permute", permuteKernel[float32], permuteKernel[float64])
	Slice   = New("slice", sliceKernel[float32], sliceKernel[float64])
	Pad     = New("pad", padKernel[float32], padKernel[float64])
	Concat  = New("concat", concatKernel[float32], concatKernel[float64])
	Gather  = New("gather", gatherKernel[float32], gatherKernel[float64])
	Scatter = New("scatter", scatterKernel[float32], scatterKernel[float64])
)

func strides(shape []int) []int {
	s := make([]int, len(shape))
	n := 1
	for i := len(shape) - 1; i >= 0; i-- {
		s[i] = n
		n *= shape[i]
	}
	return s
}

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

func permuteKernel[T Float](a *Args) {
	y, x := Data[T](a.Out[0]), Data[T](a.In[0])
	at := a.Attr.(*MoveAttr)
	in := strides(at.Shape)
	rank := len(at.Shape)
	if rank == 0 {
		y[0] = x[0]
		return
	}
	out, step := make([]int, rank), make([]int, rank)
	for i, p := range at.Perm {
		out[i], step[i] = at.Shape[p], in[p]
	}
	forLines(out, func(line, to int) {
		from := offset(line, out, step)
		s := step[rank-1]
		for j := range y[to : to+out[rank-1]] {
			y[to+j] = x[from+j*s]
		}
	})
}

// forLines calls fn for every line along the last axis of a shape, with the
// line's number and where it begins.
func forLines(shape []int, fn func(line, begin int)) {
	n := shape[len(shape)-1]
	lines := product(shape[:len(shape)-1])
	each := max(1, chunk/n)
	For((lines+each-1)/each, func(i int) {
		for l := i * each; l < min(lines, (i+1)*each); l++ {
			fn(l, l*n)
		}
	})
}

// offset is where line number r of a shape lies in memory with the given steps.
func offset(r int, shape, step []int) int {
	at := 0
	for i := len(shape) - 2; i >= 0; i-- {
		at += r % shape[i] * step[i]
		r /= shape[i]
	}
	return at
}

func sliceKernel[T Float](a *Args) {
	y, x := Data[T](a.Out[0]), Data[T](a.In[0])
	at := a.Attr.(*MoveAttr)
	step, shift := strides(at.Shape), 0
	for i, lo := range at.Lo {
		shift += lo * step[i]
	}
	n := at.Out[len(at.Out)-1]
	forLines(at.Out, func(line, to int) {
		from := shift + offset(line, at.Out, step)
		copy(y[to:to+n], x[from:from+n])
	})
}

func padKernel[T Float](a *Args) {
	y, x := Data[T](a.Out[0]), Data[T](a.In[0])
	at := a.Attr.(*MoveAttr)
	forChunks(len(y), func(lo, hi int) { clear(y[lo:hi]) })
	step, shift := strides(at.Out), 0
	for i, lo := range at.Lo {
		shift += lo * step[i]
	}
	n := at.Shape[len(at.Shape)-1]
	forLines(at.Shape, func(line, from int) {
		to := shift + offset(line, at.Shape, step)
		copy(y[to:to+n], x[from:from+n])
	})
}

// concatKernel joins operands that are [outer][own inner] each.
func concatKernel[T Float](a *Args) {
	y := Data[T](a.Out[0])
	at := a.Attr.(*MoveAttr)
	outer := product(at.Out[:at.Axis])
	row := product(at.Out[at.Axis:])
	each := max(1, chunk/row)
	For((outer+each-1)/each, func(i int) {
		for o := i * each; o < min(outer, (i+1)*each); o++ {
			to := o * row
			for _, b := range a.In {
				x := Data[T](b)
				n := len(x) / outer
				copy(y[to:to+n], x[o*n:(o+1)*n])
				to += n
			}
		}
	})
}

func gatherKernel[T Float](a *Args) {
	y, x := Data[T](a.Out[0]), Data[T](a.In[0])
	at := a.Attr.(*MoveAttr)
	outer, inner := product(at.Shape[:at.Axis]), product(at.Shape[at.Axis+1:])
	n, k := at.Shape[at.Axis], len(at.Index)
	For(outer, func(o int) {
		for j, from := range at.Index {
			copy(y[(o*k+j)*inner:][:inner], x[(o*n+from)*inner:][:inner])
		}
	})
}

// scatterKernel adds the operand's lines to their places, in order.
func scatterKernel[T Float](a *Args) {
	y, x := Data[T](a.Out[0]), Data[T](a.In[0])
	at := a.Attr.(*MoveAttr)
	outer, inner := product(at.Shape[:at.Axis]), product(at.Shape[at.Axis+1:])
	k := len(at.Index)
	For(outer, func(o int) {
		clear(y[o*at.Len*inner:][:at.Len*inner])
		for j, to := range at.Index {
			line := y[(o*at.Len+to)*inner:][:inner]
			for i, v := range x[(o*k+j)*inner:][:inner] {
				line[i] += v
			}
		}
	})
}
