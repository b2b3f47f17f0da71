package ood

import (
	"fmt"
	"math"
	"slices"
)

// Decision is what a threshold says of one image.
type Decision bool

// The two decisions.
const (
	Out Decision = false // out of distribution
	In  Decision = true  // in distribution
)

// String returns "in" or "out".
func (d Decision) String() string {
	if d == In {
		return "in"
	}
	return "out"
}

// Decide accepts a score that reaches the threshold. A NaN score is out.
func Decide(score, threshold float64) Decision { return Decision(score >= threshold) }

// Threshold returns the score that a fraction tpr (such as 0.95) of the ID
// scores reach: their (1-tpr) quantile, interpolated linearly. Because of the
// interpolation the accepted share of the given scores is within 1/n of tpr.
// Choose it on ID data that the model was not trained on, never on OOD data.
// Errors: no scores, a NaN or infinite score, tpr outside (0, 1].
func Threshold(id []float64, tpr float64) (float64, error) {
	if !(tpr > 0 && tpr <= 1) {
		return 0, fmt.Errorf("ood: true-positive rate %v: want a fraction above 0 and at most 1, such as 0.95", tpr)
	}
	return Percentile(id, 100*(1-tpr))
}

// Percentile returns the q-th percentile, q in [0, 100], with numpy's default
// "linear" interpolation: for sorted a and r = q/100 (n-1) it is
// a[floor r] + (r - floor r)(a[floor r + 1] - a[floor r]). It sorts a copy.
// Errors: no values, a NaN or infinite value, q outside [0, 100].
func Percentile(values []float64, q float64) (float64, error) {
	if err := finite("given", values); err != nil {
		return 0, err
	}
	if !(q >= 0 && q <= 100) {
		return 0, fmt.Errorf("ood: percentile %v: want 0 to 100", q)
	}
	a := slices.Clone(values)
	slices.Sort(a)
	return quantile(a, q/100), nil
}

// quantile interpolates in ascending a, p in [0, 1].
func quantile[F float32 | float64](a []F, p float64) float64 {
	r := p * float64(len(a)-1)
	// 1-0.95 is not 0.05: without this a rank that should be whole lands beside
	// its element and the threshold just misses the score it was meant to be.
	if w := math.Round(r); math.Abs(r-w) < 1e-9 {
		r = w
	}
	lo := int(r)
	if lo+1 >= len(a) || r == float64(lo) {
		return float64(a[min(lo, len(a)-1)])
	}
	f, below, above := r-float64(lo), float64(a[lo]), float64(a[lo+1])
	if below == above { // two infinities have no difference
		return below
	}
	if d := above - below; !math.IsInf(d, 0) {
		return below + f*d
	}
	return (1-f)*below + f*above
}
