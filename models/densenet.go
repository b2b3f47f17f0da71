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
	var stages []stage
	for g := 1; g <= 3; g++ {
		var s stage
		s, c = denseStage(b, fmt.Sprintf("block%d", g), "layer.%d", "bn", n, 0, c, growth)
		stages = append(stages, s)
		if g < 3 {
			out := int(math.Floor(float64(c) * reduction))
			t := newTransition(b.In(fmt.Sprintf("trans%d", g)), "bn1", "conv1", c, out)
			stages, c = append(stages, stage{fmt.Sprintf("trans%d", g), []block{t}}), out
		}
	}
	return denseBody([]layers.Layer{stem}, stages, b.BatchNorm("bn1", c, true)), c
}

// denseNet121 is the network for large images: blocks of 6, 12, 24 and 16
// layers with growth 32.
func denseNet121(b *layers.Builder) (body, int) {
	b.ConvInit, b.LinearBiasInit = layers.KaimingFanIn, layers.Zero
	f := b.In("features")
	c := 64
	stem := []layers.Layer{f.Conv("conv0", 7, 3, c, autograd.Square(2, 3)), f.BatchNorm("norm0", c, true), maxPool{}}
	var stages []stage
	for g, n := range []int{6, 12, 24, 16} {
		var s stage
		s, c = denseStage(f, fmt.Sprintf("denseblock%d", g+1), "denselayer%d", "norm", n, 1, c, 32)
		stages = append(stages, s)
		if g < 3 {
			name := fmt.Sprintf("transition%d", g+1)
			stages, c = append(stages, stage{name, []block{newTransition(f.In(name), "norm", "conv", c, c/2)}}), c/2
		}
	}
	return denseBody(stem, stages, f.BatchNorm("norm5", c, true)), c
}

// denseBody ends with a batch norm, ReLU and the pool.
func denseBody(stem []layers.Layer, stages []stage, norm *layers.BatchNorm2D) body {
	return func(p *layers.Pass, x *autograd.Value) *autograd.Value {
		h := p.Through(x, stem...)
		p.Stage("conv1", h)
		h = run(p, h, stages)
		a := p.Consume(h, norm)
		p.Stage("relu(bn1)", a)
		return pooled(a)
	}
}

// denseStage makes n dense layers on in channels, numbered from first, and
// returns them with the number of channels behind them.
func denseStage(b *layers.Builder, name, layer, norm string, n, first, in, growth int) (stage, int) {
	s := stage{name: name}
	for i := range n {
		at := b.In(name).In(fmt.Sprintf(layer, i+first))
		s.blocks = append(s.blocks, &denseLayer{[]layers.Layer{
			at.BatchNorm(norm+"1", in, true), at.Conv("conv1", 1, in, 4*growth, autograd.Square(1, 0)),
			at.BatchNorm(norm+"2", 4*growth, true), at.Conv("conv2", 3, 4*growth, growth, autograd.Square(1, 1)),
		}})
		in += growth
	}
	return s, in
}

// denseLayer appends new channels to its input: ReLU(BN) - conv1x1 - ReLU(BN) -
// conv3x3.
type denseLayer struct{ inner []layers.Layer }

func (d *denseLayer) consume(p *layers.Pass, x *autograd.Value) *autograd.Value {
	grown := p.Through(x, d.inner...)
	y := autograd.Concat(-1, x, grown)
	x.Done()
	grown.Done()
	return y
}

// transition is ReLU(BN) - conv1x1 - average pool 2x2.
type transition struct{ inner []layers.Layer }

func newTransition(b *layers.Builder, norm, conv string, in, out int) *transition {
	return &transition{[]layers.Layer{b.BatchNorm(norm, in, true), b.Conv(conv, 1, in, out, autograd.Square(1, 0)), halve{}}}
}

func (t *transition) consume(p *layers.Pass, x *autograd.Value) *autograd.Value {
	return p.Consume(x, t.inner...)
}

// halve averages 2x2 pixels.
type halve struct{}

func (halve) Forward(_ *layers.Pass, x *autograd.Value) *autograd.Value {
	return autograd.AvgPool(x, 2, autograd.Square(2, 0))
}
