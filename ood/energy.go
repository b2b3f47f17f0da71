package ood

// Energy is the energy score of Liu et al. (arXiv:2010.03759): T times the
// log-sum-exp of logits/T. It is -S of the training losses. The zero value has
// T = 1, the temperature of all published tables.
type Energy struct {
	T float64 `json:"t,omitempty"` // temperature, 0 meaning 1
}

// Name returns "energy".
func (Energy) Name() string { return "energy" }

// Params returns the temperature, unless it is 1 (the score has none then).
func (e Energy) Params() any {
	if e.T == 1 {
		e.T = 0
	}
	return e
}

// Needs returns 0: logits suffice.
func (Energy) Needs() Needs { return 0 }

// Fit does nothing.
func (Energy) Fit(IDData) error { return nil }

// Score fills dst with T * logsumexp(logits/T), in float64.
func (e Energy) Score(dst []float64, out Outputs) error {
	t := orOne(e.T)
	return eachRow(dst, out, func(row []float32) float64 { return t * LogSumExp(row, t) })
}

// orOne is a value whose zero means 1.
func orOne(v float64) float64 {
	if v == 0 {
		return 1
	}
	return v
}

func init() {
	Register("energy", "T logsumexp(logits/T); t=1", func(o *Options) (Detector, error) {
		return Energy{T: o.Positive("t", 1)}, nil
	})
}
