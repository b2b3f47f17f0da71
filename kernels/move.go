package kernels

import "sync"

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
	if len(at.Shape) == 0 {
		y[0] = x[0]
		return
	}
	w := newLines()
	defer w.giveBack()
	w.stride(at.Shape)
	for _, p := range at.Perm {
		w.shape, w.step = append(w.shape, at.Shape[p]), append(w.step, w.strides[p])
	}
	share(w.divide(), permuteJob[T]{w, y, x})
}

// permuteJob gathers the elements of every line of the result.
type permuteJob[T Float] struct {
	w    *lines
	y, x []T
}

func (j *permuteJob[T]) piece(i int) {
	step := j.w.step[len(j.w.step)-1]
	for l, hi := j.w.of(i); l < hi; l++ {
		from := j.w.at(l)
		for k := range j.y[l*j.w.n : (l+1)*j.w.n] {
			j.y[l*j.w.n+k] = j.x[from+k*step]
		}
	}
}

// lines are the lines along the last axis of an array that lies in another one, or
// in another order of its axes.
type lines struct {
	shape []int // of the array
	step  []int // between its neighbours where it lies, along each axis
	shift int   // where it begins there
	n     int   // elements of a line
	count int
	each  int // lines to a task

	strides []int // of the other array
}

// lineLists are lines that nobody uses at the moment, kept like loans.
var lineLists struct {
	sync.Mutex
	free []*lines
}

func newLines() *lines {
	lineLists.Lock()
	defer lineLists.Unlock()
	last := len(lineLists.free) - 1
	if last < 0 {
		return &lines{}
	}
	w := lineLists.free[last]
	lineLists.free = lineLists.free[:last]
	*w = lines{shape: w.shape[:0], step: w.step[:0], strides: w.strides[:0]}
	return w
}

func (w *lines) giveBack() {
	lineLists.Lock()
	defer lineLists.Unlock()
	lineLists.free = append(lineLists.free, w)
}

// stride works out the strides of an array of this shape.
func (w *lines) stride(shape []int) {
	w.strides = append(w.strides[:0], shape...)
	n := 1
	for i := len(shape) - 1; i >= 0; i-- {
		w.strides[i] = n
		n *= shape[i]
	}
}

// box is the lines of an array of the given shape that lies in a larger one, from
// lo on. It says how many tasks they are.
func (w *lines) box(shape, lo, larger []int) int {
	w.stride(larger)
	w.shape, w.step = append(w.shape, shape...), append(w.step, w.strides...)
	for i, l := range lo {
		w.shift += l * w.step[i]
	}
	return w.divide()
}

// divide cuts the lines into tasks and returns their number.
func (w *lines) divide() int {
	w.n = w.shape[len(w.shape)-1]
	w.count = product(w.shape[:len(w.shape)-1])
	w.each = max(1, chunk/w.n)
	return (w.count + w.each - 1) / w.each
}

// of are the lines of task i, hi not included.
func (w *lines) of(i int) (lo, hi int) { return i * w.each, min(w.count, (i+1)*w.each) }

// at is where line l begins in the other array.
func (w *lines) at(l int) int {
	at := w.shift
	for i := len(w.shape) - 2; i >= 0; i-- {
		at += l % w.shape[i] * w.step[i]
		l /= w.shape[i]
	}
	return at
}

func sliceKernel[T Float](a *Args) {
	at := a.Attr.(*MoveAttr)
	w := newLines()
	defer w.giveBack()
	share(w.box(at.Out, at.Lo, at.Shape), boxJob[T]{w, Data[T](a.Out[0]), Data[T](a.In[0]), false})
}

func padKernel[T Float](a *Args) {
	y, x := Data[T](a.Out[0]), Data[T](a.In[0])
	at := a.Attr.(*MoveAttr)
	share(chunks(len(y)), clearJob[T]{y})
	w := newLines()
	defer w.giveBack()
	share(w.box(at.Shape, at.Lo, at.Out), boxJob[T]{w, x, y, true})
}

// boxJob copies lines out of a larger array, or into it.
type boxJob[T Float] struct {
	w           *lines
	box, larger []T
	into        bool
}

func (j *boxJob[T]) piece(i int) {
	for l, hi := j.w.of(i); l < hi; l++ {
		at := j.w.at(l)
		box, place := j.box[l*j.w.n:(l+1)*j.w.n], j.larger[at:at+j.w.n]
		if j.into {
			copy(place, box)
		} else {
			copy(box, place)
		}
	}
}

// concatKernel joins operands that are [outer][own inner] each.
func concatKernel[T Float](a *Args) {
	y := Data[T](a.Out[0])
	at := a.Attr.(*MoveAttr)
	outer := product(at.Out[:at.Axis])
	row := product(at.Out[at.Axis:])
	each := max(1, chunk/row)
	share((outer+each-1)/each, concatJob[T]{y, a.In, outer, row, each})
}

// concatJob joins rows, some of them in a task.
type concatJob[T Float] struct {
	y                []T
	in               []Buffer
	outer, row, each int
}

func (j *concatJob[T]) piece(i int) {
	for o := i * j.each; o < min(j.outer, (i+1)*j.each); o++ {
		to := o * j.row
		for _, b := range j.in {
			x := Data[T](b)
			n := len(x) / j.outer
			copy(j.y[to:to+n], x[o*n:(o+1)*n])
			to += n
		}
	}
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
