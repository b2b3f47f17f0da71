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
)

// Detector is a post-hoc score: larger = in-distribution. Fit is called once,
// before the first Score; it learns from ID data only. Score fills dst, of
// length out.N, and does not keep out. A detector is used by one goroutine.
type Detector interface {
	// Name is the name it is registered under, such as "energy".
	Name() string
	// Params returns the hyper-parameters in effect, chosen ones included: a
	// struct that marshals to a JSON object. It goes into results.json.
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
	// NeedData. It can be ranged over once.
	Batches iter.Seq2[Outputs, error]
	// Model is nil when no detector has NeedImages.
	Model Model
}
