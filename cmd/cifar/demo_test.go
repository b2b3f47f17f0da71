package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gradgrad/internal/app"
)

// TestDemo runs the demo at a twentieth of its size, twice in one directory.
func TestDemo(t *testing.T) {
	dir := t.TempDir()
	first := ok(t, dir, "demo", "-quick")
	for _, want := range []string{"GReg", "Energy loss", "Average", "report.html"} {
		if !strings.Contains(first.Out, want) {
			t.Errorf("the demo does not print %q:\n%s", want, first.Out)
		}
	}
	for _, m := range demoMethods {
		for _, f := range []string{"config.json", "metrics.jsonl", "checkpoint.safetensors", "eval/results.json", "eval/scores/energy-ood-noise.npy"} {
			if !app.IsFile(filepath.Join(dir, "runs", "demo", m, f)) {
				t.Errorf("%s/%s is missing", m, f)
			}
		}
	}
	html := read(t, dir, "runs", "demo", "report.html")
	if n := bytes.Count(html, []byte("<svg")); n < 5 {
		t.Errorf("%d figures in the report, not 5", n)
	}
	if n := bytes.Count(html, []byte("<img")); n != 2+len(demoFamilies) {
		t.Errorf("%d rows of pictures in the report", n)
	}
	if link := regexp.MustCompile(`(src|href)="(https?:|/)[^"]*"`).Find(html); link != nil {
		t.Errorf("the report is not self-contained: %s", link)
	}
	weights := read(t, dir, "runs", "demo", "greg", "checkpoint.safetensors")
	ok(t, dir, "demo", "-quick")
	if !bytes.Equal(weights, read(t, dir, "runs", "demo", "greg", "checkpoint.safetensors")) {
		t.Error("the same demo again gives other weights")
	}
	// A run of the demo is an ordinary run.
	ok(t, dir, "train", "-resume", "-out", "runs/demo/greg")
	ok(t, dir, "eval", "-checkpoint", "runs/demo/energy", "-ood", "ood-noise#30", "-out", "e")
	if err := os.Remove(filepath.Join(dir, "runs", "demo", demoFile)); err != nil {
		t.Fatal(err)
	}
	if r := cifar(t, dir, "demo", "-quick"); r.Code != 1 {
		t.Errorf("a directory that is no demo's was replaced (exit code %d)", r.Code)
	}
}

// TestFlatness wants success to be claimed where there is some, and only there.
func TestFlatness(t *testing.T) {
	if text := flatness(1.25, 2.5); !strings.Contains(text, "1.25") || !strings.HasSuffix(text, "this is what the gradient term is for.") {
		t.Error(text)
	}
	for _, energy := range []float64{1, 3} {
		if text := flatness(3, energy); !strings.HasSuffix(text, "here it did not.") {
			t.Error(text)
		}
	}
}

// TestDemoPlan wants the two fine-tunings to differ in the gradient term alone.
func TestDemoPlan(t *testing.T) {
	plan := fullDemo(1)
	energy, err := plan.config("energy")
	if err != nil {
		t.Fatal(err)
	}
	greg, err := plan.config("greg")
	if err != nil {
		t.Fatal(err)
	}
	if energy.Loss.LambdaGrad != 0 || greg.Loss.LambdaGrad <= 0 {
		t.Errorf("lambda_grad %g and %g", energy.Loss.LambdaGrad, greg.Loss.LambdaGrad)
	}
	energy.Method, energy.Loss.LambdaGrad = greg.Method, greg.Loss.LambdaGrad
	if a, b := energy.Check(), greg.Check(); a != nil || b != nil {
		t.Error(a, b)
	}
	if *energy.AugmentID != *greg.AugmentID || energy.Loss != greg.Loss || energy.LR != greg.LR || energy.Epochs != greg.Epochs || energy.Seed != greg.Seed {
		t.Errorf("the fine-tunings differ in more than the gradient term:\n%+v\n%+v", energy, greg)
	}
}
