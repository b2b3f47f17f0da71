package autograd_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	ag "gradgrad/autograd"
)

func TestPermuteAgainstNaive(t *testing.T) {
	onTape(t, func(t *rapid.T, tape *ag.Tape) {
		shape := drawShape(t, 1, 5)
		perm := rapid.Permutation(count(len(shape))).Draw(t, "perm")
		x := drawValue(t, tape, shape)
		out := make([]int, len(shape))
		for i, p := range perm {
			out[i] = shape[p]
		}
		var terms [][]source
		for _, p := range places(out) {
			from := make([]int, len(p))
			for i, k := range perm {
				from[k] = p[i]
			}
			terms = append(terms, []source{{0, at(shape, from)}})
		}
		checkLinear(t, ag.Permute(x, perm...), out, []*ag.Value{x}, terms)
	})
}

func TestSliceAgainstNaive(t *testing.T) {
	onTape(t, func(t *rapid.T, tape *ag.Tape) {
		shape := drawShape(t, 1, 4)
		axis := rapid.IntRange(0, len(shape)-1).Draw(t, "axis")
		lo := rapid.IntRange(0, shape[axis]-1).Draw(t, "lo")
		hi := rapid.IntRange(lo+1, shape[axis]).Draw(t, "hi")
		x := drawValue(t, tape, shape)
		out := slices.Clone(shape)
		out[axis] = hi - lo
		var terms [][]source
		for _, p := range places(out) {
			p[axis] += lo
			terms = append(terms, []source{{0, at(shape, p)}})
		}
		checkLinear(t, ag.Slice(x, axis-len(shape), lo, hi), out, []*ag.Value{x}, terms)
	})
}

func TestPadAgainstNaive(t *testing.T) {
	onTape(t, func(t *rapid.T, tape *ag.Tape) {
		shape := drawShape(t, 1, 4)
		zeros := rapid.SliceOfN(rapid.IntRange(0, 2), len(shape), len(shape))
		before, after := zeros.Draw(t, "before"), zeros.Draw(t, "after")
		x := drawValue(t, tape, shape)
		out := slices.Clone(shape)
		for i := range out {
			out[i] += before[i] + after[i]
		}
		var terms [][]source
		for _, p := range places(out) {
			inside := true
			for i := range p {
				p[i] -= before[i]
				inside = inside && p[i] >= 0 && p[i] < shape[i]
			}
			if inside {
				terms = append(terms, []source{{0, at(shape, p)}})
			} else {
				terms = append(terms, nil)
			}
		}
		checkLinear(t, ag.Pad(x, before, after), out, []*ag.Value{x}, terms)
	})
}

func TestConcatAgainstNaive(t *testing.T) {
	onTape(t, func(t *rapid.T, tape *ag.Tape) {
		shape := drawShape(t, 1, 4)
		axis := rapid.IntRange(0, len(shape)-1).Draw(t, "axis")
		lengths := rapid.SliceOfN(rapid.IntRange(1, 3), 1, 40).Draw(t, "lengths")
		var xs []*ag.Value
		var owner, place []int // of the places of the axis
		for k, n := range lengths {
			s := slices.Clone(shape)
			s[axis] = n
			xs = append(xs, drawValue(t, tape, s))
			for i := range n {
				owner, place = append(owner, k), append(place, i)
			}
		}
		out := slices.Clone(shape)
		out[axis] = len(owner)
		var terms [][]source
		for _, p := range places(out) {
			k := owner[p[axis]]
			p[axis] = place[p[axis]]
			terms = append(terms, []source{{k, at(xs[k].Shape(), p)}})
		}
		checkLinear(t, ag.Concat(axis, xs...), out, xs, terms)
	})
}

func TestGatherAgainstNaive(t *testing.T) {
	onTape(t, func(t *rapid.T, tape *ag.Tape) {
		shape := drawShape(t, 1, 4)
		axis := rapid.IntRange(0, len(shape)-1).Draw(t, "axis")
		index := rapid.SliceOfN(rapid.IntRange(0, shape[axis]-1), 1, 6).Draw(t, "index")
		x := drawValue(t, tape, shape)
		out := slices.Clone(shape)
		out[axis] = len(index)
		var terms [][]source
		for _, p := range places(out) {
			p[axis] = index[p[axis]]
			terms = append(terms, []source{{0, at(shape, p)}})
		}
		checkLinear(t, ag.Gather(x, axis, index), out, []*ag.Value{x}, terms)
	})
}

func TestPickAgainstNaive(t *testing.T) {
	onTape(t, func(t *rapid.T, tape *ag.Tape) {
		shape := drawShape(t, 1, 4)
		rows, k := shape[:len(shape)-1], shape[len(shape)-1]
		n := len(places(rows))
		index := rapid.SliceOfN(rapid.IntRange(0, k-1), n, n).Draw(t, "index")
		x := drawValue(t, tape, shape)
		var terms [][]source
		for i, j := range index {
			terms = append(terms, []source{{0, i*k + j}})
		}
		labels := ag.Reshape(tape.Labels(index, k), rows...)
		checkLinear(t, ag.Pick(x, labels), rows, []*ag.Value{x}, terms)
		hot := ag.OneHot(labels, k).Float64s()
		for i := range hot {
			if want := map[bool]float64{true: 1}[i%k == index[i/k]]; hot[i] != want {
				t.Fatalf("element %d of OneHot is %g, want %g", i, hot[i], want)
			}
		}
	})
}
