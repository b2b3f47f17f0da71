package datasets

import (
	"math"
	"math/rand/v2"
)

// The canvas of a drawn image is the square [-1, 1] x [-1, 1], x to the right and
// y down, whatever the number of pixels.

// colour is red, green and blue, each in [0, 1].
type colour [3]float64

// mixed is the colour a part t of the way from c to d.
func (c colour) mixed(d colour, t float64) colour {
	for i := range c {
		c[i] += t * (d[i] - c[i])
	}
	return c
}

// paint is a picture before it has pixels: the colour at a point of the canvas.
type paint func(x, y float64) colour

// brush draws one image: all its choices come from the generator of that image.
type brush struct {
	*rand.Rand
	size  int
	pixel float64 // width of a pixel on the canvas
}

func newBrush(p *rand.PCG, size int) *brush {
	return &brush{Rand: rand.New(p), size: size, pixel: 2 / float64(size)}
}

func (b *brush) between(lo, hi float64) float64 { return lo + (hi-lo)*b.Float64() }

func (b *brush) chance(p float64) bool { return b.Float64() < p }

func (b *brush) angle() float64 { return 2 * math.Pi * b.Float64() }

// hue is a colour of the given hue (a fraction of the colour circle) and
// lightness, with a random saturation.
func (b *brush) hue(hue, lightness float64) colour {
	chroma := b.between(.25, .85) * min(lightness, 1-lightness)
	var c colour
	for i := range c {
		// The piecewise-linear HSL wheel: red, green and blue peak a third apart.
		k := math.Mod(12*hue+[3]float64{0, 8, 4}[i], 12)
		c[i] = lightness - chroma*max(-1, min(k-3, 9-k, 1))
	}
	return c
}

// colour is a random colour.
func (b *brush) colour() colour { return b.hue(b.Float64(), b.between(.2, .8)) }

// pair is two colours that can be told apart: their lightness always differs,
// mostly their hue too. Either may be the lighter.
func (b *brush) pair() (ground, ink colour) {
	hue := b.Float64()
	dark, light := b.between(.15, .45), b.between(.55, .85)
	if b.chance(.5) {
		dark, light = light, dark
	}
	return b.hue(hue, dark), b.hue(math.Mod(hue+b.between(.15, .85), 1), light)
}

// flat is a picture of one colour.
func flat(c colour) paint { return func(x, y float64) colour { return c } }

// shaded varies a colour over the canvas: not at all, along a gradient, or in
// soft clouds.
func (b *brush) shaded(c colour) paint {
	other := c.mixed(b.colour(), b.between(.1, .3))
	switch b.IntN(3) {
	case 0:
		return flat(c)
	case 1:
		sin, cos := math.Sincos(b.angle())
		return func(x, y float64) colour { return c.mixed(other, .5+.35*(cos*x+sin*y)) }
	}
	clouds := b.clouds(5)
	return func(x, y float64) colour { return c.mixed(other, clouds.at(x, y)) }
}

// clouds is smooth noise in [0, 1]: random values on an n x n grid over the
// canvas, with smooth steps in between.
type clouds struct {
	n      int
	values []float64
}

func (b *brush) clouds(n int) *clouds {
	c := &clouds{n: n, values: make([]float64, n*n)}
	for i := range c.values {
		c.values[i] = b.Float64()
	}
	return c
}

// at is the noise at a point; outside the canvas it goes on as its own mirror
// image.
func (c *clouds) at(x, y float64) float64 {
	i, s := c.cell(x)
	j, t := c.cell(y)
	top, bottom := c.values[j*c.n:], c.values[(j+1)*c.n:]
	a := top[i] + s*(top[i+1]-top[i])
	return a + t*(bottom[i]+s*(bottom[i+1]-bottom[i])-a)
}

func (c *clouds) cell(x float64) (int, float64) {
	x = math.Abs(math.Mod(x+1, 4))
	if x > 2 {
		x = 4 - x
	}
	x *= .5 * float64(c.n-1)
	i := min(int(x), c.n-2)
	t := x - float64(i)
	return i, t * t * (3 - 2*t)
}

// develop turns a picture into pixels under random light: a slope of brightness
// across the image, and noise of the sensor.
func (b *brush) develop(dst []uint8, p paint) {
	sin, cos := math.Sincos(b.angle())
	slope, exposure, noise := b.between(0, .25), b.between(.85, 1.1), b.between(.005, .05)
	for j := range b.size {
		y := (float64(j)+.5)*b.pixel - 1
		for i := range b.size {
			x := (float64(i)+.5)*b.pixel - 1
			c, light := p(x, y), exposure*(1+slope*(cos*x+sin*y))
			at := dst[(j*b.size+i)*3:][:3]
			for k := range at {
				at[k] = toByte(c[k]*light + noise*b.NormFloat64())
			}
		}
	}
}

func toByte(v float64) uint8 { return uint8(255*min(max(v, 0), 1) + .5) }
