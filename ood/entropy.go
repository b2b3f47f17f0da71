package ood

import "math"

// Entropy is the negative entropy of the softmax, divided by log(Classes), so
// that it lies between -1 (all classes alike) and 0: sum p log(p + 1e-8) /
// log(Classes), as in the detection script of the GReg code. With one class it is 0.
type Entropy struct{}

// Name returns "entropy".
func (Entropy) Name() string { return "entropy" }

// Params returns an empty struct: there is nothing to choose.
func (e Entropy) Params() any { return e }

// Needs returns 0: logits suffice.
func (Entropy) Needs() Needs { return 0 }

// Fit does nothing.
func (Entropy) Fit(IDData) error { return nil }

// Score fills dst with the negative normalised entropy.
func (Entropy) Score(dst []float64, out Outputs) error {
	p := make([]float64, max(0, out.Classes))
	return eachRow(dst, out, func(row []float32) float64 {
		if len(row) == 1 {
			return 0
		}
		softmax(p, row, 1)
		var sum float64
		for _, v := range p {
			sum += v * math.Log(v+1e-8)
		}
		return sum / math.Log(float64(len(row)))
	})
}

func init() {
	Register("entropy", "negative entropy of the softmax over log(classes)", func(*Options) (Detector, error) { return Entropy{}, nil })
}
