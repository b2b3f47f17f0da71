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

// sender puts batches on the tape of a device that replays nothing.
type sender struct {
	packed []byte // used again
	attr   kernels.ImageAttr
}

// imagesOf puts a batch on a tape, whatever it is made of: [N, H, W, 3].
func (s *sender) imagesOf(t *autograd.Tape, n datasets.Normalization, b *datasets.Batch) *autograd.Value {
	if b.Pixels == nil {
		return t.New(b.Images, b.N, b.H, b.W, 3)
	}
	s.packed = datasets.AppendPacked(s.packed[:0], b)
	s.attr = kernels.ImageAttr{N: b.N, H: b.H, W: b.W}
	s.attr.Mean, s.attr.Std = n.Constants()
	packed := t.Bytes(s.packed)
	defer packed.Done()
	return t.Images(packed, &s.attr)
}
