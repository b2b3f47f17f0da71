package optim

import (
	"gradgrad/autograd"
	"gradgrad/kernels"
)

// clipEps keeps PyTorch's quotient finite at a gradient of zero.
const clipEps = 1e-6

// Clipper bounds the Euclidean norm of all gradients together.
type Clipper struct {
	params []*autograd.Param
	most   float64
	dev    kernels.Device
	norms  []kernels.Buffer // one number for each parameter
	joined kernels.Buffer   // all of them
	total  kernels.Buffer
	read   [1]float64
}

// NewClipper returns a clipper of the gradients of params, of which there is at
// least one, to a norm of at most most.
func NewClipper(params []*autograd.Param, most float64) *Clipper {
	c := &Clipper{params: params, most: most, dev: params[0].Value.Device()}
	for range params {
		c.norms = append(c.norms, c.dev.Alloc(1))
	}
	c.joined, c.total = c.dev.Alloc(len(params)), c.dev.Alloc(1)
	return c
}

// Clip multiplies all gradients by most/(norm+1e-6) if that is below 1 and returns
// norm, the Euclidean norm of all gradients before. It waits for the device once.
// With a norm that is not finite the gradients are useless, clipped or not: look
// at what it returns.
func (c *Clipper) Clip() (norm float64) {
	for i, p := range c.params {
		if g := p.Grad(); g != nil {
			c.norm(g.Buffer(), c.norms[i])
		} else {
			c.dev.Run(kernels.Fill, &kernels.Args{Out: c.norms[i : i+1], Attr: &kernels.MapAttr{}})
		}
	}
	n := len(c.norms)
	c.dev.Run(kernels.Concat, &kernels.Args{Out: []kernels.Buffer{c.joined}, In: c.norms, Attr: &kernels.MoveAttr{Out: []int{n}}})
	c.norm(c.joined, c.total)
	c.dev.Read64(c.read[:], c.total)
	norm = c.read[0]
	if factor := c.most / (norm + clipEps); factor < 1 {
		c.scale(factor)
	}
	return norm
}

// norm puts the norm of x into one number.
func (c *Clipper) norm(x, into kernels.Buffer) {
	c.dev.Run(kernels.RowNorm, &kernels.Args{Out: []kernels.Buffer{into}, In: []kernels.Buffer{x},
		Attr: &kernels.ReduceAttr{Outer: 1, Reduce: x.Len(), Inner: 1}})
}

func (c *Clipper) scale(factor float64) {
	for _, p := range c.params {
		if g := p.Grad(); g != nil {
			b := []kernels.Buffer{g.Buffer()}
			c.dev.Run(kernels.Scale, &kernels.Args{Out: b, In: b, Attr: &kernels.MapAttr{Shape: g.Shape(), A: g.Shape(), P: factor}})
		}
	}
}
