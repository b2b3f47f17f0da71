package ood

import (
	"errors"
	"math"
)

// ODIN is the maximum softmax probability at temperature T of an image that was
// moved by Eps against the sign of the gradient of the loss of its predicted
// class (Liang et al., arXiv:1706.02690), which raises the probability more for
// ID images. The step is Eps in pixel brightness ([IDData].Unit) if Std, else in
// units of the network's input: published code does either. Where the gradient is
// 0 its sign counts as +1; the result is not clipped to valid pixels.
type ODIN struct {
	T   float64 `json:"t"`   // temperature, 0 meaning 1000
	Eps float64 `json:"eps"` // size of the step
	Std bool    `json:"std"` // the step is divided by the normalisation's deviations

	model Model
	unit  []float32
}

// Name returns "odin".
func (*ODIN) Name() string { return "odin" }

// Params returns temperature and step.
func (o *ODIN) Params() any { return ODIN{T: o.temperature(), Eps: o.Eps, Std: o.Std} }

// Needs returns NeedImages.
func (*ODIN) Needs() Needs { return NeedImages }

func (o *ODIN) temperature() float64 {
	if o.T == 0 {
		return 1000
	}
	return o.T
}

// Fit takes the model, which must give gradients.
func (o *ODIN) Fit(id IDData) error {
	if id.Model == nil {
		return errors.New("ood: odin needs the model (IDData.Model)")
	}
	o.model, o.unit = id.Model, nil
	if o.Std {
		o.unit = id.Unit
	}
	return nil
}

// Score fills dst with the probabilities of the moved images.
func (o *ODIN) Score(dst []float64, out Outputs) error {
	if err := room(dst, out, NeedImages); err != nil || out.N == 0 {
		return err
	}
	if o.model == nil {
		return errNoFit
	}
	t := o.temperature()
	grad, err := o.model.Gradient(out.Images, lossCotangent(out, t), out.N)
	if err != nil {
		return err
	}
	moved, err := o.model.Forward(against(out.Images, grad, o.Eps, o.unit), out.N)
	if err != nil {
		return err
	}
	return eachRow(dst, moved, func(row []float32) float64 {
		return 1 / sumExp(row, float64(row[argmax(row)]), t)
	})
}

// lossCotangent is the derivative of -log softmax(z/T) at the predicted class
// with respect to z: (softmax(z/T) - onehot)/T.
func lossCotangent(out Outputs, t float64) []float32 {
	cotangent := make([]float32, len(out.Logits))
	p := make([]float64, out.Classes)
	for i := range out.N {
		row := out.Row(i)
		softmax(p, row, t)
		p[argmax(row)]--
		for c, v := range p {
			// only signs of the gradient count: without the 1/T float32 is safer
			cotangent[i*out.Classes+c] = float32(v)
		}
	}
	return cotangent
}

// against moves images by eps against the sign of a gradient, in units that
// repeat over the values of an image; nil means 1. The sign of 0 is +1.
func against(images, grad []float32, eps float64, unit []float32) []float32 {
	moved := make([]float32, len(images))
	for i, g := range grad {
		step := eps
		if len(unit) > 0 {
			step *= float64(unit[i%len(unit)])
		}
		if g == 0 {
			g = 1
		}
		moved[i] = float32(float64(images[i]) - math.Copysign(step, float64(g)))
	}
	return moved
}

func init() {
	Register("odin", "softmax at t of a perturbed image; t=1000 eps=0.0014 std=1 (eps in pixel brightness; 0: of the input)", func(o *Options) (Detector, error) {
		return &ODIN{
			T:   o.Positive("t", 1000),
			Eps: o.NonNegative("eps", 0.0014, 0, 0.0004, 0.0008, 0.0014, 0.002, 0.0024, 0.0028, 0.0032, 0.0038, 0.0048),
			Std: o.Bool("std", true),
		}, nil
	})
}
