package greg

import (
	"context"
	"math/rand/v2"

	"gradgrad/ood"
)

// RankSampler is the outlier mining of NTOM (arXiv:2006.15207): of all candidates,
// ranked by weight, it leaves out the first Skip and chooses the next Keep. Skipping
// the very hardest keeps out those that may be in-distribution after all.
type RankSampler struct{ Skip, Keep int }

// Look implements [Sampler].
func (s *RankSampler) Look(o ood.Outputs) ([]float64, []float32) { return hardness(o), nil }

// Choose implements [Sampler]. Where there are too few candidates it chooses the
// last ones.
func (s *RankSampler) Choose(_ context.Context, c *Candidates, _ *rand.Rand) (Choice, error) {
	n := len(c.Weights)
	keep := min(s.Keep, n)
	skip := min(s.Skip, n-keep)
	return Choice{Indices: byWeight(c.Weights)[skip : skip+keep]}, nil
}
