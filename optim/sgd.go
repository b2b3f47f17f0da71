package optim

import (
	"gradgrad/autograd"
	"gradgrad/kernels"
)

// SGDConfig are the constants of [SGD]. The zero value is plain gradient descent.
type SGDConfig struct {
	Momentum float64 // 0 for none
	Decay    float64 // weight decay
	Nesterov bool
}

// SGD is stochastic gradient descent. With gradient g and weights w,
//
//	d = g + Decay*w
//	m = Momentum*m + d                        (m = 0 before the first step)
//	w = w - lr*m, or w - lr*(d + Momentum*m) with Nesterov
type SGD struct {
	config  SGDConfig
	attr    kernels.SGDAttr // shared by all updates
	updates []update
	moments []*autograd.Value // nil without momentum
}

// NewSGD returns an optimiser of params.
func NewSGD(params []*autograd.Param, c SGDConfig) *SGD {
	s := &SGD{config: c, attr: kernels.SGDAttr{Momentum: c.Momentum, Decay: c.Decay, Nesterov: c.Nesterov}}
	for _, p := range params {
		if c.Momentum == 0 {
			s.updates = append(s.updates, newUpdate(p, &s.attr))
			continue
		}
		m := moment(p)
		s.moments = append(s.moments, m)
		s.updates = append(s.updates, newUpdate(p, &s.attr, m))
	}
	return s
}

// Step implements [Optimizer].
func (s *SGD) Step(lr float64) {
	s.apply(lr)
	clearGrads(s.updates)
}

func (s *SGD) apply(lr float64) {
	s.attr.LR = lr
	for i := range s.updates {
		u := &s.updates[i]
		if g := u.param.Grad(); g != nil {
			u.run(kernels.SGD, g)
		}
	}
}

// Again implements [Optimizer].
func (s *SGD) Again(lr float64) { s.attr.LR = lr }

// Undo implements [Optimizer]; nothing was counted.
func (s *SGD) Undo() {}

// State implements [Optimizer]: "momentum" for every parameter.
func (s *SGD) State() []Tensor {
	var state []Tensor
	for i, m := range s.moments {
		state = append(state, copyOf(s.updates[i].param, "momentum", m))
	}
	return state
}

// LoadState implements [Optimizer].
func (s *SGD) LoadState(state []Tensor) error {
	x := indexOf(state)
	found := make([][]float64, len(s.moments))
	for i, m := range s.moments {
		var err error
		if found[i], err = x.find(s.updates[i].param, "momentum", m.Size()); err != nil {
			return err
		}
	}
	for i, m := range s.moments {
		write(m, found[i])
	}
	return nil
}
