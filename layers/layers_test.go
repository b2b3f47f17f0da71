package layers

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"gradgrad/autograd"
	"gradgrad/autograd/gradcheck"
	"gradgrad/kernels"
)

// TestRunningStatistics compares one, two and no updates with the definition.
func TestRunningStatistics(t *testing.T) {
	x := []float64{1, 10, 2, 30, 4, 20, 9, 60} // [4, 1, 1, 2]
	mean := [2]float64{4, 30}
	unbiased := [2]float64{38. / 3, 1400. / 3}
	for _, times := range []int{0, 1, 2} {
		b := NewBuilder(kernels.CPU64, 1)
		n := b.BatchNorm("bn", 2, false)
		tape := autograd.NewTape(kernels.CPU64)
		p := Training(tape, 1, 0)
		p.StatUpdates = times
		n.Forward(p, tape.New64(x, 4, 1, 1, 2))
		gotMean, gotVar := n.Mean.Value.Float64s(), n.Var.Value.Float64s()
		for c := range 2 {
			m, v := 0., 1.
			for range times {
				m, v = 0.9*m+0.1*mean[c], 0.9*v+0.1*unbiased[c]
			}
			if math.Abs(gotMean[c]-m) > 1e-12 || math.Abs(gotVar[c]-v) > 1e-12 {
				t.Errorf("%d updates, channel %d: mean %v var %v, want %v %v", times, c, gotMean[c], gotVar[c], m, v)
			}
		}
		if n.Batches.Count != int64(times) {
			t.Errorf("%d updates counted as %d", times, n.Batches.Count)
		}
	}
}

// TestEvalUsesRunningStatistics checks the arithmetic of eval mode and that it
// leaves the statistics alone.
func TestEvalUsesRunningStatistics(t *testing.T) {
	b := NewBuilder(kernels.CPU64, 1)
	n := b.BatchNorm("bn", 1, true)
	kernels.CPU64.Write64(n.Mean.Value.Buffer(), []float64{2})
	kernels.CPU64.Write64(n.Var.Value.Buffer(), []float64{4})
	tape := autograd.NewTape(kernels.CPU64)
	got := n.Forward(Inference(tape), tape.New64([]float64{1, 6}, 2, 1, 1, 1)).Float64s()
	if want := 4 / math.Sqrt(4+NormEps); got[0] != 0 || math.Abs(got[1]-want) > 1e-12 {
		t.Errorf("relu(bn) of 1 and 6 is %v, want 0 and %v", got, want)
	}
	if n.Mean.Value.Item() != 2 || n.Batches.Count != 0 {
		t.Error("eval mode moved the running statistics")
	}
}

func TestBatchNormRefusesOneNumber(t *testing.T) {
	n := NewBuilder(kernels.CPU, 1).BatchNorm("bn", 3, false)
	tape := autograd.NewTape(kernels.CPU)
	err := func() (err error) {
		defer autograd.Catch(&err)
		n.Forward(Training(tape, 1, 0), tape.Full(1, 1, 1, 1, 3))
		return nil
	}()
	shared := func() (err error) {
		defer autograd.Catch(&err)
		tape := autograd.NewTape(kernels.CPU)
		Training(tape, 1, 0).Channels().Add(tape.Full(1, 1, 1, 1, 3))
		return nil
	}()
	if shared == nil || err == nil || shared.Error() != err.Error() {
		t.Errorf("one number in a channel that is shared: %v", shared)
	}
	if e := new(autograd.ShapeError); !errors.As(err, &e) || !strings.Contains(err.Error(), "larger batch") {
		t.Errorf("one number in a channel: %v", err)
	}
	if v := n.Var.Value.Float32s(); !slices.Equal(v, []float32{1, 1, 1}) {
		t.Errorf("running variance became %v", v)
	}
}

// TestFrozen checks what can be differentiated: a frozen pass records only what
// depends on a watched input.
func TestFrozen(t *testing.T) {
	b := NewBuilder(kernels.CPU, 1)
	conv, norm, fc := b.Conv("conv", 3, 2, 4, autograd.Square(1, 1)), b.BatchNorm("bn", 4, true), b.Linear("fc", 4, 3)
	forward := func(p *Pass, x *autograd.Value) *autograd.Value {
		return fc.Forward(p, autograd.GlobalAvgPool(p.Through(x, conv, norm)))
	}
	tape := autograd.NewTape(kernels.CPU)
	if y := forward(Inference(tape), tape.Full(1, 2, 4, 4, 2)); y.Tracked() {
		t.Error("inference recorded something")
	}
	x := tape.Watch(tape.Full(1, 2, 4, 4, 2))
	y := forward(Inference(tape), x)
	if g := autograd.Grad(autograd.Sum(y), x)[0]; !slices.Equal(g.Shape(), x.Shape()) {
		t.Errorf("input gradient of shape %v", g.Shape())
	}
	autograd.Backward(autograd.Sum(y), b.Params()...)
	for _, q := range b.Params() {
		if q.Grad() != nil {
			t.Errorf("frozen %s got a gradient", q.Name)
		}
	}
	tape.Release()
	autograd.Backward(autograd.Sum(forward(Training(tape, 1, 0), tape.Full(1, 2, 4, 4, 2))), b.Params()...)
	for _, q := range b.Params() {
		if q.Grad() == nil {
			t.Errorf("%s got no gradient", q.Name)
		}
	}
}

// TestGradient checks layers chained in train and eval mode at orders 1 and 2.
func TestGradient(t *testing.T) {
	for _, train := range []bool{true, false} {
		b := NewBuilder(kernels.CPU64, 3)
		conv, norm := b.Conv("conv", 3, 2, 2, autograd.Square(2, 1)), b.BatchNorm("bn", 2, true)
		fc := b.Linear("fc", 2, 2)
		f := func(in ...*autograd.Value) *autograd.Value {
			p := &Pass{Tape: in[0].Tape(), Train: train, Seed: 5}
			h := p.Through(in[0], conv, norm, Dropout{0.3})
			return fc.Forward(p, autograd.GlobalAvgPool(h))
		}
		x := autograd.New64(kernels.CPU64, wave(3*4*4*2), 3, 4, 4, 2)
		if err := gradcheck.Check(2, f, x); err != nil {
			t.Errorf("train %v: %v", train, err)
		}
	}
}

// TestChannels compares readers of channels with batch norms of the joined
// channels: results, gradients to order 2, running statistics.
func TestChannels(t *testing.T) {
	for _, train := range []bool{true, false} {
		b := NewBuilder(kernels.CPU64, 3)
		norm, last := b.BatchNorm("bn", 5, true), b.BatchNorm("last", 5, true)
		conv := b.Conv("conv", 1, 5, 2, autograd.Square(1, 0))
		for i, q := range b.Params()[:4] {
			kernels.CPU64.Write64(q.Value.Buffer(), wave(5)[i/2:])
		}
		pass := func(in []*autograd.Value) *Pass { return &Pass{Tape: in[0].Tape(), Train: train, StatUpdates: 1} }
		channels := func(in ...*autograd.Value) *autograd.Value {
			c := pass(in).Channels()
			for _, x := range in {
				c.Add(autograd.Scale(x, 1.5))
			}
			defer c.Done()
			return autograd.Concat(-1, c.Conv(norm, conv), c.ReLU(last))
		}
		joined := func(in ...*autograd.Value) *autograd.Value {
			p, x := pass(in), autograd.Scale(autograd.Concat(-1, in...), 1.5)
			return autograd.Concat(-1, conv.Forward(p, norm.Forward(p, x)), last.Forward(p, x))
		}
		x, y := autograd.New64(kernels.CPU64, wave(2*2*3*2), 2, 2, 3, 2), autograd.New64(kernels.CPU64, wave(2*2*3*3), 2, 2, 3, 3)
		results := func(f func(...*autograd.Value) *autograd.Value) (all []float64) {
			for _, e := range b.Buffers() {
				if e.Value != nil {
					kernels.CPU64.Write64(e.Value.Buffer(), []float64{0.1, 0.2, 0.3, 0.4, 0.5})
				}
			}
			tape := autograd.NewTape(kernels.CPU64)
			all = f(tape.Watch(x), tape.Watch(y)).Float64s()
			for _, e := range b.Buffers() {
				if e.Value != nil {
					all = append(all, e.Value.Float64s()...)
				}
			}
			return all
		}
		want := results(joined)
		for i, v := range results(channels) {
			if math.Abs(v-want[i]) > 1e-12 {
				t.Errorf("train %v: number %d is %v, joined %v", train, i, v, want[i])
			}
		}
		if err := gradcheck.Check(2, channels, x, y); err != nil {
			t.Errorf("train %v: %v", train, err)
		}
	}
}

func wave(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = math.Sin(float64(7*i + 1))
	}
	return x
}

// TestDropout checks what decides about the mask, and that none is drawn in eval
// mode.
func TestDropout(t *testing.T) {
	tape := autograd.NewTape(kernels.CPU)
	x := tape.Full(1, 1, 1000)
	drop := func(p *Pass) []float32 { return Dropout{0.3}.Forward(p, x).Float32s() }
	first := Training(tape, 1, 7)
	a, second := drop(first), drop(first)
	if b := drop(Training(tape, 1, 7)); !slices.Equal(a, b) {
		t.Error("the same seed and step drop differently")
	}
	others := map[string][]float32{"second layer": second, "next step": drop(Training(tape, 1, 8)), "other seed": drop(Training(tape, 2, 7))}
	for what, b := range others {
		if slices.Equal(a, b) {
			t.Errorf("%s: the same mask", what)
		}
	}
	zeros := 0
	for _, v := range a {
		if v == 0 {
			zeros++
		}
	}
	if zeros < 240 || zeros > 360 { // 300 ± 4 deviations
		t.Errorf("%d of 1000 dropped at p = 0.3", zeros)
	}
	if y := (Dropout{0.3}).Forward(Inference(tape), x); y != x {
		t.Error("inference drops")
	}
}

// TestThroughFrees checks that a chain in inference holds two values at a time
// and keeps its operand.
func TestThroughFrees(t *testing.T) {
	b := NewBuilder(kernels.CPU, 1)
	var chain []Layer
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		chain = append(chain, b.Conv(name, 3, 4, 4, autograd.Square(1, 1)))
	}
	tape := autograd.NewTape(kernels.CPU)
	x := tape.Full(1, 1, 8, 8, 4)
	y := Inference(tape).Through(x, chain...)
	one := int64(8 * 8 * 4 * 4)
	if now, peak, _ := tape.Memory(); now != 2*one || peak != 3*one {
		t.Errorf("memory %d at the end and %d at most, want %d and %d", now, peak, 2*one, 3*one)
	}
	x.Float32s()
	y.Float32s()
}

func TestBuilderNamesAndSeeds(t *testing.T) {
	build := func(seed uint64, first string) (names []string, w []float32) {
		b := NewBuilder(kernels.CPU, seed)
		b.In("x").Conv(first, 1, 2, 2, autograd.Square(1, 0))
		conv := b.In("block1").In("0").Conv("conv1", 3, 2, 4, autograd.Square(1, 1))
		b.BatchNorm("bn", 4, true)
		for _, e := range b.Entries() {
			names = append(names, e.Name())
		}
		return names, conv.Weight.Value.Float32s()
	}
	names, w := build(1, "a")
	want := []string{"x.a.weight", "block1.0.conv1.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var", "bn.num_batches_tracked"}
	if !slices.Equal(names, want) {
		t.Errorf("names %v, want %v", names, want)
	}
	if _, same := build(1, "other"); !slices.Equal(w, same) {
		t.Error("initial values depend on other parameters")
	}
	if _, other := build(2, "a"); slices.Equal(w, other) {
		t.Error("two seeds, the same initial values")
	}
}

// TestInit compares the moments of every distribution with what it promises.
func TestInit(t *testing.T) {
	const in, out = 9 * 32, 9 * 64
	for name, c := range map[string]struct {
		init      Init
		deviation float64
		bound     float64
	}{
		"uniform fan-in": {UniformFanIn, 1 / math.Sqrt(3*in), 1 / math.Sqrt(in)},
		"fan-out":        {KaimingFanOut, math.Sqrt(2. / out), 1},
		"fan-in":         {KaimingFanIn, math.Sqrt(2. / in), 1},
		"normal":         {Normal(0.35), 0.35, 5},
	} {
		b := NewBuilder(kernels.CPU64, 9)
		b.ConvInit = c.init
		w := b.Conv("w", 3, 32, 64, autograd.Square(1, 1)).Weight.Value.Float64s()
		var sum, squares, top float64
		for _, v := range w {
			sum, squares, top = sum+v, squares+v*v, max(top, math.Abs(v))
		}
		n := float64(len(w))
		if got := math.Sqrt(squares / n); math.Abs(got/c.deviation-1) > 0.03 || math.Abs(sum/n) > 4*c.deviation/math.Sqrt(n) || top > c.bound {
			t.Errorf("%s: deviation %v, mean %v, largest %v; want deviation %v around 0, at most %v", name, got, sum/n, top, c.deviation, c.bound)
		}
	}
}
