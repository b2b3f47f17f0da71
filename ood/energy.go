package ood

import (
	"fmt"
	"math"
)

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
	t := e.T
	if t == 0 {
		t = 1
	}
	return eachRow(dst, out, func(row []float32) float64 { return t * LogSumExp(row, t) })
}

// MSP is the maximum softmax probability of Hendrycks and Gimpel
// (arXiv:1610.02136). It has no hyper-parameters.
type MSP struct{}

// Name returns "msp".
func (MSP) Name() string { return "msp" }

// Params returns an empty struct.
func (MSP) Params() any { return struct{}{} }

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

// LogSumExp returns log(sum(exp(logits/t))), stable for any finite logits.
func LogSumExp(logits []float32, t float64) float64 {
	top := float64(logits[argmax(logits)])
	return top/t + math.Log(sumExp(logits, top, t))
}

// sumExp is the sum of exp((v-top)/t); at least 1 when top is the largest.
func sumExp(row []float32, top, t float64) float64 {
	var sum float64
	for _, v := range row {
		sum += math.Exp((float64(v) - top) / t)
	}
	return sum
}

// eachRow scores image by image with a function of the logits alone.
func eachRow(dst []float64, out Outputs, f func(row []float32) float64) error {
	if err := out.Check(0); err != nil {
		return err
	}
	if len(dst) != out.N {
		return fmt.Errorf("ood: room for %d scores, but %d images", len(dst), out.N)
	}
	for i := range dst {
		dst[i] = f(out.Row(i))
	}
	return nil
}

func init() {
	Register("energy", "T logsumexp(logits/T); t=1", func(o *Options) (Detector, error) {
		t := o.Float("t", 1)
		if !(t > 0) || math.IsInf(t, 0) {
			return nil, fmt.Errorf("t=%v: the temperature must be positive", t)
		}
		return Energy{T: t}, nil
	})
	Register("msp", "maximum softmax probability", func(*Options) (Detector, error) { return MSP{}, nil })
}
