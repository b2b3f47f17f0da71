package autograd_test

import (
	"math"
	"slices"
	"testing"

	ag "gradgrad/autograd"
	"gradgrad/kernels"
)

// TestNormOfNothing: at a sample that is exactly zero the norm and its
// derivatives are zero at both orders, and samples beside it are not disturbed.
func TestNormOfNothing(t *testing.T) {
	for _, dev := range []kernels.Device{kernels.CPU, kernels.CPU64} {
		tape := ag.NewTape(dev)
		defer tape.Close()
		x := tape.Watch(ag.New(dev, []float32{3, 4, 0, 0}, 2, 2))
		n := ag.Norm(x)
		equal(t, "the norm", n, 5, 0)
		g := ag.Grad(ag.Sum(n), x)[0]
		nearFloats(t, "the first derivative", g.Float64s(), []float64{0.6, 0.8, 0, 0}, 1e-6)
		gg := ag.Grad(ag.Sum(ag.Mul(g, tape.New([]float32{1, 2, 3, 4}, 2, 2))), x)[0]
		// (v - u<u,v>)/n with u = (.6, .8), v = (1, 2): <u,v> = 2.2
		nearFloats(t, "the second derivative", gg.Float64s(), []float64{(1 - 0.6*2.2) / 5, (2 - 0.8*2.2) / 5, 0, 0}, 1e-5)
	}
}

// TestNormOfLittle: far below the square root of the smallest number the norm
// and its derivatives are as exact as anywhere.
func TestNormOfLittle(t *testing.T) {
	for _, size := range []float64{1e-15, 1e-25, 1e-37} {
		tape := ag.NewTape(kernels.CPU)
		defer tape.Close()
		x := tape.Watch(ag.New64(kernels.CPU, []float64{3 * size, 4 * size}, 1, 2))
		g := ag.Grad(ag.Sum(ag.Norm(x)), x)[0]
		nearFloats(t, "the first derivative", g.Float64s(), []float64{0.6, 0.8}, 1e-5)
		gg := ag.Grad(ag.Sum(ag.Mul(g, tape.New([]float32{1, 2}, 1, 2))), x)[0]
		nearFloats(t, "the second derivative", gg.Float64s(), []float64{-0.064 / size, 0.048 / size}, 1e-5)
	}
	for _, x0 := range []float64{1e-39, 1e-45} { // below the smallest normal number: finite
		tape := ag.NewTape(kernels.CPU)
		defer tape.Close()
		x := tape.Watch(ag.New64(kernels.CPU, []float64{x0, 0}, 1, 2))
		for _, v := range ag.Grad(ag.Sum(ag.Norm(x)), x)[0].Float64s() {
			if math.IsNaN(v) || math.Abs(v) > 1 {
				t.Errorf("the derivative of the norm of (%g, 0) has an element %g", x0, v)
			}
		}
	}
}

// TestDeadHinge: where no hinge is hit, value and gradients are zero, also those
// of a gradient penalty built on it.
func TestDeadHinge(t *testing.T) {
	tape, x := leaf(t, 1, 2, 3)
	h := ag.ReLU(ag.AddScalar(x, -5))
	loss := ag.Mean(ag.Mul(h, h))
	g := ag.Grad(loss, x)[0]
	equal(t, "the gradient", g, 0, 0, 0)
	penalty := ag.Sum(ag.Norm(ag.Reshape(g, 3, 1)))
	if penalty.Item() != 0 {
		t.Errorf("the penalty is %g", penalty.Item())
	}
	equal(t, "its gradient", ag.Grad(penalty, x)[0], 0, 0, 0)
	p := ag.NewParam("x", ag.New64(kernels.CPU64, []float64{1, 1}, 2))
	y := ag.ReLU(ag.AddScalar(tape.Watch(p.Value), -1)) // exactly at the kink
	ag.Backward(ag.Sum(y), p)
	equal(t, "the gradient at the kink", p.Grad(), 0, 0)
}

// TestTies: the derivative of a maximum goes to the first of equal elements, that
// of Maximum and Minimum is shared.
func TestTies(t *testing.T) {
	_, x := leaf(t, 2, 2, 1)
	equal(t, "Max", ag.Grad(ag.Max(x), x)[0], 1, 0, 0)
	equal(t, "Min", ag.Grad(ag.Min(x), x)[0], 0, 0, 1)
	equal(t, "Maximum", ag.Grad(ag.Sum(ag.Maximum(x, ag.Full(kernels.CPU64, 2))), x)[0], 0.5, 0.5, 0)
	equal(t, "Minimum", ag.Grad(ag.Sum(ag.Minimum(x, ag.Full(kernels.CPU64, 2))), x)[0], 0.5, 0.5, 1)
	equal(t, "Clamp", ag.Grad(ag.Sum(ag.Clamp(x, 1, 2)), x)[0], 1, 1, 1)
	equal(t, "Abs", ag.Grad(ag.Sum(ag.Abs(ag.AddScalar(x, -2))), x)[0], 0, 0, -1)
}

// TestKinks: at kinks values and derivatives are what the functions promise, on
// both devices, and second derivatives are zero there.
func TestKinks(t *testing.T) {
	for _, dev := range []kernels.Device{kernels.CPU, kernels.CPU64} {
		for _, k := range []struct {
			name             string
			f                func(x *ag.Value) *ag.Value
			x, y, derivative float64
		}{
			{"ReLU", ag.ReLU, 0, 0, 0},
			{"LeakyReLU", func(x *ag.Value) *ag.Value { return ag.LeakyReLU(x, 0.25) }, 0, 0, 0.25},
			{"Abs", ag.Abs, 0, 0, 0},
			{"Sign", ag.Sign, 0, 0, 0},
			{"Inverse", ag.Inverse, 0, 0, 0},
			{"Above", func(x *ag.Value) *ag.Value { return ag.Above(x, 2) }, 2, 0, 0},
			{"AtLeast", func(x *ag.Value) *ag.Value { return ag.AtLeast(x, 2) }, 2, 1, 0},
			{"Clamp at its lower bound", func(x *ag.Value) *ag.Value { return ag.Clamp(x, 1, 2) }, 1, 1, 1},
			{"Clamp at its upper bound", func(x *ag.Value) *ag.Value { return ag.Clamp(x, 1, 2) }, 2, 2, 1},
			{"Clamp above", func(x *ag.Value) *ag.Value { return ag.Clamp(x, 1, 2) }, 2.5, 2, 0},
			{"the zeroth power of 0", func(x *ag.Value) *ag.Value { return ag.Pow(x, 0) }, 0, 1, 0},
			{"the first power of 0", func(x *ag.Value) *ag.Value { return ag.Pow(x, 1) }, 0, 0, 1},
			{"the first power of -2", func(x *ag.Value) *ag.Value { return ag.Pow(x, 1) }, -2, -2, 1},
		} {
			tape := ag.NewTape(dev)
			const n = 67 // more than any vector, and a rest
			all := func(v float64) []float64 { return slices.Repeat([]float64{v}, n) }
			x := tape.Watch(ag.Full(dev, k.x, n))
			y := k.f(x)
			equal(t, k.name, y, all(k.y)...)
			d := tape.Full(0, n)
			if y.Tracked() {
				d = ag.Grad(ag.Sum(y), x)[0]
			}
			equal(t, "the derivative of "+k.name, d, all(k.derivative)...)
			if d.Tracked() {
				equal(t, "the second derivative of "+k.name, ag.Grad(ag.Sum(d), x)[0], all(0)...)
			}
			tape.Close()
		}
	}
}

// TestTiesInWindows: the derivative of MaxPool goes to the first of equal elements.
func TestTiesInWindows(t *testing.T) {
	_, x := leaf(t, 1, 2, 2, 2)
	equal(t, "MaxPool", ag.Grad(ag.Sum(ag.MaxPool(ag.Reshape(x, 1, 2, 2, 1), 2, ag.Square(2, 0))), x)[0], 0, 1, 0, 0)
}

// TestFarOut: softmax and its relatives do not overflow.
func TestFarOut(t *testing.T) {
	for _, dev := range []kernels.Device{kernels.CPU, kernels.CPU64} {
		tape := ag.NewTape(dev)
		defer tape.Close()
		x := tape.Watch(ag.New(dev, []float32{1000, 0, -1000}, 1, 3))
		equal(t, "LogSumExp", ag.LogSumExp(x), 1000)
		equal(t, "Softmax", ag.Softmax(x), 1, 0, 0)
		equal(t, "LogSoftmax", ag.LogSoftmax(x), 0, -1000, -2000)
		ce := ag.CrossEntropy(x, tape.Labels([]int{2}, 3))
		equal(t, "CrossEntropy", ce, 2000)
		g := ag.Grad(ce, x)[0]
		equal(t, "its gradient", g, 1, 0, -1)
		equal(t, "the gradient of its norm", ag.Grad(ag.Sum(ag.Norm(g)), x)[0], 0, 0, 0)
		nearFloats(t, "Softplus", ag.Softplus(x).Float64s(), []float64{1000, math.Ln2, 0}, 1e-9)
		equal(t, "Sigmoid", ag.Sigmoid(x), 1, 0.5, 0)
		equal(t, "Tanh", ag.Tanh(x), 1, 0, -1)
	}
}

// TestNaN: a NaN in the images comes out as a NaN in the loss, and a derivative
// of it ends without panic: the training loop is to say which step it was.
func TestNaN(t *testing.T) {
	for _, dev := range []kernels.Device{kernels.CPU, kernels.CPU64} {
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			net := newSmallNet(dev, 4, 6, 4)
			data := net.images.Float64s()
			data[17] = bad
			net.images = ag.New64(dev, data, net.images.Shape()...)
			tape := ag.NewTape(dev)
			loss, grads := net.step(tape)
			tape.Close()
			if !math.IsNaN(loss) || !math.IsNaN(grads[0]) {
				t.Errorf("%s: with %g in an image the loss is %g, a gradient %g, want NaN", dev.Name(), bad, loss, grads[0])
			}
		}
	}
}

// TestNaNHasAPlace: what looks for the largest element finds a place in its row
// even among NaNs, and hands the NaN on.
func TestNaNHasAPlace(t *testing.T) {
	nan := float32(math.NaN())
	low := float32(math.Inf(-1))
	for _, dev := range []kernels.Device{kernels.CPU, kernels.CPU64} {
		for _, row := range [][]float32{{nan, nan, nan, nan}, {1, nan, 2, 0}, {nan, 1, 2, 0}, {low, low, low, low}} {
			tape := ag.NewTape(dev)
			x := tape.Watch(ag.New(dev, row, 1, 2, 2, 1))
			wantNaN := row[0] != low
			for name, f := range map[string]func() *ag.Value{
				"Max":       func() *ag.Value { return ag.Max(x, 1, 2) },
				"MaxPool":   func() *ag.Value { return ag.MaxPool(x, 2, ag.Square(2, 0)) },
				"LogSumExp": func() *ag.Value { return ag.LogSumExp(ag.Reshape(x, 1, 4)) },
				"Norm":      func() *ag.Value { return ag.Norm(ag.Reshape(x, 1, 4)) },
			} {
				y := f()
				if got := y.Item(); math.IsNaN(got) != wantNaN {
					t.Errorf("%s: %s of %v is %g", dev.Name(), name, row, got)
				}
				g := ag.Grad(ag.Sum(y), x)[0]
				if g.Tracked() {
					ag.Grad(ag.Sum(ag.Mul(g, g)), x)
				}
			}
			tape.Close()
		}
	}
}

// TestNaNPasses: no elementwise operation turns a NaN into a number.
func TestNaNPasses(t *testing.T) {
	const n = 67 // more than any vector, and a rest
	for _, dev := range []kernels.Device{kernels.CPU, kernels.CPU64} {
		data := make([]float64, n)
		data[3], data[n-1] = math.NaN(), math.NaN()
		x := ag.New64(dev, data, n)
		zero := ag.Full(dev, 0, n)
		for name, y := range map[string]*ag.Value{
			"ReLU": ag.ReLU(x), "LeakyReLU": ag.LeakyReLU(x, 0.1), "Clamp": ag.Clamp(x, -1, 1), "Abs": ag.Abs(x),
			"Sign": ag.Sign(x), "Maximum": ag.Maximum(x, zero), "Maximum with": ag.Maximum(zero, x),
			"Minimum": ag.Minimum(x, zero), "Minimum with": ag.Minimum(zero, x), "Sigmoid": ag.Sigmoid(x), "Tanh": ag.Tanh(x),
			"Softplus": ag.Softplus(x), "Exp": ag.Exp(x), "Log": ag.Log(x), "Sqrt": ag.Sqrt(x), "Pow": ag.Pow(x, 2),
			"Inverse": ag.Inverse(x), "Scale": ag.Scale(x, 0), "Add": ag.Add(x, zero), "Mul": ag.Mul(x, zero), "Div": ag.Div(x, ag.Full(dev, 2, n)),
		} {
			for i, v := range y.Float64s() {
				if want := i == 3 || i == n-1; math.IsNaN(v) != want {
					t.Errorf("%s: element %d of %s is %g", dev.Name(), i, name, v)
				}
			}
		}
	}
}

// TestZeroGamma: a channel whose gamma is zero gets its second-order gradient.
func TestZeroGamma(t *testing.T) {
	tape := ag.NewTape(kernels.CPU64)
	defer tape.Close()
	x := tape.Watch(ag.New64(kernels.CPU64, []float64{1, 2, 4, 3, 0, 5, 2, 2}, 4, 2))
	gamma := tape.Watch(ag.New64(kernels.CPU64, []float64{0, 1}, 2))
	beta := tape.Watch(ag.New64(kernels.CPU64, []float64{1, 1}, 2))
	y, _, _ := ag.BatchNorm(x, gamma, beta, 1e-5, false)
	g := ag.Grad(ag.Sum(ag.Mul(y, tape.New64([]float64{2, 1, 0, 3, 1, 1, 5, 2}, 4, 2))), x)[0]
	d := ag.Grad(ag.Sum(ag.Mul(g, tape.New64([]float64{1, -1, 2, 1, -1, 0.5, 3, 1}, 4, 2))), gamma)[0].Float64s()
	if d[0] == 0 || math.IsNaN(d[0]) {
		t.Errorf("the second-order gradient of a zero gamma is %g", d[0])
	}
}

// TestConstantChannel: a channel without variance gives finite derivatives.
func TestConstantChannel(t *testing.T) {
	tape := ag.NewTape(kernels.CPU)
	defer tape.Close()
	x := tape.Watch(ag.New(kernels.CPU, []float32{7, 7, 7, 7}, 4, 1))
	one := tape.Watch(ag.Full(kernels.CPU, 1, 1))
	y, _, _ := ag.BatchNorm(x, one, one, 1e-5, true)
	equal(t, "the result", y, 1, 1, 1, 1)
	g := ag.Grad(ag.Sum(ag.Mul(y, tape.New([]float32{1, 2, 3, 4}, 4, 1))), x)[0]
	gg := ag.Grad(ag.Sum(ag.Norm(g)), x)[0]
	for _, v := range append(g.Float64s(), gg.Float64s()...) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.Errorf("a derivative is %g", v)
		}
	}
}
