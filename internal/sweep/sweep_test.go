package sweep

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const example = `
title = "Table 1"
out = "runs/t1"
table = ["t.md"]
[train]
id = "cifar10"
epochs = 20
[eval]
ood = ["svhn", "isun"]
[[run]]
name = "{arch}/base"
for = { arch = ["resnet18", "wrn-40-2"] }
train = { method = "ce", epochs = 100 }
eval = { scores = "msp" }
[[run]]
name = "{arch}/greg-{seed}"
for = { seed = [1, 2], arch = ["resnet18", "wrn-40-2"] }
init = "{arch}/base"
train = { method = "greg", lr = 1e-3, note = "{arch} {seed}" }
[[run]]
name = "only-trained"
evaluate = false
train = { nesterov = false }
`

func TestParse(t *testing.T) {
	s, err := Parse([]byte(example), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range s.Runs {
		names = append(names, r.Name)
	}
	want := "resnet18/base wrn-40-2/base resnet18/greg-1 resnet18/greg-2 wrn-40-2/greg-1 wrn-40-2/greg-2 only-trained"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("runs %s, want %s", got, want)
	}
	if r, want := s.Runs[0], (Run{"resnet18/base", "", "", Flags{"id": "cifar10", "epochs": "100", "method": "ce", "arch": "resnet18"}, Flags{"ood": "svhn,isun", "scores": "msp"}}); !reflect.DeepEqual(r, want) {
		t.Errorf("%+v, want %+v", r, want)
	}
	r := s.Runs[5]
	if r.Init != "wrn-40-2/base" || r.Train["seed"] != "2" || r.Train["lr"] != "0.001" || r.Train["note"] != "wrn-40-2 2" || r.Train["epochs"] != "20" {
		t.Errorf("%+v", r)
	}
	if r := s.Runs[6]; r.Eval != nil || r.Train["nesterov"] != "false" {
		t.Errorf("%+v", r)
	}
	if got := strings.Join(s.Runs[1].Train.Args(), " "); got != "-arch=wrn-40-2 -epochs=100 -id=cifar10 -method=ce" {
		t.Errorf("arguments %s", got)
	}
}

func TestSetReplacesLoops(t *testing.T) {
	set, err := ParseFlags([]string{"-arch=wrn-16-1", "seed=9", "milestones=0.5,0.75"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse([]byte(example), set)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range s.Runs {
		names = append(names, r.Name)
		if r.Train["arch"] != "wrn-16-1" || r.Train["seed"] != "9" || r.Train["milestones"] != "0.5,0.75" {
			t.Errorf("%+v", r)
		}
	}
	if got := strings.Join(names, " "); got != "wrn-16-1/base wrn-16-1/greg-9 only-trained" {
		t.Errorf("runs %s", got)
	}
}

// TestSetMergesRuns lists a recipe for each of two networks and asks for a third.
func TestSetMergesRuns(t *testing.T) {
	text := "[[run]]\nname = \"{arch}/base\"\nfor = { arch = [\"a\"] }\ntrain = { lr = 1 }\n" +
		"[[run]]\nname = \"{arch}/base\"\nfor = { arch = [\"b\"] }\ntrain = { lr = 2 }\n"
	s, err := Parse([]byte(text), Flags{"arch": "c"})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Runs) != 1 || s.Runs[0].Train["lr"] != "1" || len(s.Merged) != 1 || s.Merged[0] != "c/base" {
		t.Errorf("%+v", s)
	}
	if _, err := Parse([]byte(strings.ReplaceAll(text, `"b"`, `"a"`)), nil); err == nil {
		t.Error("two runs of one name were accepted without a setting that made them so")
	}
}

func TestChooseKeepsWhatRunsBeginWith(t *testing.T) {
	s, err := Parse([]byte(example), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Choose([]string{"wrn-40-2/greg-*"}); err != nil {
		t.Fatal(err)
	}
	if len(s.Runs) != 3 || s.Runs[0].Name != "wrn-40-2/base" || s.Runs[2].Name != "wrn-40-2/greg-2" {
		t.Errorf("%+v", s.Runs)
	}
	for _, across := range []string{"*greg-*", "*/greg-1", "wrn*"} {
		s, err := Parse([]byte(example), nil)
		if err == nil {
			err = s.Choose([]string{across})
		}
		if err != nil || len(s.Runs) == 7 {
			t.Errorf("%s: %d runs, %v", across, len(s.Runs), err)
		}
	}
	for _, p := range []string{"nothing", "["} {
		if err := s.Choose([]string{p}); err == nil || !strings.Contains(err.Error(), p) {
			t.Errorf("pattern %q: %v", p, err)
		}
	}
}

func TestScale(t *testing.T) {
	s, err := Parse([]byte(example), nil)
	if err != nil {
		t.Fatal(err)
	}
	delete(s.Runs[6].Train, "epochs")
	changes, err := s.Scale(0.1, func(train Flags) (int, error) { return 5, nil })
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"10", "10", "2", "2", "2", "2", "1"} {
		if got := s.Runs[i].Train["epochs"]; got != want {
			t.Errorf("%s: %s epochs, want %s", s.Runs[i].Name, got, want)
		}
	}
	if len(changes) != 7 || changes[0] != (Change{"resnet18/base", "epochs", "100", "10"}) || changes[6].From != "5" {
		t.Errorf("%+v", changes)
	}
	for _, x := range []float64{0, -1, 2} {
		if _, err := s.Scale(x, nil); err == nil {
			t.Errorf("a scale of %v was accepted", x)
		}
	}
	s.Runs[0].Train["epochs"] = "many"
	if _, err := s.Scale(0.5, func(Flags) (int, error) { return 0, fmt.Errorf("none") }); err == nil || !strings.Contains(err.Error(), "resnet18/base") {
		t.Errorf("epochs that are no number: %v", err)
	}
}

func TestBadFiles(t *testing.T) {
	run := func(s string) string { return "[[run]]\n" + s }
	for _, x := range []struct{ text, want string }{
		{"", "no [[run]]"},
		{"title = 3\n", "title"},
		{"[[run]\n", "expected"},
		{"nonsense = 1\n" + run(`name = "a"`), "nonsense means nothing"},
		{run("name = \"a\"\ntrains = {}"), "run.trains means nothing"},
		{run(`train = { method = "ce" }`), "not a directory"},
		{run(`name = "../a"`), "not a directory"},
		{run(`name = "/a"`), "not a directory"},
		{run(`name = "a//b"`), "not a directory"},
		{run(`name = "a"`) + "\n" + run(`name = "a"`), "two runs are called a"},
		{run(`name = "a"`) + "\n" + run(`name = "a/b"`), "a/b lies inside the run a"},
		{run("name = \"a\"\nfor = { seed = [1, 2] }"), "two runs are called a"},
		{run("name = \"a\"\ninit = \"b\"") + "\n" + run(`name = "b"`), "does not stand before it"},
		{run(`name = "a-{seed}"`), "{seed}: no variable"},
		{run("name = \"a\"\ninit-file = \"{arch}.pth\""), "{arch}.pth: no variable"},
		{run(`name = "a"`) + "\n" + run("name = \"b\"\ninit = \"a\"\ninit-file = \"b.pth\""), "leave one out"},
		{run("name = \"a\"\ntrain = { out = \"x\" }"), "-out follows from"},
		{run("name = \"a\"\neval = { checkpoint = \"x\" }"), "-checkpoint follows from"},
		{run("name = \"a\"\ntrain = { when = 2020-01-01 }"), "when: a flag's value"},
		{run("name = \"a-{x}\"\nfor = { x = [{}] }"), "x: a flag's value"},
		{run("name = \"a\"\nfor = { x = [] }"), "no [[run]]"},
		{run("name = \"a\"\nfor = { " + loops(5, 20) + " }"), "3.2e+06 runs"},
		{"table = [\"../t.md\"]\n" + run(`name = "a"`), "not a file below"},
	} {
		_, err := Parse([]byte(x.text), nil)
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%q: error %v, want one about %q", x.text, err, x.want)
		}
	}
	if _, err := ParseFlags([]string{"seed"}); err == nil || !strings.Contains(err.Error(), "FLAG=VALUE") {
		t.Errorf("a setting without a value: %v", err)
	}
}

func TestReadNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mine.toml")
	if _, err := Read(path, nil); err == nil || !strings.Contains(err.Error(), "mine.toml") {
		t.Errorf("a missing file: %v", err)
	}
	if err := os.WriteFile(path, []byte("[[run]]\nname = \"a\"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	s, err := Read(path, nil)
	if err != nil || s.Out != filepath.Join("runs", "mine") {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestFileToBeginWith lies beside the sweep file, wherever the program runs.
func TestFileToBeginWith(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "mine.toml")
	if err := os.WriteFile(path, []byte("[[run]]\nname = \"{arch}\"\nfor = { arch = [\"a\"] }\ninit-file = \"w/{arch}.pth\"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	s, err := Read(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.Path(s.Runs[0].InitFile), filepath.Join(dir, "w", "a.pth"); got != want || s.Runs[0].InitFile != "w/a.pth" {
		t.Errorf("%s, want %s", got, want)
	}
	if abs := filepath.Join(dir, "x"); s.Path(abs) != abs {
		t.Errorf("%s became %s", abs, s.Path(abs))
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte("[[run]]\nname = \"{a}\"\nfor = { a = [1] }\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse(data, nil)
		if err == nil && len(s.Runs) == 0 {
			t.Error("a sweep without runs")
		}
	})
}

// loops writes n variables of so many values each.
func loops(n, values int) string {
	var vars []string
	for i := range n {
		vars = append(vars, fmt.Sprintf("v%d = [%s1]", i, strings.Repeat("1, ", values-1)))
	}
	return strings.Join(vars, ", ")
}
