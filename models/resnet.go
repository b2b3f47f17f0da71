package models

import (
	"fmt"

	"gradgrad/autograd"
	"gradgrad/layers"
)

// resNet18 is ResNet-18 (He et al., arXiv 1512.03385) for 32x32 images: a 3x3
// stem and no max-pool.
func resNet18(b *layers.Builder) (body, int) {
	b.ConvInit = layers.UniformFanIn
	stem := []layers.Layer{b.Conv("conv1", 3, 3, 64, autograd.Square(1, 1)), b.BatchNorm("bn1", 64, true)}
	return resNet(b, stem, "shortcut")
}

// resNet18ImageNet has the stem for large images: 7x7 with stride 2, then a
// max-pool.
func resNet18ImageNet(b *layers.Builder) (body, int) {
	b.ConvInit = layers.KaimingFanOut
	stem := []layers.Layer{b.Conv("conv1", 7, 3, 64, autograd.Square(2, 3)), b.BatchNorm("bn1", 64, true), maxPool{}}
	return resNet(b, stem, "downsample")
}

// maxPool is the pool of the stems for large images.
type maxPool struct{}

func (maxPool) Forward(_ *layers.Pass, x *autograd.Value) *autograd.Value {
	return autograd.MaxPool(x, 3, autograd.Square(2, 1))
}

// resNet puts four stages of two basic blocks behind a stem.
func resNet(b *layers.Builder, stem []layers.Layer, shortcut string) (body, int) {
	in, stages := 64, make([]stage, 4)
	for g, out := range []int{64, 128, 256, 512} {
		stages[g].name = fmt.Sprintf("layer%d", g+1)
		for i := range 2 {
			stride := 1
			if g > 0 && i == 0 {
				stride = 2
			}
			at := b.In(fmt.Sprintf("layer%d.%d", g+1, i))
			stages[g].blocks = append(stages[g].blocks, newBasicBlock(at, in, out, stride, shortcut))
			in = out
		}
	}
	return func(p *layers.Pass, x *autograd.Value) *autograd.Value {
		h := p.Through(x, stem...)
		p.Stage("conv1", h)
		return pooled(run(p, h, stages))
	}, in
}

// basicBlock is conv3x3 - BN - ReLU - conv3x3 - BN, added to its input (through
// a 1x1 convolution and BN where the shape changes), then ReLU.
type basicBlock struct {
	inner, across []layers.Layer // across is empty for an identity shortcut
	last          *layers.BatchNorm2D
}

func newBasicBlock(b *layers.Builder, in, out, stride int, shortcut string) *basicBlock {
	r := &basicBlock{inner: []layers.Layer{
		b.Conv("conv1", 3, in, out, autograd.Square(stride, 1)), b.BatchNorm("bn1", out, true),
		b.Conv("conv2", 3, out, out, autograd.Square(1, 1)),
	}, last: b.BatchNorm("bn2", out, false)}
	if stride != 1 || in != out {
		s := b.In(shortcut)
		r.across = []layers.Layer{s.Conv("0", 1, in, out, autograd.Square(stride, 0)), s.BatchNorm("1", out, false)}
	}
	return r
}

func (r *basicBlock) consume(p *layers.Pass, x *autograd.Value) *autograd.Value {
	y := p.Through(x, r.inner...)
	if len(r.across) > 0 {
		x = p.Consume(x, r.across...)
	}
	z := r.last.ForwardAdd(p, y, x)
	y.Done()
	x.Done()
	return z
}
