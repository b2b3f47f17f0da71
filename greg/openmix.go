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
func mixedTerm(logits *autograd.Value, b Batch) *autograd.Value {
	known := autograd.CrossEntropy(logits, b.labels(logits.Tape(), logits.Dim(0), logits.Dim(1)))
	return autograd.Add(times(known, b.Share, b.On.Share), times(absentTerm(logits), 1-b.Share, b.On.Rest))
}

// mixingStream keeps lambda's random numbers apart from others of the same seed.
const mixingStream = 0x6f70656e6d6978

// mixingShare draws the share of the in-distribution images of a step, one for the
// batch, from Beta(beta, beta).
func mixingShare(beta float64, seed uint64, step int) float64 {
	return distuv.Beta{Alpha: beta, Beta: beta, Src: rand.NewPCG(seed^mixingStream, uint64(step))}.Rand()
}

// MixAt is where OpenMix mixes.
type MixAt string

// The places where OpenMix mixes: the images, as in the paper, or (the default of
// the authors' code) at a depth drawn for every step, the images or what comes out
// of the first or the second group of blocks.
const (
	MixImages   MixAt = ""
	MixManifold MixAt = "manifold"
)

// mixingDepth draws how many groups of blocks a step's images go through before they
// are mixed.
func (l Loss) mixingDepth(seed uint64, step int) int {
	if l.MixAt != MixManifold {
		return 0
	}
	return random(seed, depthSeed, step).IntN(3)
}

// depthSeed keeps the depths' random numbers apart.
const depthSeed = 0x6465707468

// mixAfter returns what mixes, after the batch's depth of groups of blocks, the rows of
// outliers with as many of the first n rows, which stay what they are.
func mixAfter(b Batch, n int) func(v *autograd.Value) *autograd.Value {
	depth := b.Depth
	return func(v *autograd.Value) *autograd.Value {
		if depth--; depth != 0 {
			return v
		}
		in, aux := autograd.Slice(v, 0, 0, n), autograd.Slice(v, 0, n, v.Dim(0))
		partner := autograd.Slice(v, 0, 0, aux.Dim(0))
		mixed := autograd.Add(times(partner, b.Share, b.On.Share), times(aux, 1-b.Share, b.On.Rest))
		both := autograd.Concat(0, in, mixed)
		for _, x := range []*autograd.Value{v, in, aux, partner, mixed} {
			x.Done()
		}
		return both
	}
}

// mix replaces outliers by their mixture with in-distribution images:
// aux = lambda in + (1-lambda) aux, element by element.
func mix(in, aux []float32, lambda float64) {
	for i, x := range aux {
		aux[i] = float32(lambda*float64(in[i]) + (1-lambda)*float64(x))
	}
}
