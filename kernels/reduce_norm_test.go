package kernels

import (
	"math"
	"testing"
)

// TestRowNormAtTheEdges: rows whose squares are no float32, and what is no number.
func TestRowNormAtTheEdges(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	eachVectorSet(t, func(t *testing.T) {
		for _, c := range []struct {
			first, rest, want float64 // 100 elements
		}{
			{0, 0, 0}, {3e38, 0, 3e38}, {3e37, -3e37, 3e38}, {-1e-44, 1e-44, 1e-43},
			{inf, 1, inf}, {-inf, 0, inf}, {nan, 1, nan}, {nan, inf, nan}, {inf, nan, nan},
		} {
			row := make([]float64, 100)
			for i := range row {
				row[i] = c.rest
			}
			row[0] = c.first
			for _, dev := range []Device{CPU, CPU64} {
				got := runOn(dev, RowNorm, &ReduceAttr{Outer: 1, Reduce: len(row), Inner: 1}, [][]float64{row}, 1)[0][0]
				if off := math.Abs(got - c.want); got != c.want && !(off <= 0.02*c.want) && !(math.IsNaN(got) && math.IsNaN(c.want)) {
					t.Errorf("%s: %g and then %g: norm %g, want %g", dev.Name(), c.first, c.rest, got, c.want)
				}
			}
		}
	})
}
