package greg

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gradgrad/datasets"
)

// Accuracy is the share of a labelled set, in percent, whose largest logit is at
// the label. each, which may be nil, is told how many images are done.
func (c *Classifier) Accuracy(ctx context.Context, s datasets.Set, each func(done, total int)) (float64, error) {
	right, done := 0, 0
	for out, err := range c.Outputs(ctx, s, false) {
		if err != nil {
			return 0, err
		}
		if at := slices.IndexFunc(out.Logits, notFinite); at >= 0 {
			return 0, fmt.Errorf("greg: accuracy on %s: the network answers image %d with logits that are not finite: it has diverged; train again with a lower learning rate", s.Name(), done+at/out.Classes)
		}
		k, err := out.Correct()
		if err != nil {
			return 0, fmt.Errorf("greg: accuracy on %s: %w", s.Name(), err)
		}
		right += k
		done += out.N
		if each != nil {
			each(done, s.Len())
		}
	}
	if done == 0 {
		return 0, fmt.Errorf("greg: accuracy on %s: it holds no images", s.Name())
	}
	return 100 * float64(right) / float64(done), nil
}

func notFinite(x float32) bool { return math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) }
