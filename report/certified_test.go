package report

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestCertifiedShare reads the curve off its points: a brute count at radii
// between, at and beyond the images' own.
func TestCertifiedShare(t *testing.T) {
	values := []float64{3, -1, 0, 1, 1, math.Inf(1), math.Inf(-1), 2.5}
	const end = 4
	steps := certifiedShare(values, end)
	if steps[0].X != 0 || steps[len(steps)-1].X != end {
		t.Errorf("the curve goes from %g to %g", steps[0].X, steps[len(steps)-1].X)
	}
	for _, r := range []float64{0.1, 0.9, 1.1, 2, 2.6, 3.5} {
		certified := 0
		for _, v := range values {
			if v >= r {
				certified++
			}
		}
		at := steps[0].Y
		for _, p := range steps {
			if p.X <= r {
				at = p.Y
			}
		}
		if want := 100 * float64(certified) / float64(len(values)); at != want {
			t.Errorf("at radius %g: %g %%, want %g", r, at, want)
		}
	}
	if steps[0].Y != 75 { // the image on the edge counts at 0, the two wrong ones do not
		t.Errorf("at 0: %g %%, want 75", steps[0].Y)
	}
}

func TestCertifiedShareFigure(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	known, unknown := normal(r, 500, 0.4, 0.3), normal(r, 300, 0.2, 0.3)
	f, err := CertifiedShare("Certificates", "L2 of pixels", Scores{"known", known}, Scores{"unknown", unknown})
	if err != nil {
		t.Fatal(err)
	}
	svg, err := f.SVG()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"known", "unknown", "radius, L2 of pixels", "Certificates"} {
		if !strings.Contains(string(svg), want) {
			t.Errorf("the figure lacks %q", want)
		}
	}
	all := append(append([]float64(nil), known...), unknown...)
	if end, _ := lastRadius(Scores{"", all}); f.plot.X.Max > 1.5 || f.plot.X.Max < end-0.2 {
		t.Errorf("the axis ends at %g, 1 %% of all images reach %g", f.plot.X.Max, end)
	}
	for _, bad := range [][]float64{nil, {math.NaN()}, {-1, -2}, {math.Inf(1)}} {
		if _, err := CertifiedShare("t", "u", Scores{"known", bad}); err == nil {
			t.Errorf("%v: no error", bad)
		}
	}
}
