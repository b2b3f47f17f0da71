package models

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"gradgrad/autograd"
	"gradgrad/checkpoint"
	"gradgrad/internal/testkit"
	"gradgrad/kernels"
	"gradgrad/layers"
)

// golden are numbers of the official DenseNet on the first test images, computed
// by PyTorch in float64.
type golden struct {
	Meta struct {
		Normalisation struct{ Mean, Std [3]float64 }
	}
	Stages map[string]struct {
		L2, Mean float64
	} `json:"stage_l2_norms_image0"`
	Penultimate []float64 `json:"penultimate_image0"`
	Images      []struct {
		Pixels    string `json:"pixels_rgb_u8_hwc_base64"`
		Logits    []float64
		FeatureL2 float64 `json:"feature_l2"`
		Sum       float64 `json:"feature_sum"`
		Max       float64 `json:"feature_max"`
		Energy    float64 `json:"energy_S"`
		Gradient  float64 `json:"input_grad_l2_normalised_space"`
	}
}

func readGolden(t *testing.T) (g golden) {
	t.Helper()
	data, err := os.ReadFile(testkit.Shared(t, "specs/densenet_golden_lossless.json"))
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// inputs normalises the images in float64.
func (g *golden) inputs(t *testing.T) []float64 {
	t.Helper()
	var x []float64
	for _, im := range g.Images {
		pixels, err := base64.StdEncoding.DecodeString(im.Pixels)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range pixels {
			x = append(x, (float64(p)/255-g.Meta.Normalisation.Mean[i%3])/g.Meta.Normalisation.Std[i%3])
		}
	}
	return x
}

// official loads the checkpoint as a user would.
func official(t *testing.T, dev kernels.Device) Model {
	t.Helper()
	f, err := checkpoint.Open(context.Background(), testkit.Shared(t, "checkpoints/dice-densenet101-cifar10.pth.tar"))
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := Guess(f)
	if err != nil || cfg != (Config{Arch: "densenet101", Classes: 10}) {
		t.Fatalf("guessed %+v, %v", cfg, err)
	}
	m := newModel(t, cfg, dev, 1)
	if err := Load(m, f); err != nil {
		t.Fatal(err)
	}
	return m
}

// deviations collects the largest relative difference of every quantity. What
// belongs together, such as the logits of an image, is taken relative to its
// largest member.
type deviations map[string]float64

func (d deviations) add(what string, got, want []float64) {
	scale := 0.
	for _, w := range want {
		scale = max(scale, math.Abs(w))
	}
	for i := range want {
		e := math.Abs(got[i]-want[i]) / scale
		if worst, ok := d[what]; !ok || !(e <= worst) {
			d[what] = e
		}
	}
}

func l2(x []float64) float64 {
	s := 0.
	for _, v := range x {
		s += v * v
	}
	return math.Sqrt(s)
}

// TestOfficialDenseNet compares logits, features, energies, norms of stages and
// of input gradients with the golden file, in both precisions.
func TestOfficialDenseNet(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds in float64; not with -short")
	}
	g := readGolden(t)
	for dev, tolerance := range map[kernels.Device]float64{kernels.CPU64: 1e-6, kernels.CPU: 1e-3} {
		t.Run(dev.Name(), func(t *testing.T) {
			d := compare(t, g, official(t, dev), dev)
			if len(d) != len(g.Stages)+7 {
				t.Errorf("compared %d quantities, want %d", len(d), len(g.Stages)+7)
			}
			for what, e := range d {
				if !(e <= tolerance) {
					t.Errorf("%s: relative difference %.3g, want at most %g", what, e, tolerance)
				}
			}
			t.Logf("largest relative differences on %s: %v", dev.Name(), fmt.Sprint(d))
		})
	}
}

func compare(t *testing.T, g golden, m Model, dev kernels.Device) deviations {
	d := deviations{}
	tape := autograd.NewTape(dev)
	n := len(g.Images)
	x := tape.Watch(tape.New64(g.inputs(t), n, 32, 32, 3))
	p := layers.Inference(tape)
	p.Hook = func(stage string, v *autograd.Value) {
		if want, ok := g.Stages[stage]; ok {
			first := v.Float64s()[:v.Size()/n]
			d.add("stage "+stage, []float64{l2(first)}, []float64{want.L2})
		}
	}
	logits, features := m.Forward(p, x)
	energy := autograd.Neg(autograd.LogSumExp(logits))
	gradient := autograd.Norm(autograd.Grad(autograd.Sum(energy), x)[0]).Float64s()

	z, h, s := logits.Float64s(), features.Float64s(), energy.Float64s()
	d.add("stage penultimate", []float64{l2(h[:342])}, []float64{g.Stages["penultimate"].L2})
	d.add("features of image 0", h[:342], g.Penultimate)
	for i, im := range g.Images {
		f := h[i*342 : (i+1)*342]
		sum, top := 0., 0.
		for _, v := range f {
			sum, top = sum+v, max(top, v)
		}
		d.add("logits", z[i*10:(i+1)*10], im.Logits)
		d.add("energy", s[i:i+1], []float64{im.Energy})
		d.add("feature norm", []float64{l2(f)}, []float64{im.FeatureL2})
		d.add("feature sum", []float64{sum}, []float64{im.Sum})
		d.add("feature max", []float64{top}, []float64{im.Max})
		d.add("input gradient norm", gradient[i:i+1], []float64{im.Gradient})
	}
	return d
}
