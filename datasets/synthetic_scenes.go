package datasets

import "math"

// scene is a landscape: a sky, sometimes with clouds, and two to four ranges of
// hills, the nearer the darker.
func scene(b *brush) paint {
	sky, haze := b.hue(b.between(.5, .65), b.between(.45, .8)), b.hue(b.between(0, .18), b.between(.6, .9))
	cloud := b.clouds(6)
	cover := b.between(0, .7)
	picture := func(x, y float64) colour {
		return sky.mixed(haze, .5+.5*y).mixed(colour{.95, .95, .95}, cover*max(0, 2*cloud.at(x, 2*y)-1))
	}
	ranges := 2 + b.IntN(3)
	hue := b.between(.05, .45)
	for i := range ranges {
		t := float64(i+1) / float64(ranges)
		picture = b.hills(picture, -.35+1.1*t, b.hue(hue, .6-.45*t))
	}
	return picture
}

// hills lays a range of hills whose ridge is at about height y0.
func (b *brush) hills(behind paint, y0 float64, c colour) paint {
	type wave struct{ height, length, phase float64 }
	var waves [3]wave
	for k := range waves {
		waves[k] = wave{b.between(.05, .18) / float64(k+1), b.between(1.5, 3) * float64(k+1), b.angle()}
	}
	ridge := make([]float64, b.size) // a height for every column of pixels
	for i := range ridge {
		ridge[i] = y0
		for _, w := range waves {
			ridge[i] += w.height * math.Sin(w.length*(float64(i)*b.pixel-1)+w.phase)
		}
	}
	face := b.shaded(c)
	return func(x, y float64) colour {
		return layered(behind, face, ink(ridge[int((x+1)/b.pixel)]-y, b.pixel), x, y)
	}
}

// blobs is a few soft spots of light without an edge.
func blobs(b *brush) paint {
	type spot struct {
		x, y, sharpness float64
		c               colour
	}
	spots := make([]spot, 3+b.IntN(4))
	for i := range spots {
		r := b.between(.3, .7)
		spots[i] = spot{b.between(-1, 1), b.between(-1, 1), 1 / (r * r), b.colour()}
	}
	ground := b.colour()
	return func(x, y float64) colour {
		c := ground
		for _, s := range spots {
			dx, dy := x-s.x, y-s.y
			c = c.mixed(s.c, math.Exp(-(dx*dx+dy*dy)*s.sharpness))
		}
		return c
	}
}

// noise is a value of its own for every pixel: uniform, gaussian around a
// colour, gaussian and grey, or black and white specks.
func noise(b *brush) paint {
	ground, strength := b.colour(), b.between(.15, .4)
	switch b.IntN(4) {
	case 0:
		return func(x, y float64) colour { return colour{b.Float64(), b.Float64(), b.Float64()} }
	case 1:
		return func(x, y float64) colour {
			c := ground
			for k := range c {
				c[k] += strength * b.NormFloat64()
			}
			return c
		}
	case 2:
		return func(x, y float64) colour {
			v := .5 + strength*b.NormFloat64()
			return colour{v, v, v}
		}
	}
	return func(x, y float64) colour {
		switch t := b.Float64(); {
		case t < strength/2:
			return colour{}
		case t < strength:
			return colour{1, 1, 1}
		}
		return ground
	}
}

// scramble shuffles the 16 tiles of an image, so that its parts are known but
// their arrangement is not. No tile stays in place.
func (b *brush) scramble(image []uint8) {
	const across = 4
	side := b.size / across
	from := append([]uint8(nil), image...)
	order := b.Perm(across * across)
	for i, tile := range order {
		next := order[(i+1)%len(order)] // a single cycle has no fixed point
		for y := range side {
			to := ((next/across*side+y)*b.size + next%across*side) * 3
			at := ((tile/across*side+y)*b.size + tile%across*side) * 3
			copy(image[to:to+3*side], from[at:])
		}
	}
}
