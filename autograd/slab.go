package autograd

import "gradgrad/kernels"

// A step of training is the same every time, so what it needs beside the memory of
// its values is kept and used again as well: the records of calls, the values
// themselves and their shapes. A tape that has seen a few steps allocates nothing.

// slab lends zero or once used elements of one type and takes all of them back at once.
type slab[T any] struct {
	blocks [][]T
	used   int
}

const slabBlock = 128 // elements

// next lends an element. It is as its last user left it.
func (s *slab[T]) next() *T {
	block := s.used / slabBlock
	if block == len(s.blocks) {
		s.blocks = append(s.blocks, make([]T, slabBlock))
	}
	e := &s.blocks[block][s.used%slabBlock]
	s.used++
	return e
}

// rewind takes all elements back, after clean has seen each.
func (s *slab[T]) rewind(clean func(*T)) {
	for i := range s.used {
		clean(&s.blocks[i/slabBlock][i%slabBlock])
	}
	s.used = 0
}

// lists lends short slices of values in the same manner.
type lists struct {
	blocks [][]*Value
	block  int // the one that is being lent from
	at     int
}

const listBlock = 1024 // values

// take lends a slice of n nils.
func (l *lists) take(n int) []*Value {
	if n > listBlock {
		return make([]*Value, n)
	}
	if l.at+n > listBlock {
		l.block, l.at = l.block+1, 0
	}
	if l.block == len(l.blocks) {
		l.blocks = append(l.blocks, make([]*Value, listBlock))
	}
	s := l.blocks[l.block][l.at : l.at+n : l.at+n]
	l.at += n
	return s
}

func (l *lists) rewind() {
	for i := range min(l.block+1, len(l.blocks)) {
		clear(l.blocks[i])
	}
	l.block, l.at = 0, 0
}

// shapeKey is a shape as the key of a map; shapes of more axes have none.
type shapeKey struct {
	rank int
	dims [6]int
}

// kept is what a tape keeps from step to step.
type kept struct {
	calls  slab[Call]
	lists  lists
	values []*Value // to be used again, last first
	stores []*store
	lent   []*store     // of the running step
	args   kernels.Args // of kernels that run outside calls
	sizes  kernels.MapAttr
	// Things that never change: shapes, and attributes of calls as interfaces.
	shapes map[shapeKey][]int
	boxes  map[any]any
}

// value lends a value.
func (t *Tape) value() *Value {
	k := &t.kept
	n := len(k.values) - 1
	if n < 0 {
		return &Value{}
	}
	v := k.values[n]
	k.values = k.values[:n]
	*v = Value{}
	return v
}

// memory lends a store of n elements.
func (t *Tape) memory(n int) *store {
	k := &t.kept
	var s *store
	if last := len(k.stores) - 1; last >= 0 {
		s = k.stores[last]
		k.stores = k.stores[:last]
	} else {
		s = new(store)
	}
	*s = store{buf: t.arena.Get(n), arena: t.arena, owners: 1}
	k.lent = append(k.lent, s)
	return s
}

// list lends a slice of n nils until the step ends.
func (t *Tape) list(n int) []*Value {
	if t == nil {
		return make([]*Value, n)
	}
	return t.kept.lists.take(n)
}

// rewind ends the step for what is kept. A store that another tape has seen, or
// that is still in use, is left to the garbage collector.
func (k *kept) rewind() {
	k.calls.rewind((*Call).reset)
	k.lists.rewind()
	for _, s := range k.lent {
		if s.owners == 0 && !s.abroad {
			k.stores = append(k.stores, s)
		}
	}
	clear(k.lent)
	k.lent = k.lent[:0]
}

// mostConstants bounds what is kept for a tape whose steps are all different.
const mostConstants = 1 << 14

// shape returns a slice that equals dims, the same one each time, which nobody
// changes. A nil tape keeps nothing.
func (t *Tape) shape(dims ...int) []int {
	k := shapeKey{rank: len(dims)}
	if t == nil || len(dims) > len(k.dims) {
		return append([]int{}, dims...)
	}
	copy(k.dims[:], dims)
	if s, ok := t.kept.shapes[k]; ok {
		return s
	}
	if len(t.kept.shapes) >= mostConstants {
		clear(t.kept.shapes)
	}
	s := append(make([]int, 0, len(dims)), dims...)
	t.kept.shapes[k] = s
	return s
}

// constant is what build makes, kept under a key.
func constant[K comparable](t *Tape, key K, build func() any) any {
	if c, ok := t.kept.boxes[key]; ok {
		return c
	}
	if len(t.kept.boxes) >= mostConstants {
		clear(t.kept.boxes)
	}
	c := build()
	t.kept.boxes[key] = c
	return c
}

// shapeAttr is the shape as an attribute.
func (t *Tape) shapeAttr(dims []int) any {
	k := shapeKey{rank: len(dims)}
	if t == nil || len(dims) > len(k.dims) {
		return t.shape(dims...)
	}
	copy(k.dims[:], dims)
	return constant(t, k, func() any { return t.shape(dims...) })
}

// boxed is any(a): an attribute of a call, which costs memory the first time only.
func boxed[A comparable](t *Tape, a A) any {
	if t == nil {
		return a
	}
	return constant(t, a, func() any { return a })
}

// workspace is what a call needs while it runs and while its rules do. A tape that
// uses the call again uses it again.
type workspace struct {
	args   kernels.Args
	shapes [][]int
	grads  []*Value
	made   []*Value
	// The attributes of the kernels, one of which is used.
	elements kernels.MapAttr
	reduce   kernels.ReduceAttr
	move     kernels.MoveAttr
	norm     kernels.NormAttr
	matmul   kernels.MatmulAttr
	conv     kernels.ConvAttr
	pool     kernels.PoolAttr
	affine   kernels.AffineConvAttr
}

// reset forgets everything but memory that can be used again.
func (c *Call) reset() {
	clear(c.In)
	clear(c.Out)
	clear(c.saved)
	clear(c.work.grads)
	clear(c.work.made)
	c.work.move = kernels.MoveAttr{}
	*c = Call{In: c.In[:0], Out: c.Out[:0], saved: c.saved[:0], work: c.work}
}
