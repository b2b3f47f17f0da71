package cuda

import (
	"math"
	"slices"

	"gradgrad/kernels"
)

// A loss ends in a hundred calls on a few numbers that depend on each other. They are
// collected like what is independent (see queue), and one block does up to 16 of them,
// one after the other, in one launch.

const (
	mostSteps = 16   // of one launch
	stepWords = 10   // that describe one
	smallSize = 2048 // elements of the largest operand or result of a step
)

// The kinds of steps, as the kernel numbers them.
const (
	linearStep = iota // p*a + q*b; a is 0 and b is 1 where they are absent
	mulStep
	gateStep
	reluStep
	inverseStep
	sumStep
)

// smallStep is one of them. Its axes are the last first; sums have rows and inner instead.
type smallStep struct {
	kind, n     int
	y, a, b     uint64
	p, q        float64
	axes        axes
	rows, inner int
}

// small is steps that wait for their launch.
type small struct {
	dev    *Device
	work   []smallStep
	reads  []extent
	writes []extent
	calls  []*kernels.Kernel
	launch launch // used again
}

// stepKinds are the kinds of elementwise kernels.
var stepKinds = map[string]int{
	"copy": linearStep, "scale": linearStep, "add": linearStep, "sub": linearStep, "mix": linearStep,
	"mul": mulStep, "gate": gateStep, "relu": reluStep, "inverse": inverseStep,
}

// smallSteps returns a call as steps, none if it cannot be any.
func (d *Device) smallSteps(k *kernels.Kernel, a *kernels.Args) []smallStep {
	if d.singly || len(a.Out) != 1 || a.Out[0] == nil || a.Out[0].Len() > smallSize || a.Out[0].Len() == 0 {
		return nil
	}
	for _, b := range a.In {
		if b == nil || b.Len() > smallSize {
			return nil
		}
	}
	s := smallStep{n: a.Out[0].Len(), y: d.of(a.Out[0]).at}
	if len(a.In) > 0 {
		s.a = d.of(a.In[0]).at
	}
	switch k.Name {
	case "fill":
		s.q = a.Attr.(*kernels.MapAttr).P
		s.axes = newAxes([]int{s.n})
	case "sum":
		at := a.Attr.(*kernels.ReduceAttr)
		s.kind, s.rows, s.inner = sumStep, at.Reduce, at.Inner
	case "broadcast":
		at := a.Attr.(*kernels.MapAttr)
		s.p, s.q = 1, math.Copysign(0, -1) // -0 + -0 is -0
		s.axes = newAxes(at.Shape, stepsOf(at.Shape, at.A))
	case "slice":
		at := a.Attr.(*kernels.MoveAttr)
		steps := strides(at.Shape)
		for i, from := range at.Lo {
			s.a += 4 * uint64(from*steps[i])
		}
		s.p, s.q = 1, math.Copysign(0, -1)
		s.axes = newAxes(at.Out, steps)
	case "pad":
		return s.padded(padAxes(a.Attr.(*kernels.MoveAttr)), a.In[0].Len())
	default:
		kind, ok := stepKinds[k.Name]
		if !ok || !s.elementwise(d, k.Name, a) {
			return nil
		}
		s.kind = kind
	}
	if len(s.axes.d) > 3 || s.overlaps(a, d) {
		return nil
	}
	return []smallStep{s}
}

// elementwise fills in what calls of elementwise kernels have in common.
func (s *smallStep) elementwise(d *Device, name string, a *kernels.Args) bool {
	at, _ := a.Attr.(*kernels.MapAttr)
	s.p, s.q = 1, math.Copysign(0, -1)
	switch name {
	case "scale", "mix", "gate":
		s.p, s.q = at.P, at.Q
	case "add":
		s.q = 1
	case "sub":
		s.q = -1
	}
	if len(a.In) == 1 {
		s.axes = newAxes([]int{s.n}, []int{1})
		return true
	}
	s.b = d.of(a.In[1]).at
	s.axes = newAxes(at.Shape, stepsOf(at.Shape, at.A), stepsOf(at.Shape, at.B))
	return true
}

// padded is two steps: zeros, and the operand in the middle of them. Only a tensor that
// is padded before and after its first element is both without gaps.
func (s smallStep) padded(axes []padAxis, n int) []smallStep {
	if len(axes) > 1 {
		return nil
	}
	zeros, inside := s, s
	zeros.a, zeros.axes = 0, newAxes([]int{s.n})
	inside.n, inside.p, inside.q, inside.axes = n, 1, math.Copysign(0, -1), newAxes([]int{n}, []int{1})
	if len(axes) == 1 {
		inside.y += 4 * uint64(axes[0].lo)
	}
	if (extent{s.y, s.y + 4*uint64(s.n)}).meets(extentOf(s.a, n)) {
		return nil
	}
	return []smallStep{zeros, inside}
}

// overlaps says whether a thread could write what another one still has to read.
func (s *smallStep) overlaps(a *kernels.Args, d *Device) bool {
	y := extentOf(s.y, s.n)
	for _, b := range a.In {
		o := d.of(b)
		if o.at == s.y && o.n == s.n && s.kind != sumStep {
			continue // its own element only
		}
		if y.meets(extentOf(o.at, o.n)) {
			return true
		}
	}
	return false
}

// extents are what a step reads and writes.
func (s *smallStep) extents() (reads []extent, write extent) {
	reach := func(at uint64, j int) extent {
		if s.kind == sumStep {
			return extentOf(at, s.n*s.rows)
		}
		last := 0
		for k, n := range s.axes.d {
			last += (n - 1) * s.axes.steps[j][k]
		}
		return extentOf(at, last+1)
	}
	if s.a != 0 {
		reads = append(reads, reach(s.a, 0))
	}
	if s.b != 0 {
		reads = append(reads, reach(s.b, 1))
	}
	return reads, extentOf(s.y, s.n)
}

// add puts the steps of a call behind those that wait.
func (m *small) add(k *kernels.Kernel, steps []smallStep) {
	if len(m.work)+len(steps) > mostSteps {
		m.flush()
	}
	for _, s := range steps {
		reads, write := s.extents()
		m.reads, m.writes = append(m.reads, reads...), append(m.writes, write)
	}
	m.work = append(m.work, steps...)
	if !slices.Contains(m.calls, k) {
		m.calls = append(m.calls, k)
	}
}

// blocks says whether something that reads and writes there has to wait for the steps.
func (m *small) blocks(reads, writes []extent) bool {
	return conflict(m.reads, m.writes, reads, writes)
}

// flush launches what waits.
func (m *small) flush() {
	if len(m.work) == 0 {
		return
	}
	m.launch = launch{dev: m.dev, kernel: &kernels.Kernel{Name: namesOf(m.calls)}, params: m.launch.params[:0]}
	l := &m.launch
	l.num(len(m.work))
	for _, s := range m.work {
		l.step(s)
	}
	for range mostSteps - len(m.work) {
		l.at(make([]uint64, stepWords)...)
	}
	m.work, m.reads, m.writes, m.calls = m.work[:0], m.reads[:0], m.writes[:0], m.calls[:0]
	l.run("small_many", [3]int{1, 1, 1}, [3]int{threads, 1, 1}, 0)
}

// step appends the words of a step.
func (l *launch) step(s smallStep) {
	pair := func(low, high int) uint64 { return uint64(uint32(low)) | uint64(uint32(high))<<32 }
	bits := func(x float64) int { return int(math.Float32bits(float32(x))) }
	var d, a, b [3]int // the last axis first
	for k := range d {
		d[k] = 1
		if k < len(s.axes.d) {
			d[k] = s.axes.d[k]
			if len(s.axes.steps) > 0 {
				a[k] = s.axes.steps[0][k]
			}
			if len(s.axes.steps) > 1 {
				b[k] = s.axes.steps[1][k]
			}
		}
	}
	l.at(s.y, s.a, s.b, pair(s.kind, s.n), pair(bits(s.p), bits(s.q)), pair(d[1], d[0]),
		pair(a[2], a[1]), pair(a[0], b[2]), pair(b[1], b[0]), pair(s.rows, s.inner))
}
