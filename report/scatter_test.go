package report

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

func TestScatterPlot(t *testing.T) {
	f, err := ScatterPlot("Map", Points{"known", [][2]float64{{0, 0}, {1, 2}}}, Points{"svhn", [][2]float64{{3, 3}}})
	if err != nil {
		t.Fatal(err)
	}
	svg, err := f.SVG()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"known", "svhn", "#0072B2", "#D55E00"} {
		if !bytes.Contains(svg, []byte(want)) {
			t.Errorf("the drawing lacks %s", want)
		}
	}
	for _, bad := range [][]Points{nil, {{"empty", nil}}, {{"nan", [][2]float64{{0, math.NaN()}}}}, {{"inf", [][2]float64{{math.Inf(1), 0}}}}} {
		if _, err := ScatterPlot("Map", bad...); err == nil || !strings.Contains(err.Error(), "Map") {
			t.Errorf("%v: error %v", bad, err)
		}
	}
}

func TestTrendPlot(t *testing.T) {
	f, err := TrendPlot("Clusters", "number of clusters", "FPR95, %", Trend{"wrn-40-2", []float64{16, 32, 64}, []float64{59, 46, 31}, []float64{2, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	svg, err := f.SVG()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"wrn-40-2", ">16<", ">32<", ">64<"} {
		if !bytes.Contains(svg, []byte(want)) {
			t.Errorf("the drawing lacks %s", want)
		}
	}
	// On a logarithmic axis the three ticks stand at even distances.
	at := func(v float64) float64 { return f.plot.X.Norm(v) }
	if d := (at(32) - at(16)) - (at(64) - at(32)); math.Abs(d) > 1e-9 {
		t.Errorf("ticks at %v, %v, %v", at(16), at(32), at(64))
	}
	for _, bad := range [][]Trend{nil, {{"empty", nil, nil, nil}}, {{"short", []float64{1}, nil, nil}}, {{"std", []float64{1}, []float64{1}, []float64{1, 2}}}} {
		if _, err := TrendPlot("Clusters", "x", "y", bad...); err == nil {
			t.Errorf("%v was drawn", bad)
		}
	}
}
