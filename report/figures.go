package report

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"gradgrad/ood"
)

// Scores are the scores of one set of images, under the name of the set.
type Scores struct {
	Name   string
	Values []float64
}

// ScoreHistogram draws the densities of one score on ID images and on OOD sets
// over a range that the data choose, with the threshold that 95 % of the ID
// images pass (the paper's Figure 4). x names the score. Errors are those of
// [ood.NewHistogram].
func ScoreHistogram(title, x string, id Scores, sets ...Scores) (*Figure, error) {
	all := append([]Scores{id}, sets...)
	values := make([][]float64, len(all))
	for i, s := range all {
		values[i] = s.Values
	}
	h, err := ood.NewHistogram(0, values...)
	if err != nil {
		return nil, err
	}
	threshold, err := ood.Threshold(id.Values, 0.95)
	if err != nil {
		return nil, err
	}
	f := &Figure{Title: title, plot: newPlot(x+"  (larger = in-distribution)", "density"), w: figureWidth, h: figureHeight}
	f.plot.X.Min, f.plot.X.Max = h.Edges[0], h.Edges[len(h.Edges)-1]
	f.plot.Y.Min = 0
	for i, s := range all {
		sty := lineStyle(i)
		sty.Width = 1.5
		d := &densityPlot{edges: h.Edges, density: h.Density[i], style: sty}
		f.plot.Add(d)
		f.legend = append(f.legend, legendEntry{s.Name, sty, true})
	}
	f.plot.Y.Max *= 1.05
	if threshold >= f.plot.X.Min && threshold <= f.plot.X.Max {
		sty := draw.LineStyle{Color: ink, Width: 1.5, Dashes: []vg.Length{4, 3}}
		f.plot.Add(verticalLine{threshold, sty})
		f.legend = append(f.legend, legendEntry{fmt.Sprintf("95 %% of %s is right of %.3g", id.Name, threshold), sty, false})
	}
	return f, nil
}

// Curve is a quantity over the steps of a run.
type Curve struct {
	Name string
	X, Y []float64 // of one length
}

// TrainingCurves draws one quantity over the steps of several runs (the paper's
// Figure 3 has two: energy loss and gradient norm, with and without GReg). Long
// curves are drawn as a moving mean over a 50th of their length on top of the
// values themselves in faint. NaN and infinite values are left out. It is an
// error when nothing is left, or X and Y differ in length.
func TrainingCurves(title, y string, curves ...Curve) (*Figure, error) {
	f := &Figure{Title: title, plot: newPlot("step", y), w: figureWidth, h: figureHeight}
	f.plot.Add(faintGrid())
	for i, c := range curves {
		pts, err := finitePoints(c)
		if err != nil {
			return nil, err
		}
		if len(pts) == 0 {
			continue
		}
		sty := lineStyle(i)
		if window := len(pts) / 50; window > 1 {
			raw := draw.LineStyle{Color: alpha(palette[i%len(palette)], 60), Width: 1}
			f.plot.Add(&plotter.Line{XYs: thin(pts, 500), LineStyle: raw})
			pts = smooth(pts, window)
		}
		f.plot.Add(&plotter.Line{XYs: thin(pts, 300), LineStyle: sty})
		f.legend = append(f.legend, legendEntry{c.Name, sty, false})
	}
	if len(f.legend) == 0 {
		return nil, fmt.Errorf("report: %s: no finite value to draw", title)
	}
	return f, nil
}

// ROC is the curve of one pair of sets.
type ROC struct {
	Name    string
	ID, OOD []float64
}

// ROCCurves draws receiver operating characteristics, the AUROC in the legend.
// Errors are those of [ood.Evaluate].
func ROCCurves(title string, rocs ...ROC) (*Figure, error) {
	f := &Figure{Title: title, plot: newPlot("OOD images accepted, %", "ID images accepted, %"), w: figureWidth, h: figureHeight}
	f.plot.X.Min, f.plot.X.Max, f.plot.Y.Min, f.plot.Y.Max = 0, 100, 0, 100
	f.plot.X.Tick.Marker, f.plot.Y.Tick.Marker = percentTicks, percentTicks
	at95 := draw.LineStyle{Color: ink, Width: 1, Dashes: []vg.Length{4, 3}}
	f.plot.Add(faintGrid(), &plotter.Line{XYs: plotter.XYs{{X: 0, Y: 95}, {X: 100, Y: 95}}, LineStyle: at95})
	for i, r := range rocs {
		points, err := ood.ROC(r.ID, r.OOD)
		if err != nil {
			return nil, fmt.Errorf("report: %s: %w", r.Name, err)
		}
		m, err := ood.Evaluate(r.ID, r.OOD, ood.Paper)
		if err != nil {
			return nil, fmt.Errorf("report: %s: %w", r.Name, err)
		}
		xys := make(plotter.XYs, len(points))
		for k, p := range points {
			xys[k] = plotter.XY{X: 100 * p.FPR, Y: 100 * p.TPR}
		}
		f.plot.Add(&plotter.Line{XYs: thin(xys, 400), LineStyle: lineStyle(i)})
		f.legend = append(f.legend, legendEntry{fmt.Sprintf("%s (AUROC %.2f)", r.Name, m.AUROC), lineStyle(i), false})
	}
	f.legend = append(f.legend, legendEntry{"95 % of ID", at95, false})
	return f, nil
}

func finitePoints(c Curve) (plotter.XYs, error) {
	if len(c.X) != len(c.Y) {
		return nil, fmt.Errorf("report: curve %s has %d steps and %d values", c.Name, len(c.X), len(c.Y))
	}
	var pts plotter.XYs
	for i, y := range c.Y {
		if !math.IsNaN(y) && !math.IsInf(y, 0) {
			pts = append(pts, plotter.XY{X: c.X[i], Y: y})
		}
	}
	return pts, nil
}

// smooth is the centred moving mean; near the ends the window is cut.
func smooth(pts plotter.XYs, window int) plotter.XYs {
	out := make(plotter.XYs, len(pts))
	sums := make([]float64, len(pts)+1)
	for i, p := range pts {
		sums[i+1] = sums[i] + p.Y
	}
	for i, p := range pts {
		lo, hi := max(0, i-window/2), min(len(pts), i+window/2+1)
		out[i] = plotter.XY{X: p.X, Y: (sums[hi] - sums[lo]) / float64(hi-lo)}
	}
	return out
}

// thin keeps about n points at even distances and the last, so that a file's
// size does not grow with the run.
func thin(pts plotter.XYs, n int) plotter.XYs {
	if len(pts) <= n {
		return pts
	}
	out := make(plotter.XYs, 0, n+1)
	for k := range n {
		out = append(out, pts[k*len(pts)/n])
	}
	return append(out, pts[len(pts)-1])
}

// fillColor is the translucent tone under a curve.
func fillColor(sty draw.LineStyle) color.Color {
	return alpha(sty.Color.(color.NRGBA), 60)
}

// densityPlot is a stepped, filled outline.
type densityPlot struct {
	edges, density []float64
	style          draw.LineStyle
}

// Plot implements plot.Plotter.
func (d *densityPlot) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	pts := []vg.Point{{X: tx(d.edges[0]), Y: ty(0)}}
	for b, v := range d.density {
		pts = append(pts, vg.Point{X: tx(d.edges[b]), Y: ty(v)}, vg.Point{X: tx(d.edges[b+1]), Y: ty(v)})
	}
	pts = append(pts, vg.Point{X: tx(d.edges[len(d.edges)-1]), Y: ty(0)})
	c.FillPolygon(fillColor(d.style), pts)
	c.StrokeLines(d.style, pts)
}

// DataRange implements plot.DataRanger.
func (d *densityPlot) DataRange() (xmin, xmax, ymin, ymax float64) {
	for _, v := range d.density {
		ymax = max(ymax, v)
	}
	return d.edges[0], d.edges[len(d.edges)-1], 0, ymax
}

// verticalLine is a line over the full height.
type verticalLine struct {
	x     float64
	style draw.LineStyle
}

// Plot implements plot.Plotter.
func (l verticalLine) Plot(c draw.Canvas, p *plot.Plot) {
	tx, _ := p.Transforms(&c)
	c.StrokeLine2(l.style, tx(l.x), c.Min.Y, tx(l.x), c.Max.Y)
}
