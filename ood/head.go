package ood

import (
	"errors"
	"fmt"
	"math"
)

// Head is the final linear layer of a network, logits = W h + B of features h:
// what detectors need that change features or weights before they score.
type Head struct {
	W []float32 // Classes x Dim, row-major
	B []float32 // Classes; nil for none

	Classes, Dim int
}

// Check reports lengths that do not fit.
func (h *Head) Check() error {
	switch {
	case h.Classes < 1 || h.Dim < 1 || len(h.W) != h.Classes*h.Dim:
		return fmt.Errorf("ood: a head of %d classes and %d features has %d weights", h.Classes, h.Dim, len(h.W))
	case h.B != nil && len(h.B) != h.Classes:
		return fmt.Errorf("ood: a head of %d classes has %d biases", h.Classes, len(h.B))
	}
	return nil
}

func (h *Head) row(c int) []float32 { return h.W[c*h.Dim : (c+1)*h.Dim] }

func (h *Head) bias(c int) float64 {
	if h.B == nil {
		return 0
	}
	return float64(h.B[c])
}

// energy is the log-sum-exp of the head's logits for a feature; z is room for them.
func (h *Head) energy(z, feature []float64) float64 {
	h.logits(z, feature)
	return logSumExp(z, 1)
}

func (h *Head) logits(z, feature []float64) {
	for c := range z {
		sum := h.bias(c)
		for j, w := range h.row(c) {
			sum += float64(w) * feature[j]
		}
		z[c] = sum
	}
}

// errNoFit says that a detector was not prepared.
var errNoFit = errors.New("ood: Fit has not been called")

// fits reports outputs that are not of the network that the head is of.
func (h *Head) fits(out Outputs) error {
	if h == nil {
		return errNoFit
	}
	if out.Classes != h.Classes || out.Features != nil && out.Dim != h.Dim {
		return fmt.Errorf("ood: outputs have %d classes and %d features, the network's head %d and %d", out.Classes, out.Dim, h.Classes, h.Dim)
	}
	return nil
}

// needHead is the head of IDData or an error.
func (id IDData) needHead() (*Head, error) {
	if id.Head == nil {
		return nil, errors.New("ood: the score needs the network's final linear layer (IDData.Head)")
	}
	return id.Head, id.Head.Check()
}

// eachFeature scores image by image with a function of the logits and of a copy
// of the features that it may change. A score that is no number is an error: it
// means features on which the score makes no sense.
func eachFeature(dst []float64, out Outputs, f func(z []float32, h []float64) float64) error {
	if err := room(dst, out, NeedFeatures); err != nil {
		return err
	}
	h := make([]float64, out.Dim)
	for i := range dst {
		widen(h, out.Feature(i))
		dst[i] = f(out.Row(i), h)
		if math.IsNaN(dst[i]) || math.IsInf(dst[i], 0) {
			return fmt.Errorf("ood: the score of image %d of the batch is %v; are its features finite, and 0 or more as those behind a ReLU?", i, dst[i])
		}
	}
	return nil
}

func widen(dst []float64, src []float32) {
	for j, v := range src {
		dst[j] = float64(v)
	}
}

// collect runs over the ID data of Fit. It checks what it passes on, and that
// there was any.
func collect(id IDData, needs Needs, f func(Outputs) error) error {
	if id.Batches == nil {
		return errors.New("ood: the score learns from in-distribution data (IDData.Batches), and there is none")
	}
	n, dim := 0, 0
	for out, err := range id.Batches {
		if err == nil {
			err = out.Check(needs)
		}
		if err == nil && n > 0 && out.N > 0 && out.Dim != dim {
			err = fmt.Errorf("ood: features of %d and of %d values in the in-distribution data", dim, out.Dim)
		}
		if err == nil && out.N > 0 {
			n, dim = n+out.N, out.Dim
			err = f(out)
		}
		if err != nil {
			return err
		}
	}
	if n == 0 {
		return errors.New("ood: no image in the in-distribution data")
	}
	return nil
}
