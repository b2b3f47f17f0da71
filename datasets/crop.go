package datasets

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// ResizedCrop cuts a random rectangle out of a picture and brings it to the size
// of the set: the augmentation of ImageNet (torchvision's RandomResizedCrop;
// Szegedy et al., arXiv:1409.4842). The share of the picture's area is uniform
// between AreaMin and AreaMax, width over height log-uniform between AspectMin
// and AspectMax, the place uniform. Where ten such rectangles do not fit, it is
// the largest central one of an allowed shape.
//
// The rectangle is cut out of the picture as it was before the set's own
// transform where the set still has it (Options.Stream), else out of the stored
// image.
type ResizedCrop struct {
	AreaMin   float64 `json:"area_min"`
	AreaMax   float64 `json:"area_max"`
	AspectMin float64 `json:"aspect_min"`
	AspectMax float64 `json:"aspect_max"`
}

// RandomResizedCrop is the augmentation of every experiment on ImageNet: a crop
// of 8 to 100 % of the area and an aspect of 3/4 to 4/3, then a flip.
func RandomResizedCrop() *Augment {
	return &Augment{Flip: true, Resized: &ResizedCrop{AreaMin: 0.08, AreaMax: 1, AspectMin: 3. / 4, AspectMax: 4. / 3}}
}

func (c *ResizedCrop) check() error {
	if !(c.AreaMin > 0 && c.AreaMin <= c.AreaMax && c.AreaMax <= 1) {
		return fmt.Errorf("a crop of %g to %g of the area: it must be a range within 0 to 1", c.AreaMin, c.AreaMax)
	}
	if !(c.AspectMin > 0 && c.AspectMin <= c.AspectMax) || math.IsInf(c.AspectMax, 1) {
		return fmt.Errorf("a crop whose width is %g to %g times its height: both must be positive, in rising order", c.AspectMin, c.AspectMax)
	}
	return nil
}

// draw gives the rectangle for a picture of width x height pixels.
func (c *ResizedCrop) draw(p *rand.PCG, width, height int) window {
	random := rand.New(p)
	uniform := func(lo, hi float64) float64 { return lo + (hi-lo)*random.Float64() }
	for range 10 {
		area := float64(width) * float64(height) * uniform(c.AreaMin, c.AreaMax)
		aspect := math.Exp(uniform(math.Log(c.AspectMin), math.Log(c.AspectMax)))
		w, h := int(math.RoundToEven(math.Sqrt(area*aspect))), int(math.RoundToEven(math.Sqrt(area/aspect)))
		if w > 0 && h > 0 && w <= width && h <= height {
			return window{x: below(p, width-w+1), y: below(p, height-h+1), w: w, h: h}
		}
	}
	w, h := width, height
	switch aspect := float64(width) / float64(height); {
	case aspect < c.AspectMin:
		h = min(max(int(math.RoundToEven(float64(w)/c.AspectMin)), 1), height)
	case aspect > c.AspectMax:
		w = min(max(int(math.RoundToEven(float64(h)*c.AspectMax)), 1), width)
	}
	return window{(width - w) / 2, (height - h) / 2, w, h}
}

// resized gives image index of s in an epoch, cut and resized to h x w.
func (a Augment) resized(s Set, seed uint64, epoch, index int) (Image, int, error) {
	m, label, err := pictureOf(s, index)
	if err != nil {
		return m, label, err
	}
	p := generator(useCrop, seed, uint64(epoch), uint64(index))
	h, w := s.Size()
	return m.crop(a.Resized.draw(&p, m.Width, m.Height)).Resize(w, h), label, nil
}
