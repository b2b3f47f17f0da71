package autograd_test

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	ag "gradgrad/autograd"
	"gradgrad/kernels"
)

const width = 1000 // elements of the values in the chains below

// chainOf applies n layers and is done with what lies between them.
func chainOf(n int, x *ag.Value) *ag.Value {
	for i := range n {
		y := ag.Tanh(x)
		if i > 0 {
			x.Done()
		}
		x = y
	}
	return x
}

// TestBackwardFrees bounds what a long chain occupies: its forward pass one value
// for each layer, its last derivative only a few more at any time, and nothing
// but the result's own memory afterwards.
func TestBackwardFrees(t *testing.T) {
	const layers = 50
	tape := ag.NewTape(kernels.CPU)
	defer tape.Close()
	p := ag.NewParam("x", ag.Full(kernels.CPU, 0.5, width))
	y := chainOf(layers, tape.Watch(p.Value))
	loss := ag.Sum(y)
	y.Done()
	const one = 4 * width
	forward, _, _ := tape.Memory()
	if forward > layers*one+100 {
		t.Errorf("%d layers occupy the memory of %.1f values", layers, float64(forward)/one)
	}
	ag.Backward(loss, p)
	after, peak, _ := tape.Memory()
	if peak > forward+6*one {
		t.Errorf("Backward needs %.1f values more than the forward pass, want 6 at most", float64(peak-forward)/one)
	}
	if after >= one {
		t.Errorf("%d bytes are lent after Backward", after)
	}
}

// TestGradFrees: a recorded derivative keeps only what a rule will read, and its
// own last derivative gives everything back.
func TestGradFrees(t *testing.T) {
	const layers = 20
	tape := ag.NewTape(kernels.CPU)
	defer tape.Close()
	p := ag.NewParam("x", ag.Full(kernels.CPU, 0.5, width))
	x := tape.Watch(p.Value)
	y := chainOf(layers, x)
	s := ag.Sum(y)
	y.Done()
	g := ag.Grad(s, x)[0]
	loss := ag.Sum(ag.Norm(ag.Reshape(g, 10, -1)))
	const one = 4 * width
	recorded, _, _ := tape.Memory()
	// For each layer: its result, 1 - result^2, and the cotangent before it.
	if recorded > (3*layers+4)*one {
		t.Errorf("%d layers and their derivative occupy the memory of %.1f values", layers, float64(recorded)/one)
	}
	g.Done()
	ag.Backward(loss, p)
	if after, _, _ := tape.Memory(); after >= 3*one {
		t.Errorf("%.1f values are lent after Backward", float64(after)/one)
	}
}

// TestThirdOrderFrees goes through a row whose third derivative is taken from
// its plain definition, with everything done with before the last derivative:
// what that computes is given back within Backward.
func TestThirdOrderFrees(t *testing.T) {
	tape := ag.NewTape(kernels.CPU64)
	defer tape.Close()
	r := rand.New(rand.NewPCG(1, 1))
	random := func(shape ...int) *ag.Value {
		x := make([]float64, 64)
		for i := range x {
			x[i] = r.NormFloat64()
		}
		n := shape[0]
		for _, d := range shape[1:] {
			n *= d
		}
		return ag.New64(kernels.CPU64, x[:n], shape...)
	}
	var held []int64
	for range 3 {
		p := ag.NewParam("images", random(16, 4))
		var seen []*ag.Value
		tape.Observe(func(_ *ag.Op, in, out []*ag.Value) { seen = append(append(seen, in...), out...) })
		x := tape.Watch(p.Value)
		y, _, _ := ag.BatchNorm(x, tape.Watch(random(4)), tape.Watch(random(4)), 1e-5, true)
		loss := ag.Sum(ag.Mul(y, ag.Mul(y, y)))
		for range 2 {
			loss = ag.Sum(ag.Mul(ag.Grad(loss, x)[0], random(16, 4)))
		}
		tape.Observe(nil)
		finish(seen, nil)
		ag.Backward(loss, p)
		if now, _, _ := tape.Memory(); now > 0 {
			t.Errorf("%d bytes are lent after Backward", now)
		}
		if p.Grad() == nil {
			t.Error("no gradient")
		}
		tape.Release()
		_, _, h := tape.Memory()
		held = append(held, h)
	}
	if held[2] != held[0] {
		t.Errorf("repeating the third order asks for %d bytes more", held[2]-held[0])
	}
}

// TestSameBitsOnAnyNumberOfCores takes a step on 1, 2 and 4 cores, large enough
// for kernels to be divided.
func TestSameBitsOnAnyNumberOfCores(t *testing.T) {
	for _, dev := range []kernels.Device{kernels.CPU, kernels.CPU64} {
		var want []float64
		for _, cores := range []int{1, 2, 4} {
			was := runtime.GOMAXPROCS(cores)
			net := newSmallNet(dev, 8, 24, 16)
			tape := ag.NewTape(dev)
			loss, grads := net.step(tape)
			tape.Close()
			runtime.GOMAXPROCS(was)
			got := append(grads, loss)
			if want == nil {
				want = got
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %d cores give other bits than one", dev.Name(), cores)
			}
		}
	}
}
