package greg

import (
	"context"
	"fmt"
	"math"

	"gradgrad/datasets"
	"gradgrad/ood"
)

// Files of an evaluation beside its scores (see ScoreFile): the certificates'
// radii and estimates, in pixel brightness from 0 to 1. They are negative where
// the image is rejected.
const (
	RadiusFile   = "certificate-radius"
	EstimateFile = "certificate-estimate"
)

func (s *Scored) keepEnergies(e Evaluation, out ood.Outputs) {
	for i := 0; e.Certify > 0 && i < out.N; i++ {
		s.energies = append(s.energies, ood.LogSumExp(out.Row(i), 1))
	}
}

// certify computes certificates of some images of every set. The threshold is
// chosen on the ID set alone.
func (c *Classifier) certify(ctx context.Context, e Evaluation, s *Scored, done *int, total int) error {
	threshold, err := ood.Threshold(s.energies, 0.95)
	if err != nil {
		return err
	}
	s.Certificates = map[string][]ood.Certificate{}
	s.Results.Certificate = &ood.CertificateResult{Score: ood.Energy{}.Name(), Threshold: threshold, TPR: 95, Unit: "L2 of pixels in [0, 1]", Claim: ood.Claim}
	unit := c.IDData().Unit
	for _, set := range append([]datasets.Set{e.ID}, e.OOD...) {
		var certs []ood.Certificate
		for out, err := range c.Outputs(ctx, spread(set, e.Certify), true) {
			if err != nil {
				return fmt.Errorf("%s: %w", set.Name(), err)
			}
			batch, err := ood.Certify(c, out.Images, out.N, threshold, unit)
			if err != nil {
				return fmt.Errorf("%s: %w", set.Name(), err)
			}
			certs = append(certs, batch...)
			if *done += out.N; e.Progress != nil {
				e.Progress(set.Name(), *done, total)
			}
		}
		s.Certificates[set.Name()] = certs
		s.Results.Certificate.Sets = append(s.Results.Certificate.Sets, ood.NewCertifiedSet(set.Name(), certs))
	}
	return nil
}

// spread is n images at even distances.
func spread(s datasets.Set, n int) datasets.Set {
	n = min(n, s.Len())
	indices := make([]int, n)
	for i := range indices {
		indices[i] = i * s.Len() / n
	}
	return datasets.Subset(s, indices)
}

func (s *Scored) writeCertificates(dir string) error {
	for set, certs := range s.Certificates {
		radii, estimates := make([]float64, len(certs)), make([]float64, len(certs))
		for i, c := range certs {
			sign := -1.0
			if c.Decision == ood.In {
				sign = 1
			}
			radii[i], estimates[i] = math.Copysign(c.Radius, sign), math.Copysign(c.Estimate, sign)
		}
		if err := ood.WriteNPY(ScoreFile(dir, RadiusFile, set), radii); err != nil {
			return err
		}
		if err := ood.WriteNPY(ScoreFile(dir, EstimateFile, set), estimates); err != nil {
			return err
		}
	}
	return nil
}
