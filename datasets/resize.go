package datasets

import "math"

// Pillow keeps resampling weights as integers with this many bits behind the
// binary point.
const resizeBits = 22

// Resize scales m to width x height by bilinear interpolation with a filter
// that grows with the shrinking factor (antialiased). The result is equal, bit
// for bit, to Pillow's Image.resize((width, height), BILINEAR): weights in
// 22-bit fixed point, rows first, then columns, rounded to uint8 in between.
func (m Image) Resize(width, height int) Image {
	return m.resizeWindow(width, height, window{0, 0, width, height})
}

// window is a part of an image: w x h pixels from (x, y).
type window struct{ x, y, w, h int }

// resizeWindow gives the part win of m.Resize(width, height) without computing
// the rest, so that a very long and thin image costs no more than what is kept
// of it.
func (m Image) resizeWindow(width, height int, win window) Image {
	if width < 1 || height < 1 || m.Width < 1 || m.Height < 1 {
		panic(&MisuseError{Op: "Resize", Detail: sizes(m.Width, m.Height, width, height)})
	}
	rows := window{0, win.y, m.Width, win.h}
	if height != m.Height {
		// The vertical filter reads only these rows of the image between.
		first, last := filterSpan(m.Height, height, win.y, win.h)
		rows.y, rows.h = first, last-first
	}
	mid := m.crop(window{0, rows.y, m.Width, rows.h})
	if width == m.Width {
		mid = mid.crop(window{win.x, 0, win.w, rows.h})
	} else {
		mid = mid.resampleRows(newFilter(m.Width, width, win.x, win.w))
	}
	if height == m.Height {
		return mid
	}
	return mid.resampleColumns(newFilter(m.Height, height, win.y, win.h), rows.y)
}

// crop shares no memory with m unless the window is all of m.
func (m Image) crop(win window) Image {
	if win == (window{0, 0, m.Width, m.Height}) {
		return m
	}
	out := newImage(win.w, win.h)
	for y := range win.h {
		src := 3 * ((win.y+y)*m.Width + win.x)
		copy(out.Pix[3*y*win.w:3*(y+1)*win.w], m.Pix[src:])
	}
	return out
}

// filter holds, for a run of output positions, which input positions each one
// averages and with which weights.
type filter struct {
	start   []int
	weights [][]int32
}

// span is the range of inputs that output position i of outSize averages, and
// the centre of that position on the input axis.
func span(inSize, outSize, i int) (center, reach float64, first, last int) {
	scale := float64(inSize) / float64(outSize)
	reach = max(scale, 1)
	center = (float64(i) + 0.5) * scale
	first = max(int(center-reach+0.5), 0)
	last = min(int(center+reach+0.5), inSize)
	return center, reach, first, last
}

func filterSpan(inSize, outSize, from, n int) (first, last int) {
	_, _, first, _ = span(inSize, outSize, from)
	_, _, _, last = span(inSize, outSize, from+n-1)
	return first, last
}

// newFilter computes the weights for n output positions starting at from.
func newFilter(inSize, outSize, from, n int) filter {
	f := filter{start: make([]int, n), weights: make([][]int32, n)}
	var exact []float64
	for i := range n {
		center, reach, first, last := span(inSize, outSize, from+i)
		inverse := 1 / reach
		exact = exact[:0]
		sum := 0.0
		for x := first; x < last; x++ {
			w := max(1-math.Abs((float64(x)-center+0.5)*inverse), 0)
			exact = append(exact, w)
			sum += w
		}
		weights := make([]int32, len(exact))
		for k, w := range exact {
			if sum != 0 {
				w /= sum
			}
			weights[k] = int32(w*(1<<resizeBits) + 0.5)
		}
		f.start[i], f.weights[i] = first, weights
	}
	return f
}

func (m Image) resampleRows(f filter) Image {
	out := newImage(len(f.start), m.Height)
	for y := range m.Height {
		row := m.Pix[3*y*m.Width : 3*(y+1)*m.Width]
		for x, start := range f.start {
			r, g, b := int32(1<<(resizeBits-1)), int32(1<<(resizeBits-1)), int32(1<<(resizeBits-1))
			src := row[3*start:]
			for k, w := range f.weights[x] {
				p := src[3*k : 3*k+3 : 3*k+3]
				r += int32(p[0]) * w
				g += int32(p[1]) * w
				b += int32(p[2]) * w
			}
			dst := out.Pix[3*(y*out.Width+x):][:3]
			dst[0], dst[1], dst[2] = fixedToByte(r), fixedToByte(g), fixedToByte(b)
		}
	}
	return out
}

// resampleColumns filters down the columns of m, whose first row is row
// firstRow of the image that the filter was made for.
func (m Image) resampleColumns(f filter, firstRow int) Image {
	out := newImage(m.Width, len(f.start))
	stride := 3 * m.Width
	sums := make([]int32, stride)
	for y, start := range f.start {
		for i := range sums {
			sums[i] = 1 << (resizeBits - 1)
		}
		for k, w := range f.weights[y] {
			row := m.Pix[(start-firstRow+k)*stride:][:stride]
			for i, v := range row {
				sums[i] += int32(v) * w
			}
		}
		dst := out.Pix[y*stride:][:stride]
		for i, s := range sums {
			dst[i] = fixedToByte(s)
		}
	}
	return out
}

func fixedToByte(v int32) uint8 {
	return uint8(min(max(v>>resizeBits, 0), 255))
}
