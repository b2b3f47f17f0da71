package main

import (
	"os"
	"path/filepath"
	"testing"

	"gradgrad/internal/testkit"
)

// program under test, built once: the tests drive it as users do.
var built testkit.Program

func TestMain(m *testing.M) { os.Exit(testkit.Main(m, "cifar", &built)) }

// cifar runs the program in a directory, ok wants it to succeed as well.
func cifar(t *testing.T, dir string, args ...string) testkit.Result {
	t.Helper()
	return built.Run(t, dir, args...)
}

func ok(t *testing.T, dir string, args ...string) testkit.Result {
	t.Helper()
	return built.OK(t, dir, args...)
}

// tiny are the flags of a training run of well under a second.
func tiny(more ...string) []string {
	return append([]string{"train", "-id", "shapes#80", "-size", "12", "-arch", "wrn-10-1", "-batch", "8", "-seed", "3"}, more...)
}

// tinyGReg are those of a run whose gradient term is at work from the start.
func tinyGReg(more ...string) []string {
	return tiny(append([]string{"-method", "greg", "-aux", "outliers#80", "-aux-batch", "8", "-lr", "0.01", "-m-in", "-2.2", "-m-aux", "-2.1"}, more...)...)
}

// read returns a file's content.
func read(t *testing.T, path ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
