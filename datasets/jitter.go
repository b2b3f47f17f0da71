package datasets

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Jitter changes brightness, contrast, saturation and hue at random, in an order
// drawn for every image: torchvision's ColorJitter on 8-bit pictures, with Pillow's
// arithmetic. Factors of the first three are uniform in 1-x to 1+x (from 0 up), the
// turn of the hue is uniform in -x to x of a circle.
type Jitter struct {
	Brightness float64 `json:"brightness,omitempty"`
	Contrast   float64 `json:"contrast,omitempty"`
	Saturation float64 `json:"saturation,omitempty"`
	Hue        float64 `json:"hue,omitempty"` // at most 0.5
}

// CropFlipJitter is the augmentation of in-distribution images in POEM: a crop with
// 4 pixels of padding, a flip, and colours that change a little.
func CropFlipJitter() *Augment {
	a := CropThenFlip()
	a.Jitter = &Jitter{Brightness: 0.2, Contrast: 0.2, Saturation: 0.2, Hue: 0.1}
	return a
}

func (j *Jitter) check() error {
	for name, x := range map[string]float64{"brightness": j.Brightness, "contrast": j.Contrast, "saturation": j.Saturation, "hue": j.Hue} {
		if !(x >= 0) || math.IsInf(x, 0) || name == "hue" && x > 0.5 {
			return fmt.Errorf("a jitter of the %s by %g: it must be a number from 0 up, of the hue at most 0.5", name, x)
		}
	}
	return nil
}

// tint is what a jitter does to one image: factors, the turn of the hue, and the
// order of the four.
type tint struct {
	brightness, contrast, saturation float64
	hue                              float64
	order                            [4]int
}

// draw draws the tint of an image. All numbers are drawn even where one is not used.
func (j *Jitter) draw(p *rand.PCG) tint {
	r := rand.New(p)
	uniform := func(center, x float64) float64 {
		lo := max(center-x, 0)
		return lo + (center+x-lo)*r.Float64()
	}
	t := tint{order: [4]int{0, 1, 2, 3}}
	for i := range t.order {
		k := i + below(p, 4-i)
		t.order[i], t.order[k] = t.order[k], t.order[i]
	}
	t.brightness, t.contrast, t.saturation = uniform(1, j.Brightness), uniform(1, j.Contrast), uniform(1, j.Saturation)
	t.hue = j.Hue * (2*r.Float64() - 1)
	return t
}

// apply changes an image of RGB bytes in place.
func (t tint) apply(image []uint8) {
	for _, what := range t.order {
		switch what {
		case 0:
			blend(image, t.brightness, black)
		case 1:
			grey := meanLuma(image)
			blend(image, t.contrast, func(_, _, _ uint8) uint8 { return grey })
		case 2:
			blend(image, t.saturation, luma)
		case 3:
			turnHue(image, t.hue)
		}
	}
}

// blend moves every pixel away from (factor above 1) or towards a grey of its own.
// Like Pillow it computes in float32 and drops fractions.
func blend(image []uint8, factor float64, grey func(r, g, b uint8) uint8) {
	if factor == 1 {
		return
	}
	for i := 0; i+2 < len(image); i += 3 {
		px := image[i : i+3]
		from := grey(px[0], px[1], px[2])
		for c, v := range px {
			x := float32(from) + float32(factor)*float32(int(v)-int(from))
			px[c] = uint8(min(max(x, 0), 255))
		}
	}
}

func black(_, _, _ uint8) uint8 { return 0 }

// luma is Pillow's conversion of RGB to grey, ITU-R 601-2.
func luma(r, g, b uint8) uint8 {
	return uint8((19595*uint32(r) + 38470*uint32(g) + 7471*uint32(b) + 0x8000) >> 16)
}

// meanLuma is the mean grey of an image, rounded.
func meanLuma(image []uint8) uint8 {
	sum := 0
	for i := 0; i+2 < len(image); i += 3 {
		sum += int(luma(image[i], image[i+1], image[i+2]))
	}
	return uint8(float64(sum)/float64(len(image)/3) + 0.5)
}

// turnHue adds a part of the circle to the hue, in Pillow's 8-bit HSV.
func turnHue(image []uint8, by float64) {
	turn := uint8(int(math.Trunc(by * 255)))
	for i := 0; i+2 < len(image); i += 3 {
		h, s, v := toHSV(image[i], image[i+1], image[i+2])
		image[i], image[i+1], image[i+2] = fromHSV(h+turn, s, v)
	}
}

func toHSV(r, g, b uint8) (h, s, v uint8) {
	most, least := max(r, g, b), min(r, g, b)
	if most == least {
		return 0, 0, most
	}
	span := float32(most - least)
	part := func(x uint8) float64 { return float64(float32(most-x) / span) }
	var turn float64
	switch most {
	case r:
		turn = part(b) - part(g)
	case g:
		turn = 2 + part(r) - part(b)
	default:
		turn = 4 + part(g) - part(r)
	}
	hue := float32(math.Mod(float64(float32(turn))/6+1, 1)) // Pillow keeps float32 between steps
	return uint8(float64(hue) * 255), uint8(float64(span/float32(most)) * 255), most
}

func fromHSV(h, s, v uint8) (r, g, b uint8) {
	if s == 0 {
		return v, v, v
	}
	turn, pale := float64(h)*6/255, float64(float32(float64(s)/255))
	i := math.Floor(turn)
	f := float64(float32(turn - i))
	level := func(x float64) uint8 { return uint8(math.Round(float64(v) * (1 - x))) }
	p, q, t := level(pale), level(pale*f), level(pale*(1-f))
	switch int(i) % 6 {
	case 0:
		return v, t, p
	case 1:
		return q, v, p
	case 2:
		return p, v, t
	case 3:
		return p, q, v
	case 4:
		return t, p, v
	}
	return v, p, q
}
