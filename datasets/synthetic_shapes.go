package datasets

import "math"

// drawing is one kind of figure, with the random details of its form, and how
// far it may be rotated.
type drawing struct {
	name   string
	turn   float64
	figure func(b *brush) figure
}

// point is a corner of a polygon or of a line of strokes.
type point struct{ u, v float64 }

// knownShapes are classes of the in-distribution set.
var knownShapes = []drawing{
	{"disc", math.Pi, func(*brush) figure {
		return solid(func(u, v float64) float64 { return math.Hypot(u, v) - .85 })
	}},
	{"ring", math.Pi, func(b *brush) figure {
		width := b.between(.13, .2)
		return solid(func(u, v float64) float64 { return math.Abs(math.Hypot(u, v)-.75) - width })
	}},
	{"moon", math.Pi, func(b *brush) figure {
		shift := b.between(.4, .55)
		return solid(func(u, v float64) float64 {
			return max(math.Hypot(u, v)-.95, .75-math.Hypot(u-shift, v))
		})
	}},
	{"square", math.Pi, func(*brush) figure {
		return solid(func(u, v float64) float64 { return box(u, v, .72, .72) })
	}},
	{"cross", math.Pi, func(b *brush) figure {
		arm := b.between(.22, .32)
		return solid(func(u, v float64) float64 { return min(box(u, v, .95, arm), box(u, v, arm, .95)) })
	}},
	{"triangle", math.Pi, func(*brush) figure { return solid(regular(3, 1.05, 1)) }},
	{"star", math.Pi, func(b *brush) figure { return solid(regular(5, 1.1, b.between(.4, .48))) }},
}

// unseenShapes are out of distribution but drawn just as the known ones.
var unseenShapes = []drawing{
	{"heart", math.Pi, func(*brush) figure {
		return solid(func(u, v float64) float64 {
			// Two discs above the tip of a square that stands on its corner.
			u = math.Abs(u)
			lobe := math.Hypot(u-.42, v+.3) - .52
			p, q := (u-v)*math.Sqrt2/2, (u+v)*math.Sqrt2/2
			return min(lobe, max(p-.51, q-.57, -v-.3-.2*u))
		})
	}},
	{"arrow", math.Pi, func(b *brush) figure {
		t := b.between(.16, .26)
		return solid(polygon(point{-1, -t}, point{.15, -t}, point{.15, -.7}, point{1, 0}, point{.15, .7}, point{.15, t}, point{-1, t}))
	}},
	{"drop", math.Pi, func(*brush) figure {
		cone := polygon(point{0, -1.1}, point{.52, .09}, point{-.52, .09})
		return solid(func(u, v float64) float64 { return min(math.Hypot(u, v-.35)-.58, cone(u, v)) })
	}},
	{"half disc", math.Pi, func(*brush) figure {
		return solid(func(u, v float64) float64 { return max(math.Hypot(u, v-.35)-.95, v-.35) })
	}},
	{"hourglass", math.Pi, func(b *brush) figure {
		waist := b.between(.05, .15)
		return solid(polygon(point{-.75, -.9}, point{.75, -.9}, point{waist, 0}, point{.75, .9}, point{-.75, .9}, point{-waist, 0}))
	}},
	{"bolt", math.Pi, func(*brush) figure {
		return solid(polygon(point{.25, -1.1}, point{-.55, .15}, point{-.05, .15}, point{-.25, 1.1}, point{.55, -.2}, point{.05, -.2}))
	}},
	{"bracket", math.Pi, func(b *brush) figure {
		t := b.between(.3, .45)
		return solid(polygon(point{-.8, -.9}, point{-.8 + t, -.9}, point{-.8 + t, .9 - t}, point{.8, .9 - t}, point{.8, .9}, point{-.8, .9}))
	}},
	{"leaf", math.Pi, func(b *brush) figure {
		k := b.between(.4, .6)
		r := (1 + k*k) / (2 * k) // two arcs through (0, -1) and (0, 1), k wide each
		return solid(func(u, v float64) float64 { return math.Hypot(math.Abs(u)+r-k, v) - r })
	}},
}

// box is the distance to a rectangle of half sides p and q.
func box(u, v, p, q float64) float64 {
	u, v = math.Abs(u)-p, math.Abs(v)-q
	return math.Hypot(max(u, 0), max(v, 0)) + min(max(u, v), 0)
}

// regular is a polygon with n corners at radius r and, when inner is below 1,
// n more at radius r*inner between them: a star.
func regular(n int, r, inner float64) func(u, v float64) float64 {
	corners := make([]point, 0, 2*n)
	for i := range n {
		turn := 2 * math.Pi / float64(n)
		sin, cos := math.Sincos(float64(i) * turn)
		corners = append(corners, point{r * sin, -r * cos})
		if inner < 1 {
			sin, cos = math.Sincos((float64(i) + .5) * turn)
			corners = append(corners, point{inner * r * sin, -inner * r * cos})
		}
	}
	return polygon(corners...)
}

// polygon is the signed distance to a simple polygon: the distance to its
// nearest side, negative where a ray crosses the sides an odd number of times.
func polygon(corners ...point) func(u, v float64) float64 {
	return func(u, v float64) float64 {
		nearest, inside := math.Inf(1), false
		p := corners[len(corners)-1]
		for _, q := range corners {
			nearest = min(nearest, squareToSegment(u, v, p, q))
			if (p.v > v) != (q.v > v) && u < p.u+(v-p.v)/(q.v-p.v)*(q.u-p.u) {
				inside = !inside
			}
			p = q
		}
		if inside {
			return -math.Sqrt(nearest)
		}
		return math.Sqrt(nearest)
	}
}

// squareToSegment is the squared distance from (u, v) to the segment from p to q.
func squareToSegment(u, v float64, p, q point) float64 {
	du, dv, u, v := q.u-p.u, q.v-p.v, u-p.u, v-p.v
	t := min(max((u*du+v*dv)/(du*du+dv*dv), 0), 1)
	u, v = u-t*du, v-t*dv
	return u*u + v*v
}

// strokes is the distance to lines of a pen of radius r.
func strokes(r float64, lines ...[]point) func(u, v float64) float64 {
	return func(u, v float64) float64 {
		nearest := math.Inf(1)
		for _, line := range lines {
			for i := 1; i < len(line); i++ {
				nearest = min(nearest, squareToSegment(u, v, line[i-1], line[i]))
			}
		}
		return math.Sqrt(nearest) - r
	}
}
