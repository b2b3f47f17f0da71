package greg

import (
	"context"
	"testing"

	"gradgrad/datasets"
	"gradgrad/kernels"
)

// TestAccuracyOfADivergedNetwork: finite weights can still give answers that are
// not; that is an error, not an accuracy.
func TestAccuracyOfADivergedNetwork(t *testing.T) {
	tr := newTrainer(t, smallConfig(t, "ce"))
	for _, p := range tr.Model.Params() {
		huge := make([]float32, p.Value.Size())
		for i := range huge {
			huge[i] = 1e30
		}
		p.Value.Device().Write(p.Value.Buffer(), huge)
		p.Value.Changed()
	}
	c := NewClassifier(tr.Model, datasets.Normalization{}, kernels.CPU)
	defer c.Close()
	if _, err := c.Accuracy(context.Background(), drawn(t, "shapes-test", 20), nil); err == nil {
		t.Fatal("a network of 1e30s has an accuracy")
	}
}
