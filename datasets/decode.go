package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

const (
	// maxPixels is the largest picture that is decoded, the size at which
	// Pillow warns of a decompression bomb.
	maxPixels = 89_478_485
	// maxScans bounds the scans of a progressive JPEG: each costs a few bytes
	// in the file and a pass over the whole picture.
	maxScans = 256
)

// imageFormat is one of the file formats that Decode reads.
type imageFormat struct {
	magic  []string
	config func([]byte) (image.Config, error)
	decode func([]byte) (image.Image, error)
}

var imageFormats = []imageFormat{
	{
		magic:  []string{"\xff\xd8\xff"},
		config: func(b []byte) (image.Config, error) { return jpeg.DecodeConfig(bytes.NewReader(b)) },
		decode: decodeJPEG,
	}, {
		magic:  []string{"\x89PNG\r\n\x1a\n"},
		config: func(b []byte) (image.Config, error) { return png.DecodeConfig(bytes.NewReader(b)) },
		decode: func(b []byte) (image.Image, error) { return png.Decode(bytes.NewReader(b)) },
	}, {
		magic:  []string{"BM"},
		config: func(b []byte) (image.Config, error) { return bmp.DecodeConfig(bytes.NewReader(b)) },
		decode: func(b []byte) (image.Image, error) { return bmp.Decode(bytes.NewReader(b)) },
	}, {
		magic:  []string{"II*\x00", "MM\x00*"},
		config: func(b []byte) (image.Config, error) { return tiff.DecodeConfig(bytes.NewReader(b)) },
		decode: func(b []byte) (image.Image, error) { return tiff.Decode(bytes.NewReader(b)) },
	},
}

func decodeJPEG(b []byte) (image.Image, error) {
	if bytes.Count(b, []byte{0xff, 0xda}) > maxScans {
		return nil, fmt.Errorf("a JPEG of more than %d scans", maxScans)
	}
	return jpeg.Decode(bytes.NewReader(b))
}

func formatOf(data []byte) (imageFormat, error) {
	for _, f := range imageFormats {
		for _, m := range f.magic {
			if bytes.HasPrefix(data, []byte(m)) {
				return f, nil
			}
		}
	}
	if len(data) == 0 {
		return imageFormat{}, errors.New("the file is empty")
	}
	return imageFormat{}, errors.New("its content is not JPEG, PNG, BMP or TIFF")
}

// imageSize reads the size of a picture from its header and refuses what is too
// large to decode.
func imageSize(data []byte) (width, height int, err error) {
	f, err := formatOf(data)
	if err != nil {
		return 0, 0, err
	}
	c, err := f.config(data)
	if err != nil {
		return 0, 0, err
	}
	if c.Width < 1 || c.Height < 1 {
		return 0, 0, fmt.Errorf("the picture is %dx%d pixels", c.Width, c.Height)
	}
	if c.Width > maxPixels/c.Height {
		return 0, 0, fmt.Errorf("the picture is %dx%d pixels, more than the %d that are read", c.Width, c.Height, maxPixels)
	}
	return c.Width, c.Height, nil
}

// Decode reads one picture, JPEG, PNG, BMP or TIFF by its content, as Pillow's
// convert("RGB") gives it: transparency dropped without blending, palettes and
// grey spread to RGB, 16-bit samples cut to their high byte, rotation tags not
// applied. JPEG chroma is upsampled as libjpeg-turbo does it.
func Decode(data []byte) (Image, error) {
	if _, _, err := imageSize(data); err != nil {
		return Image{}, err
	}
	f, err := formatOf(data)
	if err != nil {
		return Image{}, err
	}
	src, err := f.decode(data)
	if err != nil {
		return Image{}, err
	}
	return toRGB(src), nil
}

func toRGB(src image.Image) Image {
	switch m := src.(type) {
	case *image.YCbCr:
		return ycbcrToRGB(m)
	case *image.RGBA:
		return dropFourth(m.Rect, m.Pix, m.Stride)
	case *image.NRGBA:
		return dropFourth(m.Rect, m.Pix, m.Stride)
	}
	r := src.Bounds()
	out := newImage(r.Dx(), r.Dy())
	pixel := pixelReader(src)
	for y := range out.Height {
		for x := range out.Width {
			p := out.Pix[3*(y*out.Width+x):][:3]
			p[0], p[1], p[2] = pixel(r.Min.X+x, r.Min.Y+y)
		}
	}
	return out
}

func dropFourth(r image.Rectangle, pix []uint8, stride int) Image {
	out := newImage(r.Dx(), r.Dy())
	for y := range out.Height {
		row := pix[y*stride:]
		dst := out.Pix[3*y*out.Width : 3*(y+1)*out.Width]
		for x := range out.Width {
			copy(dst[3*x:3*x+3], row[4*x:4*x+3])
		}
	}
	return out
}

func pixelReader(src image.Image) func(x, y int) (r, g, b uint8) {
	switch m := src.(type) {
	case *image.Gray:
		return func(x, y int) (r, g, b uint8) {
			v := m.GrayAt(x, y).Y
			return v, v, v
		}
	case *image.Paletted:
		return func(x, y int) (r, g, b uint8) { return opaque(m.Palette[m.ColorIndexAt(x, y)]) }
	case *image.CMYK:
		return func(x, y int) (r, g, b uint8) {
			c := m.CMYKAt(x, y)
			return underBlack(c.C, c.K), underBlack(c.M, c.K), underBlack(c.Y, c.K)
		}
	case *image.RGBA64:
		return func(x, y int) (r, g, b uint8) {
			c := m.RGBA64At(x, y)
			return uint8(c.R >> 8), uint8(c.G >> 8), uint8(c.B >> 8)
		}
	default:
		return func(x, y int) (r, g, b uint8) { return opaque(src.At(x, y)) }
	}
}

// opaque drops the transparency of a colour. The conversion of package color
// would make what is fully transparent black.
func opaque(c color.Color) (r, g, b uint8) {
	if c, ok := c.(color.NRGBA); ok {
		return c.R, c.G, c.B
	}
	v := color.NRGBA64Model.Convert(c).(color.NRGBA64)
	return uint8(v.R >> 8), uint8(v.G >> 8), uint8(v.B >> 8)
}

// underBlack is the light that is left by an ink and black, as Pillow rounds
// it: (255-k) - ink*(255-k)/255.
func underBlack(ink, k uint8) uint8 {
	light := uint32(255 - k)
	t := uint32(ink)*light + 128
	return uint8(light - ((t>>8)+t)>>8)
}
