package ood

import (
	"math"
	"slices"
)

// GEN is the generalised entropy of Liu et al. (CVPR 2023): minus the sum of
// p^Gamma (1-p)^Gamma over the M largest softmax probabilities.
type GEN struct {
	Gamma float64 `json:"gamma"` // exponent, 0 meaning 0.1
	M     int     `json:"m"`     // classes that count, 0 meaning 100; no more than there are
}

// Name returns "gen".
func (GEN) Name() string { return "gen" }

// Params returns exponent and number of classes.
func (g GEN) Params() any { return g.withDefaults() }

// Needs returns 0: logits suffice.
func (GEN) Needs() Needs { return 0 }

// Fit does nothing.
func (GEN) Fit(IDData) error { return nil }

func (g GEN) withDefaults() GEN {
	if g.Gamma == 0 {
		g.Gamma = 0.1
	}
	if g.M == 0 {
		g.M = 100
	}
	return g
}

// Score fills dst with minus the generalised entropy. A probability of exactly 0
// or 1 adds nothing.
func (g GEN) Score(dst []float64, out Outputs) error {
	g = g.withDefaults()
	p := make([]float64, max(0, out.Classes))
	return eachRow(dst, out, func(row []float32) float64 {
		softmax(p, row, 1)
		slices.Sort(p)
		var sum float64
		for _, v := range p[max(0, len(p)-g.M):] {
			sum += math.Pow(v, g.Gamma) * math.Pow(1-v, g.Gamma)
		}
		return -sum
	})
}

func init() {
	Register("gen", "minus the generalised entropy; gamma=0.1 m=100", func(o *Options) (Detector, error) {
		return GEN{Gamma: o.Positive("gamma", 0.1, 0.01, 0.1, 0.5, 1, 2), M: o.Count("m", 100)}, nil
	})
}
