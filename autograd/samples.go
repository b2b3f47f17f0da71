package autograd

// samplesOf tests the ways to call an operation of one operand, away from kinks at 0.
func samplesOf(fs ...func(*Value) *Value) func() []Sample { return unarySamples(nil, fs) }

// positive is samplesOf for an operation that is defined on positive numbers.
func positive(fs ...func(*Value) *Value) func() []Sample { return unarySamples(positiveInput, fs) }

func unarySamples(inputs func(int, func() float64) float64, fs []func(*Value) *Value) func() []Sample {
	return func() (all []Sample) {
		for _, f := range fs {
			all = append(all, Sample{Shapes: [][]int{{2, 3}}, Inputs: inputs, F: func(in []*Value) *Value { return f(in[0]) }})
		}
		return all
	}
}

func positiveInput(_ int, next func() float64) float64 {
	v := next()
	return max(v, -v)
}

// broadcastSamples tests an operation of two operands in every way of
// broadcasting.
func broadcastSamples(f func(a, b *Value) *Value) func() []Sample {
	g := func(in []*Value) *Value { return f(in[0], in[1]) }
	return func() []Sample {
		return []Sample{
			{Name: "same", Shapes: [][]int{{2, 3}, {2, 3}}, F: g},
			{Name: "row", Shapes: [][]int{{3, 2, 2}, {2}}, F: g},
			{Name: "column", Shapes: [][]int{{2, 1}, {2, 3}}, F: g},
			{Name: "outer", Shapes: [][]int{{2, 1, 2}, {3, 1}}, F: g},
			{Name: "scalar", Shapes: [][]int{{}, {2, 2}}, F: g},
		}
	}
}

// and adds samples to those of a family: the exported functions, called as users
// call them.
func and(family func() []Sample, more ...Sample) func() []Sample {
	return func() []Sample { return append(family(), more...) }
}
