package cuda_test

import (
	"math"

	"gradgrad/kernels"
)

func init() { addCases(extremeCases) }

// extremeCases are rows that show where a reduction begins: a maximum that begins
// with zero, or with any number, instead of minus infinity is wrong for elements below
// it. Rows of ten leave most lanes of a warp without an element, those of one all but
// one; rows of 1030 take a block each, and leave some of its threads with fewer.
func extremeCases(s source, _ bool) (all []kcase) {
	const rows = 3
	for _, n := range []int{1, 10, 1030} {
		at := &kernels.ReduceAttr{Outer: rows, Reduce: n, Inner: 1}
		for _, mean := range []float64{-200, 200, -30000} {
			x := s.from(rows*n, mean, 2)
			all = append(all, s.softmaxes(at, x, "far from zero")...)
			all = append(all,
				kcase{kernel: kernels.RowMax, name: "far from zero", attr: at, in: []filling{x}, out: []filling{blank(rows), blank(rows)}, tol: eachElement},
				kcase{kernel: kernels.RowNorm, name: "far from zero", attr: at, in: []filling{x}, out: []filling{blank(rows)}, tol: eachElement},
				kcase{kernel: kernels.Sum, name: "far from zero", attr: at, in: []filling{x}, out: []filling{blank(rows)}, tol: eachElement})
		}
		all = append(all, s.specialRows(n)...)
	}
	return all
}

// softmaxes are all kernels that subtract a row's largest element.
func (s source) softmaxes(at *kernels.ReduceAttr, x filling, name string) []kcase {
	one, each, label := blank(at.Outer), blank(len(x)), s.below(at.Outer, at.Reduce)
	return []kcase{
		{kernel: kernels.LogSumExp, name: name, attr: at, in: []filling{x}, out: []filling{one}},
		{kernel: kernels.CrossEntropy, name: name, attr: at, in: []filling{x, label}, out: []filling{one}},
		{kernel: kernels.Softmax, name: name, attr: at, in: []filling{x}, out: []filling{each}},
		{kernel: kernels.LogSoftmax, name: name, attr: at, in: []filling{x}, out: []filling{each}},
	}
}

// specialRows hold one element that is unlike the others, late in the row; the numbers
// around it are so small or large that their squares are not float32.
func (s source) specialRows(n int) (all []kcase) {
	inf, nan := math.Inf(1), math.NaN()
	at := &kernels.ReduceAttr{Outer: 1, Reduce: n, Inner: 1}
	for _, c := range []struct{ size, special float64 }{
		{0, 0}, {0, -1e-30}, {1e-25, 1e-25}, {1e25, -1e25}, {-1e-45, -3e-45}, {-3e38, -3e38}, {-1, inf}, {-inf, -inf}, {-inf, -100}, {1, -inf}, {-1, nan}, {inf, nan},
	} {
		x := s.fill(n, func(i int) float64 {
			if i == n*2/3 {
				return c.special
			}
			return c.size
		})
		all = append(all,
			kcase{kernel: kernels.RowMax, name: "one unlike the others", attr: at, in: []filling{x}, out: []filling{blank(1), blank(1)}, tol: eachElement},
			kcase{kernel: kernels.RowNorm, name: "one unlike the others", attr: at, in: []filling{x}, out: []filling{blank(1)}, tol: eachElement},
			kcase{kernel: kernels.LogSumExp, name: "one unlike the others", attr: at, in: []filling{x}, out: []filling{blank(1)}, tol: eachElement})
	}
	return all
}
