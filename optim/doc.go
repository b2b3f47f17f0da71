// Package optim changes parameters along their gradients, with the semantics of
// PyTorch's optimisers: [SGD] (momentum, Nesterov, weight decay) and [Adam],
// [Clipper], and learning rates as functions of the step ([Cosine],
// [MultiStep], [Warmup]).
//
//	opt := optim.NewSGD(model.Params(), optim.SGDConfig{Momentum: 0.9, Decay: 5e-4, Nesterov: true})
//	rate := optim.Cosine(0.1, 1e-6, steps)
//	for step := range steps {
//		...                                 // loss, on a tape
//		autograd.Backward(loss, model.Params()...)
//		opt.Step(rate(step))                // also clears the gradients
//		tape.Release()
//	}
//
// Weight decay applies to all parameters, scales, shifts and biases included, as
// in PyTorch. A parameter without gradient is left alone, decay included.
//
// State that must survive an interruption comes out of State as named arrays and
// goes back in with LoadState; a run that is resumed this way continues in the same
// bits.
package optim
