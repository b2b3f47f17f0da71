package greg

import (
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"

	"gradgrad/autograd"
)

// mixedTerm is the outlier term of OpenMix (arXiv:2303.17093) for the logits
// [m, classes+1] of images mixed from an in-distribution image, whose label is
// given, and an outlier with shares lambda and 1-lambda:
//
//	lambda CE(z, label) + (1-lambda) CE(z, none of the classes)
func mixedTerm(logits *autograd.Value, labels []int, lambda float64) *autograd.Value {
	t := logits.Tape()
	known := autograd.CrossEntropy(logits, t.Labels(labels, logits.Dim(1)))
	return autograd.Add(autograd.Scale(known, lambda), autograd.Scale(absentTerm(logits), 1-lambda))
}

// mixingStream keeps lambda's random numbers apart from others of the same seed.
const mixingStream = 0x6f70656e6d6978

// mixingShare draws the share of the in-distribution images of a step, one for the
// batch, from Beta(beta, beta).
func mixingShare(beta float64, seed uint64, step int) float64 {
	return distuv.Beta{Alpha: beta, Beta: beta, Src: rand.NewPCG(seed^mixingStream, uint64(step))}.Rand()
}

// mix replaces outliers by their mixture with in-distribution images:
// aux = lambda in + (1-lambda) aux, element by element.
func mix(in, aux []float32, lambda float64) {
	for i, x := range aux {
		aux[i] = float32(lambda*float64(in[i]) + (1-lambda)*float64(x))
	}
}
