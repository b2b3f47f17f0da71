package cuda

import (
	"math"
	"slices"
	"strings"

	"gradgrad/kernels"
)

// A training step has hundreds of tiny launches: gradients copied to where the
// optimiser wants them, running statistics, sums of weight gradients, the
// optimiser's updates. The device keeps those that are independent of each other in
// a queue and launches up to 32 as one. What runs meanwhile overtakes the queue,
// unless it touches what the queue writes or writes what the queue touches; then,
// and before anything is copied or freed, the queue is launched first. So results
// are those of the order of the calls.

const (
	mostJoined  = 32      // pieces of one launch
	joinedBlock = 1024    // elements of a block
	joinedSize  = 1 << 18 // elements of the largest piece that is worth joining
)

// piece is one call: y = p*a + q*b (or + q where b is 0), or an update of SGD or Adam.
type piece struct {
	kernel     *kernels.Kernel
	y, a, b, v uint64 // for optimisers weights, (first) moment and gradient, for Adam the second moment
	n          int
	p, q       float64
	sgd        *kernels.SGDAttr
	adam       *kernels.AdamAttr
	first      int
	numbers    [8]float64 // of the optimiser
}

// Defers implements [kernels.Deferrer].
func (d *Device) Defers() int { return joinedSize }

// pieceOf returns the call as a piece, if it can be one.
func (d *Device) pieceOf(k *kernels.Kernel, a *kernels.Args) (p piece, ok bool) {
	if len(a.Out) == 0 || a.Out[0].Len() > joinedSize {
		return p, false
	}
	p = piece{kernel: k, n: a.Out[0].Len()}
	switch k.Name {
	case "copy":
		p.p, p.q = 1, math.Copysign(0, -1) // -0 + -0 is -0
	case "scale":
		at := a.Attr.(*kernels.MapAttr)
		p.p, p.q = at.P, at.Q
	case "add", "sub", "mix":
		at := a.Attr.(*kernels.MapAttr)
		if a.In[0].Len() != p.n || a.In[1].Len() != p.n {
			return p, false
		}
		p.b = d.of(a.In[1]).at
		p.p, p.q = 1, 1
		if k.Name == "sub" {
			p.q = -1
		} else if k.Name == "mix" {
			p.p, p.q = at.P, at.Q
		}
	case "sgd":
		if len(a.Out) < 2 || a.Out[1] == nil {
			return p, false
		}
		p.update(d, a)
		p.a, p.sgd = d.of(a.Out[1]).at, a.Attr.(*kernels.SGDAttr)
		copy(p.numbers[:], sgdNumbers(p.sgd))
		if p.sgd.First {
			p.first = 1
		}
		return p, true
	case "adam":
		p.update(d, a)
		p.a, p.v, p.adam = d.of(a.Out[1]).at, d.of(a.Out[2]).at, a.Attr.(*kernels.AdamAttr)
		copy(p.numbers[:], adamNumbers(p.adam))
		if p.adam.Step == 1 {
			p.first = 1
		}
		return p, true
	default:
		return p, false
	}
	p.y, p.a = d.of(a.Out[0]).at, d.of(a.In[0]).at
	return p, true
}

// strung takes a concatenation of short tensors behind each other: it is a copy of each.
func (d *Device) strung(k *kernels.Kernel, a *kernels.Args) bool {
	if k.Name != "concat" || d.singly || a.Out[0].Len() > smallSize {
		return false
	}
	at := a.Attr.(*kernels.MoveAttr)
	if product(at.Out[:at.Axis]) != 1 {
		return false
	}
	y := d.of(a.Out[0])
	for _, b := range a.In {
		if d.of(b).extent().meets(y.extent()) {
			return false
		}
	}
	lo := 0
	for _, b := range a.In {
		if b.Len() > 0 {
			d.queue.add(piece{kernel: k, n: b.Len(), y: from(y.at, lo), a: d.of(b).at, p: 1, q: math.Copysign(0, -1)})
		}
		lo += b.Len()
	}
	return true
}

// update fills in what optimisers have in common.
func (p *piece) update(d *Device, a *kernels.Args) {
	p.y, p.b = d.of(a.Out[0]).at, d.of(a.In[0]).at
}

// queue is pieces that are independent of each other.
type queue struct {
	dev    *Device
	work   []piece
	reads  []extent
	writes []extent
	launch launch // used again
}

// add puts a piece into the queue, after what must be done before it.
func (q *queue) add(p piece) {
	r, w := p.extents()
	if q.dev.small.blocks(r, w) {
		q.dev.small.flush()
	}
	if len(q.work) == mostJoined || len(q.work) > 0 && !p.joins(q.work[0]) || q.blocks(r, w) {
		q.flush()
	}
	q.work = append(q.work, p)
	q.reads = append(q.reads, r...)
	q.writes = append(q.writes, w...)
}

// extents are what a piece reads and writes.
func (p *piece) extents() (r, w []extent) {
	w = []extent{extentOf(p.y, p.n)}
	r = []extent{extentOf(p.a, p.n)}
	if p.sgd != nil || p.adam != nil {
		w = append(w, r[0])
	}
	if p.v != 0 {
		r = append(r, extentOf(p.v, p.n))
		w = append(w, r[1])
	}
	if p.b != 0 {
		r = append(r, extentOf(p.b, p.n))
	}
	return r, w
}

// joins says whether two pieces can be in one launch. Every parameter has an attribute
// of Adam of its own; what counts is that the numbers are the same.
func (p piece) joins(o piece) bool {
	return p.sgd == o.sgd && (p.adam == nil) == (o.adam == nil) && p.first == o.first && p.numbers == o.numbers
}

// blocks says whether something that reads and writes there has to wait for the
// queue.
func (q *queue) blocks(reads, writes []extent) bool {
	return conflict(q.reads, q.writes, reads, writes)
}

// asSteps are the pieces of the queue as steps, nil if one cannot be any.
func (q *queue) asSteps() []smallStep {
	steps := make([]smallStep, len(q.work))
	for i, p := range q.work {
		if p.sgd != nil || p.adam != nil || p.n > smallSize {
			return nil
		}
		steps[i] = smallStep{kind: linearStep, n: p.n, y: p.y, a: p.a, b: p.b, p: p.p, q: p.q, axes: newAxes([]int{p.n}, []int{1}, []int{1})}
	}
	return steps
}

// forget empties the queue.
func (q *queue) forget() { q.work, q.reads, q.writes = q.work[:0], q.reads[:0], q.writes[:0] }

// flush launches what is in the queue.
func (q *queue) flush() {
	if len(q.work) == 0 {
		return
	}
	work := q.work
	q.forget()
	q.launch = launch{dev: q.dev, kernel: work[0].kernel, params: q.launch.params[:0]}
	l := &q.launch
	if len(work) == 1 {
		l.alone(work[0])
		return
	}
	l.kernel = &kernels.Kernel{Name: namesOf(kernelsOf(work))}
	l.together(work)
}

// kernelsOf are the kernels of pieces.
func kernelsOf(work []piece) (all []*kernels.Kernel) {
	for _, p := range work {
		if !slices.Contains(all, p.kernel) {
			all = append(all, p.kernel)
		}
	}
	return all
}

// namesOf names the kernels of a launch for errors.
func namesOf(all []*kernels.Kernel) string {
	var names []string
	for _, k := range all {
		names = append(names, k.Name)
	}
	return strings.Join(names, " and ")
}

// alone launches a piece by itself.
func (l *launch) alone(p piece) {
	switch {
	case p.sgd != nil:
		l.sgd(p)
	case p.adam != nil:
		l.adam(p)
	case p.b != 0:
		l.dense(p.kernel.Name, p.n, p.p, p.q, p.y, p.a, p.b)
	case p.kernel.Name == "concat":
		l.dense("copy", p.n, p.p, p.q, p.y, p.a)
	default:
		l.dense(p.kernel.Name, p.n, p.p, p.q, p.y, p.a)
	}
}

// together launches several pieces.
func (l *launch) together(work []piece) {
	entry := "linear_many"
	switch {
	case work[0].sgd != nil:
		entry = "sgd_many"
		l.sgdNumbers(work[0])
	case work[0].adam != nil:
		entry = "adam_many"
		l.adamNumbers(work)
	}
	blocks := 0
	for k := range mostJoined {
		var p piece
		start := math.MaxInt32
		if k < len(work) {
			p, start = work[k], blocks
			blocks += ceil(p.n, joinedBlock)
		}
		l.num(start, p.n).at(p.y, p.a, p.b)
		switch entry {
		case "linear_many":
			l.float(p.p, p.q)
		case "adam_many":
			l.at(p.v)
		}
	}
	l.run(entry, [3]int{blocks, 1, 1}, [3]int{threads, 1, 1}, 0)
}
