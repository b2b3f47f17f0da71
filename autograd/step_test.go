package autograd_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	ag "gradgrad/autograd"
	"gradgrad/kernels"
)

// smallNet is a network of two convolutions with batch norm and ReLU, on which a
// GReg step is taken: half of the images are in-distribution.
type smallNet struct {
	params []*ag.Param
	images *ag.Value
	labels []int
	early  bool // call Done on intermediate values
}

func newSmallNet(dev kernels.Device, n, side, channels int) *smallNet {
	r := rand.New(rand.NewPCG(5, 6))
	random := func(scale float64, shape ...int) *ag.Value {
		size := 1
		for _, d := range shape {
			size *= d
		}
		data := make([]float64, size)
		for i := range data {
			data[i] = scale * r.NormFloat64()
		}
		return ag.New64(dev, data, shape...)
	}
	net := &smallNet{images: random(1, n, side, side, 3), labels: make([]int, n/2)}
	for i := range net.labels {
		net.labels[i] = r.IntN(3)
	}
	add := func(name string, v *ag.Value) { net.params = append(net.params, ag.NewParam(name, v)) }
	in := 3
	for _, layer := range []string{"1", "2"} {
		add("conv"+layer, random(0.4, 3, 3, in, channels))
		add("gamma"+layer, random(1, channels))
		add("beta"+layer, random(0.1, channels))
		in = channels
	}
	add("fc.w", random(1, 3, channels))
	add("fc.b", random(1, 3))
	return net
}

// done is Done where the step is careful.
func (n *smallNet) done(vs ...*ag.Value) {
	for _, v := range vs {
		if n.early {
			v.Done()
		}
	}
}

func (n *smallNet) forward(t *ag.Tape, x *ag.Value) *ag.Value {
	w := make([]*ag.Value, len(n.params))
	for i, p := range n.params {
		w[i] = t.Watch(p.Value)
	}
	h := x
	for layer := range 2 {
		y := ag.Conv2D(h, w[3*layer], ag.Square(1, 1))
		if h != x {
			n.done(h)
		}
		var mean, variance *ag.Value
		h, mean, variance = ag.BatchNorm(y, w[3*layer+1], w[3*layer+2], 1e-5, true)
		n.done(y, mean, variance)
	}
	pool := ag.GlobalAvgPool(h)
	logits := ag.Linear(pool, w[6], w[7])
	n.done(h, pool)
	return logits
}

// loss is cross-entropy plus equation (3) with every image on the right side.
func (n *smallNet) loss(t *ag.Tape) *ag.Value {
	x := t.Watch(n.images)
	logits := n.forward(t, x)
	s := ag.Neg(ag.LogSumExp(logits))
	j := ag.Sum(s)
	g := ag.Grad(j, x)[0]
	norms := ag.Norm(g)
	penalty := ag.Mean(norms)
	known := ag.Slice(logits, 0, 0, len(n.labels))
	ce := ag.CrossEntropy(known, t.Labels(n.labels, 3))
	n.done(logits, s, j, g, norms, known)
	return ag.Add(ce, penalty)
}

// step takes a step and returns the loss and all gradients. The tape is left to
// the caller.
func (n *smallNet) step(t *ag.Tape) (loss float64, grads []float64) {
	for _, p := range n.params {
		p.ClearGrad()
	}
	l := n.loss(t)
	ag.Backward(l, n.params...)
	for _, p := range n.params {
		grads = append(grads, p.Grad().Float64s()...)
	}
	return l.Item(), grads
}

// TestSameStepSameMemory repeats a step: the results have the same bits and
// every result of every operation the same memory, so that nothing is asked from
// the device after the first step.
func TestSameStepSameMemory(t *testing.T) {
	for _, early := range []bool{false, true} {
		net := newSmallNet(kernels.CPU, 4, 6, 4)
		net.early = early
		tape := ag.NewTape(kernels.CPU)
		defer tape.Close()
		var first []kernels.Buffer
		var held int64
		var grads []float64
		for i := range 4 {
			var buffers []kernels.Buffer
			tape.Observe(func(_ *ag.Op, _, out []*ag.Value) {
				for _, v := range out {
					buffers = append(buffers, v.Buffer())
				}
			})
			_, g := net.step(tape)
			tape.Release()
			now, _, h := tape.Memory()
			if now != 0 {
				t.Errorf("step %d, early=%v: %d bytes are lent after Release", i, early, now)
			}
			if i == 0 {
				first, held, grads = buffers, h, g
				continue
			}
			if h != held {
				t.Errorf("step %d, early=%v: holds %d bytes, the first step held %d", i, early, h, held)
			}
			if !slices.Equal(buffers, first) {
				t.Errorf("step %d, early=%v: other memory than in the first step", i, early)
			}
			if !slices.Equal(g, grads) {
				t.Errorf("step %d, early=%v: other bits than in the first step", i, early)
			}
		}
	}
}

// TestDoneChangesNothing takes a step with and without Done.
func TestDoneChangesNothing(t *testing.T) {
	var peaks []int64
	var all [][]float64
	for _, early := range []bool{false, true} {
		net := newSmallNet(kernels.CPU, 4, 6, 4)
		net.early = early
		tape := ag.NewTape(kernels.CPU)
		_, g := net.step(tape)
		_, peak, _ := tape.Memory()
		tape.Close()
		peaks, all = append(peaks, peak), append(all, g)
	}
	if !slices.Equal(all[0], all[1]) {
		t.Error("the gradients differ")
	}
	if peaks[1] >= peaks[0] {
		t.Errorf("peak %d bytes with Done, %d without", peaks[1], peaks[0])
	}
}

// TestStepCost counts convolutions. With F one forward, the step costs 6 F less
// the input gradients of the first convolution that nobody needs: the first
// derivative asks for no weight gradient, the last for none of the images.
func TestStepCost(t *testing.T) {
	net := newSmallNet(kernels.CPU, 4, 6, 4)
	tape := ag.NewTape(kernels.CPU)
	defer tape.Close()
	count := map[string]int{}
	tape.Observe(func(o *ag.Op, _, _ []*ag.Value) { count[o.Name]++ })
	loss := net.loss(tape)
	want := map[string]int{"conv": 2, "conv.x": 2, "conv.w": 0, "batchnorm": 2, "batchnorm.grad": 2, "batchnorm.grad2": 0}
	for name, n := range want {
		if count[name] != n {
			t.Errorf("forward and first derivative run %s %d times, want %d", name, count[name], n)
		}
	}
	ag.Backward(loss, net.params...)
	// The tangent of the first derivative runs forward again (conv), with a
	// weight gradient for each layer; the last derivative has the other ones.
	want = map[string]int{"conv": 4, "conv.x": 3, "conv.w": 4, "batchnorm": 2, "batchnorm.grad": 4, "batchnorm.grad2": 2}
	for name, n := range want {
		if count[name] != n {
			t.Errorf("the whole step runs %s %d times, want %d", name, count[name], n)
		}
	}
}
