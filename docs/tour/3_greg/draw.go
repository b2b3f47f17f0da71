package main

import (
	"fmt"
	"image/color"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/palette/moreland"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// panel is one picture: a trained network and its threshold.
type panel struct {
	title     string
	lambda    float64
	net       *net
	threshold float64
}

// grid is the score on a raster over the view; it is what gonum draws maps from.
type grid struct {
	scores     []float64
	cols, rows int
}

func (p *panel) grid(cols, rows int) *grid {
	g := &grid{cols: cols, rows: rows}
	var c cloud
	for row := range rows {
		for col := range cols {
			c = append(c, g.X(col), g.Y(row))
		}
	}
	g.scores, _, _ = p.net.evaluate(c)
	return g
}

func (g *grid) Dims() (c, r int)   { return g.cols, g.rows }
func (g *grid) Z(c, r int) float64 { return g.scores[r*g.cols+c] }
func (g *grid) X(c int) float64    { return left + (right-left)*float64(c)/float64(g.cols-1) }
func (g *grid) Y(r int) float64    { return bottom + (top-bottom)*float64(r)/float64(g.rows-1) }

// draw writes the panels side by side as a PNG, in one colour scale.
func draw(path string, panels []panel, d *data) error {
	const width, height = 9 * vg.Inch, 4 * vg.Inch
	canvas := vgimg.New(width, height)
	tiles := vgdraw.Tiles{Rows: 1, Cols: len(panels), PadX: vg.Inch / 5, PadTop: 4, PadBottom: 4, PadLeft: 4, PadRight: 8}
	for i := range panels {
		p, err := panels[i].plot(d)
		if err != nil {
			return fmt.Errorf("drawing %q: %w", panels[i].title, err)
		}
		p.Draw(tiles.At(vgdraw.New(canvas), i, 0))
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(f); err != nil {
		f.Close()
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return f.Close()
}

// plot shows the score as colour (blue: in-distribution), the threshold as a line,
// and the training points.
func (p *panel) plot(d *data) (*plot.Plot, error) {
	out := plot.New()
	out.Title.Text = "S after training with " + p.title
	out.X.Min, out.X.Max, out.Y.Min, out.Y.Max = left, right, bottom, top

	colours := moreland.SmoothBlueRed()
	colours.SetMin(0)
	colours.SetMax(1)
	raster := p.grid(120, 90)
	heat := plotter.NewHeatMap(raster, colours.Palette(200))
	heat.Min, heat.Max = marginIn-2, marginOut+2
	shades := colours.Palette(200).Colors()
	heat.Underflow, heat.Overflow = shades[0], shades[len(shades)-1]
	heat.Rasterized = true
	line := plotter.NewContour(raster, []float64{p.threshold}, nil)
	line.LineStyles[0].Width = 2
	out.Add(heat, line)

	for _, set := range []struct {
		c     cloud
		shape vgdraw.GlyphDrawer
		color color.Color
	}{
		{d.moons, vgdraw.CircleGlyph{}, color.NRGBA{R: 255, G: 255, B: 255, A: 255}},
		{d.outliers, vgdraw.CrossGlyph{}, color.NRGBA{A: 160}},
	} {
		points := make(plotter.XYs, set.c.len())
		for i := range points {
			points[i] = plotter.XY{X: set.c[2*i], Y: set.c[2*i+1]}
		}
		s, err := plotter.NewScatter(points)
		if err != nil {
			return nil, err
		}
		s.GlyphStyle = vgdraw.GlyphStyle{Color: set.color, Radius: 1.6, Shape: set.shape}
		out.Add(s)
	}
	return out, nil
}
