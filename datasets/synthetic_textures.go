package datasets

import "math"

// knownTextures are classes of the in-distribution set.
var knownTextures = []drawing{
	{"stripes", math.Pi, func(b *brush) figure {
		duty := b.between(.35, .6)
		return func(u, _, w float64) float64 { return band(u, duty, w) }
	}},
	{"dots", math.Pi, func(b *brush) figure {
		r := b.between(.24, .34)
		return solid(func(u, v float64) float64 { return math.Hypot(saw(u), saw(v)) - r })
	}},
	{"bricks", .3, func(b *brush) figure {
		height, mortar := b.between(.7, .8), b.between(.06, .09)
		return solid(func(u, v float64) float64 {
			v /= height
			row := math.Floor(v)
			u = saw(u/1.5 + .5*row)
			return max((math.Abs(u)-.5)*1.5, (math.Abs(v-row-.5)-.5)*height) + mortar
		})
	}},
}

// unseenTextures are out of distribution but drawn just as the known ones.
var unseenTextures = []drawing{
	{"checks", math.Pi, func(*brush) figure {
		return func(u, v, w float64) float64 { return either(band(u/1.5, .5, w/1.5), band(v/1.5, .5, w/1.5)) }
	}},
	{"zigzag", math.Pi, func(b *brush) figure {
		height := b.between(.5, .8)
		return func(u, v, w float64) float64 { return band(v+height*math.Abs(saw(u/1.3)), .5, w) }
	}},
	{"target", math.Pi, func(b *brush) figure {
		duty := b.between(.4, .6)
		return func(u, v, w float64) float64 { return band(math.Hypot(u, v), duty, w) }
	}},
	{"spiral", math.Pi, func(b *brush) figure {
		arms := float64(1 + b.IntN(2))
		return func(u, v, w float64) float64 {
			return band(math.Hypot(u, v)+arms*math.Atan2(v, u)/(2*math.Pi), .5, w)
		}
	}},
	{"honeycomb", math.Pi, func(b *brush) figure {
		wall := b.between(.07, .11)
		return solid(func(u, v float64) float64 { return hexagonEdge(u, v) - wall })
	}},
	{"basket", math.Pi, func(*brush) figure {
		return func(u, v, w float64) float64 {
			// Cells one wide, each of two strands, upright and level in turn.
			if int(math.Floor(u)+math.Floor(v))&1 == 0 {
				u = v
			}
			return band(2*u, .6, 2*w)
		}
	}},
	{"scales", math.Pi, func(b *brush) figure {
		line := b.between(.07, .1)
		return solid(func(u, v float64) float64 { return math.Abs(scaleEdge(u, v)) - line })
	}},
}

// saw is the distance from the nearest integer, with its sign: period 1, in
// [-1/2, 1/2].
func saw(t float64) float64 { return t - math.Round(t) }

// band is a stripe of width duty around every integer.
func band(t, duty, w float64) float64 { return ink(math.Abs(saw(t))-duty/2, w) }

// either is ink where exactly one of two inks is.
func either(p, q float64) float64 { return p + q - 2*p*q }

// hexagonEdge is the distance to the walls of a honeycomb of cells one wide.
func hexagonEdge(u, v float64) float64 {
	const tall = 1.7320508075688772 // sqrt(3): rows repeat after two
	inCell := func(u, v float64) (square, wall float64) {
		u, v = math.Abs(saw(u)), math.Abs(saw(v/tall))*tall
		return u*u + v*v, .5 - max(u, .5*u+.5*tall*v)
	}
	p, wallP := inCell(u, v)
	q, wallQ := inCell(u-.5, v-.5*tall)
	if p < q {
		return wallP
	}
	return wallQ
}

// scaleEdge is the signed distance to the lower rim of the topmost of
// overlapping discs laid in rows, as on a fish.
func scaleEdge(u, v float64) float64 {
	row := math.Floor(2 * v)
	d := math.Inf(1)
	for k := range 2 {
		r := row - float64(k)
		centre := saw(u - .5*r)
		if d = math.Hypot(centre, v-.5*r) - .56; d < 0 {
			break
		}
	}
	return d
}
