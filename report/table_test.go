package report

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"gradgrad/ood"
)

// evaluation makes a result with one score per name, each on the given sets; the
// metrics are told from the start value.
func evaluation(method, arch string, seed uint64, start float64, scores []string, sets ...string) *ood.Results {
	r := &ood.Results{ID: "cifar10", IDAccuracy: 90 + start/100, Arch: arch, Method: method, Seed: seed, Normalize: "greg"}
	if method == "greg" {
		r.Variant = "code"
	}
	for i, name := range scores {
		s := ood.ScoreResult{Name: name, Params: json.RawMessage(`{}`)}
		for j, set := range sets {
			v := start + 10*float64(i) + float64(j)
			s.Add(set, ood.Metrics{FPR95: v, AUROC: 100 - v/4, AUPRIn: 90, AUPROut: 80, DetectionError: v / 2, NID: 10000, NOOD: 2000 + j})
		}
		r.Scores = append(r.Scores, s)
	}
	return r
}

var two = []string{"energy", "msp"}

func sampleTable(t *testing.T) *Table {
	t.Helper()
	odin := evaluation("ce", "wrn-40-2", 1, 35, []string{"odin"}, "svhn", "textures")
	odin.Scores[0].Params = json.RawMessage(`{"t": 1000, "eps": 0.0014}`)
	tab, err := NewTable(
		Input{"runs/ce", evaluation("ce", "wrn-40-2", 1, 40, two, "svhn", "textures")},
		Input{"runs/odin", odin},
		Input{"runs/greg1", evaluation("greg", "wrn-40-2", 1, 8, two, "svhn", "textures")},
		Input{"runs/greg2", evaluation("greg", "wrn-40-2", 2, 10, two, "svhn", "textures")},
		Input{"runs/energy", evaluation("energy", "wrn-40-2", 1, 12, two, "svhn", "textures")},
	)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func write(t *testing.T, tab *Table, f Format) string {
	t.Helper()
	var s strings.Builder
	if err := tab.Write(&s, f); err != nil {
		t.Fatal(err)
	}
	return s.String()
}

// cells finds a row of a rendered table by its label and returns its fields.
func cells(t *testing.T, text, sep, label string) []string {
	t.Helper()
	for _, line := range strings.Split(text, "\n") {
		fields := strings.Split(strings.Trim(line, "│| "), sep)
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		if fields[0] == label {
			return fields
		}
	}
	t.Fatalf("no row %q in\n%s", label, text)
	return nil
}

func equal(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("%s:\ngot  %q\nwant %q", what, got, want)
	}
}

func TestTableLayout(t *testing.T) {
	tab := sampleTable(t)
	text := write(t, tab, Text)
	equal(t, "GReg", cells(t, text, "│", "GReg (code), 2 seeds"), "GReg (code), 2 seeds", "90.09 ± 0.01",
		"10.00 ± 1.00", "97.50 ± 0.25", "9.00 ± 1.00", "97.75 ± 0.25", "9.50 ± 1.00", "97.62 ± 0.25", "7.95", "98.10", "+1.55", "-0.47", "89.55", "+0.54")
	equal(t, "MSP", cells(t, text, "│", "MSP, 1 seed"), "MSP, 1 seed", "90.40",
		"51.00", "87.25", "50.00", "87.50", "50.50", "87.38", "51.52", "90.80", "-1.02", "-3.42", "94.84", "-4.44")
	// the paper's order of sets and of rows, whatever the order of the files
	if strings.Index(text, "Textures") > strings.Index(text, "SVHN") {
		t.Error("Textures come after SVHN")
	}
	at := -1
	for _, label := range []string{"MSP,", "ODIN (t=1000, eps=0.0014),", "Energy score,", "Energy loss,", "Energy loss, MSP score,", "GReg (code),", "GReg, MSP score (code),"} {
		i := strings.Index(text, "│ "+label+" ")
		if i <= at {
			t.Errorf("row %q at %d, the one before at %d", label, i, at)
		}
		at = i
	}
	for _, says := range []string{"cifar10, wrn-40-2", "convention: paper", "Normalisation: greg", "10000 in distribution; Textures 2001, SVHN 2000",
		"population standard deviation", "not those six"} {
		if !strings.Contains(text, says) {
			t.Errorf("%q is not in\n%s", says, text)
		}
	}
}

func TestTableMarks(t *testing.T) {
	tab := sampleTable(t)
	md := write(t, tab, Markdown)
	greg := cells(t, md, " | ", "GReg (code), 2 seeds")
	if greg[2] != "**10.00 ± 1.00**" || greg[3] != "**97.50 ± 0.25**" || greg[1] != "90.09 ± 0.01" {
		t.Errorf("GReg in Markdown: %q", greg)
	}
	if energy := cells(t, md, " | ", "Energy loss, 1 seed"); energy[2] != "<u>13.00</u>" || energy[7] != "<u>96.88</u>" {
		t.Errorf("Energy loss in Markdown: %q", energy)
	}
	ansi := write(t, tab, ANSI)
	if !strings.Contains(ansi, "\x1b[1m10.00 ± 1.00\x1b[0m") || !strings.Contains(ansi, "\x1b[4m13.00\x1b[0m") {
		t.Errorf("no marks in\n%q", ansi)
	}
	if strings.Contains(write(t, tab, Text), "\x1b") {
		t.Error("escapes in plain text")
	}
	tex := write(t, tab, LaTeX)
	for _, says := range []string{`\textbf{10.00 $\pm$ 1.00}`, `\underline{13.00}`, `\multicolumn{2}{c}{SVHN}`, `\cmidrule(lr){3-4}`, `AUROC $\uparrow$`,
		`& -- & -- & -- & -- & 88.15 & +1.97 \\`, `$-$3.42`, `95 \%`} {
		if !strings.Contains(tex, says) {
			t.Errorf("%q is not in\n%s", says, tex)
		}
	}
	if i := strings.Index(tex, `\begin{tabular}{`); strings.Count(tex[i:i+40], "r")-2 != 13 { // "tabular" has the other two
		t.Errorf("columns: %s", tex[i:i+40])
	}
	for _, line := range strings.Split(tex, "\n") {
		if strings.HasPrefix(line, "GReg") && strings.Count(line, "&") != 13 {
			t.Errorf("%d cells in %s", strings.Count(line, "&"), line)
		}
	}
}

// Equal prints are marked alike, two rows have no second, one row no best.
func TestTableMarksTiesAndFewRows(t *testing.T) {
	rows := func(starts ...float64) string {
		var in []Input
		methods := []string{"ce", "energy", "greg"}
		for i, s := range starts {
			in = append(in, Input{"x", evaluation(methods[i], "a", 1, s, []string{"energy"}, "svhn")})
		}
		tab, err := NewTable(in...)
		if err != nil {
			t.Fatal(err)
		}
		return write(t, tab, Markdown)
	}
	if s := rows(10, 10.001, 20); strings.Count(s, "**10.00**") != 4 || strings.Count(s, "<u>20.00</u>") != 2 {
		t.Errorf("ties:\n%s", s)
	}
	if s := rows(10, 20); strings.Count(s, "**10.00**") != 2 || strings.Contains(s, "<u>") {
		t.Errorf("two rows:\n%s", s)
	}
	if s := rows(10); strings.Contains(s, "**") {
		t.Errorf("one row:\n%s", s)
	}
}

func TestTableMissingSetsAndAccuracy(t *testing.T) {
	ce := evaluation("ce", "a", 1, 40, []string{"energy"}, "svhn", "mine")
	ce.IDAccuracy = math.NaN()
	greg := evaluation("greg+", "a", 1, 10, []string{"energy"}, "svhn")
	tab, err := NewTable(Input{"x", ce}, Input{"y", greg})
	if err != nil {
		t.Fatal(err)
	}
	text := write(t, tab, Text)
	equal(t, "CE", cells(t, text, "│", "Energy score"), "Energy score", "–", "40.00", "90.00", "41.00", "89.75", "40.50", "89.88")
	equal(t, "GReg+", cells(t, text, "│", "GReg+"), "GReg+", "90.10", "10.00", "97.50", "–", "–", "–", "–")
	if !strings.Contains(text, "needs every OOD set") {
		t.Errorf("no word of the missing average:\n%s", text)
	}
	var back struct {
		Blocks []struct{ Rows []struct{ Cells []Cell } }
	}
	if err := json.Unmarshal([]byte(write(t, tab, JSON)), &back); err != nil {
		t.Fatal(err)
	}
	if c := back.Blocks[0].Rows[1].Cells; c[0].FPR95 != (Stat{10, 0, 1}) || c[1].FPR95.N != 0 {
		t.Errorf("JSON cells %+v", c)
	}
}

func TestTableBlocks(t *testing.T) {
	dice := evaluation("ce", "wrn-40-2", 1, 40, two, "svhn")
	dice.Convention = ood.DICE
	tab, err := NewTable(
		Input{"a", evaluation("ce", "wrn-40-2", 1, 40, two, "svhn")},
		Input{"b", evaluation("ce", "resnet18", 1, 40, two, "svhn")},
		Input{"c", dice},
	)
	if err != nil {
		t.Fatal(err)
	}
	if len(tab.Blocks) != 3 {
		t.Errorf("%d blocks, want one for each network and convention", len(tab.Blocks))
	}
	if r := tab.Blocks[2].Rows[0]; r.Paper != nil {
		t.Error("the paper's value beside another convention")
	}
	if _, err := NewTable(); err == nil {
		t.Error("no input: no error")
	}
	if _, err := LoadTable("/does/not/exist"); err == nil {
		t.Error("no file: no error")
	}
}

// The same seed three times is three rows, named by their files.
func TestTableSameSeed(t *testing.T) {
	var in []Input
	for _, src := range []string{"runs/a", "runs/b", "runs/c"} {
		in = append(in, Input{src, evaluation("greg", "a", 7, 10, []string{"energy"}, "svhn")})
	}
	in = append(in, Input{"runs/d", evaluation("greg", "a", 8, 10, []string{"energy"}, "svhn")})
	tab, err := NewTable(in...)
	if err != nil {
		t.Fatal(err)
	}
	text := write(t, tab, Text)
	for _, src := range []string{"runs/a", "runs/b", "runs/c", "runs/d"} {
		cells(t, text, "│", "GReg (code) ["+src+"]")
	}
}

func TestTableCSV(t *testing.T) {
	lines, err := csv.NewReader(strings.NewReader(write(t, sampleTable(t), CSV))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 1+2*9 { // nine evaluations of a score on two sets
		t.Errorf("%d lines", len(lines))
	}
	equal(t, "line", lines[3], "cifar10", "wrn-40-2", "ce", "", "odin", `{"t":1000,"eps":0.0014}`, "1", "paper", "greg", "90.35",
		"svhn", "35", "91.25", "90", "80", "17.5", "10000", "2000", "runs/odin", "", "")
}

func TestParseFormat(t *testing.T) {
	for name, want := range map[string]Format{"text": Text, "md": Markdown, "tex": LaTeX, "json": JSON} {
		if f, err := ParseFormat(name); err != nil || f != want {
			t.Errorf("%s: %v, %v", name, f, err)
		}
	}
	if _, err := ParseFormat("xls"); err == nil {
		t.Error("xls: no error")
	}
	if sampleTable(t).Write(new(strings.Builder), "xls") == nil {
		t.Error("Write xls: no error")
	}
}

// The names come from users: none may break a format.
func TestTableHostileNames(t *testing.T) {
	r := evaluation("a|b_c*\\x", "net#1 & {co}", 1, 40, []string{"energy"}, "a_b|c&d", "<i>")
	tab, err := NewTable(Input{"x", r})
	if err != nil {
		t.Fatal(err)
	}
	md := write(t, tab, Markdown)
	for _, line := range strings.Split(md, "\n") {
		if n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"); strings.HasPrefix(line, "|") && n != 9 {
			t.Errorf("%d bars in %s", n, line)
		}
	}
	if strings.Contains(md, "<i>") {
		t.Error("markup passes into Markdown")
	}
	tex := write(t, tab, LaTeX)
	if !strings.Contains(tex, `net\#1 \& \{co\}`) || !strings.Contains(tex, `a|b\_c*\textbackslash{}x`) {
		t.Errorf("LaTeX:\n%s", tex)
	}
}

// TestScoreOfAnother: a method that was judged by one score, not its own, is no
// result of the method.
func TestScoreOfAnother(t *testing.T) {
	for method, scores := range map[string][2]string{"greg": {"energy", "msp"}, "oe": {"msp", "energy"}, "dos": {"absent", "energy"}} {
		for i, score := range scores {
			tab, err := NewTable(Input{"x", evaluation(method, "wrn-40-2", 1, 10, []string{score}, "svhn")})
			if err != nil {
				t.Fatal(err)
			}
			row := tab.Blocks[0].Rows[0]
			if own := i == 0; (row.Paper != nil) != own || strings.Contains(row.Label, " score") == own {
				t.Errorf("%s by %s alone: labelled %q, the paper's value %v", method, score, row.Label, row.Paper)
			}
		}
	}
}

// TestTableOfImageNet: the paper's averages for ImageNet-10 are over four sets.
func TestTableOfImageNet(t *testing.T) {
	table := func(sets ...string) string {
		r := evaluation("greg+", "densenet121", 1, 30, []string{"energy"}, sets...)
		r.ID = "imagenet10"
		tab, err := NewTable(Input{"runs/greg+", r})
		if err != nil {
			t.Fatal(err)
		}
		return write(t, tab, Text)
	}
	text := table("textures", "places", "sun", "inaturalist")
	if !strings.Contains(text, "average over its four OOD sets.") || strings.Contains(text, "not those") {
		t.Errorf("what the paper's value is of:\n%s", text)
	}
	at := 0
	for _, name := range []string{"iNaturalist", "SUN", "Places", "Textures"} { // the order of Table 3
		i := strings.Index(text, name)
		if i <= at {
			t.Errorf("%s stands at %d, what is before it at %d:\n%s", name, i, at, text)
		}
		at = i
	}
	if text := table("textures", "svhn"); !strings.Contains(text, "not those four") {
		t.Errorf("other sets than the paper's:\n%s", text)
	}
}

// TestTablePrecision: a table says what its numbers were computed in, where that is
// known, all of it where evaluations differ.
func TestTablePrecision(t *testing.T) {
	first, second := evaluation("ce", "wrn-40-2", 1, 40, two, "svhn"), evaluation("greg", "wrn-40-2", 1, 8, two, "svhn")
	for _, c := range []struct{ first, second, says string }{{"", "", ""}, {"fp32", "", "Computed in fp32."}, {"fp32", "tf32", "Computed in fp32, tf32."}} {
		first.Versions, second.Versions = map[string]string{"precision": c.first}, map[string]string{"precision": c.second}
		tab, err := NewTable(Input{"runs/ce", first}, Input{"runs/greg", second})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range []Format{Text, Markdown, LaTeX} {
			text := write(t, tab, f)
			if !strings.Contains(text, c.says) || c.says == "" && strings.Contains(text, "Computed in") {
				t.Errorf("%q is not in\n%s", c.says, text)
			}
		}
		lines, err := csv.NewReader(strings.NewReader(write(t, tab, CSV))).ReadAll()
		if err != nil || lines[0][19] != "precision" || lines[1][19] != c.first {
			t.Errorf("%v, %v", lines[:2], err)
		}
	}
}
