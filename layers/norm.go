package layers

import (
	"math"

	"gradgrad/autograd"
	"gradgrad/kernels"
)

// The constants of batch norm in every published network here.
const (
	NormEps      = 1e-5 // added to the variance
	NormMomentum = 0.1  // the share of the batch in the running statistics
)

// BatchNorm2D normalises every channel of images [N, H, W, C], then scales by
// Weight and shifts by Bias, then applies ReLU if asked. In train mode the mean and
// the biased variance are the batch's, and the running ones move towards them (the
// variance towards the unbiased one); otherwise they are the running ones.
type BatchNorm2D struct {
	Weight, Bias *autograd.Param // [C]
	Mean, Var    *Buffer         // running statistics, [C]
	Batches      *Buffer         // how many batches they have seen
	ReLU         bool
	// Lean saves memory where a gradient is differentiated again, for some time; see
	// [autograd.BatchNormLean].
	Lean bool
}

// Forward returns a value of x's shape. In train mode it panics when there is
// only one number in a channel, whose variance says nothing.
func (b *BatchNorm2D) Forward(p *Pass, x *autograd.Value) *autograd.Value {
	gamma, beta := p.Param(b.Weight), p.Param(b.Bias)
	if !p.Train {
		return autograd.BatchNormEval(x, gamma, beta, p.Constant(b.Mean.Value), p.Constant(b.Var.Value), NormEps, b.ReLU)
	}
	checkBatch(x)
	norm := autograd.BatchNorm
	if b.Lean {
		norm = autograd.BatchNormLean
	}
	y, mean, variance := norm(x, gamma, beta, NormEps, b.ReLU)
	b.update(p, x, mean, variance)
	return y
}

// ForwardAdd is Forward for the end of a residual block: it adds skip, a value of x's
// shape, and applies ReLU to the sum, whatever b.ReLU says.
func (b *BatchNorm2D) ForwardAdd(p *Pass, x, skip *autograd.Value) *autograd.Value {
	gamma, beta := p.Param(b.Weight), p.Param(b.Bias)
	if !p.Train {
		return autograd.BatchNormAddEval(x, gamma, beta, p.Constant(b.Mean.Value), p.Constant(b.Var.Value), skip, NormEps)
	}
	checkBatch(x)
	y, mean, variance := autograd.BatchNormAdd(x, gamma, beta, skip, NormEps)
	b.update(p, x, mean, variance)
	return y
}

// update moves the running statistics as the pass says, and is done with the batch's.
func (b *BatchNorm2D) update(p *Pass, x, mean, variance *autograd.Value) {
	if p.StatUpdates > 0 {
		b.track(p.StatUpdates, float64(x.Size()/x.Dim(-1)), mean, variance)
	}
	mean.Done()
	variance.Done()
}

func checkBatch(x *autograd.Value) {
	if x.Size()/x.Dim(-1) < 2 {
		panic(&autograd.ShapeError{Op: "batchnorm in train mode", Shapes: [][]int{x.Shape()}, Want: "more than one number in a channel; use a larger batch"})
	}
}

// track moves the running statistics towards those of a batch with n numbers in
// a channel, as if it were seen times times.
func (b *BatchNorm2D) track(times int, n float64, mean, variance *autograd.Value) {
	keep := math.Pow(1-NormMomentum, float64(times))
	b.Mean.mix(keep, 1-keep, mean)
	b.Var.mix(keep, (1-keep)*n/(n-1), variance)
	b.Batches.Count += int64(times)
}

// Buffer is state of a network that is saved with it and that no gradient
// changes.
type Buffer struct {
	Name  string
	Value *autograd.Value // numbers on the device; nil for a counter
	Count int64           // of a counter

	args kernels.Args // of mix, used again and again
	attr kernels.MapAttr
}

// mix sets the buffer to p times itself plus q times v, on the device.
func (b *Buffer) mix(p, q float64, v *autograd.Value) {
	own := b.Value.Buffer()
	b.attr = kernels.MapAttr{Shape: v.Shape(), A: v.Shape(), B: v.Shape(), P: p, Q: q}
	b.args.Out, b.args.In, b.args.Attr = append(b.args.Out[:0], own), append(b.args.In[:0], own, v.Buffer()), &b.attr
	b.Value.Device().Run(kernels.Mix, &b.args)
	b.args.In[1] = nil // the batch's statistics are gone soon
	b.Value.Changed()
}
