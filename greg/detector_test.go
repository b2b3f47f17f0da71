package greg_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gradgrad/checkpoint"
	"gradgrad/datasets"
	"gradgrad/greg"
	"gradgrad/kernels"
	"gradgrad/models"
	"gradgrad/ood"
)

// A detector judges any picture; here one that a file server might have got.
func ExampleOpenDetector() {
	dir, _ := os.MkdirTemp("", "")
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "m.safetensors") // as detect calibrate -out m.safetensors writes it
	exampleDetector(path)

	ctx := context.Background()
	d, err := greg.OpenDetector(ctx, path, kernels.CPU)
	if err != nil {
		log.Fatal(err)
	}
	defer d.Close()
	picture := datasets.Image{Width: 40, Height: 30, Pix: make([]uint8, 3*40*30)} // or datasets.Decode(bytes of a JPEG)
	verdicts, err := d.Judge(ctx, picture)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(verdicts), verdicts[0].Decision == ood.Decide(verdicts[0].Score, d.Threshold))
	// Output: 1 true
}

// exampleDetector calibrates an untrained network on drawn images.
func exampleDetector(path string) *greg.Detector {
	set, err := datasets.OpenSynthetic("shapes", 200, 16, 1)
	if err != nil {
		log.Fatal(err)
	}
	m, err := models.New(models.Config{Arch: "wrn-10-1", Classes: len(set.Classes())}, kernels.CPU, 1)
	if err != nil {
		log.Fatal(err)
	}
	n, err := datasets.Preset("greg", "cifar10")
	if err != nil {
		log.Fatal(err)
	}
	c := greg.NewClassifier(m, n, kernels.CPU)
	defer c.Close()
	id := greg.SetID{Spec: "shapes", Name: "shapes", Images: set.Len()}
	d, err := greg.Calibrate(context.Background(), c, greg.Config{Method: "ce"}, "energy:t=2", set, id, 0.9, nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := d.Save(path); err != nil {
		log.Fatal(err)
	}
	return d
}

func TestDetectorKeepsEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	made := exampleDetector(path)
	d, err := greg.OpenDetector(context.Background(), path, kernels.CPU)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if d.Threshold != made.Threshold || d.TPR != 0.9 || d.Size != 16 || d.Score.Key != "energy:t=2" || len(d.Classes) != len(made.Classes) || d.ID != made.ID {
		t.Errorf("read %v, wrote %v", d, made)
	}
	set, err := datasets.OpenSynthetic("shapes", 200, 16, 1)
	if err != nil {
		t.Fatal(err)
	}
	var pictures []datasets.Image
	for i := range set.Len() {
		p := datasets.Image{Width: 16, Height: 16, Pix: make([]uint8, 3*16*16)}
		if _, err := set.Read(i, p.Pix); err != nil {
			t.Fatal(err)
		}
		pictures = append(pictures, p)
	}
	verdicts, err := d.Judge(context.Background(), pictures...)
	if err != nil {
		t.Fatal(err)
	}
	in := 0
	for i, v := range verdicts {
		if v.Decision != ood.Decide(v.Score, d.Threshold) {
			t.Errorf("picture %d: score %v, threshold %v: %v", i, v.Score, d.Threshold, v.Decision)
		}
		if v.Decision == ood.In {
			in++
		}
	}
	if math.Abs(float64(in)/200-0.9) > 1.0/200 {
		t.Errorf("%d of 200 calibration pictures are in, want nine tenths", in)
	}
}

func TestCalibrateRefuses(t *testing.T) {
	set, _ := datasets.OpenSynthetic("shapes", 20, 16, 1)
	m, err := models.New(models.Config{Arch: "wrn-10-1", Classes: 10}, kernels.CPU, 1)
	if err != nil {
		t.Fatal(err)
	}
	n, _ := datasets.Preset("greg", "cifar10")
	c := greg.NewClassifier(m, n, kernels.CPU)
	defer c.Close()
	for _, x := range []struct {
		score string
		tpr   float64
		want  string
	}{
		{"nonsense", 0.95, "unknown score"},
		{"energy,msp", 0.95, "one score"},
		{"energy", 0, "true-positive rate"},
		{"energy", 1.5, "true-positive rate"},
	} {
		_, err := greg.Calibrate(context.Background(), c, greg.Config{}, x.score, set, greg.SetID{}, x.tpr, nil)
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s at %v: error %v, want one about %q", x.score, x.tpr, err, x.want)
		}
	}
}

func TestOpenDetectorRefuses(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "m.safetensors")
	exampleDetector(path)
	f, err := checkpoint.Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	whole := f.Metadata["gradgrad.detector"]
	for _, x := range []struct{ record, want string }{
		{"", greg.ErrNoDetector.Error()},
		{"{", "damaged"},
		{strings.Replace(whole, `"tpr":0.9`, `"tpr":9`, 1), "damaged"},
		{strings.Replace(whole, "energy:t=2", "energy:t=-2", 1), "energy:t=-2"},
	} {
		if f.Metadata["gradgrad.detector"] = x.record; x.record == "" {
			delete(f.Metadata, "gradgrad.detector")
		}
		if err := checkpoint.Write(path, f); err != nil {
			t.Fatal(err)
		}
		d, err := greg.OpenDetector(ctx, path, kernels.CPU)
		if err == nil {
			d.Close()
			t.Errorf("%q was accepted", x.record)
			continue
		}
		if !strings.Contains(err.Error(), x.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: error %v, want one about %q", x.record, err, x.want)
		}
		if (x.record == "") != errors.Is(err, greg.ErrNoDetector) {
			t.Errorf("%q: errors.Is(%v, ErrNoDetector)", x.record, err)
		}
	}
}
