package ood

// MaxLogit is the largest logit (Hendrycks et al., arXiv:1911.11132).
type MaxLogit struct{}

// Name returns "maxlogit".
func (MaxLogit) Name() string { return "maxlogit" }

// Params returns an empty struct: there is nothing to choose.
func (m MaxLogit) Params() any { return m }

// Needs returns 0: logits suffice.
func (MaxLogit) Needs() Needs { return 0 }

// Fit does nothing.
func (MaxLogit) Fit(IDData) error { return nil }

// Score fills dst with the largest logit.
func (MaxLogit) Score(dst []float64, out Outputs) error {
	return eachRow(dst, out, func(row []float32) float64 { return float64(row[argmax(row)]) })
}

func init() {
	Register("maxlogit", "largest logit", func(*Options) (Detector, error) { return MaxLogit{}, nil })
}
