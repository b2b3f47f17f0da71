package testkit

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

// Program is a program under test.
type Program struct {
	Name, Path string
}

// Result is what a call of a program came to.
type Result struct {
	Out, Err string // standard output and error
	Code     int
}

// Main is TestMain for a program: it builds the package in the current directory, lets
// p be the program, runs the tests and returns the exit code.
func Main(m *testing.M, name string, p *Program) int {
	dir, err := os.MkdirTemp("", name+"-test-")
	if err == nil {
		defer os.RemoveAll(dir)
		*p = Program{name, filepath.Join(dir, name)}
		var out []byte
		if out, err = exec.Command("go", "build", "-o", p.Path, ".").CombinedOutput(); err != nil {
			err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	}
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		return 1
	}
	return m.Run()
}

// Command is a call of the program in a directory, to start or to Finish.
func (p *Program) Command(dir string, args ...string) *exec.Cmd {
	c := exec.Command(p.Path, args...)
	c.Dir = dir
	c.Stdout, c.Stderr = new(bytes.Buffer), new(bytes.Buffer)
	return c
}

// Finish runs or, when it was started, waits for a command.
func Finish(t *testing.T, c *exec.Cmd) Result {
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
	return Result{c.Stdout.(*bytes.Buffer).String(), c.Stderr.(*bytes.Buffer).String(), c.ProcessState.ExitCode()}
}

// Run runs the program in a directory.
func (p *Program) Run(t *testing.T, dir string, args ...string) Result {
	t.Helper()
	return Finish(t, p.Command(dir, args...))
}

// OK runs the program and wants it to succeed.
func (p *Program) OK(t *testing.T, dir string, args ...string) Result {
	t.Helper()
	r := p.Run(t, dir, args...)
	if r.Code != 0 {
		t.Fatalf("%s %s: exit code %d\n%s%s", p.Name, strings.Join(args, " "), r.Code, r.Out, r.Err)
	}
	return r
}
