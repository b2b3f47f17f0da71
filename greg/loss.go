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

// Loss is a training loss: cross-entropy on the in-distribution images, plus the
// energy term of equation (1) and the gradient term of equation (3).
type Loss struct {
	LambdaS    float64 `json:"lambda_s"`    // weight of L_S; 0 leaves it out
	LambdaGrad float64 `json:"lambda_grad"` // weight of L_gradS; 0 leaves it out
	MarginIn   float64 `json:"margin_in"`   // m_in: energies of in-distribution images belong below
	MarginAux  float64 `json:"margin_aux"`  // m_aux (m_out): energies of outliers belong above
	Variant    Variant `json:"variant"`     // reading of equation (3)
	// ForceHits counts every image as detected. Random networks detect none at
	// the usual margins; benchmarks set it for the arithmetic of a trained one.
	ForceHits bool `json:"-"`
}

// NeedsAux reports whether the loss looks at auxiliary outliers.
func (l Loss) NeedsAux() bool { return l.LambdaS != 0 || l.LambdaGrad != 0 }

// Terms are the parts of the loss of one batch, on the tape.
type Terms struct {
	Total *autograd.Value // the scalar to differentiate
	CE    *autograd.Value // scalar
	LS    *autograd.Value // scalar, before its weight; nil without outliers
	LGrad *autograd.Value // scalar, before its weight; nil when not computed

	Logits *autograd.Value // [n+m, classes]
	Scores *autograd.Value // S = -logsumexp(logits), [n+m]
	Grad   *autograd.Value // the gradient whose norms were taken, [n+m, H, W, 3], or nil
	Norms  *autograd.Value // its norms, [n+m], or nil
	Hits   [2]int          // images detected by the margins: in-distribution, auxiliary
}

// Net is a classifier as the loss sees it.
type Net interface {
	// Forward maps images [N, H, W, C] to logits [N, classes] and penultimate
	// features [N, dim].
	Forward(p *layers.Pass, x *autograd.Value) (logits, features *autograd.Value)
}

// Terms runs the network on images [n+m, H, W, C], of which the first n =
// len(labels) are in-distribution and the others auxiliary, and puts the loss on
// the tape. The gradient term is left out of the arithmetic when no image is
// detected: it is exactly zero then, and so is its derivative. With measure it is
// computed, for the record, even where its weight is zero.
func (l Loss) Terms(p *layers.Pass, net Net, images *autograd.Value, labels []int, measure bool) *Terms {
	n := len(labels)
	m := images.Dim(0) - n
	if n < 1 || m < 0 || l.NeedsAux() && m == 0 {
		panic(fmt.Sprintf("greg: a batch of %d images with %d labels; the loss wants labels for the first and, with auxiliary terms, images after them", images.Dim(0), n))
	}
	t := p.Tape
	penalised := l.LambdaGrad != 0
	if penalised || measure {
		images = t.Watch(images)
	}
	logits, features := net.Forward(p, images)
	features.Done()
	in := autograd.Slice(logits, 0, 0, n)
	out := &Terms{Logits: logits, CE: autograd.CrossEntropy(in, t.Labels(labels, logits.Dim(1)))}
	out.Scores = autograd.Neg(autograd.LogSumExp(logits))
	out.Total = out.CE
	if l.LambdaS != 0 {
		out.LS = l.energy(out.Scores, n)
		out.Total = autograd.Add(out.Total, autograd.Scale(out.LS, l.LambdaS))
	}
	if penalised || measure {
		l.gradient(t, out, images, n)
	}
	if penalised {
		out.Total = autograd.Add(out.Total, autograd.Scale(out.LGrad, l.LambdaGrad))
	}
	return out
}

// energy is equation (1).
func (l Loss) energy(s *autograd.Value, n int) *autograd.Value {
	in := autograd.ReLU(autograd.AddScalar(autograd.Slice(s, 0, 0, n), -l.MarginIn))
	aux := autograd.ReLU(autograd.AddScalar(autograd.Neg(autograd.Slice(s, 0, n, s.Dim(0))), l.MarginAux))
	return autograd.Add(autograd.Mean(autograd.Mul(in, in)), autograd.Mean(autograd.Mul(aux, aux)))
}

// gradient is equation (3). Both readings are one program with two pairs of
// constants: the gradient is that of sum_i c_i S_i, the term sum_i a_i |g_i|.
func (l Loss) gradient(t *autograd.Tape, out *Terms, images *autograd.Value, n int) {
	c, a := l.coefficients(out, n)
	if out.Hits == [2]int{} {
		out.LGrad = t.Full(0)
		return
	}
	j := autograd.Sum(autograd.Mul(out.Scores, t.New(c, len(c))))
	out.Grad = autograd.Grad(j, images)[0]
	out.Norms = autograd.Norm(out.Grad)
	out.LGrad = autograd.Sum(autograd.Mul(out.Norms, t.New(a, len(a))))
}

// coefficients returns c and a; detection is strict in the authors' program.
func (l Loss) coefficients(out *Terms, n int) (c, a []float32) {
	scores := out.Scores.Float64s()
	total := len(scores)
	c, a = make([]float32, total), make([]float32, total)
	for i, s := range scores {
		side, share, hit := 0, 1/float32(n), s <= l.MarginIn
		strict := s < l.MarginIn
		if i >= n {
			side, share, hit, strict = 1, 1/float32(total-n), s >= l.MarginAux, s > l.MarginAux
		}
		if l.Variant == Code {
			a[i], hit = 1/float32(total), strict
		}
		if !hit && !l.ForceHits {
			continue
		}
		out.Hits[side]++
		if l.Variant == Code {
			c[i] = share
		} else {
			c[i], a[i] = 1, share
		}
	}
	return c, a
}
