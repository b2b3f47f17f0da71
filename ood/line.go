package ood

import (
	"fmt"
	"math"
	"slices"
)

// LINe prunes by the importance of neurons to the predicted class (Ahn et al.,
// CVPR 2023). I_cj = W_cj mean(h_j over ID images of class c) is the Shapley
// value of feature j for logit c, to first order. An image's features are
// clipped at C; the class k that they then predict decides which features stay
// (I_kj above the PA-th percentile of row k, signed) and which weights
// (|I_kj| W_cj above the PW-th percentile of all). The score is the energy of
// what stays.
//
// Thresholds of the weights are computed per predicted class when it first
// occurs; no mask is stored.
type LINe struct {
	PA float64 `json:"pa"` // percentage of features that go
	PW float64 `json:"pw"` // percentage of weights that go
	C  float64 `json:"c"`  // clip, 0 meaning 1

	head    *Head
	shapley []float64        // Classes x Dim
	cuts    map[int]lineCuts // by predicted class
}

type lineCuts struct{ feature, weight float64 }

// Name returns "line".
func (*LINe) Name() string { return "line" }

// Params returns the percentages and the clip.
func (l *LINe) Params() any { return LINe{PA: l.PA, PW: l.PW, C: orOne(l.C)} }

// Needs returns NeedFeatures, NeedHead and NeedData; the ID data need labels.
func (*LINe) Needs() Needs { return NeedFeatures | NeedHead | NeedData }

// Fit computes the contributions from unclipped features. Every class needs an
// image.
func (l *LINe) Fit(id IDData) (err error) {
	if l.head, err = id.needHead(); err != nil {
		return err
	}
	means, err := classMeans(id, l.head.Classes, l.head.Dim)
	if err != nil {
		return err
	}
	for i, w := range l.head.W {
		means[i] *= float64(w)
	}
	l.shapley, l.cuts = means, map[int]lineCuts{}
	return nil
}

// classMeans are the mean features of the images of each class, Classes x Dim.
func classMeans(id IDData, classes, dim int) ([]float64, error) {
	sums, counts := make([]float64, classes*dim), make([]int, classes)
	err := collect(id, NeedFeatures|needLabels, func(out Outputs) error {
		if out.Dim != dim {
			return fmt.Errorf("ood: %d features, but the network's head takes %d", out.Dim, dim)
		}
		for i, c := range out.Labels {
			if c < 0 || c >= classes {
				return fmt.Errorf("ood: label %d of in-distribution data, but the network has %d classes", c, classes)
			}
			counts[c]++
			sum := sums[c*dim : (c+1)*dim]
			for j, v := range out.Feature(i) {
				sum[j] += float64(v)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for c, n := range counts {
		if n == 0 {
			return nil, fmt.Errorf("ood: no image of class %d in the in-distribution data", c)
		}
		for j := range dim {
			sums[c*dim+j] /= float64(n)
		}
	}
	return sums, nil
}

// Score fills dst with the energy of the pruned network.
func (l *LINe) Score(dst []float64, out Outputs) error {
	if err := l.head.fits(out); err != nil {
		return err
	}
	z := make([]float64, out.Classes)
	return eachFeature(dst, out, func(_ []float32, h []float64) float64 {
		clipAt(h, orOne(l.C))
		l.head.logits(z, h)
		l.prune(z, h, argmax(z))
		return logSumExp(z, 1)
	})
}

// prune computes the logits z that are left for predicted class k.
func (l *LINe) prune(z, h []float64, k int) {
	row := l.shapley[k*l.head.Dim : (k+1)*l.head.Dim]
	cut := l.cutsOf(k, row)
	for c := range z {
		sum := l.head.bias(c)
		for j, w := range l.head.row(c) {
			if row[j] > cut.feature && math.Abs(row[j])*float64(w) > cut.weight {
				sum += float64(w) * h[j]
			}
		}
		z[c] = sum
	}
}

func (l *LINe) cutsOf(k int, row []float64) lineCuts {
	if cut, ok := l.cuts[k]; ok {
		return cut
	}
	features := slices.Clone(row)
	slices.Sort(features)
	weights := make([]float64, len(l.head.W))
	for i, w := range l.head.W {
		weights[i] = math.Abs(row[i%l.head.Dim]) * float64(w)
	}
	slices.Sort(weights)
	cut := lineCuts{quantile(features, l.PA/100), quantile(weights, l.PW/100)}
	l.cuts[k] = cut
	return cut
}

func init() {
	Register("line", "energy of the neurons and weights that matter to the predicted class; pa=90 pw=90 c=1, as its paper for CIFAR-10 (CIFAR-100: pa=10; ImageNet: pa=10;pw=10;c=0.8)", func(o *Options) (Detector, error) {
		return &LINe{PA: o.Percentile("pa", 90, 10, 50, 90), PW: o.Percentile("pw", 90, 10, 50, 90), C: o.Positive("c", 1)}, nil
	})
}
