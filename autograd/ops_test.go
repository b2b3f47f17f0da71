package autograd_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gradgrad/autograd"
	"gradgrad/autograd/gradcheck"
	"gradgrad/kernels"
)

// inputsOf draws the operands of a sample on a device, as free-standing values.
func inputsOf(s autograd.Sample, dev kernels.Device, seed uint64) []*autograd.Value {
	r := rand.New(rand.NewPCG(seed, 3))
	next := func() float64 {
		v := 0.3 + 1.2*r.Float64()
		if r.IntN(2) == 0 {
			return -v
		}
		return v
	}
	var in []*autograd.Value
	for i, shape := range s.Shapes {
		n := 1
		for _, d := range shape {
			n *= d
		}
		data := make([]float64, n)
		for j := range data {
			if s.Inputs != nil {
				data[j] = s.Inputs(i, next)
			} else {
				data[j] = next()
			}
		}
		in = append(in, autograd.New64(dev, data, shape...))
	}
	return in
}

// TestEveryOp checks every row of the table, at every sample, with checkSample.
func TestEveryOp(t *testing.T) {
	for o := range autograd.Ops() {
		t.Run(o.Name, func(t *testing.T) {
			for i, s := range o.Samples() {
				t.Run(fmt.Sprintf("%d %s", i, s.Name), func(t *testing.T) {
					if err := checkSample(o, s); err != nil {
						t.Error(err)
					}
				})
			}
		})
	}
}

// TestMutations shows that checkSample sees mistakes: each is seen at the order
// of derivatives where it begins to matter, and not when it is taken back.
func TestMutations(t *testing.T) {
	for _, m := range autograd.Mutations {
		t.Run(m.Name, func(t *testing.T) {
			for name, order := range m.SeenBy {
				restore := m.Apply()
				err := checkRow(name)
				restore()
				if orderOf(err) != order {
					t.Errorf("%s: got %v, want an error at order %d", name, err, order)
				}
				if err := checkRow(name); err != nil {
					t.Errorf("%s without the mistake: %v", name, err)
				}
			}
		})
	}
}

// checkRow checks the samples of the row of that name up to the first error.
func checkRow(name string) error {
	for o := range autograd.Ops() {
		if o.Name != name {
			continue
		}
		for _, s := range o.Samples() {
			if err := checkSample(o, s); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("no row is named %s", name)
}

// checkSample compares the derivatives of a sample with differences in float64,
// orders one and two and also three (which shows that the second is a function
// and not a number); then float32 with float64 and a fused row with its plain
// definition, at orders 0, 1 and 2. It also makes sure that the sample runs the
// row, that rules with shortcuts take none that is wrong, and that they read only
// what they say.
func checkSample(o *autograd.Op, s autograd.Sample) error {
	in := inputsOf(s, kernels.CPU64, 1)
	f := func(in ...*autograd.Value) *autograd.Value { return s.F(in) }
	if err := gradcheck.Check(3, f, in...); err != nil {
		return err
	}
	if !reaches(o, s) {
		return fmt.Errorf("the sample never runs %s", o.Name)
	}
	wide, narrow := chain(s, kernels.CPU64, all, nothing), chain(s, kernels.CPU, all, nothing)
	if err := compare("float32 against float64", narrow, wide, 2e-5); err != nil {
		return err
	}
	if o.Define != nil {
		restore := autograd.UseDefinition(o)
		plain := chain(s, kernels.CPU64, all, nothing)
		restore()
		if err := compare("fused against definition", wide, plain, 1e-10); err != nil {
			return err
		}
	}
	if err := errors.Join(checkPartial(o, s), checkAlone(s)); err != nil {
		return err
	}
	return checkReads(s, len(in))
}

// checkReads takes the derivatives with respect to each operand alone and to all
// of them, once more with everything done with as soon as it can be: a rule that
// reads what it does not claim to read finds it gone.
func checkReads(s autograd.Sample, operands int) (err error) {
	defer autograd.Catch(&err)
	for i := all; i < operands; i++ {
		want := chain(s, kernels.CPU64, i, nothing)
		if err := compare("with everything done with", chain(s, kernels.CPU64, i, everything), want, 0); err != nil {
			return err
		}
	}
	return nil
}

// TestReads takes back each claim of a rule to read something: checkReads must
// miss it, so it sees what is not claimed and nothing is kept in vain.
func TestReads(t *testing.T) {
	for o := range autograd.Ops() {
		autograd.EachRead(o, func(claim string) {
			for _, s := range o.Samples() {
				var gone *autograd.LifetimeError
				if errors.As(checkReads(s, len(s.Shapes)), &gone) {
					return
				}
			}
			t.Errorf("%s: %s is claimed and not read", o.Name, claim)
		})
	}
}

// reaches reports whether computing the sample runs the row.
func reaches(o *autograd.Op, s autograd.Sample) (seen bool) {
	t := autograd.NewTape(kernels.CPU64)
	defer t.Close()
	t.Observe(func(ran *autograd.Op, _, _ []*autograd.Value) { seen = seen || ran == o })
	var in []*autograd.Value
	for _, v := range inputsOf(s, kernels.CPU64, 1) {
		in = append(in, t.Watch(v))
	}
	s.F(in)
	return seen
}

const (
	all        = -1 // operands are watched
	nothing    = false
	everything = true // is done with early
)

// chain returns the value of a sample, its gradient and the gradient of a linear
// function of the gradient, with respect to all operands or to one.
func chain(s autograd.Sample, dev kernels.Device, watched int, early bool) [][]float64 {
	t := autograd.NewTape(dev)
	defer t.Close()
	var seen []*autograd.Value
	t.Observe(func(_ *autograd.Op, in, out []*autograd.Value) { seen = append(append(seen, in...), out...) })
	var in, xs []*autograd.Value
	for i, v := range inputsOf(s, dev, 1) {
		if watched == all || watched == i {
			v = t.Watch(v)
			xs = append(xs, v)
		}
		in = append(in, v)
	}
	y := s.F(in)
	out := [][]float64{y.Float64s()}
	for range 2 {
		if !y.Tracked() {
			return out
		}
		scalar := weighted(t, y)
		if early {
			finish(seen, nil)
		}
		gs := autograd.Grad(scalar, xs...)
		flat := make([]*autograd.Value, len(gs))
		for i, g := range gs {
			flat[i] = autograd.Reshape(g, -1)
		}
		y = autograd.Concat(0, flat...)
		if early {
			finish(seen, y)
		}
		out = append(out, y.Float64s())
	}
	return out
}

// weighted is a sum of the elements of y.
func weighted(t *autograd.Tape, y *autograd.Value) *autograd.Value {
	weights := make([]float64, y.Size())
	for i := range weights {
		weights[i] = math.Sin(float64(3*i + 1))
	}
	return autograd.Sum(autograd.Mul(y, t.New64(weights, y.Shape()...)))
}

// finish is done with all values but one.
func finish(values []*autograd.Value, keep *autograd.Value) {
	for _, v := range values {
		if v != nil && v != keep {
			v.Done()
		}
	}
}

// orderError says at which order of derivatives two ways to take them disagree.
type orderError struct {
	order        int
	what, detail string
}

func (e *orderError) Error() string {
	return fmt.Sprintf("%s, order %d: %s", e.what, e.order, e.detail)
}

// orderOf is the order of derivatives at which an error was seen; -1 is none.
func orderOf(err error) int {
	var by *gradcheck.Error
	var other *orderError
	switch {
	case errors.As(err, &by):
		return by.Order
	case errors.As(err, &other):
		return other.order
	}
	return -1
}

// compare bounds the largest difference over the largest value, per order.
func compare(what string, got, want [][]float64, tol float64) error {
	if len(got) != len(want) {
		return fmt.Errorf("%s: %d orders against %d", what, len(got), len(want))
	}
	for k := range want {
		if tol == 0 && !slices.Equal(got[k], want[k]) {
			return &orderError{k, what, "other bits"}
		}
		if len(got[k]) != len(want[k]) {
			return &orderError{k, what, fmt.Sprintf("%d elements against %d", len(got[k]), len(want[k]))}
		}
		var diff, top float64
		for i := range want[k] {
			diff = max(diff, math.Abs(got[k][i]-want[k][i])) // NaN stays
			top = max(top, math.Abs(want[k][i]))
		}
		if !(diff <= tol*max(top, 1e-3)) {
			return &orderError{k, what, fmt.Sprintf("differs by %.3g of %.3g", diff, top)}
		}
	}
	return nil
}
