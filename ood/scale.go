package ood

// Scale is the energy of features multiplied by exp(sum of all / sum of the
// largest), the largest being those that are left when P percent of the image's
// features go, as in [ASH]; none is set to zero (SCALE, Xu et al.,
// arXiv:2310.00227).
type Scale struct {
	P float64 `json:"p"` // percentage of features outside the second sum

	head *Head
}

// Name returns "scale".
func (*Scale) Name() string { return "scale" }

// Params returns the percentage.
func (s *Scale) Params() any { return Scale{P: s.P} }

// Needs returns NeedFeatures and NeedHead.
func (*Scale) Needs() Needs { return NeedFeatures | NeedHead }

// Fit takes the head.
func (s *Scale) Fit(id IDData) (err error) {
	s.head, err = id.needHead()
	return err
}

// Score fills dst with the energy of the scaled features.
func (s *Scale) Score(dst []float64, out Outputs) error {
	if err := s.head.fits(out); err != nil {
		return err
	}
	z, sorted := make([]float64, out.Classes), make([]float64, out.Dim)
	return eachFeature(dst, out, func(_ []float32, h []float64) float64 {
		top := largest(h, sorted, s.P)
		r := top.factor()
		for j := range h {
			h[j] *= r
		}
		return s.head.energy(z, h)
	})
}

func init() {
	Register("scale", "energy of features scaled by exp(sum / sum of the largest); p=85", func(o *Options) (Detector, error) {
		return &Scale{P: o.Percentile("p", 85, 65, 70, 75, 80, 85, 90, 95)}, nil
	})
}
