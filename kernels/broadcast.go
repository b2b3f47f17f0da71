package kernels

import "sync"

// walk visits a result in rows, with the positions of two broadcast operands
// beside it. Axes that both operands walk in the same way are merged first, so a
// bias over NHWC activations is a walk over two axes, whatever the rank.
type walk struct {
	dims  []int    // merged axes of the result
	step  [2][]int // of each operand, for each merged axis
	inner [2]int   // the step of the last axis: 0 or 1
	// repeat is how many rows are handled as one, when rows are short, the first
	// operand is dense and the second is the same for every row.
	repeat [2]bool
	group  int

	all [2][]int // the steps before axes were merged
	// The work: rows in groups, and how many groups to a task.
	n, tasks, per, groups, each int
}

func (w *walk) giveBack() {
	walks.Lock()
	walks.free = append(walks.free, w)
	walks.Unlock()
}

// walks are those that nobody uses at the moment, kept like loans.
var walks struct {
	sync.Mutex
	free []*walk
}

// newWalk returns a walk, which is given back at its end.
func newWalk(shape, a, b []int) *walk {
	var w *walk
	walks.Lock()
	if last := len(walks.free) - 1; last >= 0 {
		w = walks.free[last]
		walks.free = walks.free[:last]
	}
	walks.Unlock()
	if w == nil {
		w = new(walk)
	}
	*w = walk{group: 1, dims: w.dims[:0], step: [2][]int{w.step[0][:0], w.step[1][:0]}, all: w.all}
	sa, sb := w.steps(0, shape, a), w.steps(1, shape, b)
	for i, d := range shape {
		if d == 1 {
			continue
		}
		k := len(w.dims) - 1
		if k >= 0 && w.step[0][k] == sa[i]*d && w.step[1][k] == sb[i]*d {
			w.dims[k] *= d
			w.step[0][k], w.step[1][k] = sa[i], sb[i]
			continue
		}
		w.dims = append(w.dims, d)
		w.step[0] = append(w.step[0], sa[i])
		w.step[1] = append(w.step[1], sb[i])
	}
	if len(w.dims) == 0 {
		w.dims, w.step[0], w.step[1] = append(w.dims, 1), append(w.step[0], 1), append(w.step[1], 1)
	}
	last := len(w.dims) - 1
	w.inner = [2]int{w.step[0][last], w.step[1][last]}
	w.groupRows()
	return w
}

// groupRows lets short rows be handled many at a time where one operand is dense
// and the other is one row repeated.
func (w *walk) groupRows() {
	last := len(w.dims) - 1
	n := w.dims[last]
	if last == 0 || n >= 512 {
		return
	}
	for k := range 2 {
		dense := w.step[1-k][last] == 1 && w.step[1-k][last-1] == n
		if dense && w.step[k][last] == 1 && w.step[k][last-1] == 0 {
			w.repeat[k] = true
			w.group = max(1, 4096/n)
		}
	}
}

// steps are the distances in memory between neighbours of operand k along each
// axis of the result, 0 along repeated axes.
func (w *walk) steps(k int, shape, operand []int) []int {
	steps := w.all[k][:0]
	for range shape {
		steps = append(steps, 0)
	}
	w.all[k] = steps
	stride, shift := 1, len(shape)-len(operand)
	for i := len(operand) - 1; i >= 0; i-- {
		if operand[i] != 1 {
			steps[i+shift] = stride
		}
		stride *= operand[i]
	}
	return steps
}

// broadcast runs a kernel of two operands over runs of elements of the result.
func broadcast[T Float](at *MapAttr, f func(y, a, b []T, p, q float64), y, a, b []T) {
	w := newWalk(at.Shape, at.A, at.B)
	defer w.giveBack()
	share(w.divide(), walkJob[T]{w, f, y, a, b, at.P, at.Q})
}

// divide cuts the walk into pieces and returns their number.
func (w *walk) divide() int {
	last := len(w.dims) - 1
	w.n = w.dims[last]
	outer := 1
	for _, d := range w.dims[:last] {
		outer *= d
	}
	w.per = 1 // rows of a run: a group lies within one index of the outer axes
	inGroup := w.inGroup()
	if last > 0 {
		w.per = min(w.group, inGroup)
	}
	w.groups = (inGroup + w.per - 1) / w.per
	w.tasks = outer / inGroup * w.groups
	w.each = max(1, chunk/(w.per*w.n))
	return (w.tasks + w.each - 1) / w.each
}

// inGroup is the number of rows within one index of the outer axes.
func (w *walk) inGroup() int {
	if len(w.dims) == 1 {
		return 1
	}
	return w.dims[len(w.dims)-2]
}

// walkJob is the work of a kernel along a walk.
type walkJob[T Float] struct {
	w       *walk
	f       func(y, a, b []T, p, q float64)
	y, a, b []T
	p, q    float64
}

func (j *walkJob[T]) piece(t int) {
	w := j.w
	var ra, rb rowScratch[T]
	defer ra.giveBack()
	defer rb.giveBack()
	inGroup := w.inGroup()
	for i := t * w.each; i < min(w.tasks, (t+1)*w.each); i++ {
		r := i/w.groups*inGroup + i%w.groups*w.per
		k := min(w.per, inGroup-i%w.groups*w.per)
		a, b := w.at(r)
		for lo, total := 0, w.n*k; lo < total; lo += chunk { // runs of at most chunk elements
			m := min(chunk, total-lo)
			out := r*w.n + lo
			j.f(j.y[out:out+m], ra.row(w, 0, j.a, w.shift(0, a, lo), m), rb.row(w, 1, j.b, w.shift(1, b, lo), m), j.p, j.q)
		}
	}
}

func (w *walk) shift(k, at, lo int) int {
	if w.repeat[k] {
		return at
	}
	return at + lo*w.inner[k]
}

// at returns the positions of the operands at the beginning of row r.
func (w *walk) at(r int) (a, b int) {
	for i := len(w.dims) - 2; i >= 0; i-- {
		x := r % w.dims[i]
		r /= w.dims[i]
		a += x * w.step[0][i]
		b += x * w.step[1][i]
	}
	return a, b
}

// rowScratch holds a goroutine's expanded row of one operand.
type rowScratch[T Float] struct {
	loan *loan[T]
	from int // where the row expanded last began, plus one
}

func (s *rowScratch[T]) giveBack() {
	if s.loan != nil {
		giveBack(s.loan)
	}
}

// row returns n elements of operand k that begin at from, expanded into scratch
// memory when they are not n neighbours.
func (s *rowScratch[T]) row(w *walk, k int, x []T, from, n int) []T {
	step := w.inner[k]
	if step == 1 && !w.repeat[k] {
		return x[from : from+n]
	}
	if s.loan == nil || len(s.loan.data) < n {
		s.giveBack()
		s.loan, s.from = borrow[T](max(n, min(chunk, 4096))), 0
	}
	mem := s.loan.data
	if s.from != from+1 || step == 0 {
		s.from = from + 1
		period := 1
		if step == 1 {
			period = w.dims[len(w.dims)-1]
		}
		copy(mem, x[from:from+period])
		for have := period; have < len(mem); have *= 2 {
			copy(mem[have:], mem[:have])
		}
	}
	return mem[:n]
}

// Broadcast repeats its operand to the result's shape (MapAttr.Shape and A).
var Broadcast = New("broadcast", broadcastKernel(firstLoop[float32]), broadcastKernel(firstLoop[float64]))

func broadcastKernel[T Float](f func(y, a, b []T, p, q float64)) func(*Args) {
	return func(args *Args) {
		y, a := Data[T](args.Out[0]), Data[T](args.In[0])
		at := args.Attr.(*MapAttr)
		w := newWalk(at.Shape, at.A, at.Shape)
		defer w.giveBack()
		share(w.divide(), walkJob[T]{w: w, f: f, y: y, a: a, b: y})
	}
}

func firstLoop[T Float](y, a, _ []T, _, _ float64) { copy(y, a) }
