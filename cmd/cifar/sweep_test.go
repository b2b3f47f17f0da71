package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gradgrad/checkpoint"
	"gradgrad/greg"
	"gradgrad/internal/cli"
)

const smallSweep = `
title = "A small table"
table = ["t.md", "t.csv"]
[train]
id = "shapes#320"
arch = "wrn-10-1"
size = 12
epochs = 2
save-every = 2
test = "shapes#40"
[eval]
id = "shapes#60"
ood = "ood-letters#40"
[[run]]
name = "base"
train = { method = "ce" }
[[run]]
name = "greg-{seed}"
for = { seed = [1, 2] }
init = "base"
train = { method = "greg", aux = "outliers#160" }
`

// sweepIn writes a sweep file and returns how to run it there.
func sweepIn(t *testing.T, text string) func(ctx context.Context, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "s.toml")
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return func(ctx context.Context, args ...string) (stdout, stderr string, err error) {
		var out, errs bytes.Buffer
		env := &cli.Env{Stdout: &out, Stderr: &errs, Argv: append([]string{"cifar", "sweep"}, args...)}
		err = program().Call(ctx, env, "sweep", append([]string{"-out=" + filepath.Join(dir, "runs")}, append(args, file)...))
		return out.String(), errs.String(), err
	}
}

func TestSweep(t *testing.T) {
	ctx := context.Background()
	run := sweepIn(t, smallSweep)
	out, errs, err := run(ctx)
	if err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	for _, want := range []string{"A small table", "GReg, 2 seeds", "Energy score"} {
		if !strings.Contains(out, want) {
			t.Errorf("the table lacks %q:\n%s", want, out)
		}
	}
	for _, want := range []string{"[1 of 3] base\n", "[2 of 3] greg-1 (2 to go, about ", "unlike those before", "[3 of 3] greg-2 (1 to go, about "} {
		if !strings.Contains(errs, want) {
			t.Errorf("the messages lack %q:\n%s", want, errs)
		}
	}
	again, errs, err := run(ctx)
	if err != nil || strings.Count(errs, "done already") != 3 {
		t.Errorf("the second time: %v\n%s", err, errs)
	}
	if at := strings.Index(out, "A small table"); again != out[at:] {
		t.Errorf("the second time printed\n%s\nthe first\n%s", again, out)
	}
	if _, _, err := run(ctx, "-only", "none"); cli.ExitCode(err) != cli.Misuse {
		t.Errorf("-only none: %v", err)
	}
}

// TestSweepBeginsWithAFile takes weights from elsewhere, beside the sweep file.
func TestSweepBeginsWithAFile(t *testing.T) {
	ctx := context.Background()
	text := "[train]\nid = \"shapes#80\"\nsize = 12\nepochs = 1\ntest = \"shapes#40\"\n" +
		"[[run]]\nname = \"next\"\nevaluate = false\ninit-file = \"given/weights.safetensors\"\ntrain = { method = \"ce\", lr = 1e-6, new-head = true }\n"
	run := sweepIn(t, text)
	_, _, err := run(ctx)
	if err == nil || !strings.Contains(err.Error(), "weights.safetensors (init-file), which cannot be read") {
		t.Fatalf("without the file: %v", err)
	}
	file := strings.Fields(err.Error()[strings.Index(err.Error(), "weights in ")+len("weights in "):])[0]
	dir := t.TempDir()
	ok(t, dir, "train", "-id", "shapes#80", "-size", "12", "-method", "ce", "-arch", "wrn-10-1", "-epochs", "1", "-out", "r")
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "r", checkpoint.RunFile), file); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "runs")
	if _, errs, err := run(ctx, "-out", out); err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	given, err := checkpoint.Open(ctx, file)
	if err != nil {
		t.Fatal(err)
	}
	made, err := checkpoint.Open(ctx, filepath.Join(out, "next"))
	if err != nil {
		t.Fatal(err)
	}
	a, _ := given.Lookup("conv1.weight")
	b, _ := made.Lookup("conv1.weight")
	va, _ := a.Float32s()
	vb, _ := b.Float32s()
	for i := range va {
		if d := va[i] - vb[i]; d > 1e-4 || d < -1e-4 {
			t.Fatalf("conv1.weight %d went from %g to %g in one epoch at 1e-6", i, va[i], vb[i])
		}
	}
	if plan, errs, err := run(ctx, "-plan"); err != nil || !strings.Contains(plan, "given/weights.safetensors") {
		t.Errorf("-plan: %v\n%s\n%s", err, plan, errs)
	}
}

// TestSweepGoesOn cuts a sweep off in the middle of its second run, again and
// again, and compares the last weights with those of one that was not.
func TestSweepGoesOn(t *testing.T) {
	want := finalWeights(t, sweepIn(t, smallSweep), 0)
	got := finalWeights(t, sweepIn(t, smallSweep), 3)
	if !bytes.Equal(got, want) {
		t.Error("a sweep that was cut off ended in other weights")
	}
}

// finalWeights makes a sweep, cutting it off so many times, and returns the bytes
// of its last run's tensors.
func finalWeights(t *testing.T, run func(context.Context, ...string) (stdout, stderr string, err error), cuts int) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "runs")
	for cut := 0; ; cut++ {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		if cut < cuts {
			go cancelAfter(cancel, done, filepath.Join(out, "greg-1", greg.MetricsFile), 2*(cut+1))
		}
		_, errs, err := run(ctx, "-out="+out)
		close(done)
		cancel()
		if err == nil {
			break
		}
		var stopped *cli.Interrupted
		if !errors.As(err, &stopped) || !strings.Contains(err.Error(), "go on with the same command") {
			t.Fatalf("%v\n%s", err, errs)
		}
	}
	f, err := checkpoint.Open(context.Background(), filepath.Join(out, "greg-2"))
	if err != nil {
		t.Fatal(err)
	}
	var data []byte
	for _, x := range f.Tensors {
		data = append(data, x.Data...)
	}
	return data
}

// cancelAfter cancels once a run has made so many steps.
func cancelAfter(cancel func(), done chan struct{}, metrics string, steps int) {
	for {
		select {
		case <-done:
			return
		case <-time.After(time.Millisecond):
		}
		if data, err := os.ReadFile(metrics); err == nil && bytes.Count(data, []byte("\n")) >= steps {
			cancel()
			return
		}
	}
}

func TestSweepChecksWhatIsThere(t *testing.T) {
	ctx := context.Background()
	run := sweepIn(t, smallSweep)
	if _, errs, err := run(ctx, "-only", "base"); err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	_, errs, err := run(ctx, "-set", "lr=0.5", "-only", "base")
	if err == nil || !strings.Contains(errs, "made with other settings (-lr was not given, 0.5 now)") {
		t.Errorf("other settings: %v\n%s", err, errs)
	}
}

func TestSweepGoesOnWithOtherRuns(t *testing.T) {
	text := smallSweep + "[[run]]\nname = \"bad\"\ntrain = { method = \"ce\", id = \"shapes#x\" }\n" +
		"[[run]]\nname = \"after-bad\"\ninit = \"bad\"\ntrain = { method = \"ce\" }\n[[run]]\nname = \"last\"\ntrain = { method = \"ce\", max-steps = 1 }\n"
	out, errs, err := sweepIn(t, text)(context.Background(), "-only", "*a*")
	if err == nil || !strings.Contains(err.Error(), "2 of 4 runs failed") {
		t.Errorf("%v", err)
	}
	for _, want := range []string{"bad failed: ", "after-bad failed: it begins with bad, which failed"} {
		if !strings.Contains(errs, want) {
			t.Errorf("lacks %q:\n%s", want, errs)
		}
	}
	if !strings.Contains(out, "Energy score") {
		t.Errorf("no table of the others:\n%s", out)
	}
}

func TestSweepPlan(t *testing.T) {
	out, errs, err := sweepIn(t, smallSweep)(context.Background(), "-plan", "-scale", "0.5")
	if err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	if !strings.Contains(errs, "base: -epochs 1 instead of 2") || strings.Count(out, "│ base") != 3 || !strings.Contains(out, "training: ") {
		t.Errorf("%s\n%s", errs, out)
	}
}

// TestSweepExamples reads the files as the help text's commands do; the plan itself is
// cut off before it begins.
func TestSweepExamples(t *testing.T) {
	t.Chdir("../..")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, line := range experiment.Examples["sweep"] {
		args := strings.Fields(strings.ReplaceAll(line, "'", ""))
		env := &cli.Env{Stdout: new(bytes.Buffer), Stderr: new(bytes.Buffer), Argv: append([]string{"cifar"}, args...)}
		err := program().Call(ctx, env, "sweep", append([]string{"-plan"}, args[1:]...))
		var stopped *cli.Interrupted
		if !errors.As(err, &stopped) {
			t.Errorf("cifar %s: %v", line, err)
		}
	}
}
