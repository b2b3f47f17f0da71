package greg

import (
	"fmt"
	"math"

	"gradgrad/datasets"
	"gradgrad/kernels"
	"gradgrad/models"
)

// Config is everything that determines a run: with the same sets, the same
// config gives the same bits. It is stored in the run directory and in every
// checkpoint.
type Config struct {
	Method string        `json:"method"` // the preset's name
	Model  models.Config `json:"model"`
	Size   int           `json:"size"` // height and width of the images in pixels, 0 when not recorded
	Loss   Loss          `json:"loss"`

	Epochs   int  `json:"epochs"`
	Batch    int  `json:"batch"`     // in-distribution images of a step
	AuxBatch int  `json:"aux_batch"` // auxiliary images of a step, 0 without
	DropLast bool `json:"drop_last"` // leave out an epoch's last, smaller batch
	MaxSteps int  `json:"max_steps"` // end early, 0 for whole epochs

	Optimizer string  `json:"optimizer"` // "sgd" or "adam"
	Momentum  float64 `json:"momentum"`
	Nesterov  bool    `json:"nesterov"`
	Decay     float64 `json:"weight_decay"` // on all parameters
	ClipNorm  float64 `json:"clip_norm"`    // largest norm of the whole gradient, 0 for any

	LR         float64   `json:"lr"`
	MinLR      float64   `json:"min_lr"`   // end of the cosine
	Schedule   string    `json:"schedule"` // "cosine" (per step), "multistep" or "constant"
	Milestones []float64 `json:"milestones,omitempty"`
	Warmup     int       `json:"warmup"`     // steps of linear warm-up
	FirstStep  int       `json:"first_step"` // the cosine's t of the first update: 0, or 1 as in the OE and Energy code

	// Of a lambda_grad that follows the gradient term: see dual.go. A rate of 0 keeps it.
	DualRate   float64 `json:"dual_rate,omitempty"`
	DualTarget float64 `json:"dual_target,omitempty"`

	// How auxiliary images are drawn; see [Sampling] for methods that choose.
	AuxOrder string   `json:"aux_order,omitempty"` // "shuffle" (also when empty), "offset" or "file": see [OrderOffset], [OrderFile]
	AuxFirst int      `json:"aux_first,omitempty"` // use the first so many auxiliary images, 0 for all
	Sampling Sampling `json:"sampling,omitzero"`   // how the method chooses among auxiliary images, if it does
	// Replacement lets an auxiliary image come more than once in a step where there
	// are fewer images than AuxBatch, each time augmented anew; see [Config.Copies].
	Replacement bool      `json:"replacement,omitempty"`
	Prior       []float64 `json:"prior,omitempty"` // Balanced Energy: share of auxiliary images of every class; empty to count them with the initial weights

	StatUpdates int `json:"stat_updates"` // times the running statistics move in a step: 2 as in the authors' code, which runs the network twice
	// Conv is how convolutions are computed; what is stored is what was chosen, so that
	// a run that goes on has the same bits.
	Conv kernels.ConvAlgorithm `json:"conv,omitempty"`
	// Recompute computes blocks again for derivatives instead of keeping what they
	// compute: the same bits with less memory, in more time.
	Recompute bool `json:"recompute,omitempty"`

	AugmentID  *datasets.Augment      `json:"augment_id"`
	AugmentAux *datasets.Augment      `json:"augment_aux"`
	Normalize  datasets.Normalization `json:"normalize"`
	Seed       uint64                 `json:"seed"`
}

// Check returns an error that says what is wrong with the config, if anything.
func (c Config) Check() error {
	bad := func(format string, a ...any) error { return fmt.Errorf("greg: "+format, a...) }
	switch {
	case c.Batch < 1:
		return bad("the batch must hold at least 1 image, not %d", c.Batch)
	case c.Loss.NeedsAux() && c.AuxBatch < 1:
		return bad("%s needs auxiliary images; the auxiliary batch is %d", c.Method, c.AuxBatch)
	case !c.Loss.NeedsAux() && c.AuxBatch != 0:
		return bad("%s uses no auxiliary images; the auxiliary batch is %d", c.Method, c.AuxBatch)
	case c.Epochs < 0 || c.Epochs > maxEpochs:
		return bad("%d epochs; from 0 to %d are possible", c.Epochs, maxEpochs)
	case c.MaxSteps < 0:
		return bad("an end after %d steps; it must not be negative", c.MaxSteps)
	case c.Epochs == 0 && c.MaxSteps == 0:
		return bad("nothing to do: %d epochs", c.Epochs)
	case c.StatUpdates < 0 || c.StatUpdates > 2:
		return bad("%d updates of the running statistics in a step; 0, 1 and 2 are possible", c.StatUpdates)
	case c.Loss.Variant != Paper && c.Loss.Variant != Code:
		return bad("the variant of equation (3) is %q; it must be %q or %q", c.Loss.Variant, Paper, Code)
	case c.Optimizer != "sgd" && c.Optimizer != "adam":
		return bad("the optimiser is %q; it must be sgd or adam", c.Optimizer)
	case c.Schedule != "cosine" && c.Schedule != "multistep" && c.Schedule != "constant":
		return bad("the schedule is %q; it must be cosine, multistep or constant", c.Schedule)
	case c.Loss.MarginIn >= c.Loss.MarginAux && c.Loss.UsesMargins():
		return bad("the margin of in-distribution energies (%g) must be below that of outliers (%g)", c.Loss.MarginIn, c.Loss.MarginAux)
	}
	for name, v := range map[string]float64{"learning rate": c.LR, "minimal learning rate": c.MinLR, "momentum": c.Momentum, "weight decay": c.Decay, "lambda_s": c.Loss.LambdaS, "lambda_grad": c.Loss.LambdaGrad, "gradient norm": c.ClipNorm} {
		if v < 0 || math.IsNaN(v) || math.IsInf(v, 0) {
			return bad("the %s is %g; it must be a number from 0 up", name, v)
		}
	}
	for _, check := range []func() error{c.checkRate, c.checkTerms, c.checkSampling, c.checkDual} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// maxEpochs keeps numbers of steps far from the limits of integers.
const maxEpochs = 1000000

// checkRate looks at the learning rate over time, and the momentum.
func (c Config) checkRate() error {
	bad := func(format string, a ...any) error { return fmt.Errorf("greg: "+format, a...) }
	switch {
	case c.Momentum >= 1:
		return bad("the momentum is %g; it must be below 1", c.Momentum)
	case c.Schedule == "cosine" && c.MinLR > c.LR:
		return bad("the minimal learning rate (%g) must not be above the learning rate (%g)", c.MinLR, c.LR)
	case c.FirstStep != 0 && c.FirstStep != 1:
		return bad("the schedule's first step is %d; it must be 0 or 1", c.FirstStep)
	case c.Warmup < 0:
		return bad("a warm-up of %d steps; it must not be negative", c.Warmup)
	case c.Schedule == "multistep" && len(c.Milestones) == 0:
		return bad("a multistep schedule needs milestones, such as 0.5,0.75,0.9 of the epochs")
	case c.Schedule != "multistep" && len(c.Milestones) > 0:
		return bad("the schedule is %s, and milestones belong to a multistep one", c.Schedule)
	}
	last := 0.0
	for _, m := range c.Milestones {
		if !(m > last && m < 1) {
			return bad("the milestones are %g; they must be shares of the run between 0 and 1, each above the one before", c.Milestones)
		}
		last = m
	}
	return nil
}
