package datasets

import "image"

// The decoder of the standard library spreads subsampled chroma by repeating
// samples and converts colours with other roundings than libjpeg; on a picture
// shrunk from 64 to 32 pixels that moves values by up to 13 of 255. Networks
// are trained and judged on what libjpeg-turbo gives (through Pillow), so both
// steps are done here as libjpeg-turbo's jdsample.c ("fancy upsampling") and
// jdcolor.c define them.

// ycbcrToRGB converts a decoded JPEG to RGB.
func ycbcrToRGB(src *image.YCbCr) Image {
	w, h := src.Rect.Dx(), src.Rect.Dy()
	out := newImage(w, h)
	cb := newChroma(src, src.Cb)
	cr := newChroma(src, src.Cr)
	rowB, rowR := make([]uint8, w+8), make([]uint8, w+8)
	for y := range h {
		b, r := cb.row(y, rowB), cr.row(y, rowR)
		luma := src.Y[src.YOffset(src.Rect.Min.X, src.Rect.Min.Y+y):][:w]
		dst := out.Pix[3*y*w : 3*(y+1)*w]
		for x, l := range luma {
			convertYCbCr(dst[3*x:3*x+3:3*x+3], int32(l), b[x], r[x])
		}
	}
	return out
}

// Fixed-point terms of JFIF's YCbCr to RGB, 16 bits behind the point:
// R = Y + 1.402 Cr, G = Y - 0.34414 Cb - 0.71414 Cr, B = Y + 1.772 Cb.
var crToR, cbToB, crToG, cbToG = colourTables()

func colourTables() (crR, cbB, crG, cbG [256]int32) {
	const half = 1 << 15
	for i := range int32(256) {
		x := i - 128
		crR[i] = (91881*x + half) >> 16
		cbB[i] = (116130*x + half) >> 16
		crG[i] = -46802 * x
		cbG[i] = -22554*x + half
	}
	return crR, cbB, crG, cbG
}

func convertYCbCr(dst []uint8, y int32, cb, cr uint8) {
	dst[0] = clampByte(y + crToR[cr])
	dst[1] = clampByte(y + (cbToG[cb]+crToG[cr])>>16)
	dst[2] = clampByte(y + cbToB[cb])
}

func clampByte(v int32) uint8 {
	if uint32(v) > 255 {
		return uint8(^(v >> 31))
	}
	return uint8(v)
}

// chroma is one subsampled plane that is read in rows of full resolution.
type chroma struct {
	pix            []uint8
	stride         int
	width, height  int // of the plane
	scaleX, scaleY int
	sums           []int32
}

func newChroma(src *image.YCbCr, plane []uint8) *chroma {
	sx, sy := 1, 1
	switch src.SubsampleRatio {
	case image.YCbCrSubsampleRatio422:
		sx = 2
	case image.YCbCrSubsampleRatio420:
		sx, sy = 2, 2
	case image.YCbCrSubsampleRatio440:
		sy = 2
	case image.YCbCrSubsampleRatio411:
		sx = 4
	case image.YCbCrSubsampleRatio410:
		sx, sy = 4, 2
	}
	w, h := (src.Rect.Dx()+sx-1)/sx, (src.Rect.Dy()+sy-1)/sy
	return &chroma{
		pix:    plane[src.COffset(src.Rect.Min.X, src.Rect.Min.Y):],
		stride: src.CStride, width: w, height: h, scaleX: sx, scaleY: sy,
		sums: make([]int32, w),
	}
}

func (c *chroma) source(y int) []uint8 {
	y = min(max(y, 0), c.height-1)
	return c.pix[y*c.stride:][:c.width]
}

// row gives row y at full resolution, in dst or in the plane itself.
func (c *chroma) row(y int, dst []uint8) []uint8 {
	near := c.source(y / c.scaleY)
	switch {
	case c.scaleX == 1 && c.scaleY == 1:
		return near
	case c.scaleX == 1:
		return c.rowTall(near, c.neighbour(y), y%2, dst)
	// libjpeg interpolates across only where the plane is wider than two.
	case c.scaleX == 2 && c.width > 2 && c.scaleY == 1:
		return c.rowWide(near, dst)
	case c.scaleX == 2 && c.width > 2:
		return c.rowBoth(near, c.neighbour(y), dst)
	default:
		for x := range min(len(dst), c.width*c.scaleX) {
			dst[x] = near[x/c.scaleX]
		}
		return dst
	}
}

// neighbour is the second nearest row of the plane: above for even rows of the
// picture, below for odd ones.
func (c *chroma) neighbour(y int) []uint8 { return c.source(y/2 - 1 + 2*(y%2)) }

// rowTall interpolates between rows (4:4:0), weights 3/4 and 1/4. The rounding
// alternates so that it has no bias.
func (c *chroma) rowTall(near, far []uint8, odd int, dst []uint8) []uint8 {
	bias := int32(1 + odd)
	for x, v := range near {
		dst[x] = uint8((3*int32(v) + int32(far[x]) + bias) >> 2)
	}
	return dst
}

// rowWide interpolates along the row (4:2:2), weights 3/4 and 1/4.
func (c *chroma) rowWide(near, dst []uint8) []uint8 {
	last := c.width - 1
	dst[0] = near[0]
	for x := range last {
		a, b := int32(near[x]), int32(near[x+1])
		dst[2*x+1] = uint8((3*a + b + 2) >> 2)
		dst[2*x+2] = uint8((3*b + a + 1) >> 2)
	}
	dst[2*last+1] = near[last]
	return dst
}

// rowBoth interpolates in both directions (4:2:0), weights 9, 3, 3 and 1
// sixteenths.
func (c *chroma) rowBoth(near, far, dst []uint8) []uint8 {
	sums := c.sums
	for x, v := range near {
		sums[x] = 3*int32(v) + int32(far[x])
	}
	last := c.width - 1
	dst[0] = uint8((4*sums[0] + 8) >> 4)
	for x := range last {
		a, b := sums[x], sums[x+1]
		dst[2*x+1] = uint8((3*a + b + 7) >> 4)
		dst[2*x+2] = uint8((3*b + a + 8) >> 4)
	}
	dst[2*last+1] = uint8((4*sums[last] + 7) >> 4)
	return dst
}
