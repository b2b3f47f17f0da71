package ood

// MSP is the maximum softmax probability of Hendrycks and Gimpel
// (arXiv:1610.02136), between 1/Classes and 1.
type MSP struct{}

// Name returns "msp".
func (MSP) Name() string { return "msp" }

// Params returns an empty struct: there is nothing to choose.
func (m MSP) Params() any { return m }

// Needs returns 0: logits suffice.
func (MSP) Needs() Needs { return 0 }

// Fit does nothing.
func (MSP) Fit(IDData) error { return nil }

// Score fills dst with the largest softmax probability, in float64.
func (MSP) Score(dst []float64, out Outputs) error {
	return eachRow(dst, out, func(row []float32) float64 {
		return 1 / sumExp(row, float64(row[argmax(row)]), 1)
	})
}

func init() {
	Register("msp", "maximum softmax probability", func(*Options) (Detector, error) { return MSP{}, nil })
}
