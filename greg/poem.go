package greg

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"gradgrad/datasets"
	"gradgrad/ood"
)

// BoundarySampler is the outlier mining of POEM (arXiv:2206.13687): it chooses the
// Keep candidates that lie nearest to the hyperplane W·features = 0.
type BoundarySampler struct {
	W    []float64
	Keep int
}

// Look implements [Sampler]; the weight is |W·features|.
func (s *BoundarySampler) Look(o ood.Outputs) ([]float64, []float32) {
	weights := make([]float64, o.N)
	for i := range weights {
		for j, x := range o.Features[i*o.Dim : (i+1)*o.Dim] {
			weights[i] += s.W[j] * float64(x)
		}
		weights[i] = math.Abs(weights[i])
	}
	return weights, nil
}

// Choose implements [Sampler].
func (s *BoundarySampler) Choose(_ context.Context, c *Candidates, _ *rand.Rand) (Choice, error) {
	return Choice{Indices: byWeight(c.Weights)[:min(s.Keep, len(c.Weights))]}, nil
}

// Posterior is the Bayesian linear regression of POEM: weights w with prior
// N(0, Sigma I), targets w·phi with noise of variance Noise.
type Posterior struct {
	Sigma, Noise float64

	dim int
	xx  *mat.SymDense // sum of phi phi^T
	xy  *mat.VecDense // sum of y phi
}

// NewPosterior returns the posterior of no observation of dim features.
func NewPosterior(dim int, sigma, noise float64) *Posterior {
	return &Posterior{Sigma: sigma, Noise: noise, dim: dim, xx: mat.NewSymDense(dim, nil), xy: mat.NewVecDense(dim, nil)}
}

// Observe adds rows of features [n, dim] that all have the target y, each counted
// times times.
func (p *Posterior) Observe(features []float32, y, times float64) {
	n := len(features) / p.dim
	if n == 0 {
		return
	}
	phi := mat.NewDense(n, p.dim, nil)
	for i, x := range features {
		phi.RawMatrix().Data[i] = float64(x)
	}
	var xx mat.SymDense
	xx.SymOuterK(times, phi.T())
	p.xx.AddSym(p.xx, &xx)
	for i := range n {
		p.xy.AddScaledVec(p.xy, y*times, phi.RowView(i))
	}
}

// Draw returns the mean of the posterior and w drawn from it, as the authors' code
// has it:
//
//	A = Phi^T Phi / Noise + I / Sigma
//	mean = A^-1 Phi^T y / Noise,  w ~ N(mean, Sigma A^-1)
//
// with negative eigenvalues, which rounding can make, replaced by their absolute
// values. (The textbook's covariance is A^-1.)
func (p *Posterior) Draw(r *rand.Rand) (mean, w []float64, err error) {
	a := mat.NewSymDense(p.dim, nil)
	a.ScaleSym(1/p.Noise, p.xx)
	for i := range p.dim {
		a.SetSym(i, i, a.At(i, i)+1/p.Sigma)
	}
	var eig mat.EigenSym
	if trace := mat.Trace(a); trace-trace != 0 || !eig.Factorize(a, true) {
		return nil, nil, fmt.Errorf("greg: the posterior of POEM cannot be computed: features of the images are no finite numbers, the network has diverged")
	}
	var vectors mat.Dense
	eig.VectorsTo(&vectors)
	var in mat.VecDense // Phi^T y / Noise in the basis of eigenvectors
	in.MulVec(vectors.T(), p.xy)
	in.ScaleVec(1/p.Noise, &in)
	noise := mat.NewVecDense(p.dim, nil)
	for i, l := range eig.Values(nil) {
		in.SetVec(i, in.AtVec(i)/l)
		noise.SetVec(i, math.Sqrt(math.Abs(p.Sigma/l))*r.NormFloat64())
	}
	var mu, drawn mat.VecDense
	mu.MulVec(&vectors, &in)
	drawn.MulVec(&vectors, noise)
	drawn.AddVec(&drawn, &mu)
	return mu.RawVector().Data, drawn.RawVector().Data, nil
}

// firstBoundary draws w from the prior, around a mean near zero.
func firstBoundary(dim int, sigma float64, r *rand.Rand) []float64 {
	w := make([]float64, dim)
	for i := range w {
		w[i] = 0.01*r.NormFloat64() + math.Sqrt(sigma)*r.NormFloat64()
	}
	return w
}

// Streams of POEM's random numbers.
const (
	boundarySeed = 0x626f756e64
	targetSeed   = 0x746172676574
)

// boundary draws the boundary of an epoch. It knows the in-distribution images as
// epoch 0 saw them, counted once for every epoch so far up to Window, with the
// target -Conf, and the outliers of the last Window epochs with +Conf; both targets
// are off by one draw of noise, the same in the whole run.
func (f *poolFeed) boundary(ctx context.Context, epoch int) (*BoundarySampler, error) {
	c, s := f.t.Config, f.s
	r := random(c.Seed, boundarySeed, epoch)
	if epoch == 0 {
		return &BoundarySampler{W: firstBoundary(f.t.Model.Head().Weight.Value.Dim(1), s.Sigma, r), Keep: s.Keep}, nil
	}
	xi := math.Sqrt(s.Noise) * random(c.Seed, targetSeed, 0).NormFloat64()
	p := NewPosterior(f.t.Model.Head().Weight.Value.Dim(1), s.Sigma, s.Noise)
	observe := func(set datasets.Set, ids []int, b datasets.BatchConfig, y, times float64) error {
		v := f.t.viewOf(set, ids, b)
		defer v.close()
		return v.each(ctx, func(o ood.Outputs) { p.Observe(o.Features, y, times) })
	}
	err := observe(f.id, consecutive(0, f.id.Len(), f.id.Len()), f.t.idBatches(0, 0), -s.Conf+xi, float64(min(epoch, s.Window)))
	for _, old := range f.t.selections {
		if err == nil {
			err = observe(f.aux, old.images, f.batches(old.epoch), s.Conf+xi, 1)
		}
	}
	if err != nil {
		return nil, err
	}
	_, w, err := p.Draw(r)
	return &BoundarySampler{W: w, Keep: s.Keep}, err
}
