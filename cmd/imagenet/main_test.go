package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gradgrad/internal/testkit"
)

// program under test, built once: the tests drive it as users do.
var built testkit.Program

func TestMain(m *testing.M) { os.Exit(testkit.Main(m, "imagenet", &built)) }

// imagenet runs the program in a directory, ok wants it to succeed as well.
func imagenet(t *testing.T, dir string, args ...string) testkit.Result {
	t.Helper()
	return built.Run(t, dir, args...)
}

func ok(t *testing.T, dir string, args ...string) testkit.Result {
	t.Helper()
	return built.OK(t, dir, args...)
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
