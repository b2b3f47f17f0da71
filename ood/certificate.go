package ood

import (
	"errors"
	"math"
	"slices"
)

// Certificate says how far an image can move, in the L2 norm, before its decision
// by the energy score can change: equation (4) of the GReg paper
// (arXiv:2404.12368), |gamma - S(x)| / L with L a Lipschitz constant of S.
//
// Radius uses Slope, the largest norm of a row of the Jacobian of the logits. The
// gradient of S is minus a mean of those rows, weighted by the softmax, so in the
// image's linear region (where every ReLU and max-pool of the network keeps its
// state and the logits are affine) Slope bounds it everywhere: no movement
// shorter than Radius within that region changes the decision. Nothing is claimed
// of movements that leave the region, and how far it reaches is not computed;
// neither is the rounding of the network's arithmetic allowed for.
//
// Estimate is what the paper writes: it puts the norm of the gradient at the image
// in the place of L. Even inside the region that is a bound on one side alone. S
// is concave there, so for an accepted image, whose S must not rise, the tangent
// is an upper bound and the estimate holds; for a rejected image S can fall
// faster than at the image, and the estimate is no bound.
type Certificate struct {
	Score    float64  // the energy score, -S
	Decision Decision // at the threshold
	Slope    float64  // largest row norm of the Jacobian
	Gradient float64  // norm of the gradient of S at the image
	Radius   float64  // |Score - threshold| / Slope; +Inf where Slope is 0
	Estimate float64  // |Score - threshold| / Gradient; +Inf where Gradient is 0
}

// Certify computes the certificates of n images at a threshold of the energy
// score (T = 1). It takes one gradient for each class. Norms are those of pixels
// if unit is that of [IDData], of the network's input if it is nil.
func Certify(m Model, images []float32, n int, threshold float64, unit []float32) ([]Certificate, error) {
	if m == nil {
		return nil, errors.New("ood: a certificate needs the model")
	}
	out, err := m.Forward(images, n)
	if err == nil {
		err = out.Check(0)
	}
	if err != nil || n == 0 {
		return nil, err
	}
	size := len(images) / n
	certs := make([]Certificate, n)
	mean := make([]float64, len(images)) // of the Jacobian's rows, weighted by the softmax
	probabilities := make([]float64, n*out.Classes)
	for i := range certs {
		softmax(probabilities[i*out.Classes:(i+1)*out.Classes], out.Row(i), 1)
	}
	for c := range out.Classes {
		row, err := jacobianRow(m, images, out, c)
		if err != nil {
			return nil, err
		}
		for i := range certs {
			p := probabilities[i*out.Classes+c]
			var sum float64
			for k := range size {
				v := float64(row[i*size+k])
				if len(unit) > 0 {
					v *= float64(unit[k%len(unit)])
				}
				sum += v * v
				mean[i*size+k] += p * v
			}
			certs[i].Slope = max(certs[i].Slope, math.Sqrt(sum))
		}
	}
	for i := range certs {
		certs[i].finish(LogSumExp(out.Row(i), 1), threshold, mean[i*size:(i+1)*size])
	}
	return certs, nil
}

// jacobianRow is the gradient of logit c of every image.
func jacobianRow(m Model, images []float32, out Outputs, c int) ([]float32, error) {
	cotangent := make([]float32, len(out.Logits))
	for i := range out.N {
		cotangent[i*out.Classes+c] = 1
	}
	return m.Gradient(images, cotangent, out.N)
}

func (c *Certificate) finish(score, threshold float64, grad []float64) {
	c.Score, c.Decision = score, Decide(score, threshold)
	var sum float64
	for _, v := range grad {
		sum += v * v
	}
	c.Gradient = math.Sqrt(sum)
	gap := math.Abs(score - threshold)
	c.Radius, c.Estimate = reach(gap, c.Slope), reach(gap, c.Gradient)
}

// reach is how far one gets with a slope before a gap is closed.
func reach(gap, slope float64) float64 {
	switch {
	case gap == 0:
		return 0
	case slope == 0:
		return math.Inf(1)
	}
	return gap / slope
}

// CertificateResult is the certificates of an evaluation in brief: the
// "certificate" of results.json.
type CertificateResult struct {
	Score     string         `json:"score"`     // "energy"
	Threshold float64        `json:"threshold"` // what TPR percent of the ID test images reach
	TPR       float64        `json:"tpr"`
	Unit      string         `json:"unit"`  // of radii
	Claim     string         `json:"claim"` // what a radius says and what not
	Sets      []CertifiedSet `json:"sets"`  // the ID set first
}

// Claim is the sentence that stands beside certificates wherever they are shown.
const Claim = "Radius: no change of the image shorter than it changes the decision, as long as the change stays in the image's linear region. " +
	"Estimate: the paper's, with the norm of the gradient at the image; it is no bound."

// CertifiedSet sums up the certificates of one set. Radii are medians over all
// images, whatever the decision; null in the file where they have no limit.
type CertifiedSet struct {
	Name     string   `json:"name"`
	Images   int      `json:"images"`
	Accepted float64  `json:"accepted"` // percent decided as in
	Radius   *float64 `json:"median_radius"`
	Estimate *float64 `json:"median_estimate"`
}

// NewCertifiedSet sums up at least one certificate.
func NewCertifiedSet(name string, certs []Certificate) CertifiedSet {
	s := CertifiedSet{Name: name, Images: len(certs)}
	for _, c := range certs {
		if c.Decision == In {
			s.Accepted += 100 / float64(len(certs))
		}
	}
	s.Radius = median(certs, func(c Certificate) float64 { return c.Radius })
	s.Estimate = median(certs, func(c Certificate) float64 { return c.Estimate })
	return s
}

// median is nil where it is infinite.
func median(certs []Certificate, of func(Certificate) float64) *float64 {
	values := make([]float64, len(certs))
	for i, c := range certs {
		values[i] = of(c)
	}
	slices.Sort(values)
	m := quantile(values, 0.5)
	if math.IsInf(m, 0) {
		return nil
	}
	return &m
}
