package kernels

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
}

func newWalk(shape, a, b []int) *walk {
	w := &walk{group: 1}
	sa, sb := broadcastSteps(shape, a), broadcastSteps(shape, b)
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
		w.dims, w.step = []int{1}, [2][]int{{1}, {1}}
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

// broadcastSteps are the distances in memory between neighbours along each axis
// of the result, 0 along repeated axes.
func broadcastSteps(shape, operand []int) []int {
	steps := make([]int, len(shape))
	stride, shift := 1, len(shape)-len(operand)
	for i := len(operand) - 1; i >= 0; i-- {
		if operand[i] != 1 {
			steps[i+shift] = stride
		}
		stride *= operand[i]
	}
	return steps
}

// rowScratch holds a worker's expanded rows.
type rowScratch struct {
	w    *walk
	mem  [2]any
	from [2]int // where the row expanded last began, plus one
}

// rows calls fn for runs of n elements of the result that begin at out; the
// operands' elements begin at a and b.
func (w *walk) rows(fn func(s *rowScratch, out, a, b, n int)) {
	last := len(w.dims) - 1
	n := w.dims[last]
	outer := 1
	for _, d := range w.dims[:last] {
		outer *= d
	}
	per := 1 // rows of a call: a group lies within one index of the outer axes
	inGroup := 1
	if last > 0 {
		inGroup = w.dims[last-1]
		per = min(w.group, inGroup)
	}
	groups := (inGroup + per - 1) / per
	tasks := outer / inGroup * groups
	each := max(1, chunk/(per*n))
	For((tasks+each-1)/each, func(t int) {
		s := &rowScratch{w: w}
		for i := t * each; i < min(tasks, (t+1)*each); i++ {
			r := i/groups*inGroup + i%groups*per
			k := min(per, inGroup-i%groups*per)
			a, b := w.at(r)
			w.call(fn, s, r*n, a, b, n, k)
		}
	})
}

// call hands k rows to fn, in runs of at most chunk elements.
func (w *walk) call(fn func(s *rowScratch, out, a, b, n int), s *rowScratch, out, a, b, n, k int) {
	total := n * k
	for lo := 0; lo < total; lo += chunk {
		m := min(chunk, total-lo)
		fn(s, out+lo, w.shift(0, a, lo), w.shift(1, b, lo), m)
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

// row returns n elements of operand k that begin at from, expanded into scratch
// memory when they are not n neighbours.
func row[T Float](s *rowScratch, k int, x []T, from, step, n int) []T {
	if step == 1 && !s.w.repeat[k] {
		return x[from : from+n]
	}
	mem, _ := s.mem[k].([]T)
	if len(mem) < n {
		mem = make([]T, max(n, min(chunk, 4096)))
		s.mem[k], s.from[k] = mem, 0
	}
	if s.from[k] != from+1 || step == 0 {
		s.from[k] = from + 1
		period := 1
		if step == 1 {
			period = s.w.dims[len(s.w.dims)-1]
		}
		copy(mem, x[from:from+period])
		for have := period; have < len(mem); have *= 2 {
			copy(mem[have:], mem[:have])
		}
	}
	return mem[:n]
}

// Broadcast repeats its operand to the result's shape (MapAttr.Shape and A).
var Broadcast = New("broadcast", broadcastKernel[float32], broadcastKernel[float64])

func broadcastKernel[T Float](args *Args) {
	y, a := Data[T](args.Out[0]), Data[T](args.In[0])
	at := args.Attr.(*MapAttr)
	w := newWalk(at.Shape, at.A, at.Shape)
	w.rows(func(s *rowScratch, out, ia, _, n int) {
		copy(y[out:out+n], row(s, 0, a, ia, w.inner[0], n))
	})
}
