package models

import (
	"fmt"

	"gradgrad/autograd"
	"gradgrad/layers"
)

// wideResNet is WRN-depth-width (Zagoruyko and Komodakis, arXiv 1605.07146) as
// in the outlier-exposure code: three groups of n = (depth-4)/6 pre-activation
// blocks with 16, 32 and 64 times width channels.
func wideResNet(b *layers.Builder, depth, width int, dropout float64) (body, int) {
	b.ConvInit, b.LinearBiasInit = layers.KaimingFanOut, layers.Zero
	stem := b.Conv("conv1", 3, 3, 16, autograd.Square(1, 1))
	in, stages := 16, make([]stage, 3)
	for g, out := range []int{16 * width, 32 * width, 64 * width} {
		stages[g].name = fmt.Sprintf("block%d", g+1)
		for i := range (depth - 4) / 6 {
			stride := 1
			if g > 0 && i == 0 {
				stride = 2
			}
			at := b.In(fmt.Sprintf("block%d.layer.%d", g+1, i))
			stages[g].blocks = append(stages[g].blocks, newWideBlock(at, in, out, stride, dropout))
			in = out
		}
	}
	norm := b.BatchNorm("bn1", in, true)
	return func(p *layers.Pass, x *autograd.Value) *autograd.Value {
		h := stem.Forward(p, x)
		p.Stage("conv1", h)
		h = run(p, h, stages)
		return pooled(p.Consume(h, norm))
	}, in
}

// wideBlock is ReLU(BN) - conv3x3 - ReLU(BN) - dropout - conv3x3, added to the
// block's input. Where the number of channels changes, the shortcut is a 1x1
// convolution of the activated input, not of the input itself.
type wideBlock struct {
	norm1, norm2         *layers.BatchNorm2D
	conv1, conv2, across *layers.Conv2D // across is nil for an identity shortcut
	dropout              layers.Dropout
}

func newWideBlock(b *layers.Builder, in, out, stride int, dropout float64) *wideBlock {
	w := &wideBlock{
		norm1: b.BatchNorm("bn1", in, true), conv1: b.Conv("conv1", 3, in, out, autograd.Square(stride, 1)),
		norm2: b.BatchNorm("bn2", out, true), conv2: b.Conv("conv2", 3, out, out, autograd.Square(1, 1)),
		dropout: layers.Dropout{P: dropout},
	}
	if in != out {
		w.across = b.Conv("convShortcut", 1, in, out, autograd.Square(stride, 0))
	}
	return w
}

func (w *wideBlock) consume(p *layers.Pass, x *autograd.Value) *autograd.Value {
	a := w.norm1.Forward(p, x)
	if w.across != nil {
		x.Done()
		x = w.across.Forward(p, a)
	}
	h := p.Consume(a, w.conv1, w.norm2, w.dropout)
	y := w.conv2.ForwardAdd(p, h, x)
	h.Done()
	x.Done()
	return y
}
