package datasets

import "math"

// outlierKinds are the pictures of the auxiliary outlier set. They are many in
// kind, and none is a class of the in-distribution set or a kind of picture in a
// test set of outliers: training may look at them.
var outlierKinds = []func(b *brush) paint{
	func(b *brush) paint { return b.drawn(blot(b), b.object(math.Pi), true) },
	func(b *brush) paint { return b.drawn(splinter(b), b.object(math.Pi), true) },
	func(b *brush) paint { return b.drawn(scribble(b), b.object(math.Pi), true) },
	func(b *brush) paint { return b.drawn(pebbles(b), b.object(math.Pi), true) },
	func(b *brush) paint { return b.drawn(interference(b), b.cover(math.Pi), false) },
	mosaic,
	marble,
	collage,
}

func outlier(b *brush) paint { return outlierKinds[b.IntN(len(outlierKinds))](b) }

// blot is a closed wavy outline.
func blot(b *brush) figure {
	type wave struct{ times, height, phase float64 }
	var waves [3]wave
	for k := range waves {
		waves[k] = wave{float64(k + 2), b.between(.1, .25), b.angle()}
	}
	return solid(func(u, v float64) float64 {
		edge, turn := .65, math.Atan2(v, u)
		for _, w := range waves {
			edge += w.height * math.Cos(w.times*turn+w.phase)
		}
		return .7 * (math.Hypot(u, v) - edge) // the outline is steep: about a distance
	})
}

// splinter is a jagged polygon of 7 to 10 corners.
func splinter(b *brush) figure {
	corners := make([]point, 7+b.IntN(4))
	for i := range corners {
		sin, cos := math.Sincos(2 * math.Pi * (float64(i) + b.between(-.35, .35)) / float64(len(corners)))
		r := b.between(.3, 1.15)
		corners[i] = point{r * cos, r * sin}
	}
	return solid(polygon(corners...))
}

// scribble is a line that wanders.
func scribble(b *brush) figure {
	line := make([]point, 9)
	heading := b.angle()
	at := point{b.between(-.5, .5), b.between(-.5, .5)}
	for i := range line {
		line[i] = at
		heading += b.between(-1, 1)
		sin, cos := math.Sincos(heading)
		next := point{at.u + .45*cos, at.v + .45*sin}
		if next.u*next.u+next.v*next.v > 1.2 {
			heading = math.Atan2(-at.v, -at.u) + b.between(-.5, .5)
			next = point{.6 * at.u, .6 * at.v}
		}
		at = next
	}
	return solid(strokes(b.between(.08, .14), line))
}

// pebbles is a handful of small ovals without order.
func pebbles(b *brush) figure {
	type oval struct{ u, v, p, q float64 }
	ovals := make([]oval, 4+b.IntN(5))
	for i := range ovals {
		ovals[i] = oval{b.between(-1, 1), b.between(-1, 1), b.between(2.5, 6), b.between(2.5, 6)}
	}
	return solid(func(u, v float64) float64 {
		d := math.Inf(1)
		for _, o := range ovals {
			d = min(d, (math.Hypot((u-o.u)*o.p, (v-o.v)*o.q)-1)/max(o.p, o.q))
		}
		return d
	})
}

// interference is three plane waves on top of each other. Their directions lie
// on one side: waves from all around would add up to the dots of a known class.
func interference(b *brush) figure {
	type wave struct{ p, q, phase float64 }
	var waves [3]wave
	heading := 0.
	for k := range waves {
		heading += b.between(.3, .9)
		sin, cos := math.Sincos(heading)
		f := 2 * math.Pi * b.between(.5, 1.1)
		waves[k] = wave{f * cos, f * sin, b.angle()}
	}
	return func(u, v, _ float64) float64 {
		sum := 0.
		for _, w := range waves {
			sum += math.Sin(w.p*u + w.q*v + w.phase)
		}
		return min(max(.5+.5*sum, 0), 1)
	}
}

// mosaic is the cells of random points, each in a colour of its own.
func mosaic(b *brush) paint {
	type cell struct {
		x, y float64
		c    colour
	}
	cells := make([]cell, 6+b.IntN(12))
	for i := range cells {
		cells[i] = cell{b.between(-1.2, 1.2), b.between(-1.2, 1.2), b.colour()}
	}
	return func(x, y float64) colour {
		first, second := math.Inf(1), math.Inf(1)
		var c, d colour
		for i := range cells {
			dx, dy := x-cells[i].x, y-cells[i].y
			switch r := math.Sqrt(dx*dx + dy*dy); {
			case r < first:
				second, d, first, c = first, c, r, cells[i].c
			case r < second:
				second, d = r, cells[i].c
			}
		}
		return c.mixed(d, ink((second-first)/2, b.pixel))
	}
}

// marble is noise of several octaves, bent by other noise.
func marble(b *brush) paint {
	coarse, fine, finest, bend := b.clouds(4), b.clouds(8), b.clouds(14), b.clouds(5)
	c, d := b.pair()
	e, strength, veins := b.colour(), b.between(.5, 1.5), b.between(1.5, 4)
	return func(x, y float64) colour {
		x += strength * (bend.at(x, y) - .5)
		y += strength * (bend.at(y, x) - .5)
		t := .5*coarse.at(x, y) + .3*fine.at(x, y) + .2*finest.at(x, y)
		return c.mixed(d, .5+.5*math.Sin(2*math.Pi*veins*t)).mixed(e, max(0, 2*t-1))
	}
}

// collage is sheets of colour, each with one straight edge or two.
func collage(b *brush) paint {
	picture := flat(b.colour())
	for range 3 + b.IntN(4) {
		sin, cos := math.Sincos(b.angle())
		at, width, sheet := b.between(-.8, .8), b.between(.15, 1.2), b.shaded(b.colour())
		behind, end := picture, b.between(-.4, .8)
		picture = func(x, y float64) colour {
			along, across := cos*x+sin*y, cos*y-sin*x
			edge := max(math.Abs(across-at)-width/2, along-end)
			return layered(behind, sheet, ink(edge, b.pixel), x, y)
		}
	}
	return picture
}
