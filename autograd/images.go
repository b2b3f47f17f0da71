package autograd

import (
	"fmt"

	"gradgrad/kernels"
)

// Bytes copies bytes to the tape's memory: a constant whose elements mean nothing, for
// operations that want bytes, such as [Tape.Images].
func (t *Tape) Bytes(b []byte) *Value {
	v := alloc(t.dev, t, checkShape("bytes", []int{kernels.ByteElements(len(b))}))
	kernels.WriteBytes(t.dev, v.store.buf, b)
	return v
}

// Images makes a constant [N, H, W, 3] of images that were packed as [kernels.Images]
// says, and are bytes on the device.
func (t *Tape) Images(packed *Value, at *kernels.ImageAttr) *Value {
	if packed.Size() != kernels.ByteElements(at.Bytes()) {
		panic(&ShapeError{Op: "images", Shapes: [][]int{packed.shape}, Want: fmt.Sprintf("%d bytes, of %d images of %dx%d", at.Bytes(), at.N, at.H, at.W)})
	}
	v := alloc(t.dev, t, checkShape("images", []int{at.N, at.H, at.W, 3}))
	t.dev.Run(kernels.Images, &kernels.Args{Out: []kernels.Buffer{v.store.buf}, In: []kernels.Buffer{packed.Buffer()}, Attr: at})
	return v
}
