package models

import (
	"fmt"
	"math"

	"gradgrad/autograd"
	"gradgrad/layers"
)

// denseLayers is the number of layers in each of the three blocks of a
// DenseNet-BC: (depth-4)/3, halved because a layer has two convolutions.
func denseLayers(depth int) int { return (depth - 4) / 3 / 2 }

// denseNet is DenseNet-BC for 32x32 images (Huang et al., arXiv 1608.06993).
// Convolutions begin as N(0, √(2/n)) with n the number of layers in a block, as
// in all published OOD code: a variable of the original's initialisation, n =
// k²·out, was overwritten there.
func denseNet(b *layers.Builder, depth, growth int, reduction float64) (body, int) {
	n := denseLayers(depth)
	b.ConvInit, b.LinearBiasInit = layers.Normal(math.Sqrt(2/float64(n))), layers.Zero
	c := 2 * growth
	stem := b.Conv("conv1", 3, 3, c, autograd.Square(1, 1))
	var blocks []*denseBlock
	for g := 1; g <= 3; g++ {
		block := newDenseBlock(b, fmt.Sprintf("block%d", g), "layer.%d", "bn", n, 0, c, growth)
		blocks, c = append(blocks, block), c+n*growth
		if g < 3 {
			out := int(math.Floor(float64(c) * reduction))
			block.shrink(b, fmt.Sprintf("trans%d", g), "bn1", "conv1", c, out)
			c = out
		}
	}
	return denseBody([]layers.Layer{stem}, blocks, b.BatchNorm("bn1", c, true)), c
}

// denseNet121 is the network for large images: blocks of 6, 12, 24 and 16
// layers with growth 32.
func denseNet121(b *layers.Builder) (body, int) {
	b.ConvInit, b.LinearBiasInit = layers.KaimingFanIn, layers.Zero
	f := b.In("features")
	c := 64
	stem := []layers.Layer{f.Conv("conv0", 7, 3, c, autograd.Square(2, 3)), f.BatchNorm("norm0", c, true), maxPool{}}
	var blocks []*denseBlock
	for g, n := range []int{6, 12, 24, 16} {
		block := newDenseBlock(f, fmt.Sprintf("denseblock%d", g+1), "denselayer%d", "norm", n, 1, c, 32)
		blocks, c = append(blocks, block), c+n*32
		if g < 3 {
			block.shrink(f, fmt.Sprintf("transition%d", g+1), "norm", "conv", c, c/2)
			c /= 2
		}
	}
	return denseBody(stem, blocks, f.BatchNorm("norm5", c, true)), c
}

// denseBody ends with a batch norm of the last block's channels, ReLU and the pool.
func denseBody(stem []layers.Layer, blocks []*denseBlock, norm *layers.BatchNorm2D) body {
	return func(p *layers.Pass, x *autograd.Value) *autograd.Value {
		h := p.Through(x, stem...)
		p.Stage("conv1", h)
		var c *layers.Channels
		for _, b := range blocks {
			c = b.grow(p, h)
			if b.transition != nil {
				h = b.transition.forward(p, c)
			}
		}
		a := c.ReLU(norm)
		c.Done()
		p.Stage("relu(bn1)", a)
		return pooled(a)
	}
}

// denseBlock appends new channels to its input, layer by layer; the transition
// behind it, nil in the last block, makes one value of them.
type denseBlock struct {
	name       string
	layers     []*layers.DenseLayer
	transition *transition
}

// newDenseBlock makes n dense layers on in channels, numbered from first.
func newDenseBlock(b *layers.Builder, name, layer, norm string, n, first, in, growth int) *denseBlock {
	d := &denseBlock{name: name}
	for i := range n {
		at := b.In(name).In(fmt.Sprintf(layer, i+first))
		l := &layers.DenseLayer{Norm1: at.BatchNorm(norm+"1", in, true), Conv1: at.Conv("conv1", 1, in, 4*growth, autograd.Square(1, 0))}
		l.Norm2 = at.BatchNorm(norm+"2", 4*growth, true)
		l.Norm2.Lean = true // its result is four times as wide as what the layer adds
		l.Conv2 = at.Conv("conv2", 3, 4*growth, growth, autograd.Square(1, 1))
		d.layers = append(d.layers, l)
		in += growth
	}
	return d
}

// grow returns the channels of x, which it consumes, and those of the layers.
func (d *denseBlock) grow(p *layers.Pass, x *autograd.Value) *layers.Channels {
	c := p.Channels()
	c.Add(x)
	c.Grow(d.layers...)
	c.Stage(d.name)
	return c
}

// transition is ReLU(BN) - conv1x1 - average pool 2x2.
type transition struct {
	name string
	norm *layers.BatchNorm2D
	conv *layers.Conv2D
}

// shrink puts a transition from in to out channels behind the block.
func (d *denseBlock) shrink(b *layers.Builder, name, norm, conv string, in, out int) {
	at := b.In(name)
	d.transition = &transition{name, at.BatchNorm(norm, in, true), at.Conv(conv, 1, in, out, autograd.Square(1, 0))}
}

// forward consumes the channels.
func (t *transition) forward(p *layers.Pass, c *layers.Channels) *autograd.Value {
	y := c.Conv(t.norm, t.conv)
	c.Done()
	h := autograd.AvgPool(y, 2, autograd.Square(2, 0))
	y.Done()
	p.Stage(t.name, h)
	return p.Next(h)
}
