package greg

import (
	"context"
	"fmt"
	"math"

	"gradgrad/autograd"
	"gradgrad/checkpoint"
	"gradgrad/datasets"
	"gradgrad/ood"
)

// balancedTerm is the energy term of Balanced Energy regularisation
// (arXiv:2306.10485), equation (1) with outliers weighed by how common their class
// is among outliers. With the prior share pi_c of outliers that a trained network
// takes for class c, raised to the power Gamma and normalised,
//
//	Z(x)  = sum_c softmax(x)_c pi_c
//	S'(x) = S(x) - Alpha Z(x)
//	L_S   = mean_in max(0, S-m_in)^2 + sum_aux Z max(0, m_aux-S')^2 / sum_aux Z
//
// Z is differentiated too.
func (l Loss) balancedTerm(s, logits *autograd.Value, n int, prior []float64) *autograd.Value {
	t := logits.Tape()
	pi := t.New64(sharpened(prior, l.Gamma), 1, len(prior))
	in := autograd.ReLU(autograd.AddScalar(autograd.Slice(s, 0, 0, n), -l.MarginIn))
	p := autograd.Softmax(autograd.Slice(logits, 0, n, logits.Dim(0)))
	z := autograd.Sum(autograd.Mul(p, autograd.BroadcastTo(pi, p.Shape()...)), 1)
	moved := autograd.Sub(autograd.Slice(s, 0, n, s.Dim(0)), autograd.Scale(z, l.Alpha))
	aux := autograd.ReLU(autograd.AddScalar(autograd.Neg(moved), l.MarginAux))
	weighted := autograd.Div(autograd.Sum(autograd.Mul(z, autograd.Mul(aux, aux))), autograd.Sum(z))
	return autograd.Add(autograd.Mean(autograd.Mul(in, in)), weighted)
}

// sharpened is a distribution raised to a power, and normalised.
func sharpened(prior []float64, gamma float64) []float64 {
	p, sum := make([]float64, len(prior)), 0.0
	for i, x := range prior {
		p[i] = math.Pow(x, gamma)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// priorTensor keeps the prior in a checkpoint.
const priorTensor = "train.prior"

// countPrior gives the trainer the prior: the config's, or the shares of the
// auxiliary images, unchanged, that the network in evaluation mode takes for each
// class. It is counted once, with the weights that training begins with.
func (t *Trainer) countPrior(ctx context.Context, aux datasets.Set) error {
	if t.Config.Loss.Outliers != Balanced || t.prior != nil {
		return nil
	}
	if len(t.Config.Prior) > 0 {
		t.prior = t.Config.Prior
		return nil
	}
	all := make([]int, aux.Len())
	for i := range all {
		all[i] = i
	}
	counts := make([]float64, t.Config.Model.Classes)
	view := t.viewOf(aux, all, datasets.BatchConfig{Normalize: t.Config.Normalize})
	defer view.close()
	err := view.each(ctx, func(o ood.Outputs) {
		for i := range o.N {
			counts[argmax(o.Row(i))]++
		}
	})
	if err != nil {
		return fmt.Errorf("greg: counting the classes of auxiliary images: %w", err)
	}
	for c := range counts {
		counts[c] /= float64(aux.Len())
	}
	t.prior = counts
	return nil
}

// priorState is the prior for a checkpoint, if there is one yet.
func (t *Trainer) priorState() []checkpoint.Tensor {
	if t.prior == nil {
		return nil
	}
	return []checkpoint.Tensor{checkpoint.New(priorTensor, []int{len(t.prior)}, t.prior)}
}

// loadPrior is the inverse of priorState.
func (t *Trainer) loadPrior(f *checkpoint.File) error {
	t.prior = nil
	tensor, ok := f.Lookup(priorTensor)
	if !ok {
		return nil
	}
	prior, err := tensor.Float64s()
	if err == nil && len(prior) != t.Config.Model.Classes {
		err = fmt.Errorf("%s has %d numbers, and the network %d classes: it is damaged", priorTensor, len(prior), t.Config.Model.Classes)
	}
	t.prior = prior
	return err
}
