package report

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"gradgrad/internal/atomicfile"
)

// Figure is a drawing with a title and a legend above it.
type Figure struct {
	Title   string
	Caption string // text under the figure on an HTML page; may be empty

	plot   *plot.Plot
	legend []legendEntry
	w, h   vg.Length
}

type legendEntry struct {
	name  string
	style draw.LineStyle
	fill  bool // a filled patch behind the line
}

// Write writes the figure to a file, whole or not at all: SVG or PNG (1200
// pixels wide) by the extension. Another extension is an error.
func (f *Figure) Write(path string) error {
	var data []byte
	var err error
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".svg":
		data, err = f.SVG()
	case ".png":
		data, err = f.PNG()
	default:
		return fmt.Errorf("report: cannot draw %s: want .svg or .png", path)
	}
	if err != nil {
		return fmt.Errorf("report: draw %s: %w", path, err)
	}
	return atomicfile.WriteMaking(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

var (
	svgOpen  = regexp.MustCompile(`(?s)^.*?<svg[^>]*>`)
	fontSpec = regexp.MustCompile(`font-family:Liberation Sans;font-variant:[^;]*;`)
)

// SVG returns an <svg> element that stands alone or inside HTML. Its fonts are
// Liberation Sans or what the reader has in its place; nothing is loaded.
func (f *Figure) SVG() ([]byte, error) {
	c := vgsvg.New(f.w, f.h)
	f.draw(draw.New(c))
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return nil, err
	}
	// A view box and no size of its own lets the page scale the drawing; the
	// metrics of Arial and Helvetica are those that the layout was made with.
	open := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" width="%g" height="%g" role="img">`,
		f.w.Points(), f.h.Points(), f.w.Points(), f.h.Points())
	svg := svgOpen.ReplaceAllLiteral(b.Bytes(), []byte(open+"\n<title>"+escapeXML(f.Title)+"</title>"))
	return fontSpec.ReplaceAllLiteral(svg, []byte("font-family:'Liberation Sans',Arial,Helvetica,sans-serif;")), nil
}

// PNG returns the figure as a picture 1200 pixels wide, on white.
func (f *Figure) PNG() ([]byte, error) {
	c := vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(f.w, f.h), vgimg.UseDPI(144))}
	f.draw(draw.New(c))
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// draw puts title and legend above the plot, where they can cover no data.
func (f *Figure) draw(c draw.Canvas) {
	c.SetColor(f.plot.BackgroundColor)
	c.Fill(c.Rectangle.Path())
	const margin, line = 8, textSize * 1.45
	c = draw.Crop(c, margin, -2*margin, margin, -margin)
	y := c.Max.Y - textSize
	if f.Title != "" {
		c.FillText(textStyle(textSize+2, true), vg.Point{X: c.Min.X, Y: y}, f.Title)
		y -= line + 2
	}
	y = f.drawLegend(&c, y, line)
	c.Max.Y = y + line - 8
	f.plot.Draw(c)
}

// drawLegend writes entries from left to right in as many lines as they need
// and returns where the next line would be.
func (f *Figure) drawLegend(c *draw.Canvas, y, line vg.Length) vg.Length {
	const thumb, gap = 26, 18
	sty := textStyle(textSize, false)
	x := c.Min.X
	for i, e := range f.legend {
		w := thumb + 6 + sty.Width(e.name) + gap
		if i > 0 && x+w-gap > c.Max.X {
			x, y = c.Min.X, y-line
		}
		mid := y + textSize*0.35
		if e.fill {
			box := vg.Rectangle{Min: vg.Point{X: x, Y: mid - 5}, Max: vg.Point{X: x + thumb, Y: mid + 5}}
			c.SetColor(fillColor(e.style))
			c.Fill(box.Path())
		}
		c.StrokeLine2(e.style, x, mid, x+thumb, mid)
		c.FillText(sty, vg.Point{X: x + thumb + 6, Y: y}, e.name)
		x += w
	}
	if len(f.legend) > 0 {
		y -= line
	}
	return y
}

func escapeXML(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}
