package kernels

import "encoding/binary"

// ImageAttr is the attribute of [Images]: N images of H x W pixels in red, green and
// blue, and by channel the constants of the normalisation.
type ImageAttr struct {
	N, H, W   int
	Mean, Std [3]float32
}

// Bytes is the length of the operand.
func (a *ImageAttr) Bytes() int { return a.N * (imageHead + a.H*a.W*3) }

// imageHead is the bytes that say where an image is moved.
const imageHead = 12

// Images moves, mirrors and normalises images of bytes. In packed, whose memory holds
// bytes ([WriteBytes]): for each of the N images three little-endian integers of 32 bits,
// DY, DX and Mirror (0 or 1); behind them the images, [N][H][W][3]. Out y [N][H][W][3]:
// pixel (y, x) of the result is pixel (y+DY, x+DX) of the image, or (y+DY, W-1-x+DX)
// where it is mirrored, and black (0) outside of it; a byte v of channel c becomes
// (v/255 - Mean[c])/Std[c], rounded after each operation.
var Images = New("images", imagesKernel[float32], imagesKernel[float64])

func imagesKernel[T Float](a *Args) {
	at := a.Attr.(*ImageAttr)
	packed := bytesOf(Data[T](a.In[0]))[:at.Bytes()]
	share(at.N, imagesJob[T]{at, packed[:at.N*imageHead], packed[at.N*imageHead:], Data[T](a.Out[0])})
}

// imagesJob is an image to a task.
type imagesJob[T Float] struct {
	*ImageAttr
	heads, pixels []byte
	y             []T
}

func (j *imagesJob[T]) piece(i int) {
	word := func(k int) int { return int(int32(binary.LittleEndian.Uint32(j.heads[i*imageHead+4*k:]))) }
	dy, dx, mirror := word(0), word(1), word(2) != 0
	n := j.H * j.W * 3
	image, to := j.pixels[i*n:][:n], j.y[i*n:][:n]
	for y := range j.H {
		for x := range j.W {
			sy, sx := y+dy, x+dx
			if mirror {
				sx = j.W - 1 - x + dx
			}
			inside := sy >= 0 && sy < j.H && sx >= 0 && sx < j.W
			for c := range 3 {
				var v T
				if inside {
					v = T(image[(sy*j.W+sx)*3+c])
				}
				to[(y*j.W+x)*3+c] = (v/255 - T(j.Mean[c])) / T(j.Std[c])
			}
		}
	}
}
