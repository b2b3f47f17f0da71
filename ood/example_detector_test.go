package ood_test

import (
	"errors"
	"fmt"
	"math"

	"gradgrad/ood"
)

// perturbed is a detector that a user writes: it moves the image against the
// gradient of the loss of the predicted class and scores what the model says
// then (the idea of ODIN, arXiv:1706.02690).
type perturbed struct {
	T     float64 `json:"t"`
	Eps   float64 `json:"eps"`
	model ood.Model
}

func (*perturbed) Name() string     { return "perturbed" }
func (p *perturbed) Params() any    { return p }
func (*perturbed) Needs() ood.Needs { return ood.NeedImages }

func (p *perturbed) Fit(id ood.IDData) error {
	if id.Model == nil {
		return errors.New("perturbed needs the model")
	}
	p.model = id.Model
	return nil
}

func (p *perturbed) Score(dst []float64, out ood.Outputs) error {
	if err := out.Check(p.Needs()); err != nil {
		return err
	}
	// d loss / d logits = (softmax(z/T) - onehot(argmax z)) / T
	cotangent := make([]float32, len(out.Logits))
	for i := range out.N {
		row, lse, best := out.Row(i), ood.LogSumExp(out.Row(i), p.T), 0
		for c, z := range row {
			cotangent[i*out.Classes+c] = float32(math.Exp(float64(z)/p.T-lse) / p.T)
			if z > row[best] {
				best = c
			}
		}
		cotangent[i*out.Classes+best] -= float32(1 / p.T)
	}
	grad, err := p.model.Gradient(out.Images, cotangent, out.N)
	if err != nil {
		return err
	}
	moved := make([]float32, len(grad))
	for i, g := range grad {
		moved[i] = out.Images[i] - float32(math.Copysign(p.Eps, float64(g)))
	}
	again, err := p.model.Forward(moved, out.N)
	if err != nil {
		return err
	}
	for i := range dst {
		top := math.Inf(-1)
		for _, z := range again.Row(i) {
			top = max(top, float64(z))
		}
		dst[i] = math.Exp(top/p.T - ood.LogSumExp(again.Row(i), p.T))
	}
	return nil
}

// linear is a model with two inputs and two classes.
type linear struct {
	w [2][2]float32
	b [2]float32
}

func (m linear) Forward(x []float32, n int) (ood.Outputs, error) {
	z := make([]float32, 2*n)
	for i := range n {
		for c := range 2 {
			z[2*i+c] = m.w[c][0]*x[2*i] + m.w[c][1]*x[2*i+1] + m.b[c]
		}
	}
	return ood.Outputs{Logits: z, Images: x, N: n, Classes: 2}, nil
}

func (m linear) Gradient(_, ct []float32, n int) ([]float32, error) {
	g := make([]float32, 2*n)
	for i := range n {
		for c := range 2 {
			g[2*i] += ct[2*i+c] * m.w[c][0]
			g[2*i+1] += ct[2*i+c] * m.w[c][1]
		}
	}
	return g, nil
}

// A detector of one's own, one that needs gradients of the model.
func ExampleRegister() {
	ood.Register("perturbed", "softmax after a step against the gradient; t=10 eps=0.05", func(o *ood.Options) (ood.Detector, error) {
		return &perturbed{T: o.Float("t", 10), Eps: o.Float("eps", 0.05)}, nil
	})
	scores, err := ood.ParseScores("perturbed:eps=0.05")
	if err != nil {
		fmt.Println(err)
		return
	}
	model := linear{w: [2][2]float32{{1, -.5}, {.3, .8}}, b: [2]float32{0, .1}}
	if err := scores[0].Fit(ood.IDData{Model: model}); err != nil {
		fmt.Println(err)
		return
	}
	out, _ := model.Forward([]float32{.4, -.2}, 1)
	dst := make([]float64, 1)
	if err := scores[0].Score(dst, out); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.6f\n", dst[0])
	// Output: 0.513497
}
