package main

import (
	"fmt"
	"io"
	"slices"

	ag "gradgrad/autograd"
	"gradgrad/kernels"
)

// evaluate returns scores, their gradients and the predicted classes.
func (n *net) evaluate(c cloud) (scores, gradients []float64, classes []int) {
	t := ag.NewTape(kernels.CPU64)
	defer t.Close()
	x := t.Watch(ag.New64(kernels.CPU64, c, c.len(), 2))
	logits := n.logits(t, x)
	s := score(logits)
	for _, c := range ag.MaxIndex(logits, 1)[1].Float64s() {
		classes = append(classes, int(c))
	}
	return s.Float64s(), ag.Grad(ag.Sum(s), x)[0].Float64s(), classes
}

// report prints how well fresh points are told apart and returns the threshold:
// the score below which 95 % of the moons are.
func (n *net) report(out io.Writer, d *data) (threshold float64) {
	s, g, classes := n.evaluate(d.testMoons)
	so, gOut, _ := n.evaluate(d.testOutliers)
	right := 0
	for i, c := range classes {
		if c == d.testLabels[i] {
			right++
		}
	}
	threshold = slices.Sorted(slices.Values(s))[len(s)*95/100]
	fmt.Fprintf(out, "  fresh points: accuracy %.0f %%, FPR95 %.0f %%, mean slope of S: moons %.1f, outliers %.1f\n",
		percent(right, len(s)), percent(below(so, threshold), len(so)), meanNorm(g), meanNorm(gOut))

	// The same points after a small step in the direction that hurts most: up for
	// the moons, down for the outliers.
	const step = 0.1
	up, _, _ := n.evaluate(moved(d.testMoons, g, step))
	down, _, _ := n.evaluate(moved(d.testOutliers, gOut, -step))
	fmt.Fprintf(out, "  after a step of %.1f along their gradients: %.0f %% of the moons detected, FPR %.0f %%\n",
		step, percent(below(up, threshold), len(up)), percent(below(down, threshold), len(down)))
	return threshold
}

func below(s []float64, threshold float64) (n int) {
	for _, v := range s {
		if v <= threshold {
			n++
		}
	}
	return n
}

func percent(n, of int) float64 { return 100 * float64(n) / float64(of) }
