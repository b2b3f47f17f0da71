package report

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestReadCurves(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	text := `{"step":1,"energy":3.5,"grad_norm":1,"note":"first"}
{"step":2,"energy":null,"grad_norm":2}

{"epoch":1}
{"step":3,"energy":2.5}
{"step":4,"ener`
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := ReadCurves(path, "GReg", "step", "energy", "grad_norm")
	if err != nil {
		t.Fatal(err)
	}
	if c[0].Name != "GReg" || !slices.Equal(c[0].X, []float64{1, 2, 3}) || c[0].Y[0] != 3.5 || !math.IsNaN(c[0].Y[1]) || c[0].Y[2] != 2.5 {
		t.Errorf("energy %+v", c[0])
	}
	if !slices.Equal(c[1].X, []float64{1, 2}) || !slices.Equal(c[1].Y, []float64{1, 2}) {
		t.Errorf("norm %+v", c[1])
	}
	if err := os.WriteFile(path, []byte("{\"step\":1}\nstep 2\n{}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadCurves(path, "", "step", "energy"); err == nil || !strings.Contains(err.Error(), ":2:") {
		t.Errorf("broken line: %v", err)
	}
	if _, err := ReadCurves(filepath.Join(t.TempDir(), "none"), "", "step"); err == nil {
		t.Error("no file: no error")
	}
}
