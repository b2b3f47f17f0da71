package main

import (
	"gradgrad/datasets"
	"gradgrad/greg"
)

// demoMethods are trained in this order; the first gives the others their start.
var demoMethods = []string{"ce", "energy", "greg"}

// demoFamilies are the out-of-distribution sets that the demo judges with.
var demoFamilies = []string{"ood-shapes", "ood-textures", "ood-letters", "ood-scenes", "ood-blobs", "ood-scrambled", "ood-noise"}

// gradEvery is how often the gradient norm of equation (3) is measured where the
// loss does not contain it.
const gradEvery = 4

// demoPlan is the size of the experiment and what was chosen for it. Margins and
// lambda_S are the paper's. The learning rates and the weight of the gradient term
// (1 in the paper, for longer training of larger networks) come from trial runs
// judged by held-out shapes and held-out auxiliary outliers.
type demoPlan struct {
	Size  int    `json:"size"` // of images, in pixels
	Train int    `json:"train"`
	Test  int    `json:"test"`
	OOD   int    `json:"ood"` // images of a family
	Arch  string `json:"arch"`
	Seed  uint64 `json:"seed"`

	Epochs     int     `json:"epochs"` // of cross-entropy
	LR         float64 `json:"lr"`
	TuneEpochs int     `json:"tune_epochs"`
	TuneLR     float64 `json:"tune_lr"`
	LambdaS    float64 `json:"lambda_s"`
	LambdaGrad float64 `json:"lambda_grad"`
	MarginIn   float64 `json:"margin_in"`
	MarginAux  float64 `json:"margin_aux"`
}

func fullDemo(seed uint64) demoPlan {
	return demoPlan{
		Size: 16, Train: 8000, Test: 2000, OOD: 1000, Arch: "wrn-10-1", Seed: seed,
		Epochs: 5, LR: 0.1,
		TuneEpochs: 4, TuneLR: 0.02, LambdaS: 0.1, LambdaGrad: 0.1, MarginIn: -23, MarginAux: -5,
	}
}

// quick is a plan that shows that everything works, and nothing else.
func (p demoPlan) quick() demoPlan {
	p.Train, p.Test, p.OOD, p.Epochs, p.TuneEpochs = 400, 200, 100, 1, 1
	return p
}

// config is the configuration of one of the three runs.
func (p demoPlan) config(method string) (greg.Config, error) {
	preset := method
	if method == "energy" { // the run of GReg but for the gradient term, not the Energy paper's
		preset = "greg"
	}
	c, err := greg.Preset(preset, 10)
	if err != nil {
		return c, err
	}
	if method == "energy" {
		c.Method, c.Loss.LambdaGrad = method, 0
	}
	if c.Normalize, err = datasets.Preset("greg", "shapes"); err != nil {
		return c, err
	}
	c.Model.Arch, c.Size, c.Seed = p.Arch, p.Size, p.Seed
	// A crop of 4 pixels is made for 32; here it would cut the shapes.
	c.AugmentID = &datasets.Augment{Flip: true, CropPad: 2}
	c.AugmentAux = &datasets.Augment{Flip: true, CropPad: 2}
	c.Epochs, c.LR = p.Epochs, p.LR
	if !c.Loss.NeedsAux() {
		return c, nil
	}
	c.Epochs, c.LR = p.TuneEpochs, p.TuneLR
	c.Loss.LambdaS, c.Loss.MarginIn, c.Loss.MarginAux = p.LambdaS, p.MarginIn, p.MarginAux
	if c.Loss.LambdaGrad != 0 {
		c.Loss.LambdaGrad = p.LambdaGrad
	}
	return c, nil
}
