package ood

import "math"

// GradNorm is the L1 norm of a gradient (Huang et al., arXiv:2110.00218): of
// sum_c -log p_c, p the softmax of logits/T, with respect to the weights of the
// final linear layer. For a linear head that is, in closed form, ||h||_1
// sum_c |Classes p_c - 1| / T; no gradient is taken. The KL divergence to the
// uniform distribution that the paper writes is this over Classes.
type GradNorm struct {
	T float64 `json:"t"` // temperature, 0 meaning 1
}

// Name returns "gradnorm".
func (GradNorm) Name() string { return "gradnorm" }

// Params returns the temperature.
func (g GradNorm) Params() any { return GradNorm{orOne(g.T)} }

// Needs returns NeedFeatures.
func (GradNorm) Needs() Needs { return NeedFeatures }

// Fit does nothing.
func (GradNorm) Fit(IDData) error { return nil }

// Score fills dst with the norm of the gradient.
func (g GradNorm) Score(dst []float64, out Outputs) error {
	t := orOne(g.T)
	p := make([]float64, max(0, out.Classes))
	return eachFeature(dst, out, func(z []float32, h []float64) float64 {
		softmax(p, z, t)
		var off, size float64
		for _, v := range p {
			off += math.Abs(float64(len(p))*v - 1)
		}
		for _, v := range h {
			size += math.Abs(v)
		}
		return size * off / t
	})
}

func init() {
	Register("gradnorm", "L1 norm of the gradient of the last layer's weights; t=1", func(o *Options) (Detector, error) {
		return GradNorm{T: o.Positive("t", 1)}, nil
	})
}
