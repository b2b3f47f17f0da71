package ood

import (
	"fmt"
	"slices"
)

// DICEScore is DICE: the energy of logits computed with the most important weights of the
// head alone (Sun and Li, arXiv:2111.09805). A weight's importance is its
// contribution to its logit on average ID data, V_cj = mean(h_j) W_cj, signed;
// of all weights together those above the P-th percentile stay. Biases stay.
//
// With C the features are clipped at C too when they are scored (DICE+ReAct);
// the means are those of unclipped features.
type DICEScore struct {
	P    float64 `json:"p"`              // percentage of weights that go
	C    float64 `json:"c,omitempty"`    // clip; 0 for none
	Stat string  `json:"stat,omitempty"` // .npy file with the mean features; empty: Fit computes them from ID data

	sparse *Head
}

// Name returns "dice", or "dice+react" if features are clipped.
func (d *DICEScore) Name() string {
	if d.C > 0 {
		return "dice+react"
	}
	return "dice"
}

// Params returns percentage, clip and file.
func (d *DICEScore) Params() any { return DICEScore{P: d.P, C: d.C, Stat: d.Stat} }

// Needs returns NeedFeatures, NeedHead, and NeedData where no file has the means.
func (d *DICEScore) Needs() Needs {
	if d.Stat != "" {
		return NeedFeatures | NeedHead
	}
	return NeedFeatures | NeedHead | NeedData
}

// Fit chooses the weights that stay.
func (d *DICEScore) Fit(id IDData) error {
	head, err := id.needHead()
	if err != nil {
		return err
	}
	var mean []float64
	if d.Stat != "" {
		if mean, err = ReadNPY(d.Stat); err != nil {
			return fmt.Errorf("ood: stat=%s is no file of mean features that can be read: %w", d.Stat, err)
		}
	} else {
		mean, err = meanFeature(id)
	}
	if err != nil {
		return err
	}
	if len(mean) != head.Dim {
		from := ""
		if d.Stat != "" {
			from = " in stat=" + d.Stat
		}
		return fmt.Errorf("ood: %d mean features%s, but the network's head takes %d", len(mean), from, head.Dim)
	}
	d.sparse = sparsify(head, mean, d.P)
	return nil
}

func meanFeature(id IDData) ([]float64, error) {
	var sum []float64
	n := 0
	err := collect(id, NeedFeatures, func(out Outputs) error {
		if sum == nil {
			sum = make([]float64, out.Dim)
		}
		for i := range out.N {
			for j, v := range out.Feature(i) {
				sum[j] += float64(v)
			}
		}
		n += out.N
		return nil
	})
	for j := range sum {
		sum[j] /= float64(n)
	}
	return sum, err
}

// sparsify sets to zero the weights whose contribution is not above the p-th
// percentile of all.
func sparsify(head *Head, mean []float64, p float64) *Head {
	v := make([]float64, len(head.W))
	for i, w := range head.W {
		v[i] = float64(w) * mean[i%head.Dim]
	}
	sorted := slices.Clone(v)
	slices.Sort(sorted)
	t := quantile(sorted, p/100)
	s := &Head{W: make([]float32, len(head.W)), B: head.B, Classes: head.Classes, Dim: head.Dim}
	for i, w := range head.W {
		if v[i] > t {
			s.W[i] = w
		}
	}
	return s
}

// Score fills dst with the energy of the sparse head.
func (d *DICEScore) Score(dst []float64, out Outputs) error {
	if err := d.sparse.fits(out); err != nil {
		return err
	}
	z := make([]float64, out.Classes)
	return eachFeature(dst, out, func(_ []float32, h []float64) float64 {
		if d.C > 0 {
			clipAt(h, d.C)
		}
		return d.sparse.energy(z, h)
	})
}

func init() {
	const means = "stat=FILE.npy has the mean features"
	Register("dice", "energy without the p % least important weights; p=90, as its paper for CIFAR (ImageNet: p=70); "+means, func(o *Options) (Detector, error) {
		return &DICEScore{P: o.Percentile("p", 90, 50, 70, 85, 90, 95), Stat: o.Text("stat", "")}, nil
	})
	Register("dice+react", "dice of features clipped at c; p=90 c=1; "+means, func(o *Options) (Detector, error) {
		return &DICEScore{P: o.Percentile("p", 90, 50, 70, 85, 90, 95), C: o.Positive("c", 1), Stat: o.Text("stat", "")}, nil
	})
}
