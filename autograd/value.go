package autograd

import (
	"fmt"
	"slices"

	"gradgrad/kernels"
)

// Value is an array on a device: a shape and a run of memory. The contents of
// a value never change while a tape needs them; operations make new values.
//
// A value that was computed on a [Tape] lives until the tape is released, or
// until [Value.Done] has been called on it and no derivative rule needs it any
// more. A value made by [New] belongs to whoever made it.
type Value struct {
	shape []int
	dev   kernels.Device
	tape  *Tape  // whose arena holds the memory; nil for free-standing values
	store *store // shared with views
	op    *Op    // what computed it
	call  *Call  // the same, when recorded
	out   int    // which output of call it is

	tracked bool   // depends on something watched
	severed bool   // depends on it through a record that Backward has spent
	holds   int    // how many recorded calls and running derivatives need it
	done    bool   // nobody else will read it
	leaf    bool   // of free-standing memory: the tape keeps it for the next step
	step    uint64 // of a leaf: the step in which it was watched
	mark    uint64 // stamp of the last derivative whose path it lay on
	wanted  uint64 // stamp of the last derivative that was asked for its cotangent
	cot     *Value // cotangent, while a derivative runs
}

// store is the memory of one value and of its views.
type store struct {
	buf     kernels.Buffer
	arena   *kernels.Arena // where it came from; nil: from the device
	owners  int            // values that are alive on it
	version uint64         // counts changes in place (optimiser steps)
	abroad  bool           // a tape has watched it that is not the arena's
}

// New copies data to the device as a free-standing value. len(data) must be the
// product of shape.
func New(dev kernels.Device, data []float32, shape ...int) *Value {
	v := alloc(dev, nil, checkData("new", len(data), shape))
	dev.Write(v.store.buf, data)
	return v
}

// New64 is [New] from float64; a float32 device rounds.
func New64(dev kernels.Device, data []float64, shape ...int) *Value {
	v := alloc(dev, nil, checkData("new", len(data), shape))
	dev.Write64(v.store.buf, data)
	return v
}

// Full returns a free-standing value whose elements are all x.
func Full(dev kernels.Device, x float64, shape ...int) *Value {
	v := alloc(dev, nil, checkShape("full", shape))
	fill(v, x)
	return v
}

func checkData(op string, n int, shape []int) []int {
	if size(checkShape(op, shape)) != n {
		panic(&ShapeError{Op: op, Shapes: [][]int{slices.Clone(shape)}, Want: fmt.Sprintf("a shape of %d elements, as many as the data", n)})
	}
	return shape
}

func checkShape(op string, shape []int) []int {
	for _, d := range shape {
		if d < 1 {
			panic(&ShapeError{Op: op, Shapes: [][]int{slices.Clone(shape)}, Want: "dimensions of at least 1"})
		}
	}
	return shape
}

func alloc(dev kernels.Device, t *Tape, shape []int) *Value {
	if t == nil {
		return &Value{shape: slices.Clone(shape), dev: dev, store: &store{buf: dev.Alloc(size(shape)), owners: 1}}
	}
	v := t.value()
	v.shape, v.dev, v.tape, v.store = t.shape(shape...), dev, t, t.memory(size(shape))
	t.own(v)
	return v
}

// view returns another value on the same memory.
func view(v *Value, shape []int) *Value {
	v.Buffer() // panics when v is gone
	v.store.owners++
	if v.tape == nil {
		return &Value{shape: slices.Clone(shape), dev: v.dev, store: v.store}
	}
	w := v.tape.value()
	w.shape, w.dev, w.tape, w.store = v.tape.shape(shape...), v.dev, v.tape, v.store
	v.tape.own(w)
	return w
}

// own returns y, or a view of it where it is the caller's x itself: what an
// operation returns can be done with while its operand is still needed.
func own(y, x *Value) *Value {
	if y == x {
		return reshapeOp.one(x.tape.shapeAttr(x.shape), x)
	}
	return y
}

// Shape returns the dimensions; a scalar has none. The caller must not change
// the slice.
func (v *Value) Shape() []int { return v.shape }

// Size is the number of elements.
func (v *Value) Size() int { return size(v.shape) }

// Dim is the length of axis i; negative i counts from the end.
func (v *Value) Dim(i int) int {
	if i < 0 {
		i += len(v.shape)
	}
	return v.shape[i]
}

// Device is where the value lives.
func (v *Value) Device() kernels.Device { return v.dev }

// Tape is the tape on which the value was computed; nil for a free-standing one.
func (v *Value) Tape() *Tape { return v.tape }

// Tracked reports whether the value depends on something that was watched, so
// that a derivative can pass through it.
func (v *Value) Tracked() bool { return v.tracked }

// Buffer is the memory of the value, for code that runs kernels itself. It
// panics when the value is gone.
func (v *Value) Buffer() kernels.Buffer {
	if v.store == nil || v.store.buf == nil {
		panic(&LifetimeError{Op: v.opName(), Shape: v.shape})
	}
	return v.store.buf
}

// Float32s waits for the device and returns a copy of the elements.
func (v *Value) Float32s() []float32 {
	x := make([]float32, v.Size())
	v.dev.Read(x, v.Buffer())
	return x
}

// Float64s is [Value.Float32s] in float64.
func (v *Value) Float64s() []float64 {
	x := make([]float64, v.Size())
	v.dev.Read64(x, v.Buffer())
	return x
}

// Item returns the only element of a value of size one.
func (v *Value) Item() float64 {
	if v.Size() != 1 {
		panic(&ShapeError{Op: "item", Shapes: [][]int{v.shape}, Want: "one element"})
	}
	return v.Float64s()[0]
}

// Detach returns the same numbers as a constant: no derivative passes.
func (v *Value) Detach() *Value { return view(v, v.shape) }

// Done promises that the caller will not read v again. Its memory returns to
// the tape as soon as no derivative rule needs it (at once when nothing is
// recorded); for a free-standing value, to the device. Reading it afterwards
// panics with a [LifetimeError]; once the tape has been released, v itself may be
// another value of the next step.
func (v *Value) Done() {
	if v.done {
		return
	}
	v.done = true
	v.freeIfUnused()
}

// released reports whether the tape of the value has been released since.
func (v *Value) released() bool { return v.store == nil && !v.tracked }

func (v *Value) hold() { v.holds++ }

func (v *Value) unhold() {
	v.holds--
	v.freeIfUnused()
}

func (v *Value) freeIfUnused() {
	if v.done && v.holds == 0 {
		v.free()
	}
}

// free gives the memory back once no view of it is left.
func (v *Value) free() {
	s := v.store
	if s == nil {
		return
	}
	v.store = nil
	if s.owners--; s.owners > 0 || s.buf == nil {
		return
	}
	if s.arena != nil {
		s.arena.Put(s.buf)
	} else {
		v.dev.Free(s.buf)
	}
	s.buf = nil
}

// Changed tells the tapes that the contents were changed in place, as an
// optimiser does: a derivative that still needs the old contents panics.
func (v *Value) Changed() {
	v.Buffer() // panics when v is gone
	v.store.version++
}

func (v *Value) opName() string {
	if v.op != nil {
		return v.op.Name
	}
	return "value"
}

// spent reports whether a derivative cannot pass through the value any more,
// because Backward has spent the record of how it was computed.
func (v *Value) spent() bool { return v.severed || v.call != nil && v.call.spent }

// String shows the origin and the shape, not the elements.
func (v *Value) String() string { return fmt.Sprintf("%s%v", v.opName(), v.shape) }

// tapeOf is the tape of operands, nil where all are free-standing.
func tapeOf(vs ...*Value) *Tape {
	for _, v := range vs {
		if v != nil && v.tape != nil {
			return v.tape
		}
	}
	return nil
}

func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
