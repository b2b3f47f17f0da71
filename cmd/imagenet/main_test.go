package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
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
	dir, err := os.MkdirTemp("", "imagenet-test-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "imagenet")
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

// imagenet runs the program in a directory.
func imagenet(t *testing.T, dir string, args ...string) result {
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
	r := imagenet(t, dir, args...)
	if r.code != 0 {
		t.Fatalf("imagenet %s: exit code %d\n%s%s", strings.Join(args, " "), r.code, r.out, r.err)
	}
	return r
}

// says wants texts in what a program wrote.
func says(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, w := range wants {
		if !strings.Contains(text, w) {
			t.Errorf("%q is not said in\n%s", w, text)
		}
	}
}

// pictures writes JPEG files of one colour each, n of every class, wider than high.
func pictures(t *testing.T, dir string, n int, classes ...string) {
	t.Helper()
	for k, class := range classes {
		if err := os.MkdirAll(filepath.Join(dir, class), 0o777); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			m := image.NewRGBA(image.Rect(0, 0, 56, 44+i%5))
			for y := range m.Rect.Dy() {
				for x := range m.Rect.Dx() {
					m.Set(x, y, color.RGBA{uint8(60 * k), uint8(4 * x), uint8(4*y + i), 255})
				}
			}
			var b bytes.Buffer
			if err := jpeg.Encode(&b, m, nil); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, class, fmt.Sprintf("%d.jpg", i)), b.Bytes(), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// same wants two runs to have the same weights, optimiser and all.
func same(t *testing.T, dir, a, b string) {
	t.Helper()
	one, err := os.ReadFile(filepath.Join(dir, a, "checkpoint.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(filepath.Join(dir, b, "checkpoint.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one, other) {
		t.Errorf("%s and %s differ", a, b)
	}
}
