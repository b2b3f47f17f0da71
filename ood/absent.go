package ood

import (
	"fmt"
	"math"
)

// Absent is the score of networks with one output more than there are classes:
// 1 minus its softmax probability, as DOS (arXiv:2306.02031) is judged; NTOM's
// minus that probability (arXiv:2006.15207) gives the same ranks. It has no
// hyper-parameters.
type Absent struct{}

// Name returns "absent".
func (Absent) Name() string { return "absent" }

// Params returns an empty struct.
func (Absent) Params() any { return struct{}{} }

// Needs returns NeedAbsent.
func (Absent) Needs() Needs { return NeedAbsent }

// Fit does nothing.
func (Absent) Fit(IDData) error { return nil }

// Score fills dst with the probability of all classes together, in float64: a sum
// of parts and not a difference from 1, which would lose small ones.
func (Absent) Score(dst []float64, out Outputs) error {
	if err := out.Check(NeedAbsent); err != nil {
		return err
	}
	if len(dst) != out.N {
		return fmt.Errorf("ood: room for %d scores, but %d images", len(dst), out.N)
	}
	for i := range dst {
		dst[i] = 1 / (1 + math.Exp(float64(out.Absent[i])-LogSumExp(out.Row(i), 1)))
	}
	return nil
}

func init() {
	Register("absent", "probability of all classes together, for networks with an output for none (dos, ntom)", func(*Options) (Detector, error) { return Absent{}, nil })
}
