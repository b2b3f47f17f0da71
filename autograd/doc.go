// Package autograd differentiates programs, and the derivatives of programs.
//
// # Values and tapes
//
// A [Value] is an array on a device. A [Tape] records the operations that are
// applied to what it watches:
//
//	t := autograd.NewTape(kernels.CPU)
//	x := t.Watch(images)                // from here on everything is recorded
//	s := autograd.Sum(autograd.Exp(x))
//	g := autograd.Grad(s, x)[0]         // ds/dx, another value on the tape
//
// What is not watched, and not computed from something watched, is a constant.
// Operations are plain functions; there is no global mode and no flag.
//
// # Two ways to differentiate
//
// [Grad] returns gradients as values. Everything it computes is recorded too, so
// a gradient can be used in a loss and be differentiated again: that is double
// backprop, and there is nothing more to it.
//
//	penalty := autograd.Mean(autograd.Norm(g))
//	loss := autograd.Add(crossEntropy, penalty)
//
// [Backward] takes the last derivative of a training step. It adds gradients to
// parameters ([Param]), records nothing, and gives memory back as it goes.
//
//	autograd.Backward(loss, params...)
//	update(params[0].Value, params[0].Grad())
//	t.Release() // the step is over; the next one gets the same memory
//
// # How it works
//
// Every operation is one row of a table ([Op], [Ops]): its name, the shape of its
// result, its kernel, and a derivative rule for each argument. A rule gets the
// cotangent g of the result (the derivative of the final scalar with respect to
// it) and returns that of the argument. Rules are written in the operations
// themselves; this is the whole rule of tanh:
//
//	return Mul(g, AddScalar(Neg(Mul(y, y)), 1)) // g * (1 - y²)
//
// Grad walks over the record from the scalar back and calls the rules of what
// lies between it and the requested values, nothing else: the input gradient of a
// network computes no weight gradients. Because a rule calls Mul and Neg like
// anybody else, its steps are recorded, and have rules. Families close under
// this: the derivatives of a convolution are the two other convolutions over the
// same triples of image, weight and result, and theirs are again among the three.
//
// A few rows are fused for speed (batch norm with ReLU, log-sum-exp, the norm).
// They carry a plain definition in other operations, with which they are tested,
// and which takes over at orders beyond their hand-written rules.
//
// # Memory
//
// What is computed on a tape lives until [Tape.Release], or until [Value.Done] has
// been called on it and no rule needs its contents any more. Calling Done on
// intermediate values is optional; large networks do it to stay small. Each result
// has a life of its own, also where it shares memory with its operand. Reading a
// value that is gone panics with a [LifetimeError].
//
// # Mistakes
//
// Operands that do not fit panic with a [ShapeError], other misuse with a
// [UsageError]; both are bugs of the caller and name what was wanted. [Catch] turns
// them into errors where a program needs that. Derivatives of functions of your
// own are checked by package gradcheck.
//
// Images are NHWC, convolution weights [KH][KW][Cin/groups][Cout]. The same program
// gives the same bits on any number of cores.
//
// To read on: docs/tour has three short programs that build this up from a scalar
// tape; CONTRIBUTING.md shows how to add an operation.
package autograd
