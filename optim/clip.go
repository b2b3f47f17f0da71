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
	bound  kernels.Args // the factor on the device
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
	c.bound.Out = []kernels.Buffer{c.dev.Alloc(1)}
	c.total = kernels.Args{In: joined, Out: []kernels.Buffer{c.dev.Alloc(1)}, Attr: rowOf(n)}
	return c
}

func rowOf(n int) *kernels.ReduceAttr { return &kernels.ReduceAttr{Outer: 1, Reduce: n, Inner: 1} }

// Clip multiplies all gradients by most/(norm+1e-6) if that is below 1 and returns
// norm, the Euclidean norm of all gradients before. It waits for the device once.
// With a norm that is not finite the gradients are useless, clipped or not: look
// at what it returns.
func (c *Clipper) Clip() (norm float64) {
	c.measure()
	c.dev.Read64(c.result[:], c.total.Out[0])
	norm = c.result[0]
	if c.factor.P = c.most / (norm + clipEps); c.factor.P < 1 {
		c.scale(kernels.Scale, nil)
	}
	return norm
}

// Bound does what Clip does without waiting: the factor is computed on the device, in
// its element type, and all gradients are multiplied by it, by 1 where there is nothing
// to clip. A step that is captured ([kernels.Capturer]) clips so.
func (c *Clipper) Bound() {
	c.measure()
	one := func(k *kernels.Kernel, at kernels.MapAttr, in ...kernels.Buffer) {
		at.Shape, at.A, at.B = []int{1}, []int{1}, []int{1}
		c.dev.Run(k, &kernels.Args{In: in, Out: c.bound.Out, Attr: &at})
	}
	b := c.bound.Out[0]
	one(kernels.Scale, kernels.MapAttr{P: 1, Q: clipEps}, c.total.Out[0])
	one(kernels.Inverse, kernels.MapAttr{}, b)
	one(kernels.Scale, kernels.MapAttr{P: c.most}, b)
	one(kernels.Clamp, kernels.MapAttr{P: 0, Q: 1}, b)
	c.scale(kernels.Mul, b)
}

// measure computes the norm.
func (c *Clipper) measure() {
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
}

// scale multiplies the gradients by the factor, or by the number in a buffer.
func (c *Clipper) scale(k *kernels.Kernel, by kernels.Buffer) {
	for i := range c.parts {
		part := &c.parts[i]
		g := part.param.Grad()
		if g == nil {
			continue
		}
		part.scale.In, part.scale.Out[0], part.scale.Attr = append(part.scale.In[:0], g.Buffer()), g.Buffer(), &c.factor
		if by != nil {
			n := []int{g.Size()}
			part.scale.In, part.scale.Attr = append(part.scale.In, by), &kernels.MapAttr{Shape: n, A: n, B: []int{1}}
		}
		c.dev.Run(k, &part.scale)
	}
}
