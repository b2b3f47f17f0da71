package greg

import (
	"fmt"
	"math"

	"gradgrad/checkpoint"
)

// The weight of the gradient term can follow its size (an option of the authors'
// code that no published run uses): after every step
//
//	lambda_grad += DualRate (L_gradS - DualTarget)
//
// but never below 0, where it would reward steepness.

// dualTensor keeps the weight in a checkpoint.
const dualTensor = "train.lambda_grad"

// lambdaGrad is the weight of the gradient term of the next step.
func (t *Trainer) lambdaGrad() float64 {
	if t.dual != nil {
		return *t.dual
	}
	return t.Config.Loss.LambdaGrad
}

// follow changes the weight after a step.
func (t *Trainer) follow(s *Step) {
	if t.Config.DualRate == 0 {
		return
	}
	s.LambdaGrad = pointer(t.lambdaGrad())
	t.dual = pointer(max(t.lambdaGrad()+t.Config.DualRate*(*s.LGrad-t.Config.DualTarget), 0))
}

func (c Config) checkDual() error {
	if c.DualRate == 0 && c.DualTarget == 0 {
		return nil
	}
	if !(c.DualRate > 0 && c.DualTarget >= 0) || math.IsInf(c.DualRate+c.DualTarget, 0) {
		return fmt.Errorf("greg: a weight of the gradient term that follows its distance from %g at a rate of %g; the rate must be above 0, the distance from 0 up", c.DualTarget, c.DualRate)
	}
	if c.Loss.LambdaGrad == 0 {
		return fmt.Errorf("greg: %s has no gradient term whose weight could follow it", c.Method)
	}
	return nil
}

// dualState is the weight for a checkpoint, if it moves.
func (t *Trainer) dualState() []checkpoint.Tensor {
	if t.dual == nil {
		return nil
	}
	return []checkpoint.Tensor{checkpoint.New(dualTensor, []int{1}, []float64{*t.dual})}
}

// loadDual is the inverse of dualState.
func (t *Trainer) loadDual(f *checkpoint.File) error {
	t.dual = nil
	tensor, ok := f.Lookup(dualTensor)
	if !ok {
		return nil
	}
	x, err := tensor.Float64s()
	if err == nil && len(x) != 1 {
		err = fmt.Errorf("%s has %d numbers: the checkpoint is damaged", dualTensor, len(x))
	}
	if err != nil {
		return err
	}
	t.dual = &x[0]
	return nil
}
