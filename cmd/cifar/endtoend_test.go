package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gradgrad/ood"
)

// TestTrainEvalTable goes the whole way: cross-entropy, GReg from it, evaluation
// of both, the table.
func TestTrainEvalTable(t *testing.T) {
	dir := t.TempDir()
	r := ok(t, dir, tiny("-method", "ce", "-epochs", "2", "-out", "base")...)
	if !regexp.MustCompile(`^test accuracy \d+\.\d\d % \(2000 images of shapes\)\n$`).MatchString(r.Out) {
		t.Errorf("standard output: %q", r.Out)
	}
	for _, want := range []string{"wrn-10-1", "77,850 parameters", "80 images", "eval -checkpoint base"} {
		if !strings.Contains(r.Err, want) {
			t.Errorf("the summary does not say %q:\n%s", want, r.Err)
		}
	}
	ok(t, dir, tinyGReg("-init", "base", "-epochs", "1", "-out", "greg")...)
	for _, run := range []string{"base", "greg"} {
		ok(t, dir, "eval", "-checkpoint", run, "-id", "shapes#60", "-ood", "ood-letters#50,fog=ood-blobs#40", "-scores", "energy,msp")
	}
	checkResults(t, filepath.Join(dir, "greg", "eval"))
	for format, want := range map[string]string{"text": "┌", "markdown": "| GReg", "csv": "shapes,wrn-10-1,greg,paper,energy", "json": `"blocks"`, "latex": `\toprule`} {
		if out := ok(t, dir, "table", "base", "greg/eval", "-format", format).Out; !strings.Contains(out, want) {
			t.Errorf("table -format %s lacks %q:\n%s", format, want, out)
		}
	}
	ok(t, dir, "report", "base", "greg", "-o", "r.html", "-figures", "img")
	page := string(read(t, dir, "r.html"))
	for _, want := range []string{"Gradient norm", "scores", "<svg", "-method greg"} {
		if !strings.Contains(page, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	for _, figure := range []string{"energy-loss", "gradient-norm", "cross-entropy", "scores-ce", "scores-greg"} {
		if !bytes.HasPrefix(read(t, dir, "img", figure+".svg"), []byte("<svg")) {
			t.Errorf("%s.svg is no figure", figure)
		}
	}
	ok(t, dir, "table", "base", "greg", "-o", "t.tex")
	if !bytes.Contains(read(t, dir, "t.tex"), []byte(`\bottomrule`)) {
		t.Error("t.tex is no LaTeX table")
	}
}

// TestEvalAgain judges twice into one directory: what lies there belongs to the
// second time, but for what eval has not written. A batch larger than any set is
// the set.
func TestEvalAgain(t *testing.T) {
	dir := t.TempDir()
	ok(t, dir, tiny("-method", "ce", "-max-steps", "2", "-out", "r")...)
	ok(t, dir, "eval", "-checkpoint", "r", "-id", "shapes#40", "-ood", "ood-letters#30,ood-noise#30", "-out", "e")
	write(t, filepath.Join(dir, "e", "scores", "mine.npy"), nil)
	ok(t, dir, "eval", "-checkpoint", "r", "-id", "shapes#40", "-ood", "ood-noise#30", "-scores", "energy", "-out", "e", "-batch", "9223372036854775807")
	var have []string
	entries, err := os.ReadDir(filepath.Join(dir, "e", "scores"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		have = append(have, e.Name())
	}
	if got, want := strings.Join(have, " "), "energy-ood-noise.npy energy-shapes.npy mine.npy"; got != want {
		t.Errorf("scores %s, not %s", got, want)
	}
}

// checkResults compares results.json with the contract and with the raw scores.
func checkResults(t *testing.T, dir string) {
	t.Helper()
	var r struct {
		ID         string   `json:"id"`
		Accuracy   *float64 `json:"id_accuracy"`
		Arch       string   `json:"arch"`
		Method     string   `json:"method"`
		Seed       int      `json:"seed"`
		Convention string   `json:"fpr_convention"`
		Normalize  string   `json:"normalize"`
		Scores     map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(read(t, dir, "results.json"), &r); err != nil {
		t.Fatal(err)
	}
	if r.ID != "shapes" || r.Accuracy == nil || r.Arch != "wrn-10-1" || r.Method != "greg" || r.Seed != 3 || r.Convention != "paper" || r.Normalize != "greg" {
		t.Errorf("results.json: %+v", r)
	}
	for _, score := range []string{"energy", "msp"} {
		for set, n := range map[string]int{"ood-letters": 50, "fog": 40} {
			var m ood.Metrics
			if err := json.Unmarshal(r.Scores[score][set], &m); err != nil {
				t.Fatal(err)
			}
			id, err := ood.ReadNPY(filepath.Join(dir, "scores", score+"-shapes.npy"))
			if err != nil {
				t.Fatal(err)
			}
			out, err := ood.ReadNPY(filepath.Join(dir, "scores", score+"-"+set+".npy"))
			if err != nil {
				t.Fatal(err)
			}
			again, err := ood.Evaluate(id, out, ood.Paper)
			if err != nil {
				t.Fatal(err)
			}
			if m != again || m.NID != 60 || m.NOOD != n {
				t.Errorf("%s on %s: %+v in results.json, %+v from the scores", score, set, m, again)
			}
		}
	}
}

// TestBareFile evaluates weights without a run directory: it must be told how
// images are normalised, and gives the same results as the run.
func TestBareFile(t *testing.T) {
	dir := t.TempDir()
	ok(t, dir, tiny("-method", "ce", "-epochs", "1", "-out", "run")...)
	weights := read(t, dir, "run", "checkpoint.safetensors")
	stripped := bytes.Replace(weights, []byte(`"gradgrad.config"`), []byte(`"somebody.config"`), 1)
	if bytes.Equal(stripped, weights) {
		t.Fatal("the checkpoint does not carry the config")
	}
	write(t, filepath.Join(dir, "bare.safetensors"), stripped)
	eval := []string{"eval", "-checkpoint", "bare.safetensors", "-id", "shapes#60", "-ood", "ood-noise#50", "-size", "12", "-out", "e"}
	r := cifar(t, dir, eval...)
	if r.Code != 2 {
		t.Errorf("exit code %d without -normalize", r.Code)
	}
	oneSentence(t, r, "-normalize")
	bare := ok(t, dir, append(eval, "-normalize", "greg")...)
	own := ok(t, dir, "eval", "-checkpoint", "run", "-id", "shapes#60", "-ood", "ood-noise#50")
	settings := regexp.MustCompile(`(?m)^Settings other.*\n`) // a file of weights does not tell them
	if bare.Out != settings.ReplaceAllString(own.Out, "") || !settings.MatchString(own.Out) {
		t.Errorf("two evaluations of the same weights:\n%s\n%s", bare.Out, own.Out)
	}
	init := tiny("-method", "ce", "-init", "bare.safetensors", "-max-steps", "2", "-out", "next")
	if r := cifar(t, dir, init...); r.Code != 2 {
		t.Errorf("exit code %d for -init without -normalize", r.Code)
	}
	ok(t, dir, append(init, "-normalize", "dice")...)
	if r := cifar(t, dir, "eval", "-checkpoint", "next", "-ood", "ood-noise#50", "-normalize", "greg"); r.Code != 2 {
		t.Errorf("exit code %d for another normalisation than the stored one", r.Code)
	}
}

// TestFolders trains on class folders, with auxiliary classes chosen by a file.
func TestFolders(t *testing.T) {
	dir := t.TempDir()
	writeClasses(t, filepath.Join(dir, "pets", "train"), 8)
	writeClasses(t, filepath.Join(dir, "pets", "test"), 3)
	writeClasses(t, filepath.Join(dir, "aux"), 8)
	write(t, filepath.Join(dir, "keep.json"), []byte(`["dog"]`))
	r := ok(t, dir, "train", "-id", "animals=pets", "-aux", "aux", "-aux-classes", "keep.json", "-method", "energy", "-arch", "wrn-10-1",
		"-batch", "4", "-aux-batch", "4", "-epochs", "1", "-out", "r")
	if !strings.Contains(r.Out, "(6 images of animals)") || !strings.Contains(r.Err, "aux, 8 images") {
		t.Errorf("%s%s", r.Out, r.Err)
	}
	ok(t, dir, "eval", "-checkpoint", "r", "-ood", "ood-noise#20")
	if entries, _ := os.ReadDir(filepath.Join(dir, "r", "eval", "scores")); len(entries) != 4 {
		t.Errorf("%d files of scores, not 4", len(entries))
	}
}
