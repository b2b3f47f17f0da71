package main

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"gradgrad/greg"
	"gradgrad/ood"
)

// TestEvalAllScores judges with every detector and with certificates: all are in
// the table and in results.json, with files of raw numbers that agree.
func TestEvalAllScores(t *testing.T) {
	dir := t.TempDir()
	ok(t, dir, tiny("-method", "ce", "-max-steps", "3", "-out", "r")...)
	out := ok(t, dir, "eval", "-checkpoint", "r", "-id", "shapes#60", "-fit", "shapes#200", "-ood", "ood-letters#40,ood-noise#5", "-scores", "all,react:q=auto", "-certify", "7").Out
	results, err := ood.ReadResults(filepath.Join(dir, "r", "eval"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := ood.ParseScores("all")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.Name() == "react" {
			continue // twice in this list, each under its whole text
		}
		score, found := results.Score(s.Key)
		if !found || len(score.Sets) != 2 {
			t.Errorf("%s is not in the results", s.Key)
		}
	}
	if tuned, _ := results.Score("react:q=auto"); !strings.Contains(string(tuned.Params), "Gaussian noise") {
		t.Errorf("the choice of react is not printed: %s", tuned.Params)
	}
	for _, want := range []string{"react:q=auto found on in-distribution images: {\"chosen\":{\"q\":", "vim found", "certificates", "linear region", "it is no bound", "7 │", "5 │"} {
		if !strings.Contains(out, want) {
			t.Errorf("standard output lacks %q:\n%s", want, out)
		}
	}
	checkCertificates(t, filepath.Join(dir, "r", "eval"), results)
	ok(t, dir, "report", "r", "-o", "r.html", "-figures", "img")
	if page := string(read(t, dir, "r.html")); !strings.Contains(page, "linear region") {
		t.Error("the report does not say what a certificate claims")
	}
	read(t, dir, "img", "certified-ce.svg")
	ok(t, dir, "eval", "-checkpoint", "r", "-id", "shapes#60", "-ood", "ood-letters#40", "-scores", "msp")
	if left, _ := filepath.Glob(filepath.Join(dir, "r", "eval", "scores", "certificate*")); left != nil {
		t.Errorf("certificates of the older evaluation are still there: %v", left)
	}
}

func checkCertificates(t *testing.T, dir string, results *ood.Results) {
	t.Helper()
	c := results.Certificate
	if c == nil || len(c.Sets) != 3 || c.Sets[0].Name != results.ID || c.TPR != 95 {
		t.Fatalf("certificates %+v", c)
	}
	energies, err := ood.ReadNPY(greg.ScoreFile(dir, "energy", results.ID))
	if err != nil {
		t.Fatal(err)
	}
	if want, _ := ood.Threshold(energies, 0.95); c.Threshold != want {
		t.Errorf("threshold %g, want %g of the in-distribution energies", c.Threshold, want)
	}
	for _, s := range c.Sets {
		radii, err := ood.ReadNPY(greg.ScoreFile(dir, greg.RadiusFile, s.Name))
		if err != nil {
			t.Fatal(err)
		}
		estimates, err := ood.ReadNPY(greg.ScoreFile(dir, greg.EstimateFile, s.Name))
		if err != nil {
			t.Fatal(err)
		}
		scores, err := ood.ReadNPY(greg.ScoreFile(dir, "energy", s.Name))
		if err != nil || len(radii) != s.Images || len(estimates) != s.Images {
			t.Fatalf("%s: %d radii, %d estimates of %d images, %v", s.Name, len(radii), len(estimates), s.Images, err)
		}
		for i, r := range radii {
			score := scores[i*len(scores)/len(radii)] // they lie at even distances
			if math.Abs(score-c.Threshold) > 1e-4 && math.Signbit(r) == (score >= c.Threshold) {
				t.Errorf("%s, image %d: radius %g, score %g, threshold %g", s.Name, i, r, score, c.Threshold)
			}
			if math.Abs(r) > math.Abs(estimates[i])*(1+1e-6) {
				t.Errorf("%s, image %d: the radius %g is beyond the estimate %g", s.Name, i, r, estimates[i])
			}
		}
	}
}
