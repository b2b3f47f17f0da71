package layers

import (
	"gradgrad/autograd"
	"gradgrad/kernels"
)

// Pass says how a network runs once: on which tape, with which statistics, and
// with respect to what it can be differentiated. The zero value, given a tape,
// uses running statistics and can be differentiated with respect to parameters.
// A Pass belongs to one step; dropout layers count in it.
type Pass struct {
	Tape *autograd.Tape
	// Train takes batch norm's statistics from the batch and lets dropout drop.
	Train bool
	// Frozen makes parameters constants: nothing is recorded but what depends on
	// inputs that were watched.
	Frozen bool
	// StatUpdates is how many times the running statistics move towards those of
	// the batch in a forward with Train: 1 as usual, 2 where published code runs
	// two forwards on one batch, 0 to leave them alone.
	StatUpdates int
	// Conv is how convolutions are computed that do not say it themselves.
	Conv kernels.ConvAlgorithm
	// Recompute keeps only what blocks of the network hand to each other; what they
	// compute inside is computed again for derivatives ([autograd.Tape.Recompute]).
	Recompute bool
	// Seed and Step decide, with the order of the dropout layers, what they drop.
	Seed, Step uint64
	// Clock, when set, holds the step's number times [DropsPerStep] in place of Step: it is
	// looked up whenever a layer drops, in a replay of a [kernels.Capturer] too.
	Clock *uint64
	// Hook, when set, is shown the output of every stage of a network under its
	// name ("conv1", "block1"). It may read the value, during the call only.
	Hook func(stage string, v *autograd.Value)
	// Between, when set, is given what goes from one group of a network's blocks to
	// the next, as it is consumed, and returns what the next group gets instead.
	Between func(v *autograd.Value) *autograd.Value

	drops uint64
}

// Training is the pass of a training step: batch statistics, dropout, running
// statistics that move once, parameters that get gradients.
func Training(t *autograd.Tape, seed, step uint64) *Pass {
	return &Pass{Tape: t, Train: true, StatUpdates: 1, Seed: seed, Step: step}
}

// Inference is the pass of scoring: running statistics, no dropout, parameters
// that are constants. Inputs can be watched for input gradients.
func Inference(t *autograd.Tape) *Pass { return &Pass{Tape: t, Frozen: true} }

// Param returns the parameter for use on the tape: a leaf that gradients reach,
// or a constant when the pass is frozen.
func (p *Pass) Param(q *autograd.Param) *autograd.Value {
	if p.Frozen {
		return p.Constant(q.Value)
	}
	return p.Tape.Watch(q.Value)
}

// Constant brings a free-standing value to the tape, so that what is computed
// from it lives in the tape's memory. No derivative reaches it.
func (p *Pass) Constant(v *autograd.Value) *autograd.Value { return p.Tape.Watch(v).Detach() }

// Layer is a function of one value with parameters. It does not call Done on x.
type Layer interface {
	Forward(p *Pass, x *autograd.Value) *autograd.Value
}

// Through applies layers one after the other and calls Done on the values
// between them, not on x and not on the result.
func (p *Pass) Through(x *autograd.Value, ls ...Layer) *autograd.Value {
	if len(ls) == 0 {
		return x
	}
	y := ls[0].Forward(p, x)
	if y == x {
		return p.Through(x, ls[1:]...)
	}
	return p.Consume(y, ls[1:]...)
}

// Consume is [Pass.Through] for an x that nobody else will read: it calls Done
// on x as well, as soon as the first layer has read it.
func (p *Pass) Consume(x *autograd.Value, ls ...Layer) *autograd.Value {
	for _, l := range ls {
		y := l.Forward(p, x)
		if y != x {
			x.Done()
		}
		x = y
	}
	return x
}

// Next hands v, which it may consume, on to the next group of blocks.
func (p *Pass) Next(v *autograd.Value) *autograd.Value {
	if p.Between == nil {
		return v
	}
	return p.Between(v)
}

// Block runs a block of the network, which may be recomputed.
func (p *Pass) Block(block func() *autograd.Value) (y *autograd.Value) {
	if !p.Recompute {
		return block()
	}
	p.Tape.Recompute(func() { y = block() })
	return y
}

// Stage shows v to the hook.
func (p *Pass) Stage(name string, v *autograd.Value) {
	if p.Hook != nil {
		p.Hook(name, v)
	}
}
