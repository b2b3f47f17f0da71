package greg

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"gradgrad/checkpoint"
	"gradgrad/datasets"
	"gradgrad/internal/testkit"
	"gradgrad/kernels"
	"gradgrad/models"
	"gradgrad/ood"
)

// official is the DenseNet that the authors of DICE published.
func official(t *testing.T) *Classifier {
	t.Helper()
	f, err := checkpoint.Open(context.Background(), testkit.Shared(t, "checkpoints/dice-densenet101-cifar10.pth.tar"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := models.New(models.Config{Arch: "densenet101", Classes: 10}, kernels.CPU, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := models.Load(m, f); err != nil {
		t.Fatal(err)
	}
	n, err := datasets.Preset("dice", "cifar10")
	if err != nil {
		t.Fatal(err)
	}
	c := NewClassifier(m, n, kernels.CPU)
	t.Cleanup(c.Close)
	return c
}

// goldenImage is one image of the reference with everything computed of it, in
// float64.
type goldenImage struct {
	Pixels        string `json:"pixels_rgb_u8_hwc_base64"`
	Label         int
	Gradient      float64            `json:"input_grad_l2_normalised_space"`
	PixelGradient float64            `json:"input_grad_l2_pixel01_space"`
	PostHoc       map[string]float64 `json:"post_hoc"`
}

func goldenImages(t *testing.T, c *Classifier) (golden []goldenImage, inputs []float32) {
	t.Helper()
	data, err := os.ReadFile(testkit.Shared(t, "specs/densenet_golden_lossless.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Images []goldenImage }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	for _, img := range file.Images {
		pixels, err := base64.StdEncoding.DecodeString(img.Pixels)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range pixels {
			inputs = append(inputs, (float32(p)/255-c.Normalize.Mean[i%3])/c.Normalize.Std[i%3])
		}
	}
	if len(file.Images) != 16 {
		t.Fatalf("%d images, want 16", len(file.Images))
	}
	return file.Images, inputs
}

// goldenScores are the reference's scores as -scores takes them.
func goldenScores(t *testing.T) map[string]string {
	stat := ":stat=" + testkit.Shared(t, "checkpoints/dice-densenet101-cifar10-feat_stat.npy")
	return map[string]string{
		"msp": "msp", "maxlogit": "maxlogit", "energy_conf": "energy",
		"odin_T1000_eps0.0014_std_scaled": "odin", "odin_T1000_eps0.0014_unscaled": "odin:std=0",
		"react_c1.0": "react", "dice_p90_official_feat_stat": "dice" + stat, "dice_p90_react_c1.0": "dice+react" + stat,
		"gen_gamma0.1_M10": "gen:m=10", "gradnorm_sum_over_classes": "gradnorm",
		"ash_p@90": "ash-p", "ash_b@90": "ash-b", "ash_s@90": "ash-s",
		"ash_p@95": "ash-p:p=95", "ash_b@95": "ash-b:p=95", "ash_s@95": "ash-s:p=95", "scale@85": "scale",
	}
}

// TestPostHocGolden: all scores of the published network on 16 images of CIFAR-10.
func TestPostHocGolden(t *testing.T) {
	c := official(t)
	golden, inputs := goldenImages(t, c)
	out, err := c.Forward(inputs, len(golden))
	if err != nil {
		t.Fatal(err)
	}
	out.Images = inputs
	texts := goldenScores(t)
	for name := range golden[0].PostHoc {
		text, known := texts[name]
		if !known {
			t.Errorf("the reference has a score %s that is not compared", name)
			continue
		}
		scores, err := ood.ParseScores(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := ood.FitAll(scores, c.IDData()); err != nil {
			t.Fatal(err)
		}
		got := make([]float64, out.N)
		if err := scores[0].Score(got, out); err != nil {
			t.Fatal(err)
		}
		for i, img := range golden {
			if want := img.PostHoc[name]; !(math.Abs(got[i]-want) <= 1e-3*math.Abs(want)) {
				t.Errorf("%s of image %d: %g, want %g", name, i, got[i], want)
			}
		}
	}
}

// TestCertificateGolden: the norm of the gradient of S in both spaces, through the
// rows of the Jacobian.
func TestCertificateGolden(t *testing.T) {
	c := official(t)
	golden, inputs := goldenImages(t, c)
	const n = 3
	inputs = inputs[:n*32*32*3]
	for _, space := range []struct {
		name string
		unit []float32
		want func(goldenImage) float64
	}{
		{"input", nil, func(g goldenImage) float64 { return g.Gradient }},
		{"pixels", c.IDData().Unit, func(g goldenImage) float64 { return g.PixelGradient }},
	} {
		certs, err := ood.Certify(c, inputs, n, 5, space.unit)
		if err != nil {
			t.Fatal(err)
		}
		for i, cert := range certs {
			if want := space.want(golden[i]); math.Abs(cert.Gradient/want-1) > 1e-3 {
				t.Errorf("%s, image %d: gradient %g, want %g", space.name, i, cert.Gradient, want)
			}
			if cert.Slope < cert.Gradient || cert.Radius > cert.Estimate {
				t.Errorf("%s, image %d: a bound below what it bounds: %+v", space.name, i, cert)
			}
		}
	}
}

// small is an untrained network on images of 8 by 8 pixels, more of them than are
// differentiated at a time.
func small(t *testing.T, cfg models.Config) (c *Classifier, images []float32, n int) {
	t.Helper()
	m, err := models.New(cfg, kernels.CPU, 1)
	if err != nil {
		t.Fatal(err)
	}
	norm, err := datasets.Preset("greg", "cifar10")
	if err != nil {
		t.Fatal(err)
	}
	c = NewClassifier(m, norm, kernels.CPU)
	t.Cleanup(c.Close)
	n = gradientBatch + 3
	rng := rand.New(rand.NewPCG(1, 1))
	images = make([]float32, n*8*8*3)
	for i := range images {
		images[i] = float32(rng.NormFloat64())
	}
	return c, images, n
}

// TestGradientsAgree: the head is linear, so the gradient of logits is that of
// features with the cotangent pulled through the head; and many images at once
// give what each gives alone.
func TestGradientsAgree(t *testing.T) {
	c, images, n := small(t, models.Config{Arch: "wrn-10-1", Classes: 3})
	head := c.IDData().Head
	rng := rand.New(rand.NewPCG(2, 2))
	ct, pulled := make([]float32, n*3), make([]float32, n*head.Dim)
	for i := range ct {
		ct[i] = float32(rng.NormFloat64())
		for j := range head.Dim {
			pulled[i/3*head.Dim+j] += ct[i] * head.W[i%3*head.Dim+j]
		}
	}
	byLogits, err := c.Gradient(images, ct, n)
	if err != nil {
		t.Fatal(err)
	}
	byFeatures, err := c.FeatureGradient(images, pulled, n)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := c.Gradient(images[8*8*3*(n-1):], ct[3*(n-1):], 1)
	if err != nil {
		t.Fatal(err)
	}
	largest := float64(slices.Max(byLogits))
	if largest < 1e-6 || len(byLogits) != len(images) {
		t.Fatalf("%d values up to %g", len(byLogits), largest)
	}
	for i, g := range byLogits {
		if math.Abs(float64(g-byFeatures[i])) > 1e-4*largest {
			t.Fatalf("value %d: %g by logits, %g by features", i, g, byFeatures[i])
		}
	}
	for i, g := range alone {
		if w := byLogits[8*8*3*(n-1)+i]; math.Abs(float64(g-w)) > 1e-5*largest {
			t.Fatalf("value %d: %g alone, %g among others", i, g, w)
		}
	}
	if _, err := c.Gradient(images[1:], ct, n); err == nil {
		t.Error("images that are no squares: no error")
	}
}

// TestRejectingNetwork: to scores, a network with an output for none of the
// classes is one without it.
func TestRejectingNetwork(t *testing.T) {
	c, images, n := small(t, models.Config{Arch: "wrn-10-1", Classes: 4, Reject: true})
	plain, _, _ := small(t, models.Config{Arch: "wrn-10-1", Classes: 4})
	head, whole := c.IDData().Head, plain.IDData().Head
	if head.Check() != nil || head.Classes != 3 || !slices.Equal(head.W, whole.W[:3*head.Dim]) || !slices.Equal(head.B, whole.B[:3]) {
		t.Errorf("the head of a rejecting network has %d classes", head.Classes)
	}
	ct, padded := make([]float32, n*3), make([]float32, n*4)
	for i := range ct {
		ct[i] = float32(i%5) - 2
		padded[i/3*4+i%3] = ct[i]
	}
	got, err := c.Gradient(images, ct, n)
	if err != nil {
		t.Fatal(err)
	}
	want, err := plain.Gradient(images, padded, n)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if math.Abs(float64(got[i]-want[i])) > 1e-6 {
			t.Fatalf("value %d: %g, want %g", i, got[i], want[i])
		}
	}
}

// TestDetectorWithHead: a detector for single pictures can use scores that need
// the head or the model.
func TestDetectorWithHead(t *testing.T) {
	c, _, _ := small(t, models.Config{Arch: "wrn-10-1", Classes: 10})
	set := drawn(t, "shapes-test", 20)
	for _, score := range []string{"ash-s", "odin", "react:c=2"} {
		if _, err := Calibrate(context.Background(), c, Config{Method: "ce"}, score, set, SetID{Name: "shapes"}, 0.9, nil); err != nil {
			t.Errorf("%s: %v", score, err)
		}
	}
}

// TestEvaluationProgress: the last word on progress is the total, with learning
// and certificates.
func TestEvaluationProgress(t *testing.T) {
	c, _, _ := small(t, models.Config{Arch: "wrn-10-1", Classes: 10})
	scores, err := ood.ParseScores("energy,knn:k=2,react:q=90")
	if err != nil {
		t.Fatal(err)
	}
	last := 0
	e := Evaluation{ID: drawn(t, "shapes-test", 30), Fit: drawn(t, "shapes-test", 40), OOD: []datasets.Set{drawn(t, "ood-noise", 10)}, Scores: scores, Certify: 12}
	e.Progress = func(_ string, done, total int) {
		if done <= last || total != 30+40+10+12+10 {
			t.Errorf("%d done after %d, of %d", done, last, total)
		}
		last = done
	}
	scored, err := c.Evaluate(context.Background(), e)
	if err != nil {
		t.Fatal(err)
	}
	if last != e.Images() || len(scored.Certificates["ood-noise"]) != 10 {
		t.Errorf("%d images done of %d, %d certificates", last, e.Images(), len(scored.Certificates["ood-noise"]))
	}
	e.Fit = nil
	if _, err := c.Evaluate(context.Background(), e); err == nil || !strings.Contains(err.Error(), "knn learns") {
		t.Errorf("nothing to learn from: %v", err)
	}
}
