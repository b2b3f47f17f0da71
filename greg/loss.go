package greg

import (
	"fmt"

	"gradgrad/autograd"
	"gradgrad/layers"
)

// Variant is a reading of equation (3).
type Variant string

// The readings of equation (3).
const (
	// Paper is the equation as printed: the mean over each of the two batches of
	// the norm of the gradient of the score, where the image is detected.
	Paper Variant = "paper"
	// Code is what the authors' program computes: the norm of each image's part
	// of the gradient of the mean-reduced hinges, averaged over all images.
	Code Variant = "code"
)

// Outliers is what a loss does with auxiliary images.
type Outliers string

// The outlier terms. The zero value is equation (1).
const (
	Energies Outliers = ""         // equation (1): hinges on energies
	Balanced Outliers = "balanced" // Balanced Energy: hinges weighed by class
	Uniform  Outliers = "uniform"  // OE: cross-entropy with the uniform distribution
	Absent   Outliers = "absent"   // DOS, NTOM: cross-entropy with an output for none of the classes
	Mixed    Outliers = "mixed"    // OpenMix: mixtures of images and of labels
)

// Loss is a training loss: cross-entropy on the in-distribution images, plus an
// outlier term, such as equation (1), and the gradient term of equation (3).
type Loss struct {
	Outliers   Outliers `json:"outliers,omitempty"` // which outlier term
	LambdaS    float64  `json:"lambda_s"`           // weight of the outlier term; 0 leaves it out
	LambdaGrad float64  `json:"lambda_grad"`        // weight of L_gradS; 0 leaves it out
	MarginIn   float64  `json:"margin_in"`          // m_in: energies of in-distribution images belong below
	MarginAux  float64  `json:"margin_aux"`         // m_aux (m_out): energies of outliers belong above
	Variant    Variant  `json:"variant"`            // reading of equation (3)

	// The gradient term's score, where it is not the energy; see [GradOf].
	GradOf  GradOf  `json:"grad_of,omitempty"`
	GradIn  float64 `json:"grad_in,omitempty"`  // of GradMSP: in-distribution images count from this probability up
	GradAux float64 `json:"grad_aux,omitempty"` // of GradMSP: outliers count from this probability down

	Alpha   float64 `json:"alpha,omitempty"`    // of Balanced: how much the prior moves energies
	Gamma   float64 `json:"gamma,omitempty"`    // of Balanced: power of the prior, in the margin and in the weights
	MixBeta float64 `json:"mix_beta,omitempty"` // of Mixed: shares are drawn from Beta(MixBeta, MixBeta)
	MixAt   MixAt   `json:"mix_at,omitempty"`   // of Mixed: where images are mixed

	// ForceHits counts every image as detected. Random networks detect none at
	// the usual margins; benchmarks set it for the arithmetic of a trained one.
	ForceHits bool `json:"-"`
}

// NeedsAux reports whether the loss looks at auxiliary outliers.
func (l Loss) NeedsAux() bool { return l.LambdaS != 0 || l.LambdaGrad != 0 }

// UsesMargins reports whether the energy margins mean something for the loss.
func (l Loss) UsesMargins() bool {
	hinges := l.LambdaS != 0 && (l.Outliers == Energies || l.Outliers == Balanced)
	return hinges || l.LambdaGrad != 0 && l.GradOf == GradEnergy
}

// Measurable reports whether equation (3) can be measured beside the loss, or is part
// of it: there are outliers, and margins that say which images are detected.
func (l Loss) Measurable() bool { return l.NeedsAux() && (l.UsesMargins() || l.LambdaGrad != 0) }

// rejects reports whether the last output stands for none of the classes.
func (l Loss) rejects() bool { return l.Outliers == Absent || l.Outliers == Mixed }

// Terms are the parts of the loss of one batch, on the tape.
type Terms struct {
	Total *autograd.Value // the scalar to differentiate
	CE    *autograd.Value // scalar
	LS    *autograd.Value // the outlier term, a scalar before its weight; nil without outliers
	LGrad *autograd.Value // scalar, before its weight; nil when not computed

	Logits *autograd.Value // [n+m, outputs]
	Scores *autograd.Value // S = -logsumexp(logits of classes), [n+m]
	Grad   *autograd.Value // the gradient whose norms were taken, [n+m, H, W, 3], or nil
	Norms  *autograd.Value // its norms, [n+m], or nil
	// Detected is not 0 for images that the margins count as detected, [n+m]; nil when
	// there is no such term, or none is. Hits are their numbers, in-distribution and
	// auxiliary, unless the batch is Fixed.
	Detected *autograd.Value
	Hits     [2]int
}

// Net is a classifier as the loss sees it.
type Net interface {
	// Forward maps images [N, H, W, C] to logits [N, classes] and penultimate
	// features [N, dim].
	Forward(p *layers.Pass, x *autograd.Value) (logits, features *autograd.Value)
}

// Batch is what a loss is computed of.
type Batch struct {
	Images *autograd.Value // [n+m, H, W, C]: in-distribution first, then auxiliary (or mixed) ones
	Labels []int           // of the first n
	Share  float64         // of Mixed: the share of the in-distribution images in the mixed ones
	Depth  int             // of Mixed: groups of blocks before the images are mixed; 0 when they come mixed
	Prior  []float64       // of Balanced: how common every class is among outliers
	// Measure computes the gradient term, for the record, even where its weight is zero.
	Measure bool
	// Fixed makes the operations the same whatever is in the images: nothing is read in
	// between, and the gradient term is computed even when no image is detected. A
	// device can then do the step again by itself ([kernels.Capturer]).
	Fixed bool
	// On has numbers that are on the device already, and may be others when it does the
	// step again.
	On OnDevice
}

// OnDevice are numbers of a batch on the device; those that are nil are taken from the
// batch and the loss, as constants.
type OnDevice struct {
	Labels      *autograd.Value // Batch.Labels, [n]
	Share, Rest *autograd.Value // Batch.Share and 1 less that, scalars
	LambdaGrad  *autograd.Value // Loss.LambdaGrad where that is not zero, a scalar
}

// labels are the first m of the batch's labels.
func (b Batch) labels(t *autograd.Tape, m, outputs int) *autograd.Value {
	switch {
	case b.On.Labels == nil:
		return t.Labels(b.Labels[:m], outputs)
	case m < len(b.Labels):
		return autograd.Slice(b.On.Labels, 0, 0, m)
	}
	return b.On.Labels
}

// times is x times a number, which is that of the device where there is one.
func times(x *autograd.Value, number float64, on *autograd.Value) *autograd.Value {
	if on != nil {
		return autograd.Mul(x, on)
	}
	return autograd.Scale(x, number)
}

// Terms runs the network on images [n+m, H, W, C], of which the first n =
// len(labels) are in-distribution and the others auxiliary, and puts the loss on
// the tape; see [Loss.Of], which methods with more to say need.
func (l Loss) Terms(p *layers.Pass, net Net, images *autograd.Value, labels []int, measure bool) *Terms {
	return l.Of(p, net, Batch{Images: images, Labels: labels, Measure: measure})
}

// Of runs the network on a batch and puts the loss on the tape. The gradient term
// is left out of the arithmetic when no image is detected, unless the batch is Fixed:
// it is exactly zero then, and so is its derivative.
func (l Loss) Of(p *layers.Pass, net Net, b Batch) *Terms {
	n := len(b.Labels)
	m := b.Images.Dim(0) - n
	if n < 1 || m < 0 || l.NeedsAux() && m == 0 {
		panic(fmt.Sprintf("greg: a batch of %d images with %d labels; the loss wants labels for the first and, with auxiliary terms, images after them", b.Images.Dim(0), n))
	}
	t, images := p.Tape, b.Images
	penalised := l.LambdaGrad != 0
	if penalised || b.Measure {
		images = t.Watch(images)
	}
	if b.Depth > 0 {
		p.Between = mixAfter(b, n)
	}
	logits, features := net.Forward(p, images)
	features.Done()
	in := autograd.Slice(logits, 0, 0, n)
	out := &Terms{Logits: logits, CE: autograd.CrossEntropy(in, b.labels(t, n, logits.Dim(1)))}
	known := logits
	if l.rejects() {
		known = autograd.Slice(logits, 1, 0, logits.Dim(1)-1)
	}
	out.Scores = autograd.Neg(autograd.LogSumExp(known))
	out.Total = out.CE
	if l.LambdaS != 0 {
		out.LS = l.outliers(out, b, n)
		out.Total = autograd.Add(out.Total, autograd.Scale(out.LS, l.LambdaS))
	}
	if penalised || b.Measure {
		l.gradient(t, out, images, known, b)
	}
	if penalised {
		out.Total = autograd.Add(out.Total, times(out.LGrad, l.LambdaGrad, b.On.LambdaGrad))
	}
	return out
}

// outliers is the method's outlier term.
func (l Loss) outliers(out *Terms, b Batch, n int) *autograd.Value {
	aux := autograd.Slice(out.Logits, 0, n, out.Logits.Dim(0))
	switch l.Outliers {
	case Balanced:
		return l.balancedTerm(out.Scores, out.Logits, n, b.Prior)
	case Uniform:
		return uniformTerm(aux)
	case Absent:
		return absentTerm(aux)
	case Mixed:
		return mixedTerm(aux, b)
	}
	return l.energy(out.Scores, n)
}

// energy is equation (1).
func (l Loss) energy(s *autograd.Value, n int) *autograd.Value {
	in := autograd.ReLU(autograd.AddScalar(autograd.Slice(s, 0, 0, n), -l.MarginIn))
	aux := autograd.ReLU(autograd.AddScalar(autograd.Neg(autograd.Slice(s, 0, n, s.Dim(0))), l.MarginAux))
	return autograd.Add(autograd.Mean(autograd.Mul(in, in)), autograd.Mean(autograd.Mul(aux, aux)))
}
