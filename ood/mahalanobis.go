package ood

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Mahalanobis is minus half the squared Mahalanobis distance of the penultimate
// feature to the nearest class mean (Lee et al., arXiv:1807.03888), as the
// detection script of the GReg code computes it: class means and one covariance
// of the features about them, divided by the number of images, from ID data with
// labels; its inverse is the pseudo-inverse, so constant features do no harm.
//
// With Eps the image is first moved by Eps against the sign of the gradient of
// the distance, in units of pixel brightness ([IDData].Unit). The model must be a
// [FeatureModel] then.
type Mahalanobis struct {
	Eps float64 `json:"eps"` // 0: the image as it is

	model   FeatureModel
	unit    []float32
	mean    []float64
	whiten  *mat.Dense // Dim x rank: rows of (h - mean) times it have unit covariance
	centres *mat.Dense // classes x rank: class means in that space
}

// Name returns "mahalanobis".
func (*Mahalanobis) Name() string { return "mahalanobis" }

// Params returns the size of the step.
func (m *Mahalanobis) Params() any { return Mahalanobis{Eps: m.Eps} }

// Needs returns NeedFeatures and NeedData, and NeedImages if there is a step.
func (m *Mahalanobis) Needs() Needs {
	if m.Eps != 0 {
		return NeedFeatures | NeedData | NeedImages
	}
	return NeedFeatures | NeedData
}

// Fit learns means and covariance.
func (m *Mahalanobis) Fit(id IDData) error {
	if m.Eps != 0 {
		model, ok := id.Model.(FeatureModel)
		if !ok {
			return errors.New("ood: the step of mahalanobis (eps) needs a model with gradients of its features (FeatureModel)")
		}
		m.model, m.unit = model, id.Unit
	}
	byClass := classSums{}
	var all *moments
	err := collect(id, NeedFeatures|needLabels, func(out Outputs) error {
		if all == nil {
			first := make([]float64, out.Dim)
			widen(first, out.Feature(0))
			all = newMoments(first)
		}
		all.add(out)
		return byClass.add(out, all.origin)
	})
	if err != nil {
		return err
	}
	return m.learn(all, byClass)
}

// classSums are, for each class, the number of images and the sum of their
// features about an origin.
type classSums struct {
	counts []int
	sums   [][]float64
}

func (c *classSums) add(out Outputs, origin []float64) error {
	if c.counts == nil {
		c.counts, c.sums = make([]int, out.Classes), make([][]float64, out.Classes)
	}
	for i, label := range out.Labels {
		if label < 0 || label >= len(c.counts) {
			return fmt.Errorf("ood: label %d of in-distribution data, but the network has %d classes", label, len(c.counts))
		}
		if c.sums[label] == nil {
			c.sums[label] = make([]float64, out.Dim)
		}
		c.counts[label]++
		for j, v := range out.Feature(i) {
			c.sums[label][j] += float64(v) - origin[j]
		}
	}
	return nil
}

// learn turns sums into the whitening transformation: the covariance within
// classes is (sum of squares - sum over classes of n mu muᵀ)/N.
func (m *Mahalanobis) learn(all *moments, byClass classSums) error {
	d := len(all.origin)
	sigma := mat.NewSymDense(d, nil)
	sigma.CopySym(all.square)
	var means []*mat.VecDense // of classes that have images, about the origin
	for c, sum := range byClass.sums {
		if byClass.counts[c] == 0 {
			continue
		}
		mu := mat.NewVecDense(d, sum)
		mu.ScaleVec(1/float64(byClass.counts[c]), mu)
		sigma.SymRankOne(sigma, -float64(byClass.counts[c]), mu)
		means = append(means, mu)
	}
	sigma.ScaleSym(1/float64(all.n), sigma)
	whiten, err := inverseRoot(sigma)
	if err != nil {
		return err
	}
	m.whiten, m.mean = whiten, all.origin
	_, rank := whiten.Dims()
	m.centres = mat.NewDense(len(means), rank, nil)
	for c, mu := range means {
		row := m.centres.RowView(c).(*mat.VecDense)
		row.MulVec(whiten.T(), mu)
	}
	return nil
}

// inverseRoot returns a matrix A, one column for each eigenvalue that is not
// zero to rounding, with A Aᵀ the pseudo-inverse of a covariance.
func inverseRoot(sigma *mat.SymDense) (*mat.Dense, error) {
	var eig mat.EigenSym
	if !eig.Factorize(sigma, true) {
		return nil, errors.New("ood: no eigenvalues of the features' covariance; are all features finite?")
	}
	values := eig.Values(nil) // ascending
	d := len(values)
	first := 0
	for first < d && !(values[first] > float64(d)*0x1p-52*values[d-1]) {
		first++
	}
	if first == d {
		return nil, errors.New("ood: the features do not vary within any class: there is no distance to measure")
	}
	var vectors mat.Dense
	eig.VectorsTo(&vectors)
	a := mat.DenseCopyOf(vectors.Slice(0, d, first, d))
	for k := first; k < d; k++ {
		r := 1 / math.Sqrt(values[k])
		for j := range d {
			a.Set(j, k-first, r*a.At(j, k-first))
		}
	}
	return a, nil
}

// Score fills dst with minus half the squared distance to the nearest mean.
func (m *Mahalanobis) Score(dst []float64, out Outputs) error {
	if err := room(dst, out, m.Needs()&^NeedData); err != nil || out.N == 0 {
		return err
	}
	if m.whiten == nil {
		return errNoFit
	}
	if m.Eps != 0 {
		moved, err := m.step(out)
		if err != nil {
			return err
		}
		out = moved
	}
	_, _, err := m.nearest(dst, out)
	return err
}

// nearest fills dst with the scores; it returns the whitened features and the
// class of each image whose mean is nearest.
func (m *Mahalanobis) nearest(dst []float64, out Outputs) (u *mat.Dense, class []int, err error) {
	if out.Dim != len(m.mean) {
		return nil, nil, fmt.Errorf("ood: %d features, but the in-distribution data had %d", out.Dim, len(m.mean))
	}
	u, class = new(mat.Dense), make([]int, out.N)
	u.Mul(centred(out, m.mean), m.whiten)
	classes, _ := m.centres.Dims()
	for i := range dst {
		best := math.Inf(1)
		for c := range classes {
			if d := squaredDistance(u.RawRowView(i), m.centres.RawRowView(c)); d < best {
				best, class[i] = d, c
			}
		}
		dst[i] = -best / 2
	}
	return u, class, nil
}

// step moves the images to where the distance is smaller and runs the model on
// them. The gradient of half the squared distance with respect to the feature is
// A (u - centre), u being the whitened feature.
func (m *Mahalanobis) step(out Outputs) (Outputs, error) {
	u, class, err := m.nearest(make([]float64, out.N), out)
	if err != nil {
		return Outputs{}, err
	}
	for i, c := range class {
		row := u.RawRowView(i)
		for k, v := range m.centres.RawRowView(c) {
			row[k] -= v
		}
	}
	var ct mat.Dense
	ct.Mul(u, m.whiten.T())
	cotangent := make([]float32, out.N*out.Dim)
	for i, v := range ct.RawMatrix().Data {
		cotangent[i] = float32(v)
	}
	grad, err := m.model.FeatureGradient(out.Images, cotangent, out.N)
	if err != nil {
		return Outputs{}, err
	}
	return m.model.Forward(against(out.Images, grad, m.Eps, m.unit), out.N)
}

func init() {
	Register("mahalanobis", "minus half the squared Mahalanobis distance to the nearest class; eps=0 (a step of the image)", func(o *Options) (Detector, error) {
		return &Mahalanobis{Eps: o.NonNegative("eps", 0, 0, 0.0005, 0.001, 0.0014, 0.002, 0.005, 0.01)}, nil
	})
}
