package ood

import (
	"errors"
	"fmt"
	"math/rand/v2"
)

// Tuned chooses one of several detectors, say one detector with several settings,
// and sees no OOD data for it. Fit holds back every fourth ID image and fits the
// candidates on the others. Then it asks which candidate tells the held-back
// images, 512 of them at most, from as many made ones: Gaussian noise of mean 0
// and deviation 1 in every value of the network's input, and means of two
// held-back images. The largest mean of the two AUROCs wins, the first of equals.
//
// [ParseScores] makes a Tuned of "odin:eps=auto".
type Tuned struct {
	Choice     string     // what is chosen among, in words: "eps=auto"
	Candidates []Detector // at least one

	chosen Detector
	tried  []Trial
	images int
}

// Trial is how one candidate did, in percent.
type Trial struct {
	Params     any     `json:"params"`
	NoiseAUROC float64 `json:"noise_auroc"` // against Gaussian noise
	MixAUROC   float64 `json:"mix_auroc"`   // against means of two images
}

const (
	tuneImages = 512 // held-back images at most
	tuneBatch  = 64  // images that a model sees at a time
	tuneSeed   = 1   // of the noise
)

// Name returns the candidates' name.
func (t *Tuned) Name() string { return t.Candidates[0].Name() }

// Params returns the settings chosen, what they were chosen on, and how every
// candidate did.
func (t *Tuned) Params() any {
	var chosen any
	if t.chosen != nil {
		chosen = t.chosen.Params()
	}
	type found struct {
		Chosen any     `json:"chosen"`
		On     string  `json:"on"`
		Images int     `json:"images"` // held back
		Seed   uint64  `json:"seed"`   // of the noise
		Tried  []Trial `json:"tried"`
	}
	return struct {
		Choice string `json:"choice"`
		Fitted found  `json:"fitted"`
	}{t.Choice, found{chosen, "held-back ID images against Gaussian noise and against means of two images", t.images, tuneSeed, t.tried}}
}

// Needs returns what the candidates need, and NeedData and NeedImages.
func (t *Tuned) Needs() Needs {
	needs := NeedData | NeedImages
	for _, c := range t.Candidates {
		needs |= c.Needs()
	}
	return needs
}

// Fit fits the candidates and chooses one. There must be at least 8 images.
func (t *Tuned) Fit(id IDData) error {
	if id.Model == nil {
		return errors.New("ood: a choice of settings (auto) needs the model (IDData.Model)")
	}
	held := &thinned{stride: 1}
	scores := make([]Score, len(t.Candidates))
	for i, c := range t.Candidates {
		scores[i] = Score{fmt.Sprintf("%s %d", c.Name(), i+1), c}
	}
	all := id.Batches
	id.Batches = func(yield func(Outputs, error) bool) {
		at := 0
		for out, err := range all {
			if err == nil {
				err = out.Check(t.Needs() & (NeedFeatures | NeedImages))
			}
			if err != nil {
				yield(Outputs{}, err)
				return
			}
			var keep, hold []int
			for i := range out.N {
				if at++; at%4 == 0 {
					hold = append(hold, i)
				} else {
					keep = append(keep, i)
				}
			}
			held.add(out.pick(hold))
			if !yield(out.pick(keep), nil) {
				return
			}
		}
	}
	if err := drain(scores, id); err != nil {
		return err
	}
	return t.choose(id.Model, held.rows)
}

// drain is FitAll; where no score learns, it reads the data all the same.
func drain(scores []Score, id IDData) error {
	return FitAll(append(scores, Score{"held-back images", reader{}}), id)
}

// reader is a detector that only reads the data.
type reader struct{}

func (reader) Name() string                   { return "reader" }
func (reader) Params() any                    { return nil }
func (reader) Needs() Needs                   { return NeedData }
func (reader) Fit(id IDData) error            { return collect(id, 0, func(Outputs) error { return nil }) }
func (reader) Score([]float64, Outputs) error { return nil }

func (t *Tuned) choose(m Model, held Outputs) error {
	if held.N < 2 {
		return fmt.Errorf("ood: %d in-distribution images held back are too few to choose settings on", held.N)
	}
	noise, mix := madeImages(held)
	t.images, t.tried, t.chosen = held.N, nil, nil
	var sets [3][]Outputs
	for i, images := range [][]float32{held.Images, noise, mix} {
		var err error
		if sets[i], err = forwardAll(m, images, held.N); err != nil {
			return err
		}
	}
	best := -1.0
	for i, c := range t.Candidates {
		var values [3]map[string][]float64
		for k, set := range sets {
			var err error
			if values[k], err = ScoreAll([]Score{{"", c}}, Single(set...)); err != nil {
				return fmt.Errorf("candidate %d: %w", i+1, err)
			}
		}
		trial := Trial{Params: c.Params()}
		for k, auroc := range []*float64{&trial.NoiseAUROC, &trial.MixAUROC} {
			m, err := Evaluate(values[0][""], values[k+1][""], Paper)
			if err != nil {
				return fmt.Errorf("candidate %d: %w", i+1, err)
			}
			*auroc = m.AUROC
		}
		t.tried = append(t.tried, trial)
		if sum := trial.NoiseAUROC + trial.MixAUROC; sum > best {
			best, t.chosen = sum, c
		}
	}
	return nil
}

// madeImages are as many images as there are ID images, of each of two kinds:
// Gaussian noise, and means of an ID image and the one half a set further.
func madeImages(held Outputs) (noise, mix []float32) {
	rng := rand.New(rand.NewPCG(tuneSeed, 0))
	noise, mix = make([]float32, len(held.Images)), make([]float32, len(held.Images))
	size := len(held.Images) / held.N
	for i := range noise {
		noise[i] = float32(rng.NormFloat64())
		mix[i] = (held.Images[i] + held.Images[(i+held.N/2*size)%len(mix)]) / 2
	}
	return noise, mix
}

// forwardAll runs the model a few images at a time.
func forwardAll(m Model, images []float32, n int) ([]Outputs, error) {
	var all []Outputs
	size := len(images) / n
	for at := 0; at < n; at += tuneBatch {
		k := min(tuneBatch, n-at)
		batch := images[at*size : (at+k)*size]
		out, err := m.Forward(batch, k)
		if err != nil {
			return nil, err
		}
		out.Images = batch
		all = append(all, out)
	}
	return all, nil
}

// Score scores with the chosen detector.
func (t *Tuned) Score(dst []float64, out Outputs) error {
	if t.chosen == nil {
		return errNoFit
	}
	return t.chosen.Score(dst, out)
}

// thinned keeps images at even distances of a stream of unknown length, between
// half and all of tuneImages once there are that many.
type thinned struct {
	rows         Outputs
	seen, stride int
}

func (s *thinned) add(out Outputs) {
	for i := range out.N {
		if s.seen++; (s.seen-1)%s.stride != 0 {
			continue
		}
		if s.rows.N == tuneImages {
			var even []int
			for k := 0; k < tuneImages; k += 2 {
				even = append(even, k)
			}
			s.rows, s.stride = s.rows.pick(even), 2*s.stride
			if (s.seen-1)%s.stride != 0 {
				continue
			}
		}
		s.rows = s.rows.with(out.pick([]int{i}))
	}
}

// pick copies some images' rows.
func (o Outputs) pick(rows []int) Outputs {
	p := Outputs{Classes: o.Classes, Dim: o.Dim}
	for _, i := range rows {
		p = p.with(Outputs{
			Logits: o.Row(i), Features: part(o.Features, i, o.N), Images: part(o.Images, i, o.N), Labels: part(o.Labels, i, o.N),
			Absent: part(o.Absent, i, o.N), N: 1, Classes: o.Classes, Dim: o.Dim,
		})
	}
	return p
}

func part[T any](all []T, i, n int) []T {
	size := len(all) / n
	return all[i*size : (i+1)*size]
}

// with appends the images of other outputs of the same kind.
func (o Outputs) with(more Outputs) Outputs {
	return Outputs{
		Logits: append(o.Logits, more.Logits...), Features: append(o.Features, more.Features...),
		Images: append(o.Images, more.Images...), Labels: append(o.Labels, more.Labels...),
		Absent: append(o.Absent, more.Absent...), N: o.N + more.N, Classes: more.Classes, Dim: more.Dim,
	}
}
