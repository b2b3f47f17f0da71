package models

import (
	"fmt"
	"math"
	"testing"

	"gradgrad/autograd"
	"gradgrad/kernels"
	"gradgrad/layers"
)

// joinedDenseNet is the definition of denseNet: every layer normalises all
// channels before it, joined.
func joinedDenseNet(b *layers.Builder, depth, growth int) (body, int) {
	n, c := denseLayers(depth), 2*growth
	join := func(f func(p *layers.Pass, x *autograd.Value) *autograd.Value) blockFunc {
		return func(p *layers.Pass, x *autograd.Value) *autograd.Value { return autograd.Concat(-1, x, f(p, x)) }
	}
	stem := b.Conv("conv1", 3, 3, c, autograd.Square(1, 1))
	var stages []stage
	for g := 1; g <= 3; g++ {
		s := stage{name: fmt.Sprintf("block%d", g)}
		for i := range n {
			at := b.In(s.name).In(fmt.Sprintf("layer.%d", i))
			inner := []layers.Layer{
				at.BatchNorm("bn1", c, true), at.Conv("conv1", 1, c, 4*growth, autograd.Square(1, 0)),
				at.BatchNorm("bn2", 4*growth, true), at.Conv("conv2", 3, 4*growth, growth, autograd.Square(1, 1)),
			}
			s.blocks = append(s.blocks, join(func(p *layers.Pass, x *autograd.Value) *autograd.Value { return p.Through(x, inner...) }))
			c += growth
		}
		stages = append(stages, s)
		if g < 3 {
			at := b.In(fmt.Sprintf("trans%d", g))
			shrink := []layers.Layer{at.BatchNorm("bn1", c, true), at.Conv("conv1", 1, c, c/2, autograd.Square(1, 0))}
			c /= 2
			stages = append(stages, stage{fmt.Sprintf("trans%d", g), []block{blockFunc(func(p *layers.Pass, x *autograd.Value) *autograd.Value {
				return autograd.AvgPool(p.Through(x, shrink...), 2, autograd.Square(2, 0))
			})}})
		}
	}
	norm := b.BatchNorm("bn1", c, true)
	return func(p *layers.Pass, x *autograd.Value) *autograd.Value {
		h := stem.Forward(p, x)
		p.Stage("conv1", h)
		a := norm.Forward(p, run(p, h, stages))
		p.Stage("relu(bn1)", a)
		return autograd.GlobalAvgPool(a)
	}, c
}

type blockFunc func(p *layers.Pass, x *autograd.Value) *autograd.Value

func (f blockFunc) consume(p *layers.Pass, x *autograd.Value) *autograd.Value { return f(p, x) }

// denseNumbers are all numbers of a network that a training step or an
// evaluation makes.
func denseNumbers(m Model, train bool, updates int) map[string][]float64 {
	tape := autograd.NewTape(kernels.CPU64)
	defer tape.Close()
	p := &layers.Pass{Tape: tape, Train: train, StatUpdates: updates}
	all := map[string][]float64{}
	p.Hook = func(stage string, v *autograd.Value) { all["stage "+stage] = v.Float64s() }
	const n, size = 4, 8
	x := tape.Watch(tape.New64(draw(7, n*size*size*3), n, size, size, 3))
	logits, features := m.Forward(p, x)
	g := autograd.Grad(autograd.Sum(autograd.LogSumExp(logits)), x)[0]
	all["logits"], all["features"], all["input gradient"] = logits.Float64s(), features.Float64s(), g.Float64s()
	loss := autograd.Add(autograd.CrossEntropy(logits, tape.Labels([]int{0, 1, 2, 0}, 3)), autograd.Mean(autograd.Norm(g)))
	autograd.Backward(loss, m.Params()...)
	for _, q := range m.Params() {
		if q.Grad() != nil {
			all["gradient of "+q.Name] = q.Grad().Float64s()
			q.ClearGrad()
		}
	}
	for _, b := range m.Buffers() {
		if b.Value != nil {
			all[b.Name] = b.Value.Float64s()
		} else {
			all[b.Name] = []float64{float64(b.Count)}
		}
	}
	return all
}

// TestDenseNetIsWhatItIsDefinedAs compares the network that never joins channels
// with the one that always does: outputs, stages, gradients that contain second
// derivatives, running statistics.
func TestDenseNetIsWhatItIsDefinedAs(t *testing.T) {
	const depth, growth = 22, 5 // three layers in a block
	for _, mode := range []struct {
		train   bool
		updates int
	}{{true, 1}, {true, 2}, {true, 0}, {false, 0}} {
		b := layers.NewBuilder(kernels.CPU64, 1)
		body, features := joinedDenseNet(b, depth, growth)
		joined := &network{Builder: b, cfg: Config{Arch: fmt.Sprintf("densenet-%d-%d", depth, growth), Classes: 3}, body: body, head: b.Linear("fc", features, 3)}
		m := newModel(t, joined.cfg, kernels.CPU64, 1)
		fill(t, joined)
		fill(t, m)
		want, got := denseNumbers(joined, mode.train, mode.updates), denseNumbers(m, mode.train, mode.updates)
		if len(got) != len(want) {
			t.Errorf("%+v: %d quantities, want %d", mode, len(got), len(want))
		}
		for what, w := range want {
			var diff, top float64
			for i, v := range w {
				diff, top = max(diff, math.Abs(got[what][i]-v)), max(top, math.Abs(v))
			}
			if !(diff <= 1e-10*max(top, 1e-3)) {
				t.Errorf("%+v: %s differs by %.3g of %.3g", mode, what, diff, top)
			}
		}
	}
}

// penaltyPeak is the largest memory, in bytes, of a step with a gradient penalty.
func penaltyPeak(t *testing.T, arch string, images int) int64 {
	t.Helper()
	m := blank(t, Config{Arch: arch, Classes: 10})
	tape := autograd.NewTape(shapesOnly{})
	x := tape.Watch(tape.Full(0, images, 32, 32, 3))
	logits, _ := m.Forward(layers.Training(tape, 1, 0), x)
	s := autograd.Sum(autograd.LogSumExp(logits))
	g := autograd.Grad(s, x)[0]
	autograd.Backward(autograd.Add(s, autograd.Sum(autograd.Norm(g))), m.Params()...)
	_, most, _ := tape.Memory()
	return most
}

// TestDenseNetMemory: a layer costs the same memory however many come before it,
// although it reads the channels of them all.
func TestDenseNetMemory(t *testing.T) {
	peak := func(layers int) int64 { return penaltyPeak(t, fmt.Sprintf("densenet-%d-12", 6*layers+4), 8) }
	early, late := peak(6)-peak(4), peak(24)-peak(22)
	if float64(late) > 1.1*float64(early) {
		t.Errorf("two layers more in each block cost %d bytes behind 4, %d behind 22", early, late)
	}
	const most = 1700 << 20
	if got := penaltyPeak(t, "densenet101", 128); got > most {
		t.Errorf("a step of densenet101 on 128 images holds %d MiB, want at most %d", got>>20, most>>20)
	}
}
