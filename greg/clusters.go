package greg

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gradgrad/kernels"
	"gradgrad/kmeans"
	"gradgrad/ood"
)

// ClusterSampler is Algorithm 1 of GReg (arXiv:2404.12368) and, without TwoWay,
// the sampling of DOS (arXiv:2306.02031): k-means divides the candidates by their
// features, and from every cluster those with the smallest weights are taken and,
// with TwoWay, those with the largest. The authors' code adds the window of ranks,
// restarts, quotas for k unlike the batch, and random images where clusters give too
// few.
type ClusterSampler struct {
	Clusters int // k
	Restarts int // of k-means; the run with the least inertia counts
	Want     int // images to choose
	TwoWay   bool
	// From and To are ranks by weight, smallest first: candidates of ranks From to
	// To-1 are looked at; a To of 0 is the end.
	From, To  int
	Represent string // one of [Representations]
	// Device, where set, does k-means: see [kmeans.Config.Device].
	Device kernels.Device
}

// newClusterSampler makes the sampler of a config for batches of want. A device with
// memory of its own does k-means too.
func newClusterSampler(s Sampling, want int, dev kernels.Device) *ClusterSampler {
	c := &ClusterSampler{Clusters: s.Clusters, Restarts: s.Restarts, Want: want, TwoWay: s.TwoWay, From: s.From, To: s.upTo(), Represent: s.Represent}
	if ownMemory(dev) {
		c.Device = dev
	}
	return c
}

// Look implements [Sampler].
func (s *ClusterSampler) Look(o ood.Outputs) ([]float64, []float32) {
	return hardness(o), places(s.Represent, o)
}

// Choose implements [Sampler].
func (s *ClusterSampler) Choose(ctx context.Context, c *Candidates, r *rand.Rand) (Choice, error) {
	kept := s.window(c.Weights)
	if len(kept) == 0 {
		return Choice{}, fmt.Errorf("greg: no candidate has a rank from %d to %d: there are %d", s.From, s.To, len(c.Weights))
	}
	points := make([]float32, 0, len(kept)*c.Dim)
	for _, i := range kept {
		points = append(points, c.Points[i*c.Dim:(i+1)*c.Dim]...)
	}
	standardise(s.Represent, points, c.Dim)
	k := min(s.Clusters, len(kept))
	m, err := kmeans.Fit(ctx, points, c.Dim, kmeans.Config{K: k, Restarts: s.Restarts, Seed: r.Uint64(), Device: s.Device})
	if err != nil {
		return Choice{}, fmt.Errorf("greg: clustering %d candidates: %w", len(kept), err)
	}
	weights := make([]float64, len(kept))
	for j, i := range kept {
		weights[j] = c.Weights[i]
	}
	choice := s.extremes(weights, m.Labels, k)
	s.fill(&choice, len(kept), r)
	for j, i := range choice.Indices {
		choice.Indices[j] = kept[i]
	}
	return choice, nil
}

// window returns the candidates of the ranks that are looked at, in their own order.
func (s *ClusterSampler) window(weights []float64) []int {
	order := byWeight(weights)
	to := len(order)
	if s.To > 0 {
		to = min(s.To, to)
	}
	kept := order[min(max(s.From, 0), to):to]
	slices.Sort(kept)
	return kept
}

// extremes takes from every cluster the images that the sampler wants, in the
// order of the clusters, within one in the order of the candidates. Where there are
// more clusters than images wanted, the last clusters give none.
func (s *ClusterSampler) extremes(weights []float64, labels []int, k int) Choice {
	want := s.Want
	if s.TwoWay {
		want /= 2
	}
	quota := max(want/k, 1)
	members := make([][]int, k)
	for i, label := range labels {
		members[label] = append(members[label], i)
	}
	var c Choice
	for _, cluster := range members[:min(k, want)] {
		c.Indices = append(c.Indices, s.extremesOf(cluster, weights, quota)...)
	}
	return c
}

// extremesOf takes from one cluster, given in the order of the candidates.
func (s *ClusterSampler) extremesOf(cluster []int, weights []float64, quota int) []int {
	if len(cluster) <= quota {
		return cluster
	}
	own := make([]float64, len(cluster))
	for j, i := range cluster {
		own[j] = weights[i]
	}
	order := byWeight(own)
	ranks := order[:quota]
	if s.TwoWay {
		ranks = append(slices.Clone(ranks), order[len(order)-quota:]...)
	}
	taken := make([]int, len(ranks))
	for j, rank := range ranks {
		taken[j] = cluster[rank]
	}
	slices.Sort(taken)
	return slices.Compact(taken)
}

// fill draws images at random, without replacement, from the n candidates that
// were not chosen, until there are as many as wanted or none is left.
func (s *ClusterSampler) fill(c *Choice, n int, r *rand.Rand) {
	if len(c.Indices) >= s.Want {
		return
	}
	chosen := make([]bool, n)
	for _, i := range c.Indices {
		chosen[i] = true
	}
	var left []int
	for i := range n {
		if !chosen[i] {
			left = append(left, i)
		}
	}
	for len(c.Indices) < s.Want && len(left) > 0 {
		j := r.IntN(len(left))
		c.Indices = append(c.Indices, left[j])
		left[j] = left[len(left)-1]
		left = left[:len(left)-1]
		c.Filled++
	}
}

// Representations are the things by which candidates can be clustered:
//
//	norm         features of Euclidean length 1 (the paper)
//	latent       features as they are
//	norm-batch   features divided by their mean length over the candidates
//	norm-feature every feature divided by its Euclidean length over the candidates
//	output       softmax of all outputs
func Representations() []string {
	return []string{"norm", "latent", "norm-batch", "norm-feature", "output"}
}

func knownRepresentation(name string) bool { return slices.Contains(Representations(), name) }

// places returns the points of a batch, as far as they do not depend on the other
// candidates.
func places(represent string, o ood.Outputs) []float32 {
	switch represent {
	case "output":
		return probabilities(o)
	case "norm":
		points := slices.Clone(o.Features)
		for i := range o.N {
			row := points[i*o.Dim : (i+1)*o.Dim]
			divide(row, math.Max(length(row), 1e-12))
		}
		return points
	}
	return o.Features
}

// standardise does the rest, with all candidates at hand.
func standardise(represent string, points []float32, dim int) {
	n := len(points) / dim
	switch represent {
	case "norm-batch":
		total := 0.0
		for i := range n {
			total += length(points[i*dim : (i+1)*dim])
		}
		divide(points, math.Max(total/float64(n), 1e-12))
	case "norm-feature":
		for j := range dim {
			sum := 0.0
			for i := range n {
				sum += float64(points[i*dim+j]) * float64(points[i*dim+j])
			}
			scale := math.Max(math.Sqrt(sum), 1e-12)
			for i := range n {
				points[i*dim+j] = float32(float64(points[i*dim+j]) / scale)
			}
		}
	}
}

// probabilities is the softmax of all outputs, that of none included.
func probabilities(o ood.Outputs) []float32 {
	outputs := o.Classes
	if o.Absent != nil {
		outputs++
	}
	p := make([]float32, 0, o.N*outputs)
	for i := range o.N {
		row := slices.Clone(o.Row(i))
		if o.Absent != nil {
			row = append(row, o.Absent[i])
		}
		lse := ood.LogSumExp(row, 1)
		for _, z := range row {
			p = append(p, float32(math.Exp(float64(z)-lse)))
		}
	}
	return p
}

func length(row []float32) float64 {
	sum := 0.0
	for _, x := range row {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum)
}

func divide(row []float32, by float64) {
	for i, x := range row {
		row[i] = float32(float64(x) / by)
	}
}
