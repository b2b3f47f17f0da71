package optim

import (
	"fmt"

	"gradgrad/autograd"
	"gradgrad/kernels"
)

// Optimizer changes parameters along their gradients.
type Optimizer interface {
	// Step takes one step with the given learning rate and clears the gradients.
	Step(lr float64)
	// Again counts one more step like the last one, with the given learning rate, which
	// a device does by itself ([kernels.Capturer]): attributes change, nothing runs.
	Again(lr float64)
	// Undo takes back what the last Step or Again counted, for a step that was captured
	// and is not done.
	Undo()
	// State returns copies of everything that later steps depend on but the
	// parameters themselves, LoadState restores it. Tensors of other names in the
	// argument are ignored; one that is missing or of another size is an error, and
	// then nothing has changed.
	State() []Tensor
	LoadState(state []Tensor) error
}

// Prefix begins the names of all tensors of an optimiser's state, which are
// optim.<parameter>.<what>, such as "optim.fc.bias.momentum".
const Prefix = "optim."

// Tensor is a named array of an optimiser's state, in the shape of its parameter
// (convolution weights [KH, KW, Cin, Cout]); a number has no dimensions. float64
// holds the numbers of every device exactly.
type Tensor struct {
	Name  string
	Shape []int
	Data  []float64
}

// moment makes the buffer of a running average, which begins at zero.
func moment(p *autograd.Param) *autograd.Value {
	return autograd.Full(p.Value.Device(), 0, p.Value.Shape()...)
}

// update is one kernel call for one parameter, made once and used every step.
type update struct {
	param *autograd.Param
	args  kernels.Args
}

func newUpdate(p *autograd.Param, attr any, moments ...*autograd.Value) update {
	u := update{param: p, args: kernels.Args{In: []kernels.Buffer{nil}, Out: []kernels.Buffer{p.Value.Buffer()}, Attr: attr}}
	for _, m := range moments {
		u.args.Out = append(u.args.Out, m.Buffer())
	}
	return u
}

// run applies the kernel to the parameter and its gradient.
func (u *update) run(k *kernels.Kernel, grad *autograd.Value) {
	u.args.In[0] = grad.Buffer()
	u.param.Value.Device().Run(k, &u.args)
	u.param.Value.Changed()
}

// clearGrads forgets the gradients of all parameters.
func clearGrads(updates []update) {
	for i := range updates {
		updates[i].param.ClearGrad()
	}
}

func copyOf(p *autograd.Param, what string, v *autograd.Value) Tensor {
	return Tensor{Name: nameOf(p, what), Shape: v.Shape(), Data: v.Float64s()}
}

func nameOf(p *autograd.Param, what string) string { return Prefix + p.Name + "." + what }

// index finds tensors by name.
type index map[string][]float64

func indexOf(state []Tensor) index {
	x := index{}
	for _, t := range state {
		x[t.Name] = t.Data
	}
	return x
}

// find returns the n numbers of a parameter's state.
func (x index) find(p *autograd.Param, what string, n int) ([]float64, error) {
	name := nameOf(p, what)
	data, ok := x[name]
	switch {
	case !ok:
		return nil, fmt.Errorf("optim: the state lacks %s: it is of another optimiser or of another network", name)
	case len(data) != n:
		return nil, fmt.Errorf("optim: %s has %d numbers in the state, not %d: it is of another network", name, len(data), n)
	}
	return data, nil
}

// write puts numbers into an array on its device.
func write(v *autograd.Value, data []float64) { v.Device().Write64(v.Buffer(), data) }
