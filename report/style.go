package report

import (
	"image/color"
	"strconv"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The palette of Okabe and Ito: its colours stay apart for people with any
// common colour blindness. Yellow is left out, it is too faint for lines.
var palette = []color.NRGBA{
	{0x00, 0x72, 0xb2, 0xff}, // blue
	{0xd5, 0x5e, 0x00, 0xff}, // vermilion
	{0x00, 0x9e, 0x73, 0xff}, // green
	{0xcc, 0x79, 0xa7, 0xff}, // purple
	{0xe6, 0x9f, 0x00, 0xff}, // orange
	{0x56, 0xb4, 0xe9, 0xff}, // sky blue
	{0x40, 0x40, 0x40, 0xff}, // grey
}

// Dashes tell curves apart in print without colour and past the palette's end.
var dashes = [][]vg.Length{nil, {7, 3}, {2, 2}, {8, 3, 2, 3}}

var (
	ink   = color.NRGBA{0x22, 0x22, 0x22, 0xff}
	faint = color.NRGBA{0xdd, 0xdd, 0xdd, 0xff}
)

func lineStyle(i int) draw.LineStyle {
	return draw.LineStyle{Color: palette[i%len(palette)], Width: 2, Dashes: dashes[i%len(dashes)]}
}

func alpha(c color.NRGBA, a uint8) color.NRGBA {
	c.A = a
	return c
}

// Sizes are in points and a figure is 600 points wide, so that text has its
// nominal size where the page shows a figure at 600 pixels.
const (
	figureWidth  vg.Length = 600
	figureHeight vg.Length = 340
	textSize     vg.Length = 13
)

func sans(size vg.Length, bold bool) font.Font {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
	if bold {
		f.Weight = xfont.WeightBold
	}
	return f
}

func textStyle(size vg.Length, bold bool) draw.TextStyle {
	return draw.TextStyle{Color: ink, Font: sans(size, bold), Handler: plot.DefaultTextHandler}
}

// newPlot is an empty plot with the fonts and lines of all figures.
func newPlot(x, y string) *plot.Plot {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = x, y
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font = sans(textSize, false)
		a.Label.TextStyle.Color = ink
		a.Label.Padding = 4
		a.Tick.Marker = plainTicks{}
		a.Tick.Label.Font = sans(textSize-1, false)
		a.Tick.Label.Color = ink
		a.Color, a.Tick.Color = ink, ink
		a.Padding = 0
	}
	return p
}

// faintGrid is drawn behind curves, so that values can be read off.
func faintGrid() *plotter.Grid {
	g := plotter.NewGrid()
	g.Vertical.Color, g.Horizontal.Color = faint, faint
	return g
}

var percentTicks = plot.ConstantTicks{
	{Value: 0, Label: "0"}, {Value: 20, Label: "20"}, {Value: 40, Label: "40"},
	{Value: 60, Label: "60"}, {Value: 80, Label: "80"}, {Value: 100, Label: "100"},
}

// plainTicks are the library's ticks with the shortest labels that tell them
// apart: 250, not 250.00.
type plainTicks struct{}

// Ticks implements plot.Ticker.
func (plainTicks) Ticks(low, high float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(low, high)
	for i, t := range ticks {
		if t.Label != "" {
			ticks[i].Label = strconv.FormatFloat(t.Value, 'g', 6, 64)
		}
	}
	return ticks
}
