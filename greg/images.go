package greg

import (
	"gradgrad/autograd"
	"gradgrad/datasets"
	"gradgrad/kernels"
)

// ownMemory says whether a device has memory of its own. One that has is sent images as
// bytes, a quarter of what float32 takes, and moves, mirrors and normalises them itself;
// on the CPU that is done while they are read, by the goroutines that read ahead. And it
// does k-means itself.
func ownMemory(dev kernels.Device) bool {
	_, ok := dev.(kernels.ByteDevice)
	return ok
}

// sender puts batches of bytes on a tape.
type sender struct {
	packed []byte // used again
	attr   kernels.ImageAttr
}

// send returns the images of all batches as one value, [N, H, W, 3].
func (s *sender) send(t *autograd.Tape, n datasets.Normalization, batches ...*datasets.Batch) *autograd.Value {
	s.packed = datasets.AppendPacked(s.packed[:0], batches...)
	s.attr = kernels.ImageAttr{H: batches[0].H, W: batches[0].W}
	for _, b := range batches {
		s.attr.N += b.N
	}
	s.attr.Mean, s.attr.Std = n.Constants()
	packed := t.Bytes(s.packed)
	defer packed.Done()
	return t.Images(packed, &s.attr)
}

// imagesOf puts a batch on a tape, whatever it is made of.
func (s *sender) imagesOf(t *autograd.Tape, n datasets.Normalization, b *datasets.Batch) *autograd.Value {
	if b.Pixels != nil {
		return s.send(t, n, b)
	}
	return t.New(b.Images, b.N, b.H, b.W, 3)
}
