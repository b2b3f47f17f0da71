package layers

import (
	"gradgrad/autograd"
)

// Channels are the groups of channels that a dense block has made so far, as its
// layers read them: side by side and never joined. In train mode each group is
// normalised once, when it comes, for all its readers; otherwise it stays as it
// is, since running statistics are the reader's own.
type Channels struct {
	pass           *Pass
	parts          []*autograd.Value // [N, H, W, c] each
	raw            []*autograd.Value // the same before they were normalised, kept for a hook
	mean, variance *autograd.Value   // of the batch, of all channels so far; train mode
	count          float64           // numbers in a channel
}

// Channels begins with no channels.
func (p *Pass) Channels() *Channels { return &Channels{pass: p} }

// Add appends the channels of x, which it consumes. In train mode it panics when
// there is only one number in a channel, whose variance says nothing.
func (c *Channels) Add(x *autograd.Value) {
	if !c.pass.Train {
		c.parts = append(c.parts, x)
		return
	}
	checkBatch(x)
	c.count = float64(x.Size() / x.Dim(-1))
	xh, mean, variance := autograd.Normalise(x, NormEps)
	c.parts = append(c.parts, xh)
	if c.pass.Hook != nil {
		c.raw = append(c.raw, x)
	} else {
		x.Done()
	}
	c.mean, c.variance = joined(c.mean, mean), joined(c.variance, variance)
}

// joined puts b behind a, if there is an a; it consumes both.
func joined(a, b *autograd.Value) *autograd.Value {
	if a == nil {
		return b
	}
	y := autograd.Concat(0, a, b)
	a.Done()
	b.Done()
	return y
}

// Stage shows all channels, joined, to the hook.
func (c *Channels) Stage(name string) {
	if c.pass.Hook == nil {
		return
	}
	raw := c.raw
	if !c.pass.Train {
		raw = c.parts
	}
	x := autograd.Concat(-1, raw...)
	c.pass.Stage(name, x)
	x.Done()
}

// Done ends the use of the channels.
func (c *Channels) Done() {
	for _, v := range append(append([]*autograd.Value{c.mean, c.variance}, c.parts...), c.raw...) {
		if v != nil {
			v.Done()
		}
	}
}

// DenseLayer is what a dense block does to all its channels to append some: two
// batch norms, each with ReLU behind it, in front of a 1x1 and of a 3x3 convolution.
type DenseLayer struct {
	Norm1 *BatchNorm2D
	Conv1 *Conv2D
	Norm2 *BatchNorm2D
	Conv2 *Conv2D
}

// Grow applies the layers to the channels. Where statistics do not depend on the
// batch all layers are one operation, after which the channels are one value.
func (c *Channels) Grow(layers ...*DenseLayer) {
	if c.pass.Train {
		for _, l := range layers {
			c.Add(c.pass.Block(func() *autograd.Value { return c.pass.Consume(c.Conv(l.Norm1, l.Conv1), l.Norm2, l.Conv2) }))
		}
		return
	}
	x := c.parts[0]
	if len(c.parts) > 1 {
		x = autograd.Concat(-1, c.parts...)
		c.Done()
	}
	constants := make([]autograd.DenseLayer, len(layers))
	for i, l := range layers {
		d := &constants[i]
		d.Scale, d.Shift = c.affine(l.Norm1)
		d.Scale2, d.Shift2 = c.affine(l.Norm2)
		d.Weights, d.Weights2 = c.pass.Param(l.Conv1.Weight), c.pass.Param(l.Conv2.Weight)
	}
	c.parts = []*autograd.Value{autograd.DenseBlock(x, constants...)}
	x.Done()
	for _, d := range constants {
		for _, v := range []*autograd.Value{d.Scale, d.Shift, d.Scale2, d.Shift2} {
			v.Done()
		}
	}
}

// Conv is a 1x1 convolution of ReLU of the batch norm b of the channels.
func (c *Channels) Conv(b *BatchNorm2D, conv *Conv2D) *autograd.Value {
	scale, shift := c.affine(b)
	y := autograd.AffineConv(scale, shift, c.pass.Param(conv.Weight), c.parts...)
	scale.Done()
	shift.Done()
	return y
}

// ReLU is ReLU of the batch norm b of the channels, joined.
func (c *Channels) ReLU(b *BatchNorm2D) *autograd.Value {
	scale, shift := c.affine(b)
	y := autograd.AffineReLU(scale, shift, c.parts...)
	scale.Done()
	shift.Done()
	return y
}

// affine returns what batch norm does to the parts: scale and shift per channel.
// In train mode it moves the running statistics. The caller consumes both.
func (c *Channels) affine(b *BatchNorm2D) (scale, shift *autograd.Value) {
	p := c.pass
	gamma, beta := p.Param(b.Weight), p.Param(b.Bias)
	if p.Train {
		if p.StatUpdates > 0 {
			b.track(p.StatUpdates, c.count, c.mean, c.variance)
		}
		return autograd.Reshape(gamma, gamma.Shape()...), autograd.Reshape(beta, beta.Shape()...)
	}
	return autograd.FoldNorm(gamma, beta, p.Constant(b.Mean.Value), p.Constant(b.Var.Value), NormEps)
}
