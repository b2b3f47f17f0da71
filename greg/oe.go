package greg

import "gradgrad/autograd"

// uniformTerm is the outlier term of outlier exposure (arXiv:1812.04606): the mean
// cross-entropy from the uniform distribution to the network's, which is
// logsumexp(z) - mean(z), for outliers [m, classes].
func uniformTerm(logits *autograd.Value) *autograd.Value {
	return autograd.Mean(autograd.Sub(autograd.LogSumExp(logits), autograd.Mean(logits, 1)))
}

// maxProbability is the score of OE, the largest softmax probability of every row.
// The classes that are largest count as fixed when it is differentiated.
func maxProbability(logits *autograd.Value) *autograd.Value {
	return autograd.Exp(autograd.Sub(autograd.Max(logits, 1), autograd.LogSumExp(logits)))
}
