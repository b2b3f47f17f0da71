package ood

import (
	"iter"
)

// Needs says what a detector must be given beyond logits.
type Needs uint8

// What a detector may need.
const (
	NeedFeatures Needs = 1 << iota // Outputs.Features
	NeedImages                     // Outputs.Images, and the model in Fit
	NeedData                       // a pass over ID data in Fit
	NeedAbsent                     // Outputs.Absent
	NeedHead                       // IDData.Head in Fit

	needLabels // Outputs.Labels, which only Fit asks for
)

// Detector is a post-hoc score: larger = in-distribution. Fit is called once,
// before the first Score; it learns from ID data only. Score fills dst, of
// length out.N, and does not keep out. A detector is used by one goroutine.
type Detector interface {
	// Name is the name it is registered under, such as "energy".
	Name() string
	// Params returns the hyper-parameters in effect: a struct that marshals to a
	// JSON object. It goes into results.json. What Fit found, which differs from
	// model to model, is an object under "fitted" in it.
	Params() any
	// Needs says what Fit and Score must be given.
	Needs() Needs
	// Fit learns from ID data. Detectors without NeedData read no batch.
	Fit(id IDData) error
	// Score scores a batch. An error says what is missing or does not fit.
	Score(dst []float64, out Outputs) error
}

// IDData is what detectors learn from: ID images, without augmentation, and the
// model that is judged.
type IDData struct {
	// Batches yields the outputs on ID training images; nil when no detector has
	// NeedData. It can be ranged over once; detectors do not change what it yields.
	Batches iter.Seq2[Outputs, error]
	// Model is nil when no detector has NeedImages.
	Model Model
	// Head is nil when no detector has NeedHead.
	Head *Head
	// Unit is how far a value of the model's input moves when its pixel, of
	// brightness 0 to 1, moves by 1: 1/std of its channel. It repeats over the
	// values of an image, so three numbers do for interleaved RGB, and an image's
	// worth for any other layout. nil means that the input is pixels.
	Unit []float32
}
