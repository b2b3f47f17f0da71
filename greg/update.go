package greg

import (
	"math"

	"gradgrad/autograd"
	"gradgrad/checkpoint"
	"gradgrad/kernels"
	"gradgrad/optim"
)

// newOptimizer makes the optimiser that the config asks for.
func newOptimizer(c Config, params []*autograd.Param) optim.Optimizer {
	if c.Optimizer == "adam" {
		return optim.NewAdam(params, optim.AdamConfig{Decay: c.Decay})
	}
	return optim.NewSGD(params, optim.SGDConfig{Momentum: c.Momentum, Nesterov: c.Nesterov, Decay: c.Decay})
}

// schedule is the learning rate of every step of a run of the given length. The
// milestones of a multistep schedule are shares of the run.
func (c Config) schedule(total int) optim.Schedule {
	var s optim.Schedule
	main := max(total-c.Warmup, 1)
	switch c.Schedule {
	case "cosine":
		s = optim.Cosine(c.LR, min(c.MinLR, c.LR), main).From(c.FirstStep)
	case "multistep":
		at := make([]int, len(c.Milestones))
		for i, m := range c.Milestones {
			at[i] = int(math.Round(m * float64(main)))
		}
		s = optim.MultiStep(c.LR, 0.1, at...)
	default:
		s = optim.Constant(c.LR)
	}
	if c.Warmup > 0 {
		s = optim.Warmup(c.Warmup, 1/float64(c.Warmup), s)
	}
	return s
}

// optimState turns an optimiser's state into tensors of a checkpoint, in the
// element type that the device computes in; single numbers are float64.
func optimState(o optim.Optimizer, t kernels.DType) []checkpoint.Tensor {
	var ts []checkpoint.Tensor
	for _, s := range o.State() {
		if t == kernels.Float64 || len(s.Shape) == 0 {
			ts = append(ts, checkpoint.New(s.Name, s.Shape, s.Data))
			continue
		}
		short := make([]float32, len(s.Data))
		for i, x := range s.Data {
			short[i] = float32(x)
		}
		ts = append(ts, checkpoint.New(s.Name, s.Shape, short))
	}
	return ts
}

// loadOptimState is the inverse of optimState.
func loadOptimState(o optim.Optimizer, f *checkpoint.File) error {
	var ts []optim.Tensor
	for i := range f.Tensors {
		t := &f.Tensors[i]
		if len(t.Name) <= len(optim.Prefix) || t.Name[:len(optim.Prefix)] != optim.Prefix {
			continue
		}
		data, err := t.Float64s()
		if err != nil {
			return err
		}
		ts = append(ts, optim.Tensor{Name: t.Name, Shape: t.Shape, Data: data})
	}
	return o.LoadState(ts)
}
