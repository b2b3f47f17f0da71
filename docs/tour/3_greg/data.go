package main

import (
	"math"
	"math/rand/v2"
	"slices"
)

// cloud is a set of points of the plane, x and y alternating.
type cloud []float64

func (c cloud) len() int { return len(c) / 2 }

// moons draws n points on two half circles that reach into each other. The first
// half of them is the upper moon, class 0.
func moons(n int, r *rand.Rand) (c cloud, labels []int) {
	for i := range n {
		a, class := math.Pi*r.Float64(), 2*i/n
		x, y := math.Cos(a), math.Sin(a)-0.25
		if class == 1 {
			x, y = 1-x, -y
		}
		c = append(c, x+0.08*r.NormFloat64(), y+0.08*r.NormFloat64())
		labels = append(labels, class)
	}
	return c, labels
}

// The part of the plane that we look at.
const left, right, bottom, top = -2.0, 3.0, -1.9, 1.9

// outliers draws n points anywhere in view but near the moons.
func outliers(n int, r *rand.Rand) (c cloud) {
	for c.len() < n {
		x, y := left+(right-left)*r.Float64(), bottom+(top-bottom)*r.Float64()
		if distance(x, y) > 0.35 {
			c = append(c, x, y)
		}
	}
	return c
}

// distance is how far a point is from the nearer of the two half circles.
func distance(x, y float64) float64 {
	arc := func(x, y float64) float64 { // the upper half of the unit circle
		if y > 0 {
			return math.Abs(math.Hypot(x, y) - 1)
		}
		return math.Hypot(math.Abs(x)-1, y)
	}
	return min(arc(x, y+0.25), arc(1-x, 0.25-y))
}

// meanNorm is the mean length of the vectors.
func meanNorm(c cloud) float64 {
	sum := 0.0
	for i := 0; i < len(c); i += 2 {
		sum += math.Hypot(c[i], c[i+1])
	}
	return sum / float64(c.len())
}

// moved moves points by a distance along their directions.
func moved(c, directions cloud, by float64) cloud {
	out := slices.Clone(c)
	for i := 0; i < len(c); i += 2 {
		if n := math.Hypot(directions[i], directions[i+1]); n > 0 {
			out[i] += by * directions[i] / n
			out[i+1] += by * directions[i+1] / n
		}
	}
	return out
}
