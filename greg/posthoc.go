package greg

import (
	"gradgrad/autograd"
	"gradgrad/layers"
	"gradgrad/ood"
)

// gradientBatch is how many images are differentiated at a time: a gradient keeps
// all activations, which a batch for evaluation alone does not.
const gradientBatch = 16

// IDData is what post-hoc scores want to know of the classifier, all but the
// in-distribution images.
func (c *Classifier) IDData() ood.IDData {
	unit := make([]float32, 3)
	for i, std := range c.Normalize.Std {
		unit[i] = 1 / std
	}
	return ood.IDData{Model: c, Head: c.head(), Unit: unit}
}

// head is the final layer without an output for none of the classes.
func (c *Classifier) head() *ood.Head {
	l := c.Model.Head()
	h := &ood.Head{W: l.Weight.Value.Float32s(), B: l.Bias.Value.Float32s(), Classes: c.Model.Config().Answers(), Dim: l.Weight.Value.Dim(1)}
	h.W, h.B = h.W[:h.Classes*h.Dim], h.B[:h.Classes]
	return h
}

// Gradient implements ood.Model: the gradient of sum(cotangent*logits) with
// respect to square images.
func (c *Classifier) Gradient(images, cotangent []float32, n int) ([]float32, error) {
	return c.gradient(images, cotangent, n, func(logits, _ *autograd.Value) *autograd.Value {
		return autograd.Slice(logits, 1, 0, c.Model.Config().Answers())
	})
}

// FeatureGradient implements ood.FeatureModel: the gradient of
// sum(cotangent*features) with respect to square images.
func (c *Classifier) FeatureGradient(images, cotangent []float32, n int) ([]float32, error) {
	return c.gradient(images, cotangent, n, func(_, features *autograd.Value) *autograd.Value { return features })
}

func (c *Classifier) gradient(images, cotangent []float32, n int, of func(logits, features *autograd.Value) *autograd.Value) ([]float32, error) {
	side, err := squareSide(len(images), n)
	if err != nil {
		return nil, err
	}
	all := make([]float32, 0, len(images))
	for at := 0; at < n; at += gradientBatch {
		end := min(n, at+gradientBatch)
		g, err := c.pull(images[at*side*side*3:end*side*side*3], cotangent[at*len(cotangent)/n:end*len(cotangent)/n], end-at, side, of)
		if err != nil {
			return nil, err
		}
		all = append(all, g...)
	}
	return all, nil
}

// pull takes the gradients of a few images.
func (c *Classifier) pull(images, cotangent []float32, n, side int, of func(logits, features *autograd.Value) *autograd.Value) (g []float32, err error) {
	defer autograd.Catch(&err)
	defer c.tape.Release()
	x := c.tape.Watch(c.tape.New(images, n, side, side, 3))
	y := of(c.Model.Forward(&layers.Pass{Tape: c.tape, Frozen: true, Conv: c.Conv}, x))
	width := len(cotangent) / n
	if y.Dim(1) > width { // an output for none of the classes
		y = autograd.Slice(y, 1, 0, width)
	}
	ct := c.tape.New(cotangent, n, width)
	return autograd.Grad(autograd.Sum(autograd.Mul(y, ct)), x)[0].Float32s(), nil
}
