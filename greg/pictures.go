package greg

import (
	"gradgrad/autograd"
	"gradgrad/datasets"
	"gradgrad/kernels"
)

// pictures is where images come to a device that can replay work: as bytes, which it
// moves, mirrors and normalises itself, or as numbers.
type pictures struct {
	value *autograd.Value
	attr  *kernels.ImageAttr // nil for numbers
}

// newPictures makes room for n images of h x w pixels.
func newPictures(dev kernels.Device, norm datasets.Normalization, bytes bool, n, h, w int) pictures {
	if !bytes {
		return pictures{value: autograd.Full(dev, 0, n, h, w, 3)}
	}
	at := &kernels.ImageAttr{N: n, H: h, W: w}
	at.Mean, at.Std = norm.Constants()
	return pictures{value: autograd.Full(dev, 0, kernels.ByteElements(at.Bytes())), attr: at}
}

// fill puts batches into the host's memory for them.
func (p *pictures) fill(host []float32, batches []*datasets.Batch) {
	if p.attr != nil {
		datasets.AppendPacked(kernels.BytesOf(host)[:0], batches...)
		return
	}
	for _, b := range batches {
		host = host[copy(host, b.Images):]
	}
}

// on puts the images that came last on the tape, [n, h, w, 3].
func (p *pictures) on(t *autograd.Tape) *autograd.Value {
	v := t.Watch(p.value).Detach()
	if p.attr == nil {
		return v
	}
	defer v.Done()
	return t.Images(v, p.attr)
}
