package greg

import (
	"math"
	"testing"

	"gradgrad/autograd"
	"gradgrad/kernels"
	"gradgrad/layers"
	"gradgrad/models"
)

// TestMixingInsideTheNetwork: in evaluation mode, where images do not meet in batch
// norm, rows of in-distribution images are left alone, and an outlier that is its own
// partner is as well. What differs from its partner changes, differently at every depth.
func TestMixingInsideTheNetwork(t *testing.T) {
	for _, arch := range []string{"wrn-10-1", "resnet18", "densenet-16-12"} {
		m, err := models.New(models.Config{Arch: arch, Classes: 4, Reject: true}, kernels.CPU, 1)
		if err != nil {
			t.Fatal(err)
		}
		tape := autograd.NewTape(kernels.CPU)
		images := make([]float32, 4*16*16*3) // two, then two outliers, the first of them equal to its partner
		for i := range images {
			images[i] = float32(math.Sin(float64(i * i % 97)))
		}
		copy(images[2*16*16*3:3*16*16*3], images)
		logits := func(depth int) []float32 {
			p := layers.Inference(tape)
			if depth > 0 {
				p.Between = mixAfter(Batch{Depth: depth, Share: 0.25}, 2)
			}
			z, _ := m.Forward(p, tape.New(images, 4, 16, 16, 3))
			return z.Float32s()
		}
		plain, last := logits(0), 0.0
		for depth := 1; depth <= 2; depth++ {
			mixed := logits(depth)
			for i := range 12 {
				if math.Abs(float64(mixed[i]-plain[i])) > 1e-5 {
					t.Errorf("%s, depth %d: logit %d of an image that is not mixed went from %g to %g", arch, depth, i, plain[i], mixed[i])
				}
			}
			distance := 0.0
			for i := 12; i < 16; i++ {
				distance += math.Abs(float64(mixed[i] - plain[i]))
			}
			if distance < 1e-4 || distance == last {
				t.Errorf("%s, depth %d: the logits of the mixed image moved by %g", arch, depth, distance)
			}
			last = distance
		}
		tape.Close()
	}
}

// TestManifoldMixingTrains: all three depths come, and the run is the same again.
func TestManifoldMixingTrains(t *testing.T) {
	c := smallConfig(t, "openmix")
	c.Loss.MixAt = MixManifold
	depths := map[int]int{}
	for step := range 12 {
		depths[c.Loss.mixingDepth(c.Seed, step)]++
	}
	if len(depths) != 3 {
		t.Errorf("depths of 12 steps: %v", depths)
	}
	a, b := newTrainer(t, c), newTrainer(t, c)
	trainTo(t, a, 12)
	trainTo(t, b, 5)
	again := resumed(t, b)
	trainTo(t, again, 12)
	if string(encoded(t, a)) != string(encoded(t, again)) {
		t.Error("resumed, it ends in other bits")
	}
	c.Loss.MixAt = MixImages
	plain := newTrainer(t, c)
	trainTo(t, plain, 12)
	if string(encoded(t, a)) == string(encoded(t, plain)) {
		t.Error("mixing inside the network changes nothing")
	}
}
