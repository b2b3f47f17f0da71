package autograd

import (
	"gradgrad/kernels"
)

// Tape records operations so that they can be differentiated, and owns the
// memory of what they compute. One training step uses one tape: it watches
// inputs and parameters, computes, calls [Grad] and [Backward], and is released.
// Released, it can be used again; the next step then gets the same memory in
// the same order.
//
// A tape belongs to one goroutine.
type Tape struct {
	dev     kernels.Device
	arena   *kernels.Arena
	calls   []*Call
	values  []*Value // everything that was given memory of the arena
	leaves  map[*store]*Value
	step    uint64   // how many were released
	kept    kept     // for the next step
	scope   []*Value // what the running rules have made, the innermost last
	scoped  bool
	part    int      // of the program, that runs or is differentiated; see Recompute
	parts   int      // how many there are
	remade  []*Value // of the part that is differentiated
	paused  bool     // Backward runs: nothing is recorded
	stamp   uint64   // of the running derivative
	stamps  uint64   // how many there were
	keeps   map[any]*Value
	counter func(op *Op, in, out []*Value)
}

// NewTape returns an empty tape for one device.
func NewTape(dev kernels.Device) *Tape {
	return &Tape{dev: dev, arena: kernels.NewArena(dev), leaves: map[*store]*Value{}, keeps: map[any]*Value{},
		kept: kept{shapes: map[shapeKey][]int{}, boxes: map[any]any{}}}
}

// Device is the device of every value on the tape.
func (t *Tape) Device() kernels.Device { return t.dev }

// New copies data to the tape's memory as a constant. It costs no allocation in
// steady state, unlike the function [New].
func (t *Tape) New(data []float32, shape ...int) *Value {
	v := alloc(t.dev, t, checkData("new", len(data), shape))
	t.dev.Write(v.store.buf, data)
	return v
}

// New64 is [Tape.New] from float64.
func (t *Tape) New64(data []float64, shape ...int) *Value {
	v := alloc(t.dev, t, checkData("new", len(data), shape))
	t.dev.Write64(v.store.buf, data)
	return v
}

// Full returns a constant whose elements are all x.
func (t *Tape) Full(x float64, shape ...int) *Value {
	v := alloc(t.dev, t, checkShape("full", shape))
	fill(v, x)
	return v
}

// Watch returns a leaf with the contents of v (no copy): what is computed from
// the leaf is recorded and can be differentiated with respect to it. Watching
// the same memory again returns the same leaf, reshaped when v has another shape.
func (t *Tape) Watch(v *Value) *Value {
	if v.dev != t.dev {
		panic(&UsageError{Op: "watch", Problem: "the value is on " + v.dev.Name() + ", the tape on " + t.dev.Name()})
	}
	if v.call != nil && v.tracked {
		panic(&UsageError{Op: "watch", Problem: "the value is computed on a tape already; differentiate with respect to it, or Detach it first"})
	}
	v.Buffer() // panics when v is gone
	leaf := t.leaves[v.store]
	switch {
	case leaf == nil:
		leaf = t.value()
		t.leaves[v.store] = leaf
		v.store.abroad = v.store.abroad || v.store.arena != t.arena
		t.enter(leaf, v)
	case leaf.step != t.step:
		t.enter(leaf, v)
	default:
		leaf.revive(v.store)
	}
	if !sameShape(leaf.shape, v.shape) {
		return Reshape(leaf, v.shape...)
	}
	return leaf
}

// enter makes a leaf part of the step.
func (t *Tape) enter(leaf, v *Value) {
	*leaf = Value{shape: v.shape, dev: v.dev, tape: t, store: v.store, tracked: true, leaf: v.store.arena == nil, step: t.step}
	v.store.owners++
	t.values = append(t.values, leaf)
}

// revive undoes Done on a leaf, which is watched once more.
func (v *Value) revive(s *store) {
	v.done = false
	if v.store == nil {
		v.store = s
		s.owners++
	}
}

// Keep returns a constant that data makes when a key is asked for the first time; it
// stays on the device until the tape is closed. It is for numbers that are the same in
// every step, which need not be copied in each.
func (t *Tape) Keep(key any, data func() []float32, shape ...int) *Value {
	v := t.keeps[key]
	if v == nil {
		v = New(t.dev, data(), shape...)
		t.keeps[key] = v
	}
	return t.Watch(v).Detach()
}

// Release ends the step: every value of the tape is gone, the memory is kept
// for the next step. So are the values that are done with ([Value.Done]): in the
// next step they may stand for something else.
func (t *Tape) Release() {
	t.forget()
	t.part, t.parts, t.remade = 0, 0, t.remade[:0]
	for _, v := range t.values {
		v.holds, v.call, v.cot, v.tracked = 0, nil, nil, false
		v.free()
		if v.done && !v.leaf {
			t.kept.values = append(t.kept.values, v)
		}
	}
	clear(t.values)
	t.values = t.values[:0]
	for s, leaf := range t.leaves { // those of parameters come again
		if !leaf.leaf || leaf.step != t.step {
			delete(t.leaves, s)
		}
	}
	t.step++
	t.kept.rewind()
	t.arena.Rewind()
}

// Close releases the tape and returns its memory to the device.
func (t *Tape) Close() {
	t.Release()
	for _, v := range t.keeps {
		v.Done()
	}
	clear(t.keeps)
	t.arena.Close()
}

// Moves counts how often the tape has changed its memory: what was captured of a step
// ([kernels.Capturer]) can be replayed as long as this is the same.
func (t *Tape) Moves() int { return t.arena.Moves() }

// Memory reports the memory of the tape: what its values occupy now, the most
// they ever occupied, and what is held from the device, in bytes.
func (t *Tape) Memory() (now, peak, held int64) { return t.arena.Usage() }

// Observe calls f for every operation that runs on the tape from now on, with
// its operands and results; nil ends it. Counters and tracers use it.
func (t *Tape) Observe(f func(op *Op, in, out []*Value)) { t.counter = f }

func (t *Tape) own(v *Value) {
	t.values = append(t.values, v)
	if t.scoped {
		t.scope = append(t.scope, v)
	}
}

// forget drops the record; the values stay.
func (t *Tape) forget() { t.truncate(0) }

// truncate drops the record from call n on.
func (t *Tape) truncate(n int) {
	for _, c := range t.calls[n:] {
		c.spend()
		c.spent = true
	}
	clear(t.calls[n:])
	t.calls = t.calls[:n]
}

// within runs a rule. What the rule made and does not return is done with: its
// memory goes back as soon as nothing recorded needs it.
func (t *Tape) within(rule func() []*Value) []*Value {
	outer, was := len(t.scope), t.scoped
	t.scoped = true
	defer func() {
		clear(t.scope[outer:])
		t.scope, t.scoped = t.scope[:outer], was
	}()
	results := rule()
	for _, r := range results {
		if r != nil {
			r.hold()
		}
	}
	for _, v := range t.scope[outer:] {
		v.Done()
	}
	return results
}
