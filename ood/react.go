package ood

import (
	"fmt"
	"math"
	"slices"
)

// ReAct is the energy of logits computed from clipped features, min(h, C) (Sun
// et al., arXiv:2111.12797). C is a constant, or the Q-th percentile of all
// feature values of the ID data in Fit, which are held in memory (4 bytes each).
// The paper takes the 90th percentile, its code for ImageNet the constant 1, which
// is the default here.
type ReAct struct {
	C float64 // where features are clipped; 0 means 1, or what Q gives
	Q float64 // percentile, such as 90; 0: C is given

	head *Head
}

// Name returns "react".
func (*ReAct) Name() string { return "react" }

// Params returns the clip, or the percentile with the clip fitted to it.
func (r *ReAct) Params() any {
	if r.Q > 0 {
		return fittedClip{Q: r.Q, Fitted: &clipAtC{r.C}}
	}
	return fittedClip{C: r.clip()}
}

type fittedClip struct {
	C      float64  `json:"c,omitempty"`
	Q      float64  `json:"q,omitempty"`
	Fitted *clipAtC `json:"fitted,omitempty"`
}

type clipAtC struct {
	C float64 `json:"c"`
}

// Needs returns what the settings call for.
func (r *ReAct) Needs() Needs {
	if r.Q > 0 {
		return NeedFeatures | NeedHead | NeedData
	}
	return NeedFeatures | NeedHead
}

func (r *ReAct) clip() float64 {
	if r.Q > 0 {
		return r.C
	}
	return orOne(r.C)
}

// Fit takes the head, and the percentile if there is to be one.
func (r *ReAct) Fit(id IDData) (err error) {
	if r.head, err = id.needHead(); err != nil || r.Q == 0 {
		return err
	}
	var all []float32
	err = collect(id, NeedFeatures, func(out Outputs) error {
		all = append(all, out.Features...)
		return nil
	})
	if err == nil {
		slices.Sort(all)
		if math.IsNaN(float64(all[0])) || math.IsInf(float64(all[len(all)-1]), 0) {
			return fmt.Errorf("ood: in-distribution features are not finite")
		}
		r.C = quantile(all, r.Q/100)
	}
	return err
}

// Score fills dst with the energy of the clipped features.
func (r *ReAct) Score(dst []float64, out Outputs) error {
	if err := r.head.fits(out); err != nil {
		return err
	}
	z, c := make([]float64, out.Classes), r.clip()
	return eachFeature(dst, out, func(_ []float32, h []float64) float64 {
		clipAt(h, c)
		return r.head.energy(z, h)
	})
}

func clipAt(h []float64, c float64) {
	for j, v := range h {
		h[j] = min(v, c)
	}
}

func init() {
	Register("react", "energy of features clipped at c; c=1, or q= a percentile of the ID features", func(o *Options) (Detector, error) {
		r := &ReAct{Q: o.Percentile("q", 0, 85, 90, 95, 99)}
		c := o.Positive("c", 1)
		if r.Q > 0 && o.Given("c") {
			return nil, fmt.Errorf("c and q are two ways to say one thing: give one")
		}
		if r.Q == 0 {
			r.C = c
		}
		return r, nil
	})
}
