package layers

import (
	"gradgrad/autograd"
	"gradgrad/kernels"
)

// Conv2D convolves images [N, H, W, Cin] with Weight [KH, KW, Cin/groups, Cout],
// without bias.
type Conv2D struct {
	Weight *autograd.Param
	At     autograd.Window
}

// Forward returns [N, OutH, OutW, Cout].
func (c *Conv2D) Forward(p *Pass, x *autograd.Value) *autograd.Value {
	return autograd.Conv2D(x, p.Param(c.Weight), c.window(p))
}

// ForwardAdd is Forward added to sum, which has its shape.
func (c *Conv2D) ForwardAdd(p *Pass, x, sum *autograd.Value) *autograd.Value {
	return autograd.Conv2DAdd(x, p.Param(c.Weight), sum, c.window(p))
}

func (c *Conv2D) window(p *Pass) autograd.Window {
	at := c.At
	if at.Algorithm == kernels.ConvAuto {
		at.Algorithm = p.Conv
	}
	return at
}

// Linear maps rows [N, in] to x·Weightᵀ + Bias, [N, out]; Weight is [out, in],
// Bias [out].
type Linear struct {
	Weight, Bias *autograd.Param
}

// Forward returns [N, out].
func (l *Linear) Forward(p *Pass, x *autograd.Value) *autograd.Value {
	return autograd.Linear(x, p.Param(l.Weight), p.Param(l.Bias))
}
