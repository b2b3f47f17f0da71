// Command 1_tape builds a tape for single numbers (tape.go, 80 lines), takes a
// derivative, and the derivative of that derivative; then does the same with
// gradgrad/autograd.
//
//	go run ./docs/tour/1_tape
package main

import (
	"fmt"
	"io"
	"os"

	ag "gradgrad/autograd"
	"gradgrad/kernels"
)

func main() { run(os.Stdout) }

// Our function is a neuron that looks at its input twice: f(x, w) = tanh(w·x) + w·x².
// We ask for its slope in x, and then how a penalty on that slope, (df/dx)²,
// changes with the weight w. The second question differentiates a derivative.
const atX, atW = 0.5, 0.8

func run(out io.Writer) {
	fmt.Fprintln(out, "f(x, w) = tanh(w x) + w x²  at x = 0.5, w = 0.8")
	byHand(out)
	withAutograd(out)
}

func byHand(out io.Writer) {
	t := &tape{}
	x, w := t.number(atX), t.number(atW)
	f := t.plus(t.tanh(t.times(w, x)), t.times(w, t.times(x, x)))
	forward := len(t.numbers)

	slope := t.grad(f, x)[0]
	first := len(t.numbers)

	penalty := t.times(slope, slope)
	dw := t.grad(penalty, w)[0]

	fmt.Fprintln(out, "\nby the tape of tape.go")
	show(out, f.value, slope.value, penalty.value, dw.value)
	fmt.Fprintf(out, "  the tape holds %d numbers after f, %d after df/dx, %d at the end\n",
		forward, first, len(t.numbers))
}

// The same with the real engine. A value is an array now (here: of no axes, one
// number), operations are functions, Watch says what is differentiated, and the
// tape knows by itself what it must keep. Grad is our grad.
func withAutograd(out io.Writer) {
	t := ag.NewTape(kernels.CPU64)
	defer t.Close()
	x := t.Watch(ag.Full(kernels.CPU64, atX))
	w := ag.NewParam("w", ag.Full(kernels.CPU64, atW))
	weight := t.Watch(w.Value)
	f := ag.Add(ag.Tanh(ag.Mul(weight, x)), ag.Mul(weight, ag.Mul(x, x)))
	slope := ag.Grad(f, x)[0]
	penalty := ag.Mul(slope, slope)

	// The last derivative of a step need not be differentiable. Backward records
	// nothing, gives memory back as it goes, and adds to the parameter's gradient.
	ag.Backward(penalty, w)

	fmt.Fprintln(out, "\nby gradgrad/autograd")
	show(out, f.Item(), slope.Item(), penalty.Item(), w.Grad().Item())

	// Nobody has to believe this: move w a little and take the slope again.
	const h = 1e-4
	difference := (penaltyAt(atW+h) - penaltyAt(atW-h)) / (2 * h)
	fmt.Fprintf(out, "\nby differences of the penalty\n  d penalty/dw  %8.4f\n", difference)
}

// penaltyAt is (df/dx)² for another weight.
func penaltyAt(weight float64) float64 {
	t := &tape{}
	x, w := t.number(atX), t.number(weight)
	f := t.plus(t.tanh(t.times(w, x)), t.times(w, t.times(x, x)))
	slope := t.grad(f, x)[0].value
	return slope * slope
}

func show(out io.Writer, f, slope, penalty, dw float64) {
	fmt.Fprintf(out, "  f             %8.4f\n  df/dx         %8.4f\n  penalty       %8.4f\n  d penalty/dw  %8.4f\n",
		f, slope, penalty, dw)
}
