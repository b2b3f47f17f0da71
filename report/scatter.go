package report

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Points are points of the plane under a name.
type Points struct {
	Name string
	XY   [][2]float64
}

// ScatterPlot draws groups of points without axes, as for a t-SNE map (the paper's
// Figure 1b), in which only neighbourhood means something. The first group is drawn
// first, under the others. It is an error when there is no point, or one that is not
// finite.
func ScatterPlot(title string, groups ...Points) (*Figure, error) {
	f := &Figure{Title: title, plot: newPlot("", ""), w: figureHeight * 1.35, h: figureHeight * 1.35}
	f.plot.HideAxes()
	n := 0
	for i, g := range groups {
		xys := make(plotter.XYs, len(g.XY))
		for k, p := range g.XY {
			if d := p[0] - p[0] + p[1] - p[1]; d != 0 {
				return nil, fmt.Errorf("report: %s: point %d of %s is %v", title, k, g.Name, p)
			}
			xys[k] = plotter.XY{X: p[0], Y: p[1]}
		}
		n += len(xys)
		c := palette[i%len(palette)]
		f.plot.Add(&plotter.Scatter{XYs: xys, GlyphStyle: draw.GlyphStyle{Color: alpha(c, 170), Radius: dotRadius, Shape: dot{}}})
		f.legend = append(f.legend, legendEntry{g.Name, draw.LineStyle{Color: c, Width: 4}, false})
	}
	if n == 0 {
		return nil, fmt.Errorf("report: %s: no point to draw", title)
	}
	return f, nil
}

const dotRadius vg.Length = 2

// dot is a filled disc without the outline that draw.CircleGlyph's path has.
type dot struct{}

// DrawGlyph implements draw.GlyphDrawer.
func (dot) DrawGlyph(c *draw.Canvas, s draw.GlyphStyle, at vg.Point) {
	var p vg.Path
	p.Move(vg.Point{X: at.X + s.Radius, Y: at.Y})
	p.Arc(at, s.Radius, 0, 2*math.Pi)
	p.Close()
	c.SetColor(s.Color)
	c.Fill(p)
}

// Trend is a quantity measured at chosen values of a parameter, with its deviation
// over seeds.
type Trend struct {
	Name string
	X    []float64
	Mean []float64
	Std  []float64 // nil: none
}

// TrendPlot draws quantities over a parameter, such as FPR95 over the number of
// clusters (the paper's Table 7): a point a value, joined, with bars of one deviation
// up and down. The values of x become its ticks; where they grow by factors the axis
// is logarithmic. It is an error when a trend is empty, or its lengths differ.
func TrendPlot(title, x, y string, trends ...Trend) (*Figure, error) {
	f := &Figure{Title: title, plot: newPlot(x, y), w: figureWidth, h: figureHeight}
	f.plot.Add(faintGrid())
	var ticks []float64
	for i, t := range trends {
		if len(t.X) == 0 || len(t.X) != len(t.Mean) || t.Std != nil && len(t.Std) != len(t.X) {
			return nil, fmt.Errorf("report: %s: the trend %s has %d values, %d means and %d deviations", title, t.Name, len(t.X), len(t.Mean), len(t.Std))
		}
		ticks = append(ticks, t.X...)
		f.addTrend(i, t)
	}
	if len(trends) == 0 {
		return nil, fmt.Errorf("report: %s: nothing to draw", title)
	}
	slices.Sort(ticks)
	ticks = slices.Compact(ticks)
	if n := len(ticks); n > 2 && ticks[0] > 0 && ticks[n-1]/ticks[n-2] > 1.5 {
		f.plot.X.Scale = plot.LogScale{}
	}
	var marks plot.ConstantTicks
	for _, v := range ticks {
		marks = append(marks, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'g', 6, 64)})
	}
	f.plot.X.Tick.Marker = marks
	return f, nil
}

func (f *Figure) addTrend(i int, t Trend) {
	xys := make(plotter.XYs, len(t.X))
	for k := range t.X {
		xys[k] = plotter.XY{X: t.X[k], Y: t.Mean[k]}
	}
	sty := lineStyle(i)
	c := sty.Color.(color.NRGBA)
	bars := sty
	bars.Dashes, bars.Width = nil, 1.2
	f.plot.Add(&plotter.Line{XYs: xys, LineStyle: sty},
		&plotter.Scatter{XYs: xys, GlyphStyle: draw.GlyphStyle{Color: c, Radius: 2 * dotRadius, Shape: dot{}}})
	for k := range t.Std {
		if d := t.Std[k]; d > 0 {
			f.plot.Add(&plotter.Line{XYs: plotter.XYs{{X: t.X[k], Y: t.Mean[k] - d}, {X: t.X[k], Y: t.Mean[k] + d}}, LineStyle: bars})
		}
	}
	f.legend = append(f.legend, legendEntry{t.Name, sty, false})
}
