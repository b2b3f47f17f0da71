package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gradgrad/internal/cli"
)

const clusterSweep = `
[train]
id = "shapes#256"
arch = "wrn-10-1"
size = 12
max-steps = 3
test = "shapes#40"
aux = "outliers#160"
[eval]
id = "shapes#60"
ood = ["ood-letters#40", "ood-noise#40"]
[[run]]
name = "plus-{clusters}"
for = { clusters = [4, 8] }
train = { method = "greg+", candidates = 64, batch = 16, aux-batch = 32 }
[[run]]
name = "unjudged"
evaluate = false
train = { method = "energy", batch = 16, aux-batch = 32 }
`

func figures(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	env := &cli.Env{Stdout: &out, Stderr: &errs, Argv: []string{"cifar", "figures"}, Quiet: true}
	err := program().Call(context.Background(), env, "figures", args)
	if err != nil {
		errs.WriteString(err.Error())
	}
	return cli.ExitCode(err), out.String(), errs.String()
}

func TestFigures(t *testing.T) {
	runs, to := filepath.Join(t.TempDir(), "runs"), filepath.Join(t.TempDir(), "figures")
	if _, errs, err := sweepIn(t, clusterSweep)(context.Background(), "-out="+runs); err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	four, eight, unjudged := filepath.Join(runs, "plus-4"), filepath.Join(runs, "plus-8"), filepath.Join(runs, "unjudged")
	code, out, errs := figures("-out", to, four, eight, unjudged)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	var names []string
	for _, path := range strings.Fields(out) {
		svg, err := os.ReadFile(path)
		if err != nil || !bytes.HasPrefix(svg, []byte("<svg")) {
			t.Errorf("%s: %v", path, err)
		}
		names = append(names, strings.TrimSuffix(filepath.Base(path), ".svg"))
	}
	slices.Sort(names)
	want := []string{"accuracy", "clusters", "cross-entropy", "energy-loss", "gradient-norm", "roc", "roc-greg-plus-plus-4", "roc-greg-plus-plus-8", "scores-greg-plus-plus-4", "scores-greg-plus-plus-8"}
	if !slices.Equal(names, want) {
		t.Errorf("figures %q, want %q", names, want)
	}
	var table bytes.Buffer
	env := &cli.Env{Stdout: &table, Stderr: &table, Argv: []string{"cifar", "table"}}
	if err := program().Call(context.Background(), env, "table", []string{four, eight}); err != nil {
		t.Fatal(err)
	}
	for _, label := range []string{"GReg+ (clusters=4) ", "GReg+ (clusters=8) ", "Settings other than the method's own: GReg+: max-steps=3, batch=16, aux-batch=32, candidates=64."} {
		if !strings.Contains(table.String(), label) {
			t.Errorf("no %q in the table:\n%s", label, &table)
		}
	}
	svg, err := os.ReadFile(filepath.Join(to, "clusters.svg"))
	if err != nil || !bytes.Contains(svg, []byte(">4<")) || !bytes.Contains(svg, []byte(">8<")) {
		t.Errorf("the figure of clusters has no ticks at 4 and 8: %v", err)
	}
	code, out, errs = figures("-which", "scores", "-out", to, four, four)
	if first, second := filepath.Join(to, "scores-greg-plus-plus-4.svg"), filepath.Join(to, "scores-greg-plus-plus-4-2.svg"); code != 0 || !slices.Equal(strings.Fields(out), []string{first, second}) {
		t.Errorf("a run drawn twice: exit code %d, %q %s", code, out, errs)
	}
	code, out, errs = figures("-which", "tsne", "-format", "png", "-out", to, "-ood", "ood-letters,ood-noise", "-points", "12", "-perplexity", "4", four)
	if code != 0 || strings.TrimSpace(out) != filepath.Join(to, "tsne-features-greg-plus.png") {
		t.Errorf("t-SNE: exit code %d, %q %s", code, out, errs)
	}
	for _, x := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-which", "pie", four}, 2, "-which pie"},
		{[]string{"-format", "gif", four}, 2, "-format gif"},
		{nil, 2, "name run directories"},
		{[]string{"-out", to, "-which", "tsne", four}, 2, "needs -ood"},
		{[]string{"-out", to, "-which", "tsne", "-of", "logits", "-ood", "ood-noise", four}, 2, "-of logits"},
		{[]string{"-out", to, "-which", "scores", unjudged}, 1, "no evaluation yet"},
		{[]string{"-out", to, filepath.Join(runs, "nothing")}, 1, "nothing"},
	} {
		code, _, errs := figures(x.args...)
		if code != x.code || !strings.Contains(errs, x.want) {
			t.Errorf("%v: exit code %d, want %d; %q, want %q in it", x.args, code, x.code, errs, x.want)
		}
	}
}
