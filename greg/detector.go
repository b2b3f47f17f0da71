package greg

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"gradgrad/checkpoint"
	"gradgrad/datasets"
	"gradgrad/kernels"
	"gradgrad/models"
	"gradgrad/ood"
)

// Detector decides about single pictures whether they are in-distribution: a
// classifier, a score and a threshold, all of them in one file. Make one with
// [Calibrate], keep it with [Detector.Save], use it with [OpenDetector]. It
// belongs to one goroutine.
type Detector struct {
	*Classifier
	Score     ood.Score
	Threshold float64 // a picture whose score reaches it is in-distribution
	TPR       float64 // share of the calibration set that reaches it, such as 0.95
	Size      int     // height and width of the network's input in pixels
	Classes   []string
	ID        SetID // the set that the threshold was chosen on

	trace Config // how the network was trained, as far as known
}

// Verdict is what a [Detector] says of one picture.
type Verdict struct {
	Score    float64      // larger = in-distribution
	Decision ood.Decision // whether the score reaches the threshold
	Class    string       // the class that the network sees in it
}

// metaDetector is the metadata key of a detector's settings.
const metaDetector = "gradgrad.detector"

// detectorRecord is what stands there, beside the weights and the config.
type detectorRecord struct {
	Score     string          `json:"score"` // as ParseScores reads it
	Params    json.RawMessage `json:"params"`
	Threshold float64         `json:"threshold"`
	TPR       float64         `json:"tpr"`
	Classes   []string        `json:"classes"`
	ID        SetID           `json:"id"`
}

// Calibrate chooses the threshold of a score on in-distribution images that the
// network was not trained on, so that a share tpr of them is accepted. score is a
// name as [ood.ParseScores] reads it; one that learns from training images cannot
// be kept in a file and is an error. trained is how the network was trained, the
// zero Config with Model and Normalize where that is not known; id is the set
// under the identity idOf.
func Calibrate(ctx context.Context, c *Classifier, trained Config, score string, id datasets.Set, idOf SetID, tpr float64, each func(done, total int)) (*Detector, error) {
	d := &Detector{Classifier: c, TPR: tpr, Classes: id.Classes(), ID: idOf, trace: trained}
	d.trace.Model, d.trace.Normalize = c.Model.Config(), c.Normalize
	h, w := id.Size()
	if h != w {
		return nil, fmt.Errorf("greg: calibrating on %s: its images are %dx%d, and a detector's are squares", id.Name(), w, h)
	}
	d.Size, d.trace.Size = h, h
	if err := d.setScore(score); err != nil {
		return nil, err
	}
	var scores []float64
	for out, err := range c.Outputs(ctx, id, d.Score.Needs()&ood.NeedImages != 0) {
		if err != nil {
			return nil, err
		}
		batch := make([]float64, out.N)
		if err := d.Score.Score(batch, out); err != nil {
			return nil, err
		}
		scores = append(scores, batch...)
		if each != nil {
			each(len(scores), id.Len())
		}
	}
	var err error
	d.Threshold, err = ood.Threshold(scores, tpr)
	return d, err
}

func (d *Detector) setScore(text string) error {
	scores, err := ood.ParseScores(text)
	if err != nil {
		return err
	}
	if len(scores) != 1 {
		return fmt.Errorf("greg: a detector has one score, not %q", text)
	}
	d.Score = ood.Score{Key: text, Detector: scores[0].Detector}
	if d.Score.Needs()&ood.NeedData != 0 {
		return fmt.Errorf("greg: the score %s learns from training images, which a file of weights does not hold: choose one that does not, such as energy", text)
	}
	return d.Score.Fit(d.Classifier.IDData())
}

// Save writes the detector, weights included, as one safetensors file that
// [OpenDetector] reads; any other reader finds the weights in it.
func (d *Detector) Save(path string) error {
	f, err := models.State(d.Model)
	if err != nil {
		return err
	}
	params, err := json.Marshal(d.Score.Params())
	if err != nil {
		return err
	}
	record, err := json.Marshal(detectorRecord{d.Score.Key, params, d.Threshold, d.TPR, d.Classes, d.ID})
	if err != nil {
		return err
	}
	config, err := json.Marshal(d.trace)
	if err != nil {
		return err
	}
	f.Metadata[metaDetector], f.Metadata[metaConfig] = string(record), string(config)
	return checkpoint.Write(path, f)
}

// ErrNoDetector is wrapped by the error of [OpenDetector] for a file that holds
// weights but no threshold.
var ErrNoDetector = errors.New("it holds weights but no score and threshold")

// OpenDetector reads a detector that [Detector.Save] has written. Close it after
// use.
func OpenDetector(ctx context.Context, path string, dev kernels.Device) (*Detector, error) {
	f, err := checkpoint.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	d, err := readDetector(f, dev)
	if err != nil {
		return nil, fmt.Errorf("greg: %s: %w", path, err)
	}
	return d, nil
}

func readDetector(f *checkpoint.File, dev kernels.Device) (*Detector, error) {
	text, ok := f.Metadata[metaDetector]
	if !ok {
		return nil, ErrNoDetector
	}
	var r detectorRecord
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return nil, fmt.Errorf("the detector's settings are damaged: %w", err)
	}
	c, ok, err := StoredConfig(f)
	if err == nil && !ok {
		err = fmt.Errorf("the network's configuration is missing")
	}
	if err != nil {
		return nil, err
	}
	if c.Size < 1 || c.Size > maxSide || math.IsNaN(r.Threshold) || !(r.TPR > 0 && r.TPR <= 1) {
		return nil, fmt.Errorf("the detector's settings are damaged: images of %d pixels, threshold %g at a true-positive rate of %g", c.Size, r.Threshold, r.TPR)
	}
	m, err := models.New(c.Model, dev, 0)
	if err != nil {
		return nil, err
	}
	if err := models.Load(m, f); err != nil {
		return nil, err
	}
	d := &Detector{Classifier: NewClassifier(m, c.Normalize, dev), Threshold: r.Threshold, TPR: r.TPR, Size: c.Size, Classes: r.Classes, ID: r.ID, trace: c}
	return d, d.setScore(r.Score)
}

// maxSide bounds the side of images that a file may ask for, in pixels.
const maxSide = 4096

// Judge decides about pictures of any size: each is resized so that its shorter
// side fits the network and cut to the central square.
func (d *Detector) Judge(ctx context.Context, pictures ...datasets.Image) ([]Verdict, error) {
	pixels := make([]uint8, 0, len(pictures)*d.Size*d.Size*3)
	fit := datasets.ResizeCrop(d.Size)
	for i, p := range pictures {
		if p.Width < 1 || p.Height < 1 || len(p.Pix) != 3*p.Width*p.Height {
			return nil, fmt.Errorf("greg: picture %d: %d bytes are not %dx%d pixels of RGB", i, len(p.Pix), p.Width, p.Height)
		}
		pixels = append(pixels, fit.Apply(p).Pix...)
	}
	set := datasets.NewMemory("pictures", nil, d.Size, d.Size, pixels, nil)
	verdicts := make([]Verdict, 0, len(pictures))
	for out, err := range d.Outputs(ctx, set, d.Score.Needs()&ood.NeedImages != 0) {
		if err != nil {
			return nil, err
		}
		scores := make([]float64, out.N)
		if err := d.Score.Score(scores, out); err != nil {
			return nil, err
		}
		for i, s := range scores {
			verdicts = append(verdicts, Verdict{s, ood.Decide(s, d.Threshold), d.class(out.Row(i))})
		}
	}
	return verdicts, nil
}

// class names the largest logit among the classes; a K+1-class model's last one
// is no class.
func (d *Detector) class(logits []float32) string {
	if n := len(d.Classes); n > 0 && n < len(logits) {
		logits = logits[:n]
	}
	best := 0
	for k, v := range logits {
		if v > logits[best] {
			best = k
		}
	}
	if best < len(d.Classes) {
		return d.Classes[best]
	}
	return fmt.Sprintf("class %d", best)
}

// String says what the detector decides by.
func (d *Detector) String() string {
	s := fmt.Sprintf("%s, score %s, threshold %.6g: %.4g %% of %d images of %s reach it", d.Model.Config().Arch, d.Score.Key, d.Threshold, 100*d.TPR, d.ID.Images, d.ID.Name)
	return strings.TrimSpace(s)
}
