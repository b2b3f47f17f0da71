package ood

import "fmt"

// Outputs is what a classifier says of a batch of N images. Matrices are
// row-major, one row an image.
type Outputs struct {
	Logits   []float32 // N x Classes
	Features []float32 // N x Dim, penultimate features; nil unless a detector needs them
	Images   []float32 // the network's normalised input; nil unless a detector needs it
	Labels   []int     // true classes, where known

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
	case o.Labels != nil && len(o.Labels) != o.N:
		return fmt.Errorf("ood: %d labels for %d images", len(o.Labels), o.N)
	}
	return nil
}

// Row returns the logits of image i.
func (o Outputs) Row(i int) []float32 { return o.Logits[i*o.Classes : (i+1)*o.Classes] }

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

func argmax(row []float32) int {
	best := 0
	for c, v := range row {
		if v > row[best] {
			best = c
		}
	}
	return best
}
