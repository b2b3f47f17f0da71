package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gradgrad/checkpoint"
	"gradgrad/greg"
	"gradgrad/kernels"
	"gradgrad/models"
	"gradgrad/ood"
)

// TestEveryMethodRuns trains a little with every method, from a trained network,
// and judges it. What is printed has the sizes that were scaled to the small set.
func TestEveryMethodRuns(t *testing.T) {
	dir := t.TempDir()
	ok(t, dir, tiny("-method", "ce", "-max-steps", "3", "-out", "ce")...)
	says := map[string]string{
		"greg+": "lowest and highest of 8 clusters (norm, 3 restarts) among ranks 0 to 80 of 80 candidates a step, scaled from 384",
		"dos":   "an output for none of them", "dos-greg": "ranks 3 to 80",
		"ntom": "every epoch ranks 10 to 30 of a pool of 80, scaled from 400000", "poem": "10 nearest",
		"openmix": "shares from Beta(10, 10)", "oe-grad": "largest probability (from 0.9 up, from 0.2 down)", "balanced": "to the power 0.05, alpha 10",
	}
	list, _ := greg.Methods()
	for _, method := range list {
		if method == "ce" {
			continue
		}
		args := tiny("-method", method, "-aux", "outliers#80", "-aux-batch", "8", "-init", "ce", "-max-steps", "2", "-out", method)
		if slices.Contains([]string{"greg+", "greg+-code", "energy-cluster", "dos", "dos-greg"}, method) {
			args = append(args, "-clusters", "8")
		}
		r := ok(t, dir, args...)
		if !strings.Contains(r.Err, says[method]) {
			t.Errorf("%s does not say %q:\n%s", method, says[method], r.Err)
		}
		ok(t, dir, "eval", "-checkpoint", method, "-id", "shapes#20", "-ood", "ood-noise#20")
		results, err := ood.ReadResults(filepath.Join(dir, method, "eval"))
		if err != nil {
			t.Fatal(err)
		}
		first := "energy"
		if strings.HasPrefix(method, "dos") || method == "ntom" || method == "openmix" {
			first = "absent"
		}
		if results.Scores[0].Name != first {
			t.Errorf("%s is judged by %s first, want %s", method, results.Scores[0].Name, first)
		}
	}
	ok(t, dir, append([]string{"table"}, list[1:]...)...)
}

// TestClassesOfAuxiliaries keeps two of three classes, as a file lists them, also on
// resumption.
func TestClassesOfAuxiliaries(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "list.json"), []byte(`{"A": {"circle": "", "star": ""}, "B": {"square": ""}}`), 0o666); err != nil {
		t.Fatal(err)
	}
	r := cifar(t, dir, tiny("-method", "energy", "-aux", "shapes#200", "-aux-classes", "list.json", "-aux-batch", "8", "-lr", "1e-4", "-max-steps", "2", "-out", "r")...)
	if r.Code != 0 {
		t.Fatal(r.Err)
	}
	rec, err := greg.ReadRecord(filepath.Join(dir, "r"))
	if err != nil || rec.Sets["aux"].ClassFile != "list.json" || rec.Sets["aux"].Images >= 200 {
		t.Errorf("%+v: %v", rec.Sets["aux"], err)
	}
	ok(t, dir, "train", "-resume", "-out", "r")
}

// TestMethodsAreDescribed wants every method, and every flag that docs/methods.md
// names, to be there.
func TestMethodsAreDescribed(t *testing.T) {
	page, err := os.ReadFile("../../docs/methods.md")
	if err != nil {
		t.Fatal(err)
	}
	names, _ := greg.Methods()
	for _, name := range names {
		if !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/methods.md does not describe %s", name)
		}
	}
	help := ok(t, t.TempDir(), "help", "train").Out
	for _, flag := range regexp.MustCompile("`-([a-z-]+)").FindAllStringSubmatch(string(page), -1) {
		if !strings.Contains(help, "\n  -"+flag[1]+" ") {
			t.Errorf("docs/methods.md speaks of -%s, which train does not have", flag[1])
		}
	}
}

// TestForeignNetworkThatRejects judges a file with one output more than the set has
// classes, such as DOS's authors publish.
func TestForeignNetworkThatRejects(t *testing.T) {
	dir := t.TempDir()
	m, err := models.New(models.Config{Arch: "wrn-10-1", Classes: 11}, kernels.CPU, 1)
	if err != nil {
		t.Fatal(err)
	}
	f, err := models.State(m)
	if err == nil {
		f.Metadata = nil
		err = checkpoint.Write(filepath.Join(dir, "dos.safetensors"), f)
	}
	if err != nil {
		t.Fatal(err)
	}
	r := ok(t, dir, "eval", "-checkpoint", "dos.safetensors", "-normalize", "greg", "-id", "shapes#20", "-ood", "ood-noise#20", "-size", "16", "-method", "dos", "-out", "e")
	if !strings.Contains(r.Err, "one output more") {
		t.Errorf("it does not say how it takes the output:\n%s", r.Err)
	}
	results, err := ood.ReadResults(filepath.Join(dir, "e"))
	if err != nil || results.Scores[0].Name != "absent" {
		t.Errorf("judged by %+v: %v", results, err)
	}
}
