package optim

import (
	"gradgrad/autograd"
	"gradgrad/kernels"
)

// clipEps keeps PyTorch's quotient finite at a gradient of zero.
const clipEps = 1e-6

// Clipper bounds the Euclidean norm of all gradients together.
type Clipper struct {
	most   float64
	dev    kernels.Device
	parts  []clipPart
	join   kernels.Args // the parts' norms to one array
	total  kernels.Args // its norm
	factor kernels.MapAttr
	result [1]float64
}

// clipPart are the kernel calls for one parameter, made once and used every step.
type clipPart struct {
	param             *autograd.Param
	norm, zero, scale kernels.Args
}

// NewClipper returns a clipper of the gradients of params, of which there is at
// least one, to a norm of at most most.
func NewClipper(params []*autograd.Param, most float64) *Clipper {
	n := len(params)
	c := &Clipper{most: most, dev: params[0].Value.Device()}
	norms := make([]kernels.Buffer, n)
	for i, p := range params {
		norms[i] = c.dev.Alloc(1)
		own := norms[i : i+1]
		c.parts = append(c.parts, clipPart{
			param: p,
			norm:  kernels.Args{In: make([]kernels.Buffer, 1), Out: own, Attr: rowOf(p.Value.Size())},
			zero:  kernels.Args{Out: own, Attr: &kernels.MapAttr{}},
			scale: kernels.Args{In: make([]kernels.Buffer, 1), Out: make([]kernels.Buffer, 1), Attr: &c.factor},
		})
	}
	joined := []kernels.Buffer{c.dev.Alloc(n)}
	c.join = kernels.Args{In: norms, Out: joined, Attr: &kernels.MoveAttr{Out: []int{n}}}
	c.total = kernels.Args{In: joined, Out: []kernels.Buffer{c.dev.Alloc(1)}, Attr: rowOf(n)}
	return c
}

func rowOf(n int) *kernels.ReduceAttr { return &kernels.ReduceAttr{Outer: 1, Reduce: n, Inner: 1} }

// Clip multiplies all gradients by most/(norm+1e-6) if that is below 1 and returns
// norm, the Euclidean norm of all gradients before. It waits for the device once.
// With a norm that is not finite the gradients are useless, clipped or not: look
// at what it returns.
func (c *Clipper) Clip() (norm float64) {
	for i := range c.parts {
		part := &c.parts[i]
		g := part.param.Grad()
		if g == nil {
			c.dev.Run(kernels.Fill, &part.zero)
			continue
		}
		part.norm.In[0] = g.Buffer()
		c.dev.Run(kernels.RowNorm, &part.norm)
	}
	c.dev.Run(kernels.Concat, &c.join)
	c.dev.Run(kernels.RowNorm, &c.total)
	c.dev.Read64(c.result[:], c.total.Out[0])
	norm = c.result[0]
	if c.factor.P = c.most / (norm + clipEps); c.factor.P < 1 {
		c.scale()
	}
	return norm
}

// scale multiplies the gradients by the factor.
func (c *Clipper) scale() {
	for i := range c.parts {
		part := &c.parts[i]
		if g := part.param.Grad(); g != nil {
			part.scale.In[0], part.scale.Out[0] = g.Buffer(), g.Buffer()
			c.dev.Run(kernels.Scale, &part.scale)
		}
	}
}
