package greg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gradgrad/autograd"
	"gradgrad/datasets"
	"gradgrad/kernels"
	"gradgrad/layers"
	"gradgrad/models"
	"gradgrad/ood"
)

// Classifier is a trained network with the normalisation it was trained with, in
// evaluation mode. It implements ood.Model. It belongs to one goroutine.
type Classifier struct {
	Model     models.Model
	Normalize datasets.Normalization
	Batch     int // images at a time, 0 means 128
	Conv      kernels.ConvAlgorithm

	tape   *autograd.Tape
	dev    kernels.Device
	sender sender
}

// NewClassifier wraps a model that lives on a device.
func NewClassifier(m models.Model, n datasets.Normalization, dev kernels.Device) *Classifier {
	return &Classifier{Model: m, Normalize: n, tape: autograd.NewTape(dev), dev: dev}
}

// Close returns the classifier's working memory to the device.
func (c *Classifier) Close() { c.tape.Close() }

func (c *Classifier) batch() int {
	if c.Batch > 0 {
		return c.Batch
	}
	return 128
}

// Outputs runs the network over a set in order and yields a batch at a time.
// images asks for the normalised input beside logits and features.
func (c *Classifier) Outputs(ctx context.Context, s datasets.Set, images bool) iter.Seq2[ood.Outputs, error] {
	return func(yield func(ood.Outputs, error) bool) {
		for b, err := range datasets.Batches(ctx, s, datasets.BatchConfig{Size: c.batch(), Normalize: c.Normalize, Bytes: ownMemory(c.dev) && !images}) {
			var out ood.Outputs
			if err == nil {
				out, err = c.run(func() *autograd.Value { return c.sender.imagesOf(c.tape, c.Normalize, b) })
				out.Labels = b.Labels
				if images {
					out.Images = b.Images
				}
			}
			if !yield(out, err) || err != nil {
				return
			}
		}
	}
}

// Forward implements ood.Model on square images.
func (c *Classifier) Forward(images []float32, n int) (ood.Outputs, error) {
	side, err := squareSide(len(images), n)
	if err != nil {
		return ood.Outputs{}, err
	}
	return c.run(func() *autograd.Value { return c.tape.New(images, n, side, side, 3) })
}

// run runs the network on images that it puts on the tape.
func (c *Classifier) run(images func() *autograd.Value) (out ood.Outputs, err error) {
	defer autograd.Catch(&err)
	defer c.tape.Release()
	logits, features := c.Model.Forward(&layers.Pass{Tape: c.tape, Frozen: true, Conv: c.Conv}, images())
	return outputsOf(c.Model.Config(), logits, features), nil
}

func squareSide(values, n int) (int, error) {
	for side := 1; n > 0 && side*side*3*n <= values; side++ {
		if side*side*3*n == values {
			return side, nil
		}
	}
	return 0, fmt.Errorf("greg: %d values are not %d square RGB images", values, n)
}

// Evaluation says what to compute about a classifier.
type Evaluation struct {
	ID         datasets.Set   // the in-distribution test set, with labels
	Fit        datasets.Set   // in-distribution training images, for scores that learn from them; may be nil
	OOD        []datasets.Set // at least one
	Scores     []ood.Score
	Convention ood.Convention
	// Certify is how many images of every set get a certificate at the threshold
	// that 95 % of the ID images pass; they lie at even distances in the set.
	Certify int
	// Progress is told after every batch how many images of how many are done.
	Progress func(set string, done, total int)
}

// Scored is the outcome of an evaluation: the metrics, and the scores that they
// were made of, by score key and set name.
type Scored struct {
	Results *ood.Results
	Raw     map[string]map[string][]float64
	// Certificates are those of the images that have one, by set.
	Certificates map[string][]ood.Certificate

	energies []float64 // of the ID set, where certificates are wanted
}

// Images is how many images the network runs over, those that get a certificate
// counted twice: the total of Progress.
func (e Evaluation) Images() int {
	total := 0
	if e.learns() {
		total = e.Fit.Len()
	}
	for _, set := range append([]datasets.Set{e.ID}, e.OOD...) {
		total += set.Len() + min(e.Certify, set.Len())
	}
	return total
}

// learns tells whether a pass over the training images is part of it.
func (e Evaluation) learns() bool {
	return e.Fit != nil && slices.ContainsFunc(e.Scores, func(s ood.Score) bool { return s.Needs()&ood.NeedData != 0 })
}

func (e Evaluation) check() error {
	if len(e.OOD) == 0 || len(e.Scores) == 0 {
		return fmt.Errorf("greg: an evaluation needs at least one OOD set and one score")
	}
	seen := map[string]bool{e.ID.Name(): true}
	for _, o := range e.OOD {
		if err := ood.CheckSetName(o.Name()); err != nil {
			return err
		}
		if seen[o.Name()] {
			return fmt.Errorf("greg: two sets are named %s; name one of them, as in other=PATH", o.Name())
		}
		seen[o.Name()] = true
	}
	for _, sc := range e.Scores {
		if sc.Needs()&ood.NeedData != 0 && e.Fit == nil {
			return fmt.Errorf("greg: the score %s learns from in-distribution training images, and there are none", sc.Key)
		}
	}
	return nil
}

// Evaluate computes every score on every set, and its metrics. Identity fields of
// the results (arch, method, seed, ...) are the caller's to fill in.
func (c *Classifier) Evaluate(ctx context.Context, e Evaluation) (*Scored, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	total, done := e.Images(), 0
	if err := c.fit(ctx, e, &done, total); err != nil {
		return nil, err
	}
	s := &Scored{Results: &ood.Results{ID: e.ID.Name(), IDN: e.ID.Len(), Convention: e.Convention, Normalize: c.Normalize.Name}, Raw: map[string]map[string][]float64{}}
	for _, sc := range e.Scores {
		s.Raw[sc.Key] = map[string][]float64{}
	}
	for _, set := range append([]datasets.Set{e.ID}, e.OOD...) {
		right, err := c.score(ctx, e, s, set, &done, total)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", set.Name(), err)
		}
		if set == e.ID {
			s.Results.IDAccuracy = 100 * float64(right) / float64(set.Len())
		}
	}
	if e.Certify > 0 {
		if err := c.certify(ctx, e, s, &done, total); err != nil {
			return nil, err
		}
	}
	return s, s.judge(e)
}

// fit shows the training images, if need be, to the scores that learn.
func (c *Classifier) fit(ctx context.Context, e Evaluation, done *int, total int) error {
	data, images := c.IDData(), false
	for _, sc := range e.Scores {
		images = images || sc.Needs()&ood.NeedData != 0 && sc.Needs()&ood.NeedImages != 0
	}
	if e.learns() {
		data.Batches = func(yield func(ood.Outputs, error) bool) {
			for out, err := range c.Outputs(ctx, e.Fit, images) {
				if !yield(out, err) {
					return
				}
				if *done += out.N; e.Progress != nil {
					e.Progress(e.Fit.Name(), *done, total)
				}
			}
		}
	}
	return ood.FitAll(e.Scores, data)
}

// score runs one set through the network and all scores; it returns the number
// of images classified right, where labels are known.
func (c *Classifier) score(ctx context.Context, e Evaluation, s *Scored, set datasets.Set, done *int, total int) (right int, err error) {
	images := false
	for _, sc := range e.Scores {
		s.Raw[sc.Key][set.Name()] = make([]float64, 0, set.Len())
		images = images || sc.Needs()&ood.NeedImages != 0
	}
	for out, err := range c.Outputs(ctx, set, images) {
		if err != nil {
			return 0, err
		}
		if set == e.ID {
			k, err := out.Correct()
			if err != nil {
				return 0, err
			}
			right += k
			s.keepEnergies(e, out)
		}
		for _, sc := range e.Scores {
			values := make([]float64, out.N)
			if err := sc.Detector.Score(values, out); err != nil {
				return 0, fmt.Errorf("score %s: %w", sc.Key, err)
			}
			s.Raw[sc.Key][set.Name()] = append(s.Raw[sc.Key][set.Name()], values...)
		}
		*done += out.N
		if e.Progress != nil {
			e.Progress(set.Name(), *done, total)
		}
	}
	return right, nil
}

// judge turns scores into metrics.
func (s *Scored) judge(e Evaluation) error {
	for _, sc := range e.Scores {
		r, err := s.Results.AddScore(sc)
		if err != nil {
			return err
		}
		for _, o := range e.OOD {
			m, err := ood.Evaluate(s.Raw[sc.Key][e.ID.Name()], s.Raw[sc.Key][o.Name()], e.Convention)
			if err != nil {
				return fmt.Errorf("greg: score %s on %s: %w", sc.Key, o.Name(), err)
			}
			r.Add(o.Name(), m)
		}
	}
	return nil
}

// Write writes results.json into a directory, and every set of scores as
// scores/SCORE-SET.npy beside it. Of an older evaluation in the directory it
// removes the scores that the new results do not have.
func (s *Scored) Write(dir string) error {
	stale := scoreFiles(dir)
	for key, sets := range s.Raw {
		for name, values := range sets {
			if err := ood.WriteNPY(ScoreFile(dir, key, name), values); err != nil {
				return err
			}
		}
	}
	if err := s.writeCertificates(dir); err != nil {
		return err
	}
	if err := ood.WriteResults(dir, s.Results); err != nil {
		return err
	}
	for file := range scoreFiles(dir) {
		delete(stale, file)
	}
	for file := range stale {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("greg: scores of the older evaluation cannot be removed: %w", err)
		}
	}
	return nil
}

// scoreFiles are the files of raw scores that belong to the results in a
// directory; none where there are no results.
func scoreFiles(dir string) map[string]bool {
	r, err := ood.ReadResults(dir)
	if err != nil {
		return nil
	}
	files := map[string]bool{}
	if r.Certificate != nil {
		for _, set := range r.Certificate.Sets {
			files[ScoreFile(dir, RadiusFile, set.Name)], files[ScoreFile(dir, EstimateFile, set.Name)] = true, true
		}
	}
	for _, score := range r.Scores {
		sets := []string{r.ID}
		for _, set := range score.Sets {
			sets = append(sets, set.Name)
		}
		for _, set := range sets {
			files[ScoreFile(dir, score.Name, set)] = true
		}
	}
	return files
}

// ScoreFile is where an evaluation keeps the scores of a set.
func ScoreFile(dir, score, set string) string {
	safe := strings.NewReplacer(":", "_", ";", "_", "/", "_", "=", "")
	return filepath.Join(dir, "scores", safe.Replace(score)+"-"+safe.Replace(set)+".npy")
}
