package autograd_test

import (
	"math"
	"strings"
	"testing"

	ag "gradgrad/autograd"
	"gradgrad/autograd/gradcheck"
	"gradgrad/kernels"
)

// sharedParts has three readers of overlapping parts, one of which is also read
// elsewhere, so that cotangents are sums of which some may be added to in place
// and some may not.
func sharedParts(in ...*ag.Value) *ag.Value {
	a, _, _ := ag.Normalise(in[0], 1e-5)
	b := ag.AffineConv(in[1], in[2], in[3], a)
	c := ag.AffineConv(ag.Concat(0, in[1], in[1]), ag.Concat(0, in[2], in[2]), ag.Concat(2, in[3], in[3]), a, b)
	d := ag.AffineConv(ag.Concat(0, in[2], in[1]), ag.Concat(0, in[1], in[2]), ag.Concat(2, in[3], in[3]), b, a)
	return ag.Add(ag.Mul(c, a), ag.Add(ag.Mul(d, d), b))
}

// sharedShapes are operands of sharedParts: x, scale, shift and weights of three
// channels.
var sharedShapes = ag.Sample{Shapes: [][]int{{2, 3, 3}, {3}, {3}, {1, 1, 3, 3}}}

// TestSharedParts checks three orders of derivatives where cotangents are added to
// in place.
func TestSharedParts(t *testing.T) {
	if err := gradcheck.Check(3, sharedParts, inputsOf(sharedShapes, kernels.CPU64, 5)...); err != nil {
		t.Error(err)
	}
}

// TestSharedPartsAgainstDefinition compares the fused rows with their definition
// where they share parts.
func TestSharedPartsAgainstDefinition(t *testing.T) {
	s := sharedShapes
	s.F = func(in []*ag.Value) *ag.Value { return sharedParts(in...) }
	fused := chain(s, kernels.CPU64, all, nothing)
	for o := range ag.Ops() {
		if strings.HasPrefix(o.Name, "affineconv") || strings.HasPrefix(o.Name, "normalise") {
			restore := ag.UseDefinition(o)
			err := compare(o.Name, chain(s, kernels.CPU64, all, nothing), fused, 1e-11)
			restore()
			if err != nil {
				t.Error(err)
			}
		}
	}
}

// TestSharedPartsAddInPlace: the cotangent of a part that many read takes the
// memory of one part, recorded or not.
func TestSharedPartsAddInPlace(t *testing.T) {
	const readers, n, c, k = 20, 500, 16, 2
	tape := ag.NewTape(kernels.CPU)
	defer tape.Close()
	leaf := func(shape ...int) *ag.Value { return tape.Watch(ag.Full(kernels.CPU, 0.1, shape...)) }
	x := leaf(n, c)
	part := ag.Exp(x)
	var total *ag.Value
	for range readers {
		y := ag.AffineConv(leaf(c), leaf(c), leaf(1, 1, c, k), part)
		s := ag.Sum(ag.Mul(y, y))
		y.Done()
		if total == nil {
			total = s
		} else {
			total = ag.Add(total, s)
		}
	}
	part.Done()
	before, _, _ := tape.Memory()
	g := ag.Grad(total, x)[0]
	after, most, _ := tape.Memory()
	const one = 4 * n * c
	// The recorded rules keep what they read: y's cotangent, k elements a row, twice.
	kept := int64(readers * 4 * n * 4 * k)
	if after-before > kept+2*one || most-before > kept+4*one {
		t.Errorf("the gradient holds %.1f values of a part's size and at most %.1f, for %d readers",
			float64(after-before)/one, float64(most-before)/one, readers)
	}
	if v := g.Float32s()[0]; math.IsNaN(float64(v)) || v == 0 {
		t.Errorf("the gradient is %g", v)
	}
}

func TestPartsThatDoNotFit(t *testing.T) {
	v := func(shape ...int) *ag.Value { return ag.Full(kernels.CPU64, 1, shape...) }
	panics[*ag.ShapeError](t, "rows", func() { ag.AffineConv(v(5), v(5), v(1, 1, 5, 2), v(4, 2), v(3, 3)) }, "affineconv", "[4 2]")
	panics[*ag.ShapeError](t, "channels", func() { ag.AffineConv(v(4), v(4), v(1, 1, 4, 2), v(4, 2), v(4, 3)) }, "[4]", "each channel")
	panics[*ag.ShapeError](t, "weights", func() { ag.AffineConv(v(5), v(5), v(3, 3, 5, 2), v(4, 2), v(4, 3)) }, "[1, 1, C, K]")
	panics[*ag.ShapeError](t, "shift", func() { ag.AffineReLU(v(5), v(1), v(4, 2), v(4, 3)) }, "affinerelu", "[1]")
	panics[*ag.UsageError](t, "no parts", func() { ag.AffineConv(v(5), v(5), v(1, 1, 5, 2)) }, "no parts")
	panics[*ag.ShapeError](t, "a vector", func() { ag.Normalise(v(5), 1e-5) }, "normalise")
}
