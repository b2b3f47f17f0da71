package app

import (
	"strings"
	"testing"

	"gradgrad/datasets"
	"gradgrad/models"
)

// TestChanges wants every setting that a run has changed, with the method's own
// value, and nothing else.
func TestChanges(t *testing.T) {
	c, err := large.Preset("greg+", 10)
	if err != nil {
		t.Fatal(err)
	}
	c.CountCandidates(160) // follows from the set: nobody's choice
	c.Model.Arch, c.Seed, c.MaxSteps, c.Recompute = "densenet121", 7, 3, true
	if changes := large.changes(c); len(changes) > 0 {
		t.Errorf("nothing was changed, but %q", changes)
	}
	c.Batch, c.Replacement, c.Milestones, c.AugmentID = 8, true, []float64{0.5, 0.75}, datasets.FlipThenCrop()
	c.Schedule, c.Sampling.PerEpoch, c.Sampling.Candidates = "cosine", 0, 70
	want := "-batch 8 instead of 32, -with-replacement true instead of false, -candidates 70 instead of 1476, -candidates-per-epoch 0 instead of 600000, " +
		"-schedule cosine instead of multistep, -milestones 0.5,0.75 instead of 0.6666666666666666, -augment flip-crop instead of resized-crop"
	if got := strings.Join(large.changes(c), ", "); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// TestChangedDropout compares with the method's dropout, not with that of the network
// which training begins with.
func TestChangedDropout(t *testing.T) {
	for method, want := range map[string]string{"greg": "-dropout 0.1 instead of 0", "energy": "-dropout 0.1 instead of 0.3"} {
		c, err := small.Preset(method, 10)
		if err != nil {
			t.Fatal(err)
		}
		c.SetNetwork(models.Config{Arch: "wrn-40-2", Dropout: 0.3})
		if changes := small.changes(c); len(changes) > 0 {
			t.Errorf("%s: nothing was changed, but %q", method, changes)
		}
		c.Model.Dropout = 0.1
		if got := strings.Join(small.changes(c), ", "); got != want {
			t.Errorf("%s: %q, want %q", method, got, want)
		}
	}
}
