package cuda

import (
	"math"

	"gradgrad/kernels"
)

func init() {
	register(permute, "permute")
	register(slice, "slice")
	register(pad, "pad")
	register(concat, "concat")
	register(gather, "gather")
	register(scatter, "scatter")
}

// strides are the distances of neighbours along each axis of a dense tensor.
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

func permute(l *launch) {
	at := l.Attr.(*kernels.MoveAttr)
	in := strides(at.Shape)
	shape, steps := make([]int, len(in)), make([]int, len(in))
	for i, p := range at.Perm {
		shape[i], steps[i] = at.Shape[p], in[p]
	}
	l.copyStrided(product(shape), 0, newAxes(shape, steps))
}

func slice(l *launch) {
	at := l.Attr.(*kernels.MoveAttr)
	steps, lo := strides(at.Shape), 0
	for i, from := range at.Lo {
		lo += from * steps[i]
	}
	l.copyStrided(product(at.Out), lo, newAxes(at.Out, steps))
}

// padAxis is an axis of a padded tensor: out elements, of which in after lo zeros
// are the operand's.
type padAxis struct{ out, lo, in int }

// padAxes returns the axes, the last first; an axis that is not padded is one with
// the axis before it.
func padAxes(at *kernels.MoveAttr) []padAxis {
	var axes []padAxis
	for i := len(at.Out) - 1; i >= 0; i-- {
		a := padAxis{at.Out[i], at.Lo[i], at.Shape[i]}
		last := len(axes) - 1
		if last >= 0 && axes[last].in == axes[last].out {
			n := axes[last].out
			axes[last] = padAxis{a.out * n, a.lo * n, a.in * n}
			continue
		}
		axes = append(axes, a)
	}
	return axes
}

func pad(l *launch) {
	axes := padAxes(l.Attr.(*kernels.MoveAttr))
	if len(axes) > maxRank {
		l.fail("a tensor padded along %d axes; GPUs do up to %d", len(axes), maxRank)
	}
	n := l.Out[0].Len()
	l.ptr(l.Out[0], l.In[0]).num(n, max(len(axes), 1))
	step := 1
	for k := range maxRank {
		a := padAxis{1, 0, 1}
		if k < len(axes) {
			a = axes[k]
		}
		l.divisor(a.out).num(a.lo, a.in, step)
		step *= a.in
	}
	l.flat("pad", n)
}

// divisor appends a number and what the division by it needs.
func (l *launch) divisor(d int) *launch {
	m, s := divisor(max(d, 1))
	return l.num(d).word(m).num(s)
}

// concatParts is the number of operands that one launch joins.
const concatParts = 16

// concat joins operands that are [outer][own inner] each, a few of them a launch.
func concat(l *launch) {
	at := l.Attr.(*kernels.MoveAttr)
	outer, row := product(at.Out[:at.Axis]), product(at.Out[at.Axis:])
	first := 0
	for lo := 0; lo < len(l.In); lo += concatParts {
		parts := l.In[lo:min(lo+concatParts, len(l.In))]
		width := 0
		for _, b := range parts {
			width += b.Len() / outer
		}
		n := outer * width
		l.ptr(l.Out[0]).num(n).divisor(width).num(row, first)
		start := 0
		for k := range concatParts {
			if k >= len(parts) {
				l.at(0).num(math.MaxInt32, 0)
				continue
			}
			length := parts[k].Len() / outer
			l.ptr(parts[k]).num(start, length)
			start += length
		}
		l.flat("concat", n)
		first += width
	}
}

func gather(l *launch) {
	at := l.Attr.(*kernels.MoveAttr)
	inner := product(at.Shape[at.Axis+1:])
	index := make([]uint32, len(at.Index))
	for i, v := range at.Index {
		index[i] = uint32(v)
	}
	n := product(at.Shape[:at.Axis]) * len(index) * inner
	l.ptr(l.Out[0], l.In[0]).at(l.upload(index)).num(n).divisor(inner).divisor(len(index)).num(at.Shape[at.Axis])
	l.flat("gather", n)
}

// scatter sorts the operand's places by where they go, so that a thread adds up
// what goes to its element, in order.
func scatter(l *launch) {
	at := l.Attr.(*kernels.MoveAttr)
	start, list := byTarget(at.Index, at.Len)
	inner := product(at.Shape[at.Axis+1:])
	n := product(at.Shape[:at.Axis]) * at.Len * inner
	l.ptr(l.Out[0], l.In[0]).at(l.upload(start), l.upload(list)).num(n)
	l.divisor(inner).divisor(at.Len).num(len(at.Index)).flat("scatter", n)
}

// byTarget lists the places j whose index[j] is 0, then 1, up to n-1; those of l are
// list[start[l]:start[l+1]].
func byTarget(index []int, n int) (start, list []uint32) {
	start, list = make([]uint32, n+1), make([]uint32, len(index))
	for _, l := range index {
		start[l+1]++
	}
	for l := range n {
		start[l+1] += start[l]
	}
	next := append([]uint32(nil), start...)
	for j, l := range index {
		list[next[l]] = uint32(j)
		next[l]++
	}
	return start, list
}
