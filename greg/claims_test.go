package greg

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"gradgrad/autograd"
	"gradgrad/datasets"
	"gradgrad/kernels"
	"gradgrad/layers"
	"gradgrad/models"
	"gradgrad/ood"
)

// claim is a small experiment: a network trained by cross-entropy on stripes of
// four directions, from which every method goes on with outliers of two kinds, stripes
// that are too wide and stripes between two directions, judged on other images of
// those kinds.
type claim struct {
	id, aux, test datasets.Set
	ood           []datasets.Set
	base          models.Model
}

const claimSide = 8

// pattern draws images of n kinds in turn, in random colours and with noise.
func pattern(name string, classes []string, n int, seed uint64, kinds ...func(x, y, phase float64) float64) datasets.Set {
	r := rand.New(rand.NewPCG(seed, 77))
	var pixels []uint8
	var labels []int
	for i := range n {
		kind, phase := kinds[i%len(kinds)], 2*math.Pi*r.Float64()
		var base, swing [3]float64
		for c := range 3 {
			base[c], swing[c] = 90+70*r.Float64(), 30+60*r.Float64()
		}
		for y := range claimSide {
			for x := range claimSide {
				wave := kind(float64(x), float64(y), phase)
				for c := range 3 {
					pixels = append(pixels, uint8(min(max(base[c]+swing[c]*wave+40*r.NormFloat64(), 0), 255)))
				}
			}
		}
		labels = append(labels, i%len(kinds))
	}
	if classes == nil {
		for i := range labels {
			labels[i] = -1
		}
	}
	return datasets.NewMemory(name, classes, claimSide, claimSide, pixels, labels)
}

func stripes(fx, fy float64) func(x, y, phase float64) float64 {
	return func(x, y, phase float64) float64 { return math.Sin(fx*x + fy*y + phase) }
}

func newClaim(t *testing.T) *claim {
	t.Helper()
	const f = math.Pi / 2
	four := []func(x, y, phase float64) float64{stripes(f, 0), stripes(0, f), stripes(f, f), stripes(f, -f)}
	names := []string{"upright", "level", "rising", "falling"}
	wide, between := stripes(f/1.5, 0), stripes(f, f/2)
	c := &claim{id: pattern("stripes", names, 640, 1, four...), aux: pattern("outliers", nil, 640, 2, wide, between), test: pattern("stripes", names, 200, 3, four...)}
	c.ood = []datasets.Set{pattern("wide", nil, 100, 4, wide), pattern("between", nil, 100, 5, between)}
	config := c.config(t, "ce")
	config.Epochs, config.LR = 2, 0.1
	c.base = c.train(t, config).Model
	return c
}

func (c *claim) config(t *testing.T, method string) Config {
	t.Helper()
	config, err := Preset(method, 4)
	if err != nil {
		t.Fatal(err)
	}
	config.SetNetwork(models.Config{Arch: "wrn-10-1"})
	config.Model.Dropout = 0
	config.Epochs, config.Batch, config.LR, config.Seed, config.DropLast = 2, 32, 0.02, 5, true
	config.Schedule, config.Milestones, config.MinLR = "cosine", nil, 1e-4
	config.AugmentID, config.AugmentAux = nil, nil
	config.Normalize, err = datasets.Preset("greg", "cifar10")
	if err != nil {
		t.Fatal(err)
	}
	if config.AuxBatch > 0 {
		config.AuxBatch = 32
	}
	if config.Loss.UsesMargins() {
		config.Loss.MarginIn, config.Loss.MarginAux = -8, -2 // within reach of a small network
	}
	switch s := &config.Sampling; s.Sampler {
	case SampleClusters:
		s.Candidates, s.Clusters = 96, 32
		if s.TwoWay {
			s.Clusters = 16
		}
		s.From = min(s.From, 4)
	case SampleRanks:
		s.Candidates, s.Keep = 640, 320
	case SamplePosterior:
		s.Candidates, s.Keep = 640, 320
	}
	return config
}

// train trains from the base, or from random weights where there is no base yet.
func (c *claim) train(t *testing.T, config Config) *Trainer {
	t.Helper()
	m, err := models.New(config.Model, kernels.CPU, config.Seed)
	if err != nil {
		t.Fatal(err)
	}
	if c.base != nil {
		f, err := models.State(c.base)
		if err == nil {
			f, err = models.Grow(m, f)
		}
		if err == nil {
			err = models.Load(m, f)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	tr, err := NewTrainer(config, m, kernels.CPU)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	for _, err := range tr.Steps(context.Background(), c.id, c.aux) {
		if err != nil {
			t.Fatal(err)
		}
	}
	return tr
}

// judge returns the mean AUROC of a score, and the accuracy.
func (c *claim) judge(t *testing.T, m models.Model, config Config, score string) (auroc, accuracy float64) {
	t.Helper()
	scores, err := ood.ParseScores(score)
	if err != nil {
		t.Fatal(err)
	}
	classifier := NewClassifier(m, config.Normalize, kernels.CPU)
	defer classifier.Close()
	s, err := classifier.Evaluate(context.Background(), Evaluation{ID: c.test, OOD: c.ood, Scores: scores})
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range s.Results.Scores[0].Sets {
		auroc += set.AUROC / float64(len(c.ood))
	}
	return auroc, s.Results.IDAccuracy
}

// ownScore is the score that a method is judged by in its paper.
func ownScore(l Loss) string {
	switch l.Outliers {
	case Absent:
		return "absent"
	case Uniform, Mixed:
		return "msp"
	}
	return "energy"
}

// TestMethodsSeparateOutliers: with every method that sees outliers the score tells
// new ones apart better than after as many more steps of cross-entropy, and the
// classes are still known. Methods that choose hard outliers choose such.
func TestMethodsSeparateOutliers(t *testing.T) {
	c := newClaim(t)
	plain := c.train(t, c.config(t, "ce"))
	without := map[string]float64{}
	for _, score := range []string{"energy", "msp"} {
		without[score], _ = c.judge(t, plain.Model, plain.Config, score)
	}
	without["absent"] = without["msp"]
	names, _ := Methods()
	for _, name := range names {
		config := c.config(t, name)
		if !config.Loss.NeedsAux() {
			continue
		}
		tr := c.train(t, config)
		score := ownScore(config.Loss)
		auroc, accuracy := c.judge(t, tr.Model, config, score)
		t.Logf("%-14s AUROC of %s %.2f, %.2f without outliers; accuracy %.1f", name, score, auroc, without[score], accuracy)
		if auroc < without[score]+8 || auroc < 97 {
			t.Errorf("%s: AUROC %.2f, without outliers %.2f", name, auroc, without[score])
		}
		if accuracy < 97 {
			t.Errorf("%s: accuracy %.1f", name, accuracy)
		}
	}
	for name, score := range without {
		if score > 90 {
			t.Errorf("without outliers the AUROC of %s is %.2f already: the test shows nothing", name, score)
		}
	}
}

// steepness is the mean norm of the gradient of a score at in-distribution images
// plus that at outliers, none of which training has seen.
func (c *claim) steepness(t *testing.T, m models.Model, config Config, of GradOf) float64 {
	t.Helper()
	tape := autograd.NewTape(kernels.CPU)
	defer tape.Close()
	b := datasets.BatchConfig{Normalize: config.Normalize}
	in, err := datasets.Gather(c.test, consecutive(0, 100, 200), b)
	if err != nil {
		t.Fatal(err)
	}
	out, err := datasets.Gather(c.ood[0], consecutive(0, 100, 100), b)
	if err != nil {
		t.Fatal(err)
	}
	x := tape.New(append(in.Images, out.Images...), 200, claimSide, claimSide, 3)
	l := Loss{LambdaS: 1, LambdaGrad: 1, Variant: Paper, GradOf: of, ForceHits: true}
	return l.Terms(layers.Inference(tape), m, x, in.Labels, false).LGrad.Item()
}

// TestGradientTermsFlattenTheirScore: beside the same method without the term, the
// score that it is about is flatter around images that training has not seen.
func TestGradientTermsFlattenTheirScore(t *testing.T) {
	c := newClaim(t)
	for _, pair := range []struct {
		without, with string
		of            GradOf
	}{{"oe", "oe-grad", GradMSP}, {"energy", "greg", GradEnergy}, {"poem", "poem-grad", GradEnergy}, {"energy-cluster", "greg+", GradEnergy}} {
		steep := map[string]float64{}
		for _, name := range []string{pair.without, pair.with} {
			config := c.config(t, name)
			tr := c.train(t, config)
			steep[name] = c.steepness(t, tr.Model, config, pair.of)
		}
		t.Logf("%s %.3f, %s %.3f", pair.without, steep[pair.without], pair.with, steep[pair.with])
		if !(steep[pair.with] < 0.9*steep[pair.without]) {
			t.Errorf("the score of %s has gradients of %.3f, that of %s %.3f", pair.with, steep[pair.with], pair.without, steep[pair.without])
		}
	}
}

// TestHardOutliersAreChosen: what DOS, NTOM and POEM train on is harder than what
// they choose among; and POEM knows more with every epoch.
func TestHardOutliersAreChosen(t *testing.T) {
	c := newClaim(t)
	for _, name := range []string{"dos", "ntom", "poem"} {
		config := c.config(t, name)
		m, err := models.New(config.Model, kernels.CPU, config.Seed)
		if err != nil {
			t.Fatal(err)
		}
		tr, err := NewTrainer(config, m, kernels.CPU)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(tr.Close)
		for s, err := range tr.Steps(context.Background(), c.id, c.aux) {
			if err != nil {
				t.Fatal(err)
			}
			if s.ChosenWeight == nil || !(*s.ChosenWeight < *s.CandidateWeight) {
				t.Fatalf("%s: step %d reports %+v", name, s.Step, s)
			}
		}
		if name == "poem" && len(tr.selections) != 2 {
			t.Errorf("after 2 epochs POEM knows the outliers of %d", len(tr.selections))
		}
	}
}
