package autograd_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"gradgrad/autograd"
	"gradgrad/kernels"
)

func Example_readme() {
	tape := autograd.NewTape(kernels.CPU)
	x := tape.Watch(autograd.New(kernels.CPU, []float32{1, 2}, 2))
	y := autograd.Sum(autograd.Mul(x, autograd.Mul(x, x))) // x³
	g := autograd.Grad(y, x)[0]                            // 3x²
	h := autograd.Grad(autograd.Sum(g), x)[0]              // 6x
	fmt.Println(g.Float32s(), h.Float32s())                // [3 12] [6 12]
	// Output: [3 12] [6 12]
}

// TestReadme: the program in the README is the example above.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	here, err := os.ReadFile("readme_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(readme), "```go\n")
	code, rest, closed := strings.Cut(after, "```")
	if !found || !closed || strings.Contains(rest, "```go") {
		t.Fatal("the README has not one program in Go")
	}
	indented := "\t" + strings.ReplaceAll(strings.TrimSpace(code), "\n", "\n\t")
	if !strings.Contains(string(here), indented) {
		t.Errorf("the README's program is not Example_readme:\n%s", code)
	}
}
