package app

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gradgrad/datasets"
	"gradgrad/greg"
	"gradgrad/internal/sweep"
)

// sweepFiles are the files of sweeps/ by name, with their runs.
func sweepFiles(t *testing.T) map[string]*sweep.Sweep {
	t.Helper()
	files, err := filepath.Glob("../../sweeps/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no sweep files: %v", err)
	}
	all := map[string]*sweep.Sweep{}
	for _, file := range files {
		if all[filepath.Base(file)], err = sweep.Read(file, nil); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestRunsOfSeveralFiles: a run that stands in two tables is the same in both, so that
// the second neither refuses it nor evaluates it again.
func TestRunsOfSeveralFiles(t *testing.T) {
	first, shared := map[string]sweep.Run{}, 0
	for file, sw := range sweepFiles(t) {
		for _, r := range sw.Runs {
			dir := runDir(sw, r.Name)
			other, ok := first[dir]
			if !ok {
				first[dir] = r
				continue
			}
			if shared++; !reflect.DeepEqual(other, r) {
				t.Errorf("%s: %s is %+v here and %+v in another file", file, dir, r, other)
			}
		}
	}
	if shared == 0 {
		t.Error("no run stands in two files")
	}
}

// configOf is what train makes of a run's flags.
func configOf(t *testing.T, r sweep.Run, method string) greg.Config {
	t.Helper()
	c, err := small.Preset(method, officialClasses(r.Train["id"]))
	if err != nil {
		t.Fatal(err)
	}
	c.Model.Arch = r.Train["arch"]
	c.SetNetwork(c.Model)
	for _, g := range settingGroups {
		for _, s := range g.settings {
			if text, ok := r.Train[s.name]; ok {
				if err := parseField(s.at(&c), text); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return c
}

// TestSameSettings: the runs of Energy that isolate the gradient term differ from the
// runs of GReg beside them in that term alone.
func TestSameSettings(t *testing.T) {
	compared := 0
	for file, sw := range sweepFiles(t) {
		runs := map[string]sweep.Run{}
		for _, r := range sw.Runs {
			runs[r.Name] = r
		}
		for name, r := range runs {
			if !strings.Contains(name, "energy-same-") {
				continue
			}
			with, ok := runs[strings.Replace(name, "energy-same-", "greg-", 1)]
			if !ok {
				t.Errorf("%s: no run of GReg beside %s", file, name)
				continue
			}
			compared++
			a, b := configOf(t, r, "energy"), configOf(t, with, "greg")
			if a.Loss.LambdaGrad != 0 || b.Loss.LambdaGrad != 1 || r.Init != with.Init || r.Train["aux"] != with.Train["aux"] {
				t.Errorf("%s: %s is no run without the term beside one with it", file, name)
			}
			a.Method, a.Loss.LambdaGrad = b.Method, b.Loss.LambdaGrad
			is, _ := json.Marshal(a)
			want, _ := json.Marshal(b)
			if string(is) != string(want) {
				t.Errorf("%s: %s has\n%s\nand GReg\n%s", file, name, is, want)
			}
		}
	}
	if compared < 9 {
		t.Errorf("%d runs compared, fewer than there are in table4, small10 and small100", compared)
	}
}

// TestWhatTablesAreJudgedBy: no more images of a set than the paper took, and of DICE and
// LINe the settings of their papers for the set.
func TestWhatTablesAreJudgedBy(t *testing.T) {
	size := map[string]int{}
	for _, k := range datasets.KnownSets() {
		size[k.Name] = k.Test
	}
	published := map[string][]string{"cifar10": {"dice", "line"}, "cifar100": {"dice", "line:pa=10"}, "imagenet10": {"dice:p=70", "line:pa=10;pw=10;c=0.8"}}
	judged := map[string]int{}
	for file, sw := range sweepFiles(t) {
		for _, r := range sw.Runs {
			for _, spec := range strings.Split(r.Eval["ood"], ",") {
				whole := strings.HasPrefix(file, "small") // for folders with small copies
				if !whole && size[datasets.NameOf(spec)] > 10000 && !strings.HasSuffix(spec, "#as=paper") {
					t.Errorf("%s: %s is judged on all of %s", file, r.Name, spec)
				}
			}
			scores := strings.Split(r.Eval["scores"], ",")
			id, all := r.Train["id"], slices.Contains(scores, "all")
			if !all && !strings.Contains(r.Eval["scores"], "line") {
				continue
			}
			judged[id]++
			for _, want := range published[id] {
				if !slices.Contains(scores, want) && !(all && !strings.Contains(want, ":")) {
					t.Errorf("%s: %s is judged by %s, without %s", file, r.Name, scores, want)
				}
			}
		}
	}
	if len(judged) != len(published) {
		t.Errorf("post-hoc scores on %v, not on all of %v", judged, published)
	}
}
