package ood

import (
	"fmt"
	"math"
	"slices"
)

// ROCPoint is one threshold of a receiver operating characteristic. Both rates
// are fractions; ID is the positive class.
type ROCPoint struct {
	Threshold float64 // scores at or above it are accepted
	FPR, TPR  float64
}

// ROC returns the points of every distinct threshold, from (0, 0), whose
// threshold is +Inf, to (1, 1). Errors as [Evaluate].
func ROC(id, ood []float64) ([]ROCPoint, error) {
	s, err := newSweep(id, ood)
	if err != nil {
		return nil, err
	}
	points := make([]ROCPoint, 1, len(s.steps)+1)
	points[0].Threshold = math.Inf(1)
	for _, p := range s.steps {
		points = append(points, ROCPoint{p.t, float64(p.fp) / float64(s.nood), float64(p.tp) / float64(s.nid)})
	}
	return points, nil
}

// Histogram holds the densities of several sets of scores over common bins:
// Density[g][b] for set g between Edges[b] and Edges[b+1]. Each set integrates
// to 1, so sets of different sizes compare.
type Histogram struct {
	Edges   []float64
	Density [][]float64
}

// NewHistogram bins the sets over a range that they choose themselves: from the
// least 0.1th to the largest 99.9th percentile of any set. A few extreme scores
// therefore do not squeeze the picture; they count in the outermost bins. bins
// 0 means a number between 20 and 80 chosen by the Freedman-Diaconis rule.
// Errors: no set, or a set as in [Evaluate].
func NewHistogram(bins int, sets ...[]float64) (Histogram, error) {
	if len(sets) == 0 {
		return Histogram{}, fmt.Errorf("ood: histogram of nothing: %w", ErrNoScores)
	}
	lo, hi, width := math.Inf(1), math.Inf(-1), math.Inf(1)
	for i, set := range sets {
		if err := finite(fmt.Sprintf("histogram's %d.", i+1), set); err != nil {
			return Histogram{}, err
		}
		a := slices.Clone(set)
		slices.Sort(a)
		lo = min(lo, quantile(a, 0.001))
		hi = max(hi, quantile(a, 0.999))
		if iqr := quantile(a, 0.75) - quantile(a, 0.25); iqr > 0 {
			width = min(width, 2*iqr/math.Cbrt(float64(len(a))))
		}
	}
	if math.IsInf(hi-lo, 0) {
		return Histogram{}, fmt.Errorf("ood: histogram: scores from %g to %g are too far apart to bin", lo, hi)
	}
	if hi <= lo { // all scores equal
		pad := max(0.5, math.Abs(lo)*1e-6)
		lo, hi = lo-pad, hi+pad
	}
	if bins <= 0 {
		bins = int(max(20, min(80, math.Ceil((hi-lo)/width))))
	}
	return fill(lo, hi, bins, sets), nil
}

func fill(lo, hi float64, bins int, sets [][]float64) Histogram {
	h := Histogram{Edges: make([]float64, bins+1), Density: make([][]float64, len(sets))}
	w := (hi - lo) / float64(bins)
	for b := range h.Edges {
		h.Edges[b] = lo + w*float64(b)
	}
	for g, set := range sets {
		d := make([]float64, bins)
		for _, v := range set {
			b := int(max(0, min(float64(bins-1), math.Floor((v-lo)/w))))
			d[b]++
		}
		for b := range d {
			d[b] /= float64(len(set)) * w
		}
		h.Density[g] = d
	}
	return h
}
