package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gradgrad/greg"
	"gradgrad/internal/cli"
)

// TestGradEveryFromASweep measures equation (3) beside Energy's loss in one of two runs
// that are the same otherwise: its curve is there, and the checkpoints are the same bytes.
func TestGradEveryFromASweep(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "s.toml")
	text := `
[train]
id = "shapes#40"
aux = "outliers#80"
arch = "wrn-10-1"
size = 12
method = "energy"
batch = 8
aux-batch = 8
m-in = -2.2
m-aux = -2.1
epochs = 1
[[run]]
name = "{grad-every}-steps"
for = { grad-every = [0, 2] }
evaluate = false
`
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	env := &cli.Env{Stdout: &errs, Stderr: &errs, Argv: []string{"cifar", "sweep"}}
	if err := program().Call(context.Background(), env, "sweep", []string{"-out=" + dir, file}); err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	if !strings.Contains(errs.String(), "L_gradS is measured beside it, every 2 steps") {
		t.Errorf("it does not say what it measures:\n%s", errs.String())
	}
	for name, every := range map[string]int{"0-steps": 0, "2-steps": 2} {
		steps, err := greg.ReadMetrics(filepath.Join(dir, name))
		if err != nil || len(steps) != 5 {
			t.Fatalf("%s: %d steps: %v", name, len(steps), err)
		}
		for _, s := range steps {
			if want := every > 0 && s.Step%2 == 1; (s.LGrad != nil) != want {
				t.Errorf("%s: that step %d has L_gradS is %t", name, s.Step, !want)
			}
		}
	}
	if !bytes.Equal(read(t, dir, "0-steps", "checkpoint.safetensors"), read(t, dir, "2-steps", "checkpoint.safetensors")) {
		t.Error("measuring changed the checkpoint")
	}
}
