package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// binary is the program under test, built once: the tests drive it as users do.
var binary string

func TestMain(m *testing.M) {
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "cifar-test-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "cifar")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		return 1, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return m.Run(), nil
}

// result is what a call of the program came to.
type result struct {
	out, err string // standard output and error
	code     int
}

// cifar runs the program in a directory.
func cifar(t *testing.T, dir string, args ...string) result {
	t.Helper()
	return finish(t, command(dir, args...))
}

func command(dir string, args ...string) *exec.Cmd {
	c := exec.Command(binary, args...)
	c.Dir = dir
	c.Stdout, c.Stderr = new(bytes.Buffer), new(bytes.Buffer)
	return c
}

// finish runs or, when it was started, waits for a command.
func finish(t *testing.T, c *exec.Cmd) result {
	t.Helper()
	do := c.Run
	if c.Process != nil {
		do = c.Wait
	}
	err := do()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{c.Stdout.(*bytes.Buffer).String(), c.Stderr.(*bytes.Buffer).String(), c.ProcessState.ExitCode()}
}

// ok runs the program and wants it to succeed.
func ok(t *testing.T, dir string, args ...string) result {
	t.Helper()
	r := cifar(t, dir, args...)
	if r.code != 0 {
		t.Fatalf("cifar %s: exit code %d\n%s%s", strings.Join(args, " "), r.code, r.out, r.err)
	}
	return r
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
