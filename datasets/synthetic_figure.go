package datasets

import "math"

// figure is a drawing in ink of one colour: how much of a pixel of width w
// around the point (u, v) is ink, in [0, 1]. Shapes fill about the unit disc;
// textures have a period of about one.
type figure func(u, v, w float64) float64

// ink is the part of a pixel of width w that is ink when the edge of the ink is
// at signed distance d, negative inside the ink.
func ink(d, w float64) float64 { return min(max(.5-d/w, 0), 1) }

// solid fills the inside of a signed distance function.
func solid(distance func(u, v float64) float64) figure {
	return func(u, v, w float64) float64 { return ink(distance(u, v), w) }
}

// frame is where a figure lies: it maps the canvas to the figure's coordinates.
type frame struct {
	x, y       float64 // the figure's origin on the canvas
	a, b, c, d float64 // u = a dx + b dy, v = c dx + d dy
	scale      float64 // figure units in a unit of the canvas
}

func (f frame) local(x, y float64) (u, v float64) {
	x, y = x-f.x, y-f.y
	return f.a*x + f.b*y, f.c*x + f.d*y
}

// frame makes a frame of the given place, size and rotation, stretched a little
// in a random direction.
func (b *brush) frame(x, y, size, rotation float64) frame {
	stretch := b.between(.88, 1.13)
	sin, cos := math.Sincos(rotation)
	p, q := 1/(size*stretch), stretch/size
	return frame{x: x, y: y, a: p * cos, b: p * sin, c: -q * sin, d: q * cos, scale: 1 / size}
}

// object is a frame for a shape: somewhere on the canvas, mostly inside it.
// turn is the largest rotation either way.
func (b *brush) object(turn float64) frame {
	size := b.between(.5, .85)
	room := 1.05 - size
	return b.frame(b.between(-room, room), b.between(-room, room), size, b.between(-turn, turn))
}

// cover is a frame for a texture, which fills the canvas.
func (b *brush) cover(turn float64) frame {
	return b.frame(b.between(-1, 1), b.between(-1, 1), b.between(.48, .8), b.between(-turn, turn))
}

// stamp lays a figure in one paint over another.
func (b *brush) stamp(f figure, at frame, ground, inked paint) paint {
	w := b.pixel * at.scale
	return func(x, y float64) colour {
		u, v := at.local(x, y)
		return layered(ground, inked, f(u, v, w), x, y)
	}
}

// layered is the colour of two layers where the upper one covers the part t of
// a pixel. Most pixels need one of the layers only.
func layered(lower, upper paint, t, x, y float64) colour {
	switch t {
	case 0:
		return lower(x, y)
	case 1:
		return upper(x, y)
	}
	return lower(x, y).mixed(upper(x, y), t)
}

// drawn is a figure in two random colours. A shape may cast a soft shadow.
func (b *brush) drawn(f figure, at frame, shadow bool) paint {
	c, d := b.pair()
	ground, inked := b.shaded(c), b.shaded(d)
	if shadow && b.chance(.4) {
		ground = b.shadowed(f, at, ground)
	}
	return b.stamp(f, at, ground, inked)
}

// shadowed darkens the ground beside a shape.
func (b *brush) shadowed(f figure, at frame, ground paint) paint {
	sin, cos := math.Sincos(b.angle())
	at.x, at.y = at.x+.12*cos, at.y+.12*sin
	w := 4 * b.pixel * at.scale
	return func(x, y float64) colour {
		u, v := at.local(x, y)
		return ground(x, y).mixed(colour{}, .4*f(u, v, w))
	}
}
