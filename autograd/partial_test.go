package autograd_test

import (
	"fmt"

	"gradgrad/autograd"
	"gradgrad/kernels"
)

// A joint rule finds no cotangent (nil) of a result that nothing depends on, and
// need not return one that nobody wants. Both are shortcuts to what zeros, or
// ignoring the rest, would give; samples by themselves take neither.

// checkPartial compares the derivatives of some results of the row with those of
// all, of which the others have cotangents of zeros.
func checkPartial(o *autograd.Op, s autograd.Sample) (err error) {
	defer autograd.Catch(&err)
	for _, some := range subsets(smoothResults(o, s)) {
		want := chain(ofResults(o, s, some, true), kernels.CPU64, all, nothing)
		got := chain(ofResults(o, s, some, false), kernels.CPU64, all, nothing)
		if err := compare(fmt.Sprintf("cotangents of results %b only", some), got, want, 1e-10); err != nil {
			return err
		}
	}
	return nil
}

// checkAlone compares the derivatives with respect to one operand, where only it
// is watched, with those where all are.
func checkAlone(s autograd.Sample) (err error) {
	defer autograd.Catch(&err)
	for i := range s.Shapes {
		if err := compare(fmt.Sprintf("operand %d alone", i), operandChain(s, i, i), operandChain(s, i, all), 1e-10); err != nil {
			return err
		}
	}
	return nil
}

// subsets lists the sets of some of n results, as bits; of many results those that
// lack or have nothing but the first or the last.
func subsets(n int) (all []uint64) {
	whole := uint64(1)<<n - 1
	if n > 6 {
		last := uint64(1) << (n - 1)
		return []uint64{1, last, whole &^ 1, whole &^ last}
	}
	for some := uint64(1); some < whole; some++ {
		all = append(all, some)
	}
	return all
}

// smoothResults counts the results of the row, in the sample, that have derivatives.
func smoothResults(o *autograd.Op, s autograd.Sample) int {
	tape := autograd.NewTape(kernels.CPU64)
	defer tape.Close()
	n := 0
	for _, v := range results(o, s, watch(tape, inputsOf(s, kernels.CPU64, 1))) {
		if v.Tracked() {
			n++
		}
	}
	return n
}

func watch(tape *autograd.Tape, vs []*autograd.Value) (in []*autograd.Value) {
	for _, v := range vs {
		in = append(in, tape.Watch(v))
	}
	return in
}

// results are those of the row's first call in the sample.
func results(o *autograd.Op, s autograd.Sample, in []*autograd.Value) (found []*autograd.Value) {
	tape := in[0].Tape()
	tape.Observe(func(ran *autograd.Op, _, out []*autograd.Value) {
		if ran == o && found == nil {
			found = out
		}
	})
	defer tape.Observe(nil)
	s.F(in)
	return found
}

// ofResults sums the squares of some results of the row, so that cotangents have
// derivatives too; with zeros also zero times those of the others.
func ofResults(o *autograd.Op, s autograd.Sample, some uint64, zeros bool) autograd.Sample {
	f := func(in []*autograd.Value) *autograd.Value {
		total := in[0].Tape().Full(0)
		for i, v := range results(o, s, in) {
			switch chosen := some>>i&1 != 0; {
			case chosen:
				total = autograd.Add(total, autograd.Sum(autograd.Mul(v, v)))
			case zeros && v.Tracked():
				total = autograd.Add(total, autograd.Sum(autograd.Scale(autograd.Mul(v, v), 0)))
			}
		}
		return total
	}
	return autograd.Sample{Name: s.Name, Shapes: s.Shapes, Inputs: s.Inputs, F: f}
}

// operandChain is chain where every derivative is taken with respect to operand i
// only, while that or all are watched.
func operandChain(s autograd.Sample, i, watched int) [][]float64 {
	tape := autograd.NewTape(kernels.CPU64)
	defer tape.Close()
	in := inputsOf(s, kernels.CPU64, 1)
	var xs []*autograd.Value
	at := 0
	for k, v := range in {
		if watched != all && watched != k {
			continue
		}
		if k == i {
			at = len(xs)
		}
		in[k] = tape.Watch(v)
		xs = append(xs, in[k])
	}
	y := s.F(in)
	out := [][]float64{y.Float64s()}
	for range 2 {
		if !y.Tracked() {
			out = append(out, make([]float64, in[i].Size()))
			continue
		}
		y = autograd.Grad(weighted(tape, y), xs...)[at]
		out = append(out, y.Float64s())
	}
	return out
}
