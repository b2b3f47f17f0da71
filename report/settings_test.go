package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"gradgrad/ood"
)

// trained is an evaluation of a run with settings: "epochs=4" is the method's own,
// "epochs=4|60" is 4 in the place of 60.
func trained(method string, seed uint64, start float64, settings ...string) Input {
	r := evaluation(method, "wrn-16-1", seed, start, []string{"energy"}, "svhn")
	for _, s := range settings {
		name, values, _ := strings.Cut(s, "=")
		value, own, changed := strings.Cut(values, "|")
		if !changed {
			own = value
		}
		r.Settings = append(r.Settings, ood.Setting{Name: name, Value: value, Own: own})
	}
	return Input{fmt.Sprintf("runs/%s-%d-%g", method, seed, start), r}
}

func labels(t *testing.T, inputs ...Input) (*Table, string) {
	t.Helper()
	tab, err := NewTable(inputs...)
	if err != nil {
		t.Fatal(err)
	}
	var of []string
	for _, r := range tab.Blocks[0].Rows {
		of = append(of, fmt.Sprintf("%s x%d", r.Label, len(r.Seeds)))
	}
	return tab, strings.Join(of, " | ")
}

// TestRowsOfSettings: what distinguishes runs of one method is in their labels; what
// they share is not.
func TestRowsOfSettings(t *testing.T) {
	for _, v := range []struct {
		what string
		in   []Input
		want string
	}{
		{"seeds", []Input{trained("greg+", 1, 30, "clusters=64", "lr=0.1"), trained("greg+", 2, 31, "clusters=64", "lr=0.1")}, "GReg+ x2"},
		{"other clusters", []Input{trained("greg+", 1, 30, "clusters=64", "lr=0.01|0.1"), trained("greg+", 2, 59, "clusters=16|64", "lr=0.01|0.1")},
			"GReg+ (clusters=64) x1 | GReg+ (clusters=16) x1"},
		{"the same change of all", []Input{trained("greg+", 1, 30, "epochs=4|60"), trained("greg+", 2, 31, "epochs=4|60"), trained("energy", 1, 30, "epochs=4|10")},
			"Energy loss x1 | GReg+ x2"},
		{"two settings, another in between", []Input{trained("greg+", 1, 30, "epochs=60", "batch=64", "lr=0.1"), trained("greg+", 1, 31, "epochs=4|60", "batch=64", "lr=0.01|0.1")},
			"GReg+ (epochs=60, lr=0.1) x1 | GReg+ (epochs=4, lr=0.01) x1"},
		{"too many for a label", []Input{trained("greg+", 1, 30, "a=1", "b=1", "c=1", "d=1"), trained("greg+", 2, 31, "a=2", "b=2", "c=2", "d=2"), trained("greg+", 3, 32, "a=1", "b=1", "c=1", "d=1")},
			"GReg+ (settings 1) x2 | GReg+ (settings 2) x1"},
		{"other outliers of one name", []Input{trained("greg+", 1, 30, "aux=300k, 100 images, abc"), trained("greg+", 2, 31, "aux=300k, 90 images, def")},
			"GReg+ (aux=300k, 100 images) x1 | GReg+ (aux=300k, 90 images) x1"},
		{"other outliers", []Input{trained("greg+", 1, 30, "aux=300k, 100 images, abc"), trained("greg+", 2, 31, "aux=tiny, 100 images, def")},
			"GReg+ (aux=300k) x1 | GReg+ (aux=tiny) x1"},
		{"nothing recorded", []Input{trained("greg+", 1, 30), trained("greg+", 2, 31)}, "GReg+ x2"},
		{"nothing recorded beside what is", []Input{trained("greg+", 1, 30), trained("greg+", 2, 31, "clusters=64"), trained("energy", 1, 3)},
			"Energy loss x1 | GReg+ (settings not recorded) x1 | GReg+ x1"},
		{"a setting that came later, unchanged", []Input{trained("greg+", 1, 30, "lr=0.1"), trained("greg+", 2, 31, "dual-rate=0", "lr=0.1")}, "GReg+ x2"},
		{"a setting that came later, changed", []Input{trained("greg+", 1, 30, "lr=0.1"), trained("greg+", 2, 31, "lr=0.1", "dual-rate=0.1|0")},
			"GReg+ (dual-rate=0) x1 | GReg+ (dual-rate=0.1) x1"},
		{"other methods", []Input{trained("greg", 1, 30, "lr=0.1"), trained("energy", 2, 31, "lr=0.01|0.1")}, "Energy loss x1 | GReg (code) x1"},
		{"networks of post-hoc scores", []Input{trained("ce", 1, 30, "epochs=100"), trained("ce", 1, 31, "epochs=12|100")}, "Energy score (epochs=100) x1 | Energy score (epochs=12) x1"},
	} {
		if _, got := labels(t, v.in...); got != v.want {
			t.Errorf("%s:\ngot  %s\nwant %s", v.what, got, v.want)
		}
	}
}

// TestNotesOfSettings: what runs of a method share stands under the table, methods with
// the same changes together, and so do settings that are too many for a label.
func TestNotesOfSettings(t *testing.T) {
	tab, _ := labels(t,
		trained("ce", 1, 40, "epochs=12|100", "lr=0.1"),
		trained("energy", 1, 20, "epochs=4|10", "lr=0.001"), trained("balanced", 1, 21, "epochs=4|20", "lr=0.001"),
		trained("greg+", 1, 10, "epochs=4|60", "lr=0.01|0.1", "clusters=64"), trained("greg+", 2, 11, "epochs=4|60", "lr=0.01|0.1", "clusters=16|64"),
		trained("dos", 1, 10, "a=1", "b=2|1", "c=1", "d=1", "e=2|1"), trained("dos", 2, 11, "a=2|1", "b=1", "c=2|1", "d=2|1", "e=2|1"))
	for _, f := range []Format{Text, Markdown, LaTeX} {
		text := write(t, tab, f)
		for _, line := range []string{
			"DOS, settings 1: a=1, b=2, c=1, d=1.", "DOS, settings 2: a=2, b=1, c=2, d=2.",
			"Settings other than the method's own: CE, which the post-hoc scores judge: epochs=12; Energy loss, Balanced Energy: epochs=4; DOS: e=2; GReg+: epochs=4, lr=0.01.",
		} {
			if !strings.Contains(text, line) {
				t.Errorf("%s: no line %q in\n%s", f, line, text)
			}
		}
	}
	if tab, _ := labels(t, trained("greg+", 1, 10, "epochs=60")); strings.Contains(write(t, tab, Text), "Settings") {
		t.Error("a line about settings where none is changed")
	}
}

// TestTable7 sets the nine runs of sweeps/table7.toml on CIFAR-100 beside the paper's
// values for their numbers of clusters.
func TestTable7(t *testing.T) {
	var in []Input
	for seed := uint64(1); seed <= 3; seed++ {
		for clusters, start := range map[string]float64{"64": 30, "16|64": 60, "32|64": 50, "8|64": 70} {
			one := trained("greg+", seed, start+float64(seed), "clusters="+clusters)
			one.Results.ID, one.Results.Arch = "cifar100", "densenet101"
			in = append(in, one)
		}
	}
	tab, _ := labels(t, in...)
	text := write(t, tab, Text)
	for clusters, want := range map[string][]string{
		"64": {"30.55", "93.38", "+1.45", "-1.38"},
		"32": {"46.41", "–", "+5.59", "–"},
		"16": {"58.97", "–", "+3.03", "–"},
		"8":  {"–", "–", "–", "–"},
	} {
		row := cells(t, text, "│", "GReg+ (clusters="+clusters+"), 3 seeds")
		equal(t, clusters+" clusters", row[len(row)-4:], want...)
	}
	if strings.Contains(write(t, tab, JSON), `"auroc": 0`) {
		t.Error("an AUROC of the paper that it does not print")
	}
}

// TestPaperBesideChanges: the paper's values stay beside runs with other settings, and
// a note says that they are not of those; its accuracies are of its own clusters.
func TestPaperBesideChanges(t *testing.T) {
	paper := func(setting string) (*Row, string) {
		one := trained("greg+", 1, 10, setting)
		one.Results.Arch = "wrn-40-2"
		tab, _ := labels(t, one)
		return tab.Blocks[0].Rows[0], write(t, tab, Text)
	}
	const note = "Where settings are changed"
	if r, text := paper("epochs=30|60"); r.Paper == nil || r.PaperAccuracy == nil || !strings.Contains(text, note) {
		t.Errorf("half the epochs:\n%s", text)
	}
	if r, text := paper("epochs=60"); r.Paper == nil || strings.Contains(text, note) {
		t.Errorf("the method's epochs:\n%s", text)
	}
	if r, text := paper("clusters=16|64"); r.Paper != nil || r.PaperAccuracy != nil {
		t.Errorf("other clusters:\n%s", text)
	}
}

// TestSettingsInFiles: CSV has the changes of every line, JSON all settings of a row.
func TestSettingsInFiles(t *testing.T) {
	tab, _ := labels(t, trained("greg+", 1, 10, "epochs=4|60", "lr=0.01|0.1", "batch=64"))
	lines, err := csv.NewReader(strings.NewReader(write(t, tab, CSV))).ReadAll()
	if err != nil || lines[0][20] != "changed" || lines[1][20] != "epochs=4, lr=0.01" {
		t.Errorf("%q, %v", lines, err)
	}
	var back struct {
		Blocks []struct {
			Rows []struct{ Settings, Preset map[string]string }
		}
	}
	if err := json.Unmarshal([]byte(write(t, tab, JSON)), &back); err != nil {
		t.Fatal(err)
	}
	if r := back.Blocks[0].Rows[0]; fmt.Sprint(r) != "{map[batch:64 epochs:4 lr:0.01] map[epochs:60 lr:0.1]}" {
		t.Errorf("JSON %v", r)
	}
}
