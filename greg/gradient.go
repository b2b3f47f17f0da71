package greg

import "gradgrad/autograd"

// GradOf is the score whose gradient the gradient term is about.
type GradOf string

// The scores of gradient terms. The paper penalises the gradient of the score that
// a method uses; for OE it does not say more, and there are two ways to read it.
const (
	GradEnergy GradOf = ""     // the energy: equation (3)
	GradMSP    GradOf = "msp"  // the largest softmax probability, OE's score, where it is above GradIn or below GradAux
	GradLoss   GradOf = "loss" // the loss itself, CE and outlier term, of every image: the authors' code where a network rejects
)

// gradient is equation (3), or its like for another score. All are one program with
// two lists of constants: the gradient is that of sum_i c_i S_i, the term
// sum_i a_i |g_i|. known are the logits of classes.
func (l Loss) gradient(t *autograd.Tape, out *Terms, images, known *autograd.Value, b Batch) {
	n, total := len(b.Labels), images.Dim(0)
	var j, weights *autograd.Value
	switch l.GradOf {
	case GradLoss:
		share := 1 / float32(total)
		j, weights = out.Total, t.Keep(share, func() []float32 { return ones(total, share) }, total)
	default:
		score, in, aux := out.Scores, l.MarginIn, l.MarginAux
		if l.GradOf == GradMSP {
			score, in, aux = autograd.Neg(maxProbability(known)), -l.GradIn, -l.GradAux
		}
		if b.Fixed {
			out.Detected, weights = l.detected(t, score, in, aux, n)
		} else {
			c, a := l.coefficients(out, score.Float64s(), in, aux, n)
			if out.Hits == [2]int{} {
				out.LGrad = t.Full(0)
				return
			}
			out.Detected, weights = t.New(c, total), t.New(a, total)
		}
		j = autograd.Sum(autograd.Mul(score, out.Detected))
	}
	out.Grad = autograd.Grad(j, images)[0]
	out.Norms = autograd.Norm(out.Grad)
	out.LGrad = autograd.Sum(autograd.Mul(out.Norms, weights))
}

func ones(n int, value float32) []float32 {
	a := make([]float32, n)
	for i := range a {
		a[i] = value
	}
	return a
}

// coefficients returns c and a for scores that are small in distribution; detection
// is strict in the authors' program.
func (l Loss) coefficients(out *Terms, scores []float64, marginIn, marginAux float64, n int) (c, a []float32) {
	total := len(scores)
	c, a = make([]float32, total), make([]float32, total)
	for i, s := range scores {
		side, share, hit := 0, 1/float32(n), s <= marginIn
		strict := s < marginIn
		if i >= n {
			side, share, hit, strict = 1, 1/float32(total-n), s >= marginAux, s > marginAux
		}
		if l.Variant == Code {
			a[i], hit = 1/float32(total), strict
		}
		if !hit && !l.ForceHits {
			continue
		}
		out.Hits[side]++
		if l.Variant == Code {
			c[i] = share
		} else {
			c[i], a[i] = 1, share
		}
	}
	return c, a
}

// constants is the key of the numbers of a batch that detected needs.
type constants struct {
	what     string
	in, aux  float64
	n, total int
}

// detected computes what coefficients does on the device, without looking. An image that
// is not detected has a c of 0 but, by way of batch statistics, a gradient of the scores
// of those that are: in the paper's variant its norm counts for nothing.
func (l Loss) detected(t *autograd.Tape, score *autograd.Value, in, aux float64, n int) (c, a *autograd.Value) {
	total := score.Dim(0)
	keep := func(what string, ofIn, ofAux float64) *autograd.Value {
		return t.Keep(constants{what, in, aux, n, total}, func() []float32 {
			return append(ones(n, float32(ofIn)), ones(total-n, float32(ofAux))...)
		}, total)
	}
	shares := keep("share", 1/float64(n), 1/float64(total-n))
	one := keep("one", 1, 1)
	all, weights := one, shares
	if l.Variant == Code {
		all, weights = shares, keep("mean", 1/float64(total), 1/float64(total))
	}
	if l.ForceHits {
		return all, weights
	}
	// An in-distribution image is detected from in down: -S >= -in.
	turned := autograd.Mul(score.Detach(), keep("sign", -1, 1))
	over := autograd.Sub(turned, keep("bound", -in, aux))
	if l.Variant == Code {
		return autograd.Mul(autograd.Above(over, 0), shares), weights
	}
	c = autograd.AtLeast(over, 0)
	return c, autograd.Mul(c, shares)
}

// checkTerms looks at the parameters of the outlier and gradient terms.
func (c Config) checkTerms() error { return c.Loss.check(c.Model.Reject, c.Model.Answers(), c.Prior) }
