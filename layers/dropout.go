package layers

import "gradgrad/autograd"

// Dropout sets elements to zero with probability P in train mode and multiplies
// the others by 1/(1-P). What is dropped depends on the pass's Seed and Step and
// on how many dropout layers ran before in the pass, so a step that is repeated
// drops the same, and two forwards in one pass drop differently.
type Dropout struct{ P float64 }

// dropsPerStep is more dropout layers than any network has.
const dropsPerStep = 1 << 20

// Forward returns x itself when nothing is dropped.
func (d Dropout) Forward(p *Pass, x *autograd.Value) *autograd.Value {
	if !p.Train || d.P == 0 {
		return x
	}
	stream := p.Step*dropsPerStep + p.drops
	p.drops++
	return autograd.Dropout(x, d.P, p.Seed, stream)
}
