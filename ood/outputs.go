package ood

import (
	"errors"
	"fmt"
)

// Outputs is what a classifier says of a batch of N images. Matrices are
// row-major, one row an image.
type Outputs struct {
	Logits   []float32 // N x Classes
	Features []float32 // N x Dim, penultimate features; nil unless a detector needs them
	Images   []float32 // the network's normalised input; nil unless a detector needs it
	Labels   []int     // true classes, where known
	Absent   []float32 // logit of "none of the classes", one an image; nil where the network has none

	N, Classes, Dim int
}

// Model runs a classifier again, for detectors that look at it on other images
// than those given. Images are normalised and laid out as the model likes; a
// detector only adds to them.
type Model interface {
	// Forward returns the outputs for n images, in evaluation mode.
	Forward(images []float32, n int) (Outputs, error)
	// Gradient returns the gradient with respect to the images of the sum of
	// cotangent * logits, cotangent being N x Classes. With it a detector
	// differentiates any function of the logits.
	Gradient(images, cotangent []float32, n int) ([]float32, error)
}

// FeatureModel is a model that also differentiates its features.
type FeatureModel interface {
	Model
	// FeatureGradient is Gradient for the features: the cotangent is N x Dim.
	FeatureGradient(images, cotangent []float32, n int) ([]float32, error)
}

// Func is a model of which only the outputs are known. Scores that need gradients
// (odin, the certificate) end with an error.
type Func func(images []float32, n int) (Outputs, error)

// Forward calls the function.
func (f Func) Forward(images []float32, n int) (Outputs, error) { return f(images, n) }

// Gradient returns an error.
func (f Func) Gradient([]float32, []float32, int) ([]float32, error) {
	return nil, errors.New("ood: the model is a plain function and gives no gradients; implement ood.Model")
}

// Check reports lengths that do not fit, and parts that are needed and missing.
func (o Outputs) Check(needs Needs) error {
	switch {
	case o.N < 0 || o.Classes < 1:
		return fmt.Errorf("ood: outputs of %d images and %d classes", o.N, o.Classes)
	case len(o.Logits) != o.N*o.Classes:
		return fmt.Errorf("ood: %d logits, want %d images x %d classes", len(o.Logits), o.N, o.Classes)
	case o.Features == nil && needs&NeedFeatures != 0 && o.N > 0:
		return fmt.Errorf("ood: the score needs penultimate features and got none")
	case o.Features != nil && (o.Dim < 1 || len(o.Features) != o.N*o.Dim):
		return fmt.Errorf("ood: %d feature values, want %d images x %d", len(o.Features), o.N, o.Dim)
	case o.Images == nil && needs&NeedImages != 0 && o.N > 0:
		return fmt.Errorf("ood: the score needs the images and got none")
	case o.Absent == nil && needs&NeedAbsent != 0 && o.N > 0:
		return fmt.Errorf("ood: the score needs a network with an output for none of the classes (as DOS and NTOM train), and this one has none")
	case o.Absent != nil && len(o.Absent) != o.N:
		return fmt.Errorf("ood: %d logits of no class for %d images", len(o.Absent), o.N)
	case o.Labels == nil && needs&needLabels != 0 && o.N > 0:
		return fmt.Errorf("ood: the score needs the labels of the in-distribution data and got none")
	case o.Labels != nil && len(o.Labels) != o.N:
		return fmt.Errorf("ood: %d labels for %d images", len(o.Labels), o.N)
	}
	return nil
}

// Row returns the logits of image i.
func (o Outputs) Row(i int) []float32 { return o.Logits[i*o.Classes : (i+1)*o.Classes] }

// Feature returns the features of image i.
func (o Outputs) Feature(i int) []float32 { return o.Features[i*o.Dim : (i+1)*o.Dim] }

// Correct counts the images whose largest logit (the first on ties) is at their
// label. It is an error if there are no labels.
func (o Outputs) Correct() (int, error) {
	if err := o.Check(0); err != nil {
		return 0, err
	}
	if o.Labels == nil && o.N > 0 {
		return 0, fmt.Errorf("ood: cannot count correct predictions without labels")
	}
	n := 0
	for i, label := range o.Labels {
		if argmax(o.Row(i)) == label {
			n++
		}
	}
	return n, nil
}
