package greg

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"

	"gradgrad/ood"
)

// Sampler chooses, among auxiliary images that the network has looked at in
// evaluation mode, those to train on. All its randomness is its argument.
type Sampler interface {
	// Look is shown what the network says of the next candidates. It returns a
	// weight for each, small for what the method calls hard, and the points at
	// which they lie, a row each; nil where the sampler does not compare places.
	Look(o ood.Outputs) (weights []float64, points []float32)
	// Choose chooses among all candidates that were looked at.
	Choose(ctx context.Context, c *Candidates, r *rand.Rand) (Choice, error)
}

// Candidates are the images that a [Sampler] chooses among.
type Candidates struct {
	Weights []float64 // small is hard
	Points  []float32 // [len(Weights), Dim], or nil
	Dim     int
}

// Choice is what a sampler has chosen.
type Choice struct {
	Indices []int // of candidates
	Filled  int   // how many of them, the last ones, were drawn at random
}

// Look shows a sampler the next candidates and keeps what it says of them.
func (c *Candidates) Look(s Sampler, o ood.Outputs) {
	w, points := s.Look(o)
	c.Weights = append(c.Weights, w...)
	c.Points = append(c.Points, points...)
	if len(points) > 0 {
		c.Dim = len(points) / o.N
	}
}

// hardness is the weight of methods that have no other: the probability of "none
// of the classes" where the network has that output (small where an image looks
// in-distribution), else the energy S.
func hardness(o ood.Outputs) []float64 {
	w := make([]float64, o.N)
	for i := range w {
		w[i] = -ood.LogSumExp(o.Row(i), 1)
		if o.Absent != nil {
			w[i] = absentProbability(float64(o.Absent[i]), -w[i])
		}
	}
	return w
}

// byWeight returns all candidates, smallest weight first; of equal ones the first
// comes first.
func byWeight(weights []float64) []int {
	order := make([]int, len(weights))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(weights[a], weights[b]) })
	return order
}
