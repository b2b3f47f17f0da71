package cuda

import "gradgrad/kernels"

func init() { register(images, "images") }

// WriteBytes implements [kernels.ByteDevice].
func (d *Device) WriteBytes(dst kernels.Buffer, src []byte) {
	b := d.of(dst)
	d.wait()
	if n := min(4*b.n, len(src)); n > 0 {
		d.must("copying to the device", d.copyIn(b.at, src[:n]))
	}
}

// images moves, mirrors and normalises, an element of the result to a thread.
func images(l *launch) {
	at := l.Attr.(*kernels.ImageAttr)
	n := l.Out[0].Len()
	l.ptr(l.Out[0], l.In[0]).num(n, at.N*imageHead).divisor(3).divisor(at.W).divisor(at.H)
	for c := range 3 {
		l.float(float64(at.Mean[c]), float64(at.Std[c]))
	}
	l.flat("images", n)
}

// imageHead is the bytes in front of the pixels for each image.
const imageHead = 12
