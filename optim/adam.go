package optim

import (
	"gradgrad/autograd"
	"gradgrad/kernels"
)

// AdamConfig are the constants of [Adam]; zeros of the first three mean
// PyTorch's defaults.
type AdamConfig struct {
	Beta1 float64 // of the mean of gradients, 0.9
	Beta2 float64 // of the mean of their squares, 0.999
	Eps   float64 // added to the denominator, 1e-8
	Decay float64 // weight decay, added to the gradient (not AdamW)
}

// Adam is the method of Kingma and Ba (arXiv 1412.6980). With gradient g, weights
// w and t = 1 in the first step of a parameter,
//
//	d = g + Decay*w
//	m = Beta1*m + (1-Beta1)*d
//	v = Beta2*v + (1-Beta2)*d²
//	w = w - lr * m/(1-Beta1^t) / (√(v/(1-Beta2^t)) + Eps)
type Adam struct {
	updates []update
	attrs   []kernels.AdamAttr // of every parameter, because each has a t of its own
	moved   []bool             // which had a gradient in the last step
	m, v    []*autograd.Value
}

// NewAdam returns an optimiser of params.
func NewAdam(params []*autograd.Param, c AdamConfig) *Adam {
	if c.Beta1 == 0 {
		c.Beta1 = 0.9
	}
	if c.Beta2 == 0 {
		c.Beta2 = 0.999
	}
	if c.Eps == 0 {
		c.Eps = 1e-8
	}
	a := &Adam{attrs: make([]kernels.AdamAttr, len(params)), moved: make([]bool, len(params))}
	for i, p := range params {
		a.attrs[i] = kernels.AdamAttr{Beta1: c.Beta1, Beta2: c.Beta2, Eps: c.Eps, Decay: c.Decay}
		m, v := moment(p), moment(p)
		a.m, a.v = append(a.m, m), append(a.v, v)
		a.updates = append(a.updates, newUpdate(p, &a.attrs[i], m, v))
	}
	return a
}

// Step implements [Optimizer].
func (a *Adam) Step(lr float64) {
	a.apply(lr)
	clearGrads(a.updates)
}

func (a *Adam) apply(lr float64) {
	for i := range a.updates {
		u := &a.updates[i]
		g := u.param.Grad()
		a.moved[i] = g != nil
		if g != nil {
			a.attrs[i].LR = lr
			a.attrs[i].Step++
			u.run(kernels.Adam, g)
		}
	}
}

// Again implements [Optimizer].
func (a *Adam) Again(lr float64) {
	for i := range a.attrs {
		if a.moved[i] {
			a.attrs[i].LR = lr
			a.attrs[i].Step++
		}
	}
}

// Undo implements [Optimizer].
func (a *Adam) Undo() {
	for i := range a.attrs {
		if a.moved[i] {
			a.attrs[i].Step--
		}
	}
}

// State implements [Optimizer]: "exp_avg" (m), "exp_avg_sq" (v) and "step" (t)
// for every parameter.
func (a *Adam) State() []Tensor {
	var state []Tensor
	for i := range a.updates {
		p := a.updates[i].param
		state = append(state, copyOf(p, "exp_avg", a.m[i]), copyOf(p, "exp_avg_sq", a.v[i]),
			Tensor{Name: nameOf(p, "step"), Data: []float64{float64(a.attrs[i].Step)}})
	}
	return state
}

// LoadState implements [Optimizer].
func (a *Adam) LoadState(state []Tensor) error {
	x := indexOf(state)
	found := make([][3][]float64, len(a.updates))
	for i := range a.updates {
		p := a.updates[i].param
		for k, what := range []string{"exp_avg", "exp_avg_sq", "step"} {
			n := p.Value.Size()
			if what == "step" {
				n = 1
			}
			var err error
			if found[i][k], err = x.find(p, what, n); err != nil {
				return err
			}
		}
	}
	for i, f := range found {
		write(a.m[i], f[0])
		write(a.v[i], f[1])
		a.attrs[i].Step = int(f[2][0])
	}
	return nil
}
