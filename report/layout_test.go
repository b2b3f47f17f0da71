package report

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gradgrad/ood"
)

// openOOD is a table with near and far sets, of two seeds, one of which lacks a set.
func openOOD(t *testing.T) *Table {
	t.Helper()
	make := func(seed uint64, sets ...string) Input {
		r := &ood.Results{ID: "cifar10", Arch: "resnet18", Method: "ce", Seed: seed, IDAccuracy: 95, Convention: ood.OpenOOD}
		s := ood.ScoreResult{Name: "msp"}
		for i, name := range sets {
			v := float64(10*(i+1)) + float64(seed)
			s.Add(name, ood.Metrics{FPR95: v, AUROC: 100 - v, AUPRIn: 90 - v, AUPROut: 80 - v, NID: 100, NOOD: 50})
		}
		r.Scores = append(r.Scores, s)
		return Input{"x", r}
	}
	tab, err := NewTable(make(1, "cifar100", "svhn", "tin", "textures"), make(3, "cifar100", "svhn", "tin"))
	if err != nil {
		t.Fatal(err)
	}
	tab.Arrange(OpenOODLayout)
	return tab
}

func TestOpenOODLayout(t *testing.T) {
	tab := openOOD(t)
	md := write(t, tab, Markdown)
	row := cells(t, md, " | ", "MSP, 2 seeds")
	// near: cifar100, tin, their mean; far: svhn, textures, theirs; four numbers each
	want := []string{"MSP, 2 seeds", "95.00 ± 0.00",
		"12.00 ± 1.00", "88.00 ± 1.00", "78.00 ± 1.00", "68.00 ± 1.00",
		"32.00 ± 1.00", "68.00 ± 1.00", "58.00 ± 1.00", "48.00 ± 1.00",
		"22.00 ± 1.00", "78.00 ± 1.00", "68.00 ± 1.00", "58.00 ± 1.00"}
	for i, w := range want {
		if i >= len(row) || strings.Trim(row[i], "| ") != w {
			t.Fatalf("cell %d of %q, want %q", i, row, want)
		}
	}
	for _, says := range []string{"Near-OOD FPR95", "Far-OOD AUPR_OUT", "as OpenOOD does", "convention: openood"} {
		if !strings.Contains(md, says) {
			t.Errorf("%q is not in\n%s", says, md)
		}
	}
	if strings.Index(md, "tin FPR95") > strings.Index(md, "SVHN FPR95") {
		t.Errorf("a far set stands before a near one:\n%s", md)
	}
	b := tab.Blocks[0]
	if c := b.Rows[0].Cells[5]; c.FPR95.N != 1 || c.FPR95.Mean != 31 {
		t.Errorf("Far-OOD is %+v, want the one seed that has both sets", c)
	}
	tab.Arrange(PaperLayout)
	if n := len(b.Rows[0].Cells); n != 5 {
		t.Errorf("%d cells in the paper's layout, want 5", n)
	}
	for name, ok := range map[string]bool{"paper": true, "openood": true, "": false, "wide": false} {
		if _, err := ParseLayout(name); (err == nil) != ok {
			t.Errorf("layout %q: %v", name, err)
		}
	}
}

// TestLaTeXCompiles gives both layouts to LaTeX, where it is installed.
func TestLaTeXCompiles(t *testing.T) {
	pdflatex, err := exec.LookPath("pdflatex")
	if err != nil {
		t.Skip("pdflatex is not installed")
	}
	dir := t.TempDir()
	text := "\\documentclass{article}\n\\usepackage{booktabs,graphicx}\n\\begin{document}\n" +
		write(t, sampleTable(t), LaTeX) + write(t, openOOD(t), LaTeX) + "\\end{document}\n"
	if err := os.WriteFile(filepath.Join(dir, "t.tex"), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(pdflatex, "-interaction=nonstopmode", "-halt-on-error", "t.tex")
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil || strings.Contains(string(out), "Overfull") {
		t.Errorf("%v\n%s", err, out)
	}
}
