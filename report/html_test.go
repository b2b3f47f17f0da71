package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func normal(r *rand.Rand, n int, mean, sd float64) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = mean + sd*r.NormFloat64()
	}
	return v
}

// sampleFigures draws one figure of each kind.
func sampleFigures(t *testing.T) []*Figure {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 1))
	id, svhn, tex := normal(r, 2000, 9, 2), normal(r, 1500, 4, 1.5), normal(r, 800, 5, 2.5)
	hist, err := ScoreHistogram("GReg, CIFAR-10 against two OOD sets", "energy score", Scores{"cifar10", id}, Scores{"svhn", svhn}, Scores{"<textures> & more", tex})
	if err != nil {
		t.Fatal(err)
	}
	var curves []Curve
	for i, name := range []string{"Energy", "GReg"} {
		c := Curve{Name: name}
		for s := range 1500 {
			c.X = append(c.X, float64(s))
			c.Y = append(c.Y, float64(2-i)*math.Log1p(float64(s))*(1+0.2*r.NormFloat64()))
		}
		c.Y[7] = math.NaN()
		curves = append(curves, c)
	}
	train, err := TrainingCurves("Norm of the gradient of the energy", "mean norm", curves...)
	if err != nil {
		t.Fatal(err)
	}
	roc, err := ROCCurves("ROC of the energy score", ROC{"svhn", id, svhn}, ROC{"textures", id, tex})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []*Figure{hist, train, roc} {
		f.Caption = "What the figure shows, in a sentence or two that says how to read it."
	}
	return []*Figure{hist, train, roc}
}

func samplePage(t *testing.T) Page {
	figures := sampleFigures(t)
	return Page{
		Title: "GReg on images that the program drew",
		Lead:  []string{"A small network was trained on ten classes, then fine-tuned twice from the same weights, with the energy loss and with GReg.", "GReg's average FPR95 is 9.50 %, the plain network's 40.50 %."},
		Made:  []Fact{{"command", "cifar demo -seed 1 -out runs/demo"}, {"seed", "1"}, {"versions", "gradgrad v0.1.0, go1.26.8, linux/amd64"}, {"time", "2 min 10 s on 2 threads"}},
		Sections: []Section{
			{Heading: "Results", Text: []string{"FPR95 is the share of OOD images that pass for in-distribution when 95 % of the ID images do: small is good."}, Table: sampleTable(t)},
			{Heading: "Training", Text: []string{"Both runs lower the energy loss; only GReg keeps the gradient small."}, Figures: []*Figure{figures[1], figures[2]}},
			{Heading: "Scores", Figures: []*Figure{figures[0], figures[0]}, Pre: "go run ./cmd/cifar train -resume -out runs/demo"},
		},
	}
}

func TestWriteHTML(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.html")
	if dir := os.Getenv("GRADGRAD_SAMPLE"); dir != "" { // to look at the page
		path = filepath.Join(dir, "report.html")
	}
	page := samplePage(t)
	page.Lead = append(page.Lead, `<script>alert("x")</script>`)
	if err := WriteHTML(path, page); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	html := string(data)
	for _, says := range []string{"GReg on images", "cifar demo -seed 1", `id="training"`, `<td class="best first">10.00 ± 1.00</td>`, `colspan="2">SVHN<`,
		"&lt;script&gt;", "&lt;textures&gt; &amp; more", "<figcaption>", "viewBox"} {
		if !strings.Contains(html, says) {
			t.Errorf("%q is not in the page", says)
		}
	}
	if n := strings.Count(html, "<svg"); n != 4 {
		t.Errorf("%d drawings", n)
	}
	// nothing from outside: the only address is the name space of SVG
	rest := strings.ReplaceAll(html, `xmlns="http://www.w3.org/2000/svg"`, "")
	for _, bad := range []string{"http:", "https:", "<script", "<link", "url(", "@import", "src=", "<?xml", "Liberation Serif"} {
		if strings.Contains(rest, bad) {
			t.Errorf("%q is in the page", bad)
		}
	}
	t.Logf("%d KiB", len(data)>>10)
}

func TestFiguresAreWellFormed(t *testing.T) {
	for i, f := range sampleFigures(t) {
		svg, err := f.SVG()
		if err != nil {
			t.Fatal(err)
		}
		if len(svg) > 200<<10 {
			t.Errorf("figure %d: %d KiB of SVG", i, len(svg)>>10)
		}
		d := xml.NewDecoder(bytes.NewReader(svg))
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("figure %d: %v", i, err)
			}
		}
		if !strings.Contains(string(svg), f.legend[0].name) {
			t.Errorf("figure %d: no %q in it", i, f.legend[0].name)
		}
	}
}

func TestFigureFiles(t *testing.T) {
	dir := t.TempDir()
	if keep := os.Getenv("GRADGRAD_SAMPLE"); keep != "" {
		dir = keep
	}
	for i, f := range sampleFigures(t) {
		for _, ext := range []string{".svg", ".png"} {
			if err := f.Write(filepath.Join(dir, fmt.Sprint("figure", i, ext))); err != nil {
				t.Fatal(err)
			}
		}
		file, err := os.Open(filepath.Join(dir, fmt.Sprint("figure", i, ".png")))
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(file)
		file.Close()
		if err != nil || img.Bounds().Dx() != 1200 {
			t.Errorf("figure %d: %v, %v", i, img.Bounds(), err)
		}
		if f.Write(filepath.Join(dir, "figure.bmp")) == nil {
			t.Error(".bmp: no error")
		}
	}
}

// The same data give the same bytes.
func TestFiguresAreDeterministic(t *testing.T) {
	a, b := sampleFigures(t), sampleFigures(t)
	for i := range a {
		x, _ := a[i].SVG()
		y, _ := b[i].SVG()
		if !bytes.Equal(x, y) {
			t.Errorf("figure %d differs", i)
		}
	}
}

func TestFigureErrors(t *testing.T) {
	ok := []float64{1, 2, 3}
	if _, err := ScoreHistogram("t", "x", Scores{"id", nil}); err == nil {
		t.Error("histogram of nothing: no error")
	}
	if _, err := ScoreHistogram("t", "x", Scores{"id", ok}, Scores{"o", []float64{math.NaN()}}); err == nil {
		t.Error("histogram of NaN: no error")
	}
	if _, err := ROCCurves("t", ROC{"o", ok, nil}); err == nil {
		t.Error("ROC of nothing: no error")
	}
	if _, err := TrainingCurves("t", "y", Curve{"a", []float64{1, 2}, []float64{1}}); err == nil {
		t.Error("lengths differ: no error")
	}
	if _, err := TrainingCurves("t", "y", Curve{"a", []float64{1}, []float64{math.Inf(1)}}); err == nil {
		t.Error("nothing finite: no error")
	}
}

// Flat data must not make an axis of no extent.
func TestFiguresOfFlatData(t *testing.T) {
	flat := []float64{2, 2, 2}
	h, err := ScoreHistogram("t", "x", Scores{"id", flat}, Scores{"o", flat})
	if err != nil {
		t.Fatal(err)
	}
	c, err := TrainingCurves("t", "y", Curve{"a", []float64{1}, []float64{0}})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []*Figure{h, c} {
		svg, err := f.SVG()
		if err != nil || bytes.Contains(svg, []byte("NaN")) || bytes.Contains(svg, []byte("Inf")) {
			t.Errorf("%v: %s", err, svg)
		}
	}
}

func TestSmoothAndThin(t *testing.T) {
	c := Curve{Name: "a"}
	for i := range 1001 {
		c.X = append(c.X, float64(i))
		c.Y = append(c.Y, float64(i))
	}
	pts, err := finitePoints(c)
	if err != nil {
		t.Fatal(err)
	}
	s := smooth(pts, 21)
	if s[500].Y != 500 || s[0].Y != 5 || s[1000].Y != 995 {
		t.Errorf("smooth: %v %v %v", s[0], s[500], s[1000])
	}
	th := thin(pts, 100)
	if len(th) != 101 || th[0] != pts[0] || th[100] != pts[1000] {
		t.Errorf("thin: %d points, %v to %v", len(th), th[0], th[len(th)-1])
	}
}
