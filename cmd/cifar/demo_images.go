package main

import (
	"fmt"
	"image"
	"image/color"

	"gradgrad/datasets"
	"gradgrad/report"
)

// Contact sheets are sheetRow images wide, gap pixels apart, and shown sheetZoom
// times as large.
const (
	sheetRow  = 20
	sheetZoom = 3
	sheetGap  = 1
)

// contactSheet is the first images of a set in a row, the classes of a labelled
// one by turns.
func contactSheet(s datasets.Set, caption string) (report.Picture, error) {
	h, w := s.Size()
	n := min(sheetRow, s.Len())
	img := image.NewNRGBA(image.Rect(0, 0, n*(w+sheetGap)-sheetGap, h))
	pixels := make([]uint8, h*w*3)
	for i := range n {
		if _, err := s.Read(i, pixels); err != nil {
			return report.Picture{}, fmt.Errorf("%s, image %d: %w", s.Name(), i, err)
		}
		for y := range h {
			for x := range w {
				at := pixels[(y*w+x)*3:]
				img.SetNRGBA(i*(w+sheetGap)+x, y, color.NRGBA{R: at[0], G: at[1], B: at[2], A: 255})
			}
		}
	}
	return report.Picture{Caption: caption, Image: img, Scale: sheetZoom}, nil
}

// pictures shows every set of the demo.
func (d *demo) pictures() (out []report.Picture, err error) {
	add := func(s datasets.Set, caption string) {
		if err != nil {
			return
		}
		var p report.Picture
		p, err = contactSheet(s, caption)
		out = append(out, p)
	}
	add(d.id, "shapes: in-distribution, ten classes by turns")
	add(d.aux, "outliers: auxiliary images of training")
	for _, s := range d.ood {
		add(s, s.Name())
	}
	return out, err
}
