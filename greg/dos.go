package greg

import (
	"math"

	"gradgrad/autograd"
)

// absentTerm is the outlier term of DOS (arXiv:2306.02031) and NTOM
// (arXiv:2006.15207): the cross-entropy of outliers [m, classes+1] with the last
// output, which stands for none of the classes. DOS chooses its outliers with a
// [ClusterSampler], NTOM with a [RankSampler].
func absentTerm(logits *autograd.Value) *autograd.Value {
	none := logits.Tape().Full(float64(logits.Dim(1)-1), logits.Dim(0))
	return autograd.CrossEntropy(logits, none)
}

// absentProbability is the softmax probability of the output for none of the
// classes, given its logit and the log-sum-exp of the others.
func absentProbability(absent, others float64) float64 { return 1 / (1 + math.Exp(others-absent)) }
