package autograd_test

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	ag "gradgrad/autograd"
	"gradgrad/kernels"
)

// places walks over the indices of a shape in row-major order.
func places(shape []int) [][]int {
	all := [][]int{{}}
	for _, d := range shape {
		var next [][]int
		for _, p := range all {
			for i := range d {
				next = append(next, append(slices.Clone(p), i))
			}
		}
		all = next
	}
	return all
}

// at is the offset of an index in a shape; indices of a broadcast operand are
// longer than its shape and too large where it has length 1.
func at(shape, index []int) int {
	index = index[len(index)-len(shape):]
	n := 0
	for i, d := range shape {
		n = n*d + index[i]*min(d-1, 1)
	}
	return n
}

func drawShape(t *rapid.T, minRank, maxRank int) []int {
	return rapid.SliceOfN(rapid.IntRange(1, 4), minRank, maxRank).Draw(t, "shape")
}

// drawValue watches a value of the given shape.
func drawValue(t *rapid.T, tape *ag.Tape, shape []int) *ag.Value {
	n := len(places(shape))
	eighths := rapid.SliceOfN(rapid.IntRange(-16, 16), n, n).Draw(t, "x") // so that sums are exact
	x := make([]float64, n)
	for i, v := range eighths {
		x[i] = float64(v) / 8
	}
	return tape.Watch(ag.New64(kernels.CPU64, x, shape...))
}

// source says that an element of a result has a term from an operand.
type source struct{ operand, offset int }

// checkLinear compares y, whose elements are sums of elements of xs, and its
// gradient with the sums that terms lists, result by result in row-major order.
func checkLinear(t *rapid.T, y *ag.Value, shape []int, xs []*ag.Value, terms [][]source) {
	if !slices.Equal(y.Shape(), shape) {
		t.Fatalf("shape %v, want %v", y.Shape(), shape)
	}
	weights := make([]float64, len(terms))
	want := make([]float64, len(terms))
	grads := make([][]float64, len(xs))
	data := make([][]float64, len(xs))
	for k, x := range xs {
		data[k], grads[k] = x.Float64s(), make([]float64, x.Size())
	}
	for i, from := range terms {
		weights[i] = float64(i*7%11) - 4.5
		for _, s := range from {
			want[i] += data[s.operand][s.offset]
			grads[s.operand][s.offset] += weights[i]
		}
	}
	if err := differs("the result", y.Float64s(), want, 1e-12); err != nil {
		t.Fatal(err)
	}
	got := ag.Grad(ag.Sum(ag.Mul(y, y.Tape().New64(weights, shape...))), xs...)
	for k := range xs {
		if err := differs("the gradient", got[k].Float64s(), grads[k], 1e-12); err != nil {
			t.Fatal(err)
		}
	}
}

// onTape runs a property with a tape of its own.
func onTape(t *testing.T, property func(t *rapid.T, tape *ag.Tape)) {
	rapid.Check(t, func(t *rapid.T) {
		tape := ag.NewTape(kernels.CPU64)
		defer tape.Close()
		property(t, tape)
	})
}

// drawPair returns two shapes that can be broadcast, and the result's.
func drawPair(t *rapid.T) (a, b, out []int) {
	out = drawShape(t, 0, 4)
	shrink := func(name string) []int {
		s := slices.Clone(out)
		for i := range s {
			if rapid.Bool().Draw(t, name) {
				s[i] = 1
			}
		}
		return s[rapid.IntRange(0, len(s)).Draw(t, name+" rank"):]
	}
	a, b = shrink("a"), shrink("b")
	for i := range out {
		k := len(out) - i
		out[i] = 1
		for _, s := range [][]int{a, b} {
			if k <= len(s) {
				out[i] = max(out[i], s[len(s)-k])
			}
		}
	}
	return a, b, out[len(out)-max(len(a), len(b)):]
}

func TestBroadcastingAgainstNaive(t *testing.T) {
	onTape(t, func(t *rapid.T, tape *ag.Tape) {
		a, b, out := drawPair(t)
		x, y := drawValue(t, tape, a), drawValue(t, tape, b)
		var terms [][]source
		for _, p := range places(out) {
			terms = append(terms, []source{{0, at(a, p)}, {1, at(b, p)}})
		}
		checkLinear(t, ag.Add(x, y), out, []*ag.Value{x, y}, terms)
		p, dx, dy := ag.Mul(x, y), make([]float64, x.Size()), make([]float64, y.Size())
		u, v := x.Float64s(), y.Float64s()
		for i, w := range p.Float64s() {
			j, k := terms[i][0].offset, terms[i][1].offset
			if w != u[j]*v[k] {
				t.Fatalf("element %d of the product is %g, want %g", i, w, u[j]*v[k])
			}
			dx[j] += v[k]
			dy[k] += u[j]
		}
		g := ag.Grad(ag.Sum(p), x, y)
		for i, want := range [][]float64{dx, dy} {
			if err := differs("the product's gradient", g[i].Float64s(), want, 1e-12); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestRepeatingAgainstNaive(t *testing.T) {
	onTape(t, func(t *rapid.T, tape *ag.Tape) {
		a, _, out := drawPair(t)
		x := drawValue(t, tape, a)
		var terms [][]source
		back := make([][]source, x.Size())
		for i, p := range places(out) {
			terms = append(terms, []source{{0, at(a, p)}})
			back[at(a, p)] = append(back[at(a, p)], source{0, i})
		}
		checkLinear(t, ag.BroadcastTo(x, out...), out, []*ag.Value{x}, terms)
		wide := drawValue(t, tape, out)
		checkLinear(t, ag.SumTo(wide, a...), a, []*ag.Value{wide}, back)
	})
}

// drawAxes returns some axes, in any order, some counted from the end.
func drawAxes(t *rapid.T, rank int) (given []int, is map[int]bool) {
	order := rapid.Permutation(count(rank)).Draw(t, "axes")
	given = slices.Clone(order[:rapid.IntRange(1, rank).Draw(t, "how many")])
	is = map[int]bool{}
	for i, a := range given {
		is[a] = true
		if rapid.Bool().Draw(t, "from the end") {
			given[i] = a - rank
		}
	}
	return given, is
}

func count(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

func TestReductionsAgainstNaive(t *testing.T) {
	onTape(t, func(t *rapid.T, tape *ag.Tape) {
		shape := drawShape(t, 1, 4)
		x := drawValue(t, tape, shape)
		axes, reduced := drawAxes(t, len(shape))
		var out []int
		for i, d := range shape {
			if !reduced[i] {
				out = append(out, d)
			}
		}
		terms := make([][]source, len(places(out)))
		for i, p := range places(shape) {
			var kept []int
			for k, v := range p {
				if !reduced[k] {
					kept = append(kept, v)
				}
			}
			o := at(out, kept)
			terms[o] = append(terms[o], source{0, i})
		}
		checkLinear(t, ag.Sum(x, axes...), out, []*ag.Value{x}, terms)
		n := float64(len(terms[0]))
		checkLinear(t, ag.Scale(ag.Mean(x, axes...), n), out, []*ag.Value{x}, terms)
		data := x.Float64s()
		largest, smallest := slices.Clone(terms), slices.Clone(terms)
		for o, from := range terms { // the first of equal elements
			up := func(a, b source) int { return cmp.Compare(data[a.offset], data[b.offset]) }
			down := func(a, b source) int { return up(b, a) }
			smallest[o] = []source{slices.MinFunc(from, up)}
			largest[o] = []source{slices.MinFunc(from, down)}
		}
		checkLinear(t, ag.Max(x, axes...), out, []*ag.Value{x}, largest)
		checkLinear(t, ag.Min(x, axes...), out, []*ag.Value{x}, smallest)
	})
}
