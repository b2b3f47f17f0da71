package app

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gradgrad/internal/cli"
	"gradgrad/internal/sweep"
)

// readSweep reads a sweep file of that text, whose runs would go below its folder.
func readSweep(t *testing.T, s *sweepFlags, text string) (*sweep.Sweep, error) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "s.toml")
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	*s.out = filepath.Join(dir, "runs")
	return s.read(context.Background(), quiet(), file)
}

func quiet() *cli.Env {
	return &cli.Env{Stdout: new(bytes.Buffer), Stderr: new(bytes.Buffer), Argv: []string{"cifar"}, Quiet: true}
}

// TestSweepChecksFirst: what eval and the tables would refuse is refused before any
// training.
func TestSweepChecksFirst(t *testing.T) {
	run := func(eval string) string {
		return "[train]\nid = \"shapes\"\n[[run]]\nname = \"a\"\neval = { " + eval + " }\n"
	}
	const good = `ood = "svhn,ood-noise#40"`
	for _, x := range []struct{ text, says string }{
		{"table = [\"t.pdf\"]\n" + run(good), `the table "t.pdf": its extension is none of txt, md, csv, json, tex`},
		{run(good + `, scores = "msp,enrgy"`), "a: eval: -scores: "},
		{run(good + `, scores = "energy:u=2"`), "a: eval: -scores: "},
		{run(good + `, oods = "svhn"`), "a: eval: flag provided but not defined: -oods"},
		{run(good + `, batch = "x"`), `a: eval: invalid value "x" for flag -batch`},
		{run(good + `, convention = "nobody"`), "nobody"},
		{run(good + `, conv = "nothing"`), "a: eval: -conv: "},
		{run(`scores = "msp"`), "a: eval: -ood is needed"},
		{run(`ood = "svhn,svhn"`), "two sets are named svhn"},
		{run(good + `, id = "svhn"`), "two sets are named svhn"},
	} {
		if _, err := readSweep(t, flagsOf(t, small), x.text); err == nil || !strings.Contains(err.Error(), x.says) {
			t.Errorf("%s\n%v, want %q in it", x.text, err, x.says)
		}
	}
	if _, err := readSweep(t, flagsOf(t, small), "table = [\"t.md\", \"u.txt\", \"v\"]\n"+run(good)); err != nil {
		t.Errorf("a file without a mistake: %v", err)
	}
}

// TestSweepLooksForSets: a set that runs will be judged on must be there, unless all of
// these runs are done.
func TestSweepLooksForSets(t *testing.T) {
	s := flagsOf(t, small)
	text := func(eval string) string {
		return "[[run]]\nname = \"only-trained\"\nevaluate = false\n[[run]]\nname = \"a\"\neval = { " + eval + " }\n"
	}
	for _, x := range []struct{ eval, says string }{
		{`ood = "ood-noise#40,other=shapes"`, ""},
		{`ood = "ood-noise,svhn"`, "a could not be judged, so no run was begun: eval: data set svhn: none of "},
		{`ood = "ood-noise#many"`, "is not a number of images"},
		{`ood = "ood-noise,there=/no/such/folder"`, "data set there=/no/such/folder: "},
		{`ood = "ood-noise", id = "cifar100"`, "data set cifar100: "},
	} {
		sw, err := readSweep(t, s, text(x.eval))
		if err != nil {
			t.Fatal(err)
		}
		err = s.checkSets(context.Background(), quiet(), sw)
		if x.says == "" && err != nil || x.says != "" && (err == nil || !strings.Contains(err.Error(), x.says)) {
			t.Errorf("%s: %v, want %q in it", x.eval, err, x.says)
		}
		done := sweepState{Eval: sw.Runs[1].Eval, Trained: true, Evaluated: true}
		if err := done.write(runDir(sw, "a")); err != nil {
			t.Fatal(err)
		}
		if err := s.checkSets(context.Background(), quiet(), sw); err != nil {
			t.Errorf("%s, and all is done: %v", x.eval, err)
		}
	}
	sw, err := readSweep(t, s, text(`ood = "svhn"`))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*s.data, "test_32x32.mat"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := s.checkSets(context.Background(), quiet(), sw); err != nil {
		t.Errorf("the set is there now: %v", err)
	}
}
