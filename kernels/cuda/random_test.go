package cuda_test

import (
	"fmt"
	"testing"

	"gradgrad/kernels"
)

// TestRandomShapes runs kernels on shapes that nobody has chosen, a few of each, and in
// the full sweep a hundred.
func TestRandomShapes(t *testing.T) {
	rounds := 3
	if *full {
		rounds = 100
	}
	dev := device(t)
	for seed := range rounds {
		s := newSource(uint64(1000 + seed))
		var all []kcase
		all = append(all, normCasesOf(s, 1+s.IntN(700), 1+s.IntN(70), seed%2 == 0, float64(s.IntN(3)))...)
		all = append(all, s.reductions()...)
		all = append(all, s.pools()...)
		all = append(all, s.moves()...)
		for _, c := range all {
			c.shift = s.IntN(2)
			if err := c.check(dev); err != nil {
				t.Errorf("seed %d, %+v: %v", seed, c.attr, err)
			}
		}
	}
}

func (s source) reductions() []kcase {
	outer, n, inner := 1+s.IntN(20), 1+s.IntN(2500), 1+s.IntN(70)
	rows := &kernels.ReduceAttr{Outer: outer, Reduce: n, Inner: 1}
	columns := &kernels.ReduceAttr{Outer: 1 + outer/5, Reduce: 1 + n/10, Inner: inner}
	x := s.from(outer*n, 0.3, 2)
	return []kcase{
		{kernel: kernels.Sum, attr: rows, in: []filling{x}, out: []filling{blank(outer)}, least: 10},
		{kernel: kernels.Sum, attr: columns, in: []filling{s.normal(columns.Outer * columns.Reduce * inner)}, out: []filling{blank(columns.Outer * inner)}, least: 10},
		{kernel: kernels.Softmax, attr: rows, in: []filling{x}, out: []filling{blank(outer * n)}},
		{kernel: kernels.RowMax, attr: rows, in: []filling{s.below(outer*n, 50)}, out: []filling{blank(outer), blank(outer)}},
		{kernel: kernels.CrossEntropy, attr: rows, in: []filling{x, s.below(outer, n)}, out: []filling{blank(outer)}},
	}
}

func (s source) pools() []kcase {
	g := kernels.PoolAttr{N: 1 + s.IntN(3), H: 3 + s.IntN(7), W: 3 + s.IntN(7), C: 1 + s.IntN(9)}
	if g.Adaptive = s.IntN(2) == 0; g.Adaptive {
		g.OutH, g.OutW = 1+s.IntN(g.H), 1+s.IntN(g.W)
	} else {
		g.KH, g.KW, g.StrideH, g.StrideW = 1+s.IntN(3), 1+s.IntN(3), 1+s.IntN(3), 1+s.IntN(3)
		g.PadH, g.PadW = s.IntN(g.KH/2+1), s.IntN(g.KW/2+1)
		g.OutH, g.OutW = (g.H+2*g.PadH-g.KH)/g.StrideH+1, (g.W+2*g.PadW-g.KW)/g.StrideW+1
	}
	return poolCasesOf(s, g)
}

func (s source) moves() []kcase {
	shape, out, lo := make([]int, 4), make([]int, 4), make([]int, 4)
	for i := range shape {
		shape[i] = 1 + s.IntN(7)
		out[i] = 1 + s.IntN(shape[i])
		lo[i] = s.IntN(shape[i] - out[i] + 1)
	}
	perm := s.Perm(4)
	axis := s.IntN(4)
	index := make([]int, 1+s.IntN(9))
	for i := range index {
		index[i] = s.IntN(shape[axis])
	}
	taken := append([]int(nil), shape...)
	taken[axis] = len(index)
	whole, cut, some := product(shape), product(out), product(taken)
	x, y, z := s.normal(whole), s.normal(cut), s.normal(some)
	return []kcase{
		{kernel: kernels.Permute, attr: &kernels.MoveAttr{Shape: shape, Perm: perm}, in: []filling{x}, out: []filling{blank(whole)}},
		{kernel: kernels.Slice, attr: &kernels.MoveAttr{Shape: shape, Lo: lo, Out: out}, in: []filling{x}, out: []filling{blank(cut)}},
		{kernel: kernels.Pad, attr: &kernels.MoveAttr{Shape: out, Lo: lo, Out: shape}, in: []filling{y}, out: []filling{blank(whole)}},
		{kernel: kernels.Gather, attr: &kernels.MoveAttr{Shape: shape, Axis: axis, Index: index}, in: []filling{x}, out: []filling{blank(some)}},
		{kernel: kernels.Scatter, attr: &kernels.MoveAttr{Shape: taken, Axis: axis, Index: index, Len: shape[axis]}, in: []filling{z}, out: []filling{blank(whole)}},
		s.broadcast(shape),
	}
}

// broadcast adds two operands some of whose axes are repeated.
func (s source) broadcast(shape []int) kcase {
	a, b := append([]int(nil), shape...), append([]int(nil), shape...)
	for i := range shape {
		switch s.IntN(3) {
		case 0:
			a[i] = 1
		case 1:
			b[i] = 1
		}
	}
	return kcase{kernel: kernels.Sub, name: fmt.Sprint(a, b), attr: &kernels.MapAttr{Shape: shape, A: a, B: b},
		in: []filling{s.normal(product(a)), s.normal(product(b))}, out: []filling{blank(product(shape))}}
}
