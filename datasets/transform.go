package datasets

import (
	"fmt"
	"math"
	"strings"
)

// Image is an RGB picture: Height rows of Width pixels of three bytes.
type Image struct {
	Width, Height int
	Pix           []uint8
}

func newImage(w, h int) Image { return Image{w, h, make([]uint8, 3*w*h)} }

// MisuseError is what the package panics with when a caller passes sizes or
// indices that cannot be meant: a fault of the program, not of the data.
type MisuseError struct {
	Op     string // the function
	Detail string // what it got and what it wanted
}

func (e *MisuseError) Error() string { return "datasets." + e.Op + ": " + e.Detail }

func sizes(w, h, ww, wh int) string {
	return fmt.Sprintf("image of %dx%d pixels to %dx%d; all must be at least 1", w, h, ww, wh)
}

// Transform brings pictures of any size to one size, as torchvision does:
// Resize(Short), then CenterCrop(Crop). The zero Transform changes nothing.
type Transform struct {
	// Short is the length of the shorter side after resizing, in pixels; the
	// longer one becomes floor(Short*long/short). 0 leaves the size.
	Short int
	// Crop is the height and width cut from the centre, in pixels; where the
	// picture is smaller it is padded with black. 0 cuts nothing.
	Crop int
}

// ResizeCrop is the usual transform of test images: the shorter side to size,
// then the central square.
func ResizeCrop(size int) Transform { return Transform{Short: size, Crop: size} }

// CenterCrop cuts the central square without resizing.
func CenterCrop(size int) Transform { return Transform{Crop: size} }

// TransformNames are the published test transforms by the names that a spec
// uses:
//
//	resize    the shorter side to the size, then the centre: Textures, Places; LSUN-C in DICE, LINe, POEM and NTOM
//	crop      the centre, without resizing: LSUN-C in GReg and DOS
//	imagenet  the shorter side to 8/7 of the size (256 for 224), then the centre: everything at ImageNet's size
//	none      the picture as it is: LSUN-C in the code of Energy, which feeds 36x36 pixels
func TransformNames() []string { return []string{"resize", "crop", "imagenet", "none"} }

// NamedTransform is the transform of a name for images of size x size pixels.
func NamedTransform(name string, size int) (Transform, error) {
	switch name {
	case "resize":
		return ResizeCrop(size), nil
	case "crop":
		return CenterCrop(size), nil
	case "imagenet":
		return Transform{Short: size * 8 / 7, Crop: size}, nil
	case "none":
		return Transform{}, nil
	}
	return Transform{}, fmt.Errorf("no transform is called %q: choose one of %s", name, strings.Join(TransformNames(), ", "))
}

// Apply gives the transformed picture. It may share memory with m when there
// was nothing to do.
func (t Transform) Apply(m Image) Image {
	if t.Short < 0 || t.Crop < 0 {
		panic(&MisuseError{Op: "Transform", Detail: fmt.Sprintf("short side %d, crop %d; neither may be negative", t.Short, t.Crop)})
	}
	w, h := t.resized(m.Width, m.Height)
	if t.Crop == 0 {
		return m.resizeWindow(w, h, window{0, 0, w, h})
	}
	x, outX, cw := cropAxis(w, t.Crop)
	y, outY, ch := cropAxis(h, t.Crop)
	part := m.resizeWindow(w, h, window{x, y, cw, ch})
	if cw == t.Crop && ch == t.Crop {
		return part
	}
	out := newImage(t.Crop, t.Crop)
	for row := range ch {
		copy(out.Pix[3*((outY+row)*t.Crop+outX):], part.Pix[3*row*cw:3*(row+1)*cw])
	}
	return out
}

func (t Transform) resized(w, h int) (int, int) {
	switch {
	case t.Short == 0:
		return w, h
	case w <= h:
		return t.Short, t.Short * h / max(w, 1)
	default:
		return t.Short * w / max(h, 1), t.Short
	}
}

// cropAxis is CenterCrop along one axis: n pixels from position at of the
// input, put at position to of the output. The offset is rounded half to even,
// and an odd number of padding pixels leaves the extra one behind, both as
// torchvision does.
func cropAxis(size, crop int) (at, to, n int) {
	if size <= crop {
		return 0, (crop - size) / 2, size
	}
	return int(math.RoundToEven(float64(size-crop) / 2)), 0, crop
}
