package report

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot/plotter"
)

// CertifiedShare draws, for several sets of images, the share whose decision is
// right and certified up to a radius, against the radius. A value is an image's
// certified radius, negative where its decision is wrong, in a unit that names
// the axis; a radius without a limit is +Inf. The axis ends where the largest
// curve has fallen to 1 %. It is an error when a set is empty, a value is NaN, or
// no radius is positive and finite.
func CertifiedShare(title, unit string, sets ...Scores) (*Figure, error) {
	f := &Figure{Title: title, plot: newPlot("radius, "+unit, "right and certified, %"), w: figureWidth, h: figureHeight}
	f.plot.Add(faintGrid())
	f.plot.Y.Min, f.plot.Y.Max = 0, 100
	f.plot.Y.Tick.Marker = percentTicks
	end := 0.0
	for _, s := range sets {
		last, err := lastRadius(s)
		if err != nil {
			return nil, err
		}
		end = max(end, last)
	}
	if end == 0 {
		return nil, fmt.Errorf("report: %s: no decision is right and certified up to a finite radius", title)
	}
	for i, s := range sets {
		f.plot.Add(&plotter.Line{XYs: thin(certifiedShare(s.Values, end), 400), LineStyle: lineStyle(i)})
		f.legend = append(f.legend, legendEntry{s.Name, lineStyle(i), false})
	}
	f.plot.X.Min, f.plot.X.Max = 0, end
	return f, nil
}

// lastRadius is the radius that 1 % of the images reach, 0 where none is finite.
func lastRadius(s Scores) (float64, error) {
	if len(s.Values) == 0 || slices.ContainsFunc(s.Values, math.IsNaN) {
		return 0, fmt.Errorf("report: %s: %d radii, or one that is no number", s.Name, len(s.Values))
	}
	a := slices.Sorted(slices.Values(s.Values))
	for i := len(a) - 1 - len(a)/100; i >= 0; i-- {
		if !math.IsInf(a[i], 1) {
			return max(0, a[i]), nil
		}
	}
	return 0, nil
}

// certifiedShare is the falling staircase of the share of values above x, from 0
// to end. A decision on the edge, of radius 0, is right at 0.
func certifiedShare(values []float64, end float64) plotter.XYs {
	a := slices.Sorted(slices.Values(values))
	right, _ := slices.BinarySearch(a, 0)
	share := func(i int) float64 { return 100 * float64(len(a)-i) / float64(len(a)) }
	steps := plotter.XYs{{X: 0, Y: share(right)}}
	for i := right; i < len(a) && a[i] <= end; i++ {
		steps = append(steps, plotter.XY{X: a[i], Y: share(i)}, plotter.XY{X: a[i], Y: share(i + 1)})
	}
	return append(steps, plotter.XY{X: end, Y: steps[len(steps)-1].Y})
}
