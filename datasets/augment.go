package datasets

import (
	"fmt"
	"math/rand/v2"
)

// Augment is the random change of a training image: a horizontal flip with
// probability one half and a crop of the image's own size out of the image
// padded with CropPad black pixels on every side, every one of the
// (2*CropPad+1)^2 offsets being equally likely. Black means pixel value zero
// before normalisation, as in the published code.
//
// What happens to an image is a pure function of (seed, epoch, index of the
// image in its set): it does not depend on the batch, on the order or on
// anything drawn before. So a run that resumes needs no random state, only its
// counters.
type Augment struct {
	// Flip mirrors half of the images left to right.
	Flip bool
	// CropPad is the padding in pixels; 0 crops nothing.
	CropPad int
	// FlipFirst flips before the crop in place of after it. The two orders have
	// the same distribution but give different images for the same draws.
	FlipFirst bool
	// Resized, if set, first cuts out of the picture what the image is made of.
	Resized *ResizedCrop `json:",omitempty"`
	// Jitter, if set, changes the colours at last.
	Jitter *Jitter `json:",omitempty"`
}

// FlipThenCrop is the augmentation of in-distribution training images in GReg,
// DOS, OE and Energy: a flip, then a crop with 4 pixels of padding.
func FlipThenCrop() *Augment { return &Augment{Flip: true, CropPad: 4, FlipFirst: true} }

// CropThenFlip is the augmentation of auxiliary images everywhere, and of
// in-distribution images in POEM, NTOM and OpenMix: a crop with 4 pixels of
// padding, then a flip.
func CropThenFlip() *Augment { return &Augment{Flip: true, CropPad: 4} }

// Move is what [Augment] does to one image. Output pixel (y, x) is input pixel
// (y+DY, x+DX), or (y+DY, W-1-x+DX) when Mirror is set, and black outside the
// input.
type Move struct {
	DY, DX int
	Mirror bool
}

// Draw returns the move of image index in an epoch. Three numbers of the image's
// own PCG stream decide: the flip, then the row, then the column of the crop;
// each is drawn even when it is not used, so that switching one off leaves the
// others as they were.
func (a Augment) Draw(seed uint64, epoch, index int) Move {
	p := generator(useAugment, seed, uint64(epoch), uint64(index))
	return a.draw(&p)
}

func (a Augment) draw(p *rand.PCG) Move {
	mirror := below(p, 2) == 1 && a.Flip
	dy := below(p, 2*a.CropPad+1) - a.CropPad
	dx := below(p, 2*a.CropPad+1) - a.CropPad
	if mirror && a.FlipFirst {
		// A crop that moves right in the mirrored image moves left in the original.
		dx = -dx
	}
	return Move{DY: dy, DX: dx, Mirror: mirror}
}

func (a Augment) check() error {
	if a.CropPad < 0 {
		return fmt.Errorf("the padding of a crop is %d pixels: it must not be negative", a.CropPad)
	}
	if a.Resized != nil {
		if err := a.Resized.check(); err != nil {
			return err
		}
	}
	if a.Jitter != nil {
		return a.Jitter.check()
	}
	return nil
}

// jittered is the image (h*w*3 bytes) moved by m, in other colours: those of image
// index in an epoch.
func (a Augment) jittered(src []uint8, h, w int, m Move, seed uint64, epoch, index int) []uint8 {
	image := make([]uint8, len(src))
	for y := range h {
		for x := range w {
			sy, sx := y+m.DY, x+m.DX
			if m.Mirror {
				sx = w - 1 - x + m.DX
			}
			if sy >= 0 && sy < h && sx >= 0 && sx < w {
				copy(image[3*(y*w+x):][:3], src[3*(sy*w+sx):])
			}
		}
	}
	p := generator(useJitter, seed, uint64(epoch), uint64(index))
	a.Jitter.draw(&p).apply(image)
	return image
}

// place writes image src (h*w*3 bytes, HWC) to dst, moved by m and normalised
// by t.
func place(dst []float32, src []uint8, h, w int, m Move, t *lookup) {
	for y := range h {
		row := dst[y*w*3 : (y+1)*w*3]
		sy := y + m.DY
		if sy < 0 || sy >= h {
			placeBlack(row, t)
			continue
		}
		from := src[sy*w*3 : (sy+1)*w*3]
		if m.Mirror {
			placeMirrored(row, from, m.DX, t)
		} else {
			placeStraight(row, from, m.DX, t)
		}
	}
}

// placeStraight writes input pixel x+dx to output pixel x of one row.
func placeStraight(dst []float32, src []uint8, dx int, t *lookup) {
	w := len(src) / 3
	lo, hi := min(max(0, -dx), w), max(min(w, w-dx), 0)
	placeBlack(dst[:3*lo], t)
	if lo < hi {
		placeBlack(dst[3*hi:], t)
		in := src[3*(lo+dx) : 3*(hi+dx)]
		out := dst[3*lo : 3*hi]
		for len(in) >= 3 && len(out) >= 3 {
			out[0], out[1], out[2] = t[0][in[0]], t[1][in[1]], t[2][in[2]]
			in, out = in[3:], out[3:]
		}
		return
	}
	placeBlack(dst[3*lo:], t)
}

// placeMirrored writes input pixel w-1-x+dx to output pixel x of one row.
func placeMirrored(dst []float32, src []uint8, dx int, t *lookup) {
	w := len(src) / 3
	lo, hi := min(max(0, dx), w), max(min(w, w+dx), 0)
	placeBlack(dst[:3*lo], t)
	if lo < hi {
		placeBlack(dst[3*hi:], t)
		in := src[3*(w-hi+dx) : 3*(w-lo+dx)]
		out := dst[3*lo : 3*hi]
		for n := len(in); n >= 3 && len(out) >= 3; n = len(in) {
			px := in[n-3:]
			out[0], out[1], out[2] = t[0][px[0]], t[1][px[1]], t[2][px[2]]
			in, out = in[:n-3], out[3:]
		}
		return
	}
	placeBlack(dst[3*lo:], t)
}

func placeBlack(dst []float32, t *lookup) {
	r, g, b := t[0][0], t[1][0], t[2][0]
	for len(dst) >= 3 {
		dst[0], dst[1], dst[2] = r, g, b
		dst = dst[3:]
	}
}
