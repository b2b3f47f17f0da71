package ood

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"gradgrad/internal/testkit"
)

// Energy and MSP of the DenseNet's logits on 16 CIFAR-10 test images. The file
// has its logits in float64; Outputs holds float32, whence the tolerance.
func TestDenseNetGolden(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(testkit.Shared(t, "."), "specs", "densenet_golden_lossless.json"))
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Images []struct {
			Label   int
			Logits  []float32
			PostHoc struct {
				MSP    float64
				Energy float64 `json:"energy_conf"`
			} `json:"post_hoc"`
		}
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Images) != 16 {
		t.Fatalf("%d images, want 16", len(golden.Images))
	}
	for _, img := range golden.Images {
		out := Outputs{Logits: img.Logits, Labels: []int{img.Label}, N: 1, Classes: 10}
		near(t, "energy", scoreOne(t, "energy", out)/img.PostHoc.Energy, 1, 1e-7)
		near(t, "msp", scoreOne(t, "msp", out), img.PostHoc.MSP, 1e-6)
	}
}
