package app

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"gradgrad/greg"
	"gradgrad/report"
)

// record leaves a run directory that holds its record alone.
func record(t *testing.T, dir string, rec greg.Record) string {
	t.Helper()
	data, err := json.Marshal(rec)
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, greg.RecordFile), data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestFilesOfMethods wants a name of its own for the figure of every method, and the
// names that the documentation links to.
func TestFilesOfMethods(t *testing.T) {
	names, _ := greg.Methods()
	of := map[string]string{}
	for _, m := range names {
		slug := slugOf(report.MethodName(m))
		if other, taken := of[slug]; taken {
			t.Errorf("%s and %s both draw into %s", other, m, slug)
		}
		of[slug] = m
	}
	for slug, method := range map[string]string{"ce": "ce", "greg": "greg", "greg-plus": "greg+", "oe-plus-grad": "oe-grad"} {
		if of[slug] != method {
			t.Errorf("%s is the file of %q, want %s", slug, of[slug], method)
		}
	}
}

func TestDrawingsOfOneName(t *testing.T) {
	d := drawings{}
	for _, want := range []string{"roc", "roc-2", "roc-3"} {
		if got := d.add("roc", new(report.Figure)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestDescribeRuns: runs of one method are told apart by as much of their
// directories as it takes, and a record without a command line is one.
func TestDescribeRuns(t *testing.T) {
	dir := t.TempDir()
	var greg1, plus greg.Record
	greg1.Config.Method, plus.Config.Method = "greg", "greg+"
	plus.Command = []string{"/bin/cifar", "train"}
	runs, facts, err := describeRuns([]string{
		record(t, filepath.Join(dir, "a", "g"), greg1), record(t, filepath.Join(dir, "b", "g"), greg1), record(t, filepath.Join(dir, "a", "p"), plus)})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []report.Fact{{Name: "GReg a/g", Value: "not recorded"}, {Name: "GReg b/g", Value: "not recorded"}, {Name: "GReg+", Value: "cifar train"}} {
		if runs[i].Name != want.Name || facts[i] != want {
			t.Errorf("run %d is named %q, %v; want %v", i, runs[i].Name, facts[i], want)
		}
	}
}
