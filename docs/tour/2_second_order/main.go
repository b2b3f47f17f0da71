// Command 2_second_order takes a gradient with respect to inputs, its norm, and
// the gradient of that norm with respect to weights. Each is checked by finite
// differences, and one is taken wrong on purpose.
//
//	go run ./docs/tour/2_second_order
package main

import (
	"fmt"
	"io"
	"os"

	ag "gradgrad/autograd"
	"gradgrad/kernels"
)

func main() { run(os.Stdout) }

// Three points of the plane go through a classifier of three classes with a
// hidden layer of four. The score of a point is its energy, S = -logsumexp of
// the logits: small where the classifier is sure.
var (
	points = []float64{0.5, -1, 1.2, 0.3, -0.7, 0.8} // 3 x 2
	first  = []float64{0.9, -0.4, 0.3, 1.1, -0.8, 0.5, 0.6, -1.2}
	second = []float64{1, -0.5, 0.7, 0.2, -0.9, 0.4, -0.3, 1.1, 0.6, 0.8, -0.2, -1}
)

// scores computes S for each point: x [3, 2], w1 [4, 2], w2 [3, 4] give [3].
func scores(x, w1, w2 *ag.Value) *ag.Value {
	hidden := ag.Tanh(ag.Linear(x, w1, nil))
	return ag.Neg(ag.LogSumExp(ag.Linear(hidden, w2, nil)))
}

// meanNorm is the mean over points of |dS/dx|: how fast the score changes around
// them. One Grad gives the gradients of all points at once, because the sum of
// the scores depends on a point through that point's own score only.
func meanNorm(x, w1, w2 *ag.Value) *ag.Value {
	g := ag.Grad(ag.Sum(scores(x, w1, w2)), x)[0] // [3, 2]
	return ag.Mean(ag.Norm(g))
}

func run(out io.Writer) {
	gradient(out)
	gradientOfNorm(out)
	wrong(out)
	cost(out)
}

// watch copies the numbers to a fresh tape.
func watch(t *ag.Tape, points, first, second []float64) (x, w1, w2 *ag.Value) {
	dev := t.Device()
	return t.Watch(ag.New64(dev, points, 3, 2)), t.Watch(ag.New64(dev, first, 4, 2)), t.Watch(ag.New64(dev, second, 3, 4))
}

// The first order: dS/dx. Moving a coordinate of a point by ±h must change the
// score by 2h times the gradient.
func gradient(out io.Writer) {
	t := ag.NewTape(kernels.CPU64)
	defer t.Close()
	x, w1, w2 := watch(t, points, first, second)
	s := scores(x, w1, w2)
	g := ag.Grad(ag.Sum(s), x)[0]
	norm := ag.Norm(g)

	fmt.Fprintln(out, "the score of three points, its gradient in the plane, and the gradient's norm")
	fmt.Fprintln(out, "       S      dS/dx            by differences    norm")
	byDifferences := differences(points, func(moved []float64) float64 {
		t := ag.NewTape(kernels.CPU64)
		defer t.Close()
		return ag.Sum(scores(watch(t, moved, first, second))).Item()
	})
	for i, s := range s.Float64s() {
		d, b := g.Float64s()[2*i:], byDifferences[2*i:]
		fmt.Fprintf(out, "  %7.4f  %7.4f %7.4f   %7.4f %7.4f  %6.4f\n", s, d[0], d[1], b[0], b[1], norm.Float64s()[i])
	}
}

// The second order: how the mean norm changes with the weights of the first
// layer. A network is trained to have a flat score by following this downhill.
func gradientOfNorm(out io.Writer) {
	fmt.Fprintln(out, "\nd(mean norm)/d(first layer), by Grad of Grad and by differences of the norm")
	print2(out, penaltyGradient(meanNorm), differences(first, normAt))
}

// The classical mistake: something in the gradient is taken as a number. Detach
// says so openly; elsewhere it is a flag that somebody forgot. The penalty's
// value is still right, and so is the gradient that it is made of. Its derivative
// is not, and nothing but a check at order two shows it.
func wrong(out io.Writer) {
	detached := func(x, w1, w2 *ag.Value) *ag.Value {
		h := ag.Tanh(ag.Linear(x, w1, nil))
		p := ag.Softmax(ag.Linear(h, w2, nil))
		slope := ag.AddScalar(ag.Neg(ag.Mul(h, h)), 1).Detach() // <- the mistake
		g := ag.MatMul(ag.Mul(ag.Neg(ag.MatMul(p.Detach(), w2)), slope), w1)
		return ag.Mean(ag.Norm(g))
	}
	fmt.Fprintln(out, "\nthe same with parts of the gradient detached, by Grad and by differences: wrong")
	print2(out, penaltyGradient(detached), differences(first, normAt))
}

// What it costs: the operations that run for the score, for its gradient, and for
// the gradient of the norm. Reading the counts is a good habit: the input
// gradient computes no weight gradients (2 matrix products forward, 2 back). The
// last derivative has 7: it runs the two layers forward again, on tangents
// instead of points, comes back through one of them (nobody asks for the points'
// gradient this time), and has two weight gradients for each layer.
func cost(out io.Writer) {
	t := ag.NewTape(kernels.CPU64)
	defer t.Close()
	all, matmuls := 0, 0
	t.Observe(func(op *ag.Op, _, _ []*ag.Value) {
		if all++; op.Name == "matmul" {
			matmuls++
		}
	})
	report := func(what string) {
		fmt.Fprintf(out, "  %-24s %3d operations, %d of them matrix products\n", what, all, matmuls)
		all, matmuls = 0, 0
	}
	fmt.Fprintln(out, "\nwhat ran")
	x, w1, w2 := watch(t, points, first, second)
	s := ag.Sum(scores(x, w1, w2))
	report("score")
	g := ag.Grad(s, x)[0]
	report("its input gradient")
	n := ag.Mean(ag.Norm(g))
	report("the mean norm")
	ag.Grad(n, w1, w2)
	report("its weight gradients")
}

// penaltyGradient is the derivative of a penalty with respect to the first layer.
func penaltyGradient(penalty func(x, w1, w2 *ag.Value) *ag.Value) []float64 {
	t := ag.NewTape(kernels.CPU64)
	defer t.Close()
	x, w1, w2 := watch(t, points, first, second)
	return ag.Grad(penalty(x, w1, w2), w1)[0].Float64s()
}

// normAt is the mean norm for other weights in the first layer.
func normAt(weights []float64) float64 {
	t := ag.NewTape(kernels.CPU64)
	defer t.Close()
	return meanNorm(watch(t, points, weights, second)).Item()
}

// differences moves one number after the other by ±h.
func differences(at []float64, f func([]float64) float64) []float64 {
	const h = 1e-5
	out := make([]float64, len(at))
	for i := range at {
		moved := append([]float64{}, at...)
		moved[i] = at[i] + h
		up := f(moved)
		moved[i] = at[i] - h
		out[i] = (up - f(moved)) / (2 * h)
	}
	return out
}

func print2(out io.Writer, got, want []float64) {
	for _, line := range [][]float64{got, want} {
		fmt.Fprint(out, " ")
		for _, v := range line {
			fmt.Fprintf(out, " %7.4f", v)
		}
		fmt.Fprintln(out)
	}
}
