package autograd

import "gradgrad/kernels"

// Param is a value that training changes, with a name that is the same in every
// run and in every checkpoint, such as "block1.layer.0.conv1.weight".
type Param struct {
	Name  string
	Value *Value

	grad *Value
	has  bool
	args kernels.Args // of add
	attr kernels.MapAttr
}

// NewParam names a free-standing value as a parameter.
func NewParam(name string, v *Value) *Param { return &Param{Name: name, Value: v} }

// Grad is the sum of the gradients that [Backward] has added since ClearGrad;
// nil when there is none.
func (p *Param) Grad() *Value {
	if !p.has {
		return nil
	}
	return p.grad
}

// ClearGrad forgets the gradient; the memory is kept for the next one.
func (p *Param) ClearGrad() { p.has = false }

func (p *Param) add(g *Value) {
	if p.grad == nil {
		p.grad = alloc(p.Value.dev, nil, p.Value.shape)
	}
	if p.has {
		runAdd(&p.args, &p.attr, p.grad, g)
		return
	}
	p.has = true
	p.args.Out = append(p.args.Out, p.grad.Buffer())
	p.args.In = append(p.args.In, g.Buffer())
	p.grad.dev.Run(kernels.Copy, &p.args)
	emptied(&p.args)
}
