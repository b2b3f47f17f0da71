package ood

import (
	"fmt"
	"math"
	"slices"
)

// ASHKind says what becomes of the features that stay.
type ASHKind string

// The three kinds.
const (
	ASHP ASHKind = "p" // they keep their values
	ASHB ASHKind = "b" // all get one value, so that the sum is what it was
	ASHS ASHKind = "s" // all are multiplied by exp(sum before / sum after)
)

// ASH is the energy of shaped features (Djurisic et al., arXiv:2209.09858): of
// each image the D - round(D P/100) largest features stay, at least one, and
// the others become 0. Halves round to even; of equal features the first stay.
// It is made for features that are 0 or more.
//
// The score's default percentage is one for all kinds and sets, 90, OpenOOD's. The
// paper chooses another for each, on CIFAR-10, CIFAR-100 and ImageNet: 90, 80 and
// 60 for P, 75, 85 and 65 for B, 95, 90 and 90 for S.
type ASH struct {
	Kind ASHKind `json:"-"`
	P    float64 `json:"p"` // percentage of features that go

	head *Head
}

// Name returns "ash-p", "ash-b" or "ash-s".
func (a *ASH) Name() string { return "ash-" + string(a.Kind) }

// Params returns the percentage.
func (a *ASH) Params() any { return ASH{P: a.P} }

// Needs returns NeedFeatures and NeedHead.
func (*ASH) Needs() Needs { return NeedFeatures | NeedHead }

// Fit takes the head.
func (a *ASH) Fit(id IDData) (err error) {
	if a.Kind != ASHP && a.Kind != ASHB && a.Kind != ASHS {
		return fmt.Errorf("ood: ASH of kind %q: want p, b or s", a.Kind)
	}
	a.head, err = id.needHead()
	return err
}

// Score fills dst with the energy of the shaped features.
func (a *ASH) Score(dst []float64, out Outputs) error {
	if err := a.head.fits(out); err != nil {
		return err
	}
	z, sorted := make([]float64, out.Classes), make([]float64, out.Dim)
	return eachFeature(dst, out, func(_ []float32, h []float64) float64 {
		a.shape(h, sorted)
		return a.head.energy(z, h)
	})
}

// shape changes one image's features; sorted is room.
func (a *ASH) shape(h, sorted []float64) {
	top := largest(h, sorted, a.P)
	for j, v := range h {
		switch {
		case !top.keeps(v):
			h[j] = 0
		case a.Kind == ASHB:
			h[j] = top.all / float64(top.k)
		case a.Kind == ASHS:
			h[j] = top.factor() * v
		}
	}
}

// topFeatures are the k largest of some features; keeps must be asked of each
// feature in order.
type topFeatures struct {
	k          int
	least      float64 // the smallest of them
	ties       int     // how many equal to least are among them
	all, inTop float64 // sums over all features and over the k
}

// largest finds the features that are left when p % go.
func largest(h, sorted []float64, p float64) topFeatures {
	copy(sorted, h)
	slices.Sort(sorted)
	n := len(h)
	top := topFeatures{k: max(1, n-int(math.RoundToEven(float64(n)*p/100)))}
	top.least = sorted[n-top.k]
	for i := n - top.k; i < n; i++ {
		top.inTop += sorted[i]
		if sorted[i] == top.least {
			top.ties++
		}
	}
	for _, v := range h {
		top.all += v
	}
	return top
}

func (t *topFeatures) keeps(v float64) bool {
	if v == t.least && t.ties > 0 {
		t.ties--
		return true
	}
	return v > t.least
}

// factor is exp(sum of all / sum of the k largest); 1 where no feature is active,
// since then there is nothing to scale.
func (t *topFeatures) factor() float64 {
	if t.inTop == 0 && t.all == 0 {
		return 1
	}
	return math.Exp(t.all / t.inTop)
}

func init() {
	for kind, about := range map[ASHKind]string{
		ASHP: "energy of the largest features, p % of them removed; p=90, as OpenOOD (the paper: CIFAR-10 90, CIFAR-100 80, ImageNet 60)",
		ASHB: "as ash-p, what is left set to one value; p=90, as OpenOOD (the paper: 75, 85, 65)",
		ASHS: "as ash-p, what is left scaled by exp(sum before / sum after); p=90, as OpenOOD (the paper: 95, 90, 90)",
	} {
		Register("ash-"+string(kind), about, func(o *Options) (Detector, error) {
			return &ASH{Kind: kind, P: o.Percentile("p", 90, 65, 70, 75, 80, 85, 90, 95)}, nil
		})
	}
}
