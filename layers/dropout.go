package layers

import "gradgrad/autograd"

// Dropout sets elements to zero with probability P in train mode and multiplies
// the others by 1/(1-P). What is dropped depends on the pass's Seed and Step and
// on how many dropout layers ran before in the pass, so a step that is repeated
// drops the same, and two forwards in one pass drop differently.
type Dropout struct{ P float64 }

// DropsPerStep is more dropout layers than any network has: the numbers of streams lie
// so far apart from step to step.
const DropsPerStep = 1 << 20

// Forward returns x itself when nothing is dropped.
func (d Dropout) Forward(p *Pass, x *autograd.Value) *autograd.Value {
	if !p.Train || d.P == 0 {
		return x
	}
	stream := p.drops
	p.drops++
	if p.Clock == nil {
		stream += p.Step * DropsPerStep
	}
	return autograd.DropoutAt(p.Clock, x, d.P, p.Seed, stream)
}
