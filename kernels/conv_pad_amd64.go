//go:build amd64 && !noasm

package kernels

// padded is how an image lies in scratch, with zeros around it.
type padded struct {
	inH, inW, inC int // the image
	top, left     int // zeros above and left of it
	rows, cols    int // the size of the copy
	pixel         int // floats from pixel to pixel in the copy
}

// floats is the length of the copy.
func (c *padded) floats() int { return c.rows * c.cols * c.pixel }

// pad copies an image from row first on, with zeros where there is none.
func (c *padded) pad(dst, img []float32, first int) {
	line := c.cols * c.pixel
	inside := min(c.inW, c.cols-c.left) // pixels of a line that come from the image
	for r := range c.rows {
		d := dst[r*line:][:line]
		h := first + r
		if h < 0 || h >= c.inH {
			clear(d)
			continue
		}
		src := img[h*c.inW*c.inC:][:c.inW*c.inC]
		clear(d[:c.left*c.pixel])
		if c.pixel == c.inC {
			copy(d[c.left*c.pixel:], src[:inside*c.inC])
		} else {
			for i := range inside {
				copy(d[(c.left+i)*c.pixel:], src[i*c.inC:][:c.inC])
			}
		}
		clear(d[(c.left+inside)*c.pixel:])
	}
}

// pixelStride is the distance of pixels in scratch: pixels a multiple of 2048
// bytes apart would share a few sets of the cache.
func pixelStride(channels int) int {
	if channels%512 == 0 {
		return channels + 16
	}
	return channels
}
