package models

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"gradgrad/autograd"
	"gradgrad/checkpoint"
	"gradgrad/kernels"
	"gradgrad/layers"
)

// torchCase are PyTorch's numbers for one network; see testdata/README.md.
type torchCase struct {
	Size, Classes int
	EvalLogits    []float64 `json:"eval_logits"`
	EvalInput     []float64 `json:"eval_input"`
	TrainLogits   []float64 `json:"train_logits"`
	CEGrads       []float64 `json:"ce_grads"`
	Penalty       []float64
	PenaltyGrads  []float64 `json:"penalty_grads"`
	Statistics    []float64
}

// draw is the function of the same name in testdata/make.py.
func draw(k uint64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		x := uint32(uint64(i)*747796405 + k*2891336453 + 1)
		for range 2 {
			x = (x ^ x>>16) * 0x45d9f3b
		}
		x ^= x >> 16
		out[i] = float64(x)/(1<<31) - 1
	}
	return out
}

// fill gives a network the numbers that make.py gave to PyTorch's, through Load.
func fill(t *testing.T, m Model) {
	t.Helper()
	f := stateOf(t, m)
	k := uint64(0)
	for i := range f.Tensors {
		x := &f.Tensors[i]
		if x.DType == checkpoint.I64 {
			continue
		}
		factor, shift := 0.2, 0.
		switch {
		case strings.HasSuffix(x.Name, "running_var"):
			factor, shift = 0.5, 1
		case strings.HasSuffix(x.Name, "running_mean"), strings.HasSuffix(x.Name, "bias"):
		case len(x.Shape) == 1:
			factor, shift = 0.3, 1
		default:
			factor = math.Sqrt(6 / float64(x.Len()/x.Shape[0]))
		}
		data := draw(k, x.Len())
		for j := range data {
			data[j] = data[j]*factor + shift
		}
		*x = checkpoint.New(x.Name, x.Shape, data)
		k++
	}
	if err := Load(m, f); err != nil {
		t.Fatal(err)
	}
}

// TestAgainstPyTorch compares all families with other people's definitions in
// PyTorch: forward, first and second derivatives, running statistics.
func TestAgainstPyTorch(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds in float64; not with -short")
	}
	data, err := os.ReadFile("testdata/torch.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases map[string]torchCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for arch, want := range cases {
		t.Run(arch, func(t *testing.T) {
			m := newModel(t, Config{Arch: arch, Classes: want.Classes}, kernels.CPU64, 1)
			fill(t, m)
			d := deviations{}
			evalCase(m, want, d)
			trainCase(m, want, d)
			for what, e := range d {
				if !(e <= 1e-9) {
					t.Errorf("%s: relative difference %.3g", what, e)
				}
			}
			t.Logf("largest relative differences: %v", d)
		})
	}
}

// energyGradient returns the logits and the gradient of the summed energy with
// respect to three images.
func energyGradient(m Model, p *layers.Pass, size int) (logits, gradient *autograd.Value) {
	x := p.Tape.Watch(p.Tape.New64(draw(1000, 3*size*size*3), 3, size, size, 3))
	logits, _ = m.Forward(p, x)
	return logits, autograd.Grad(autograd.Neg(autograd.Sum(autograd.LogSumExp(logits))), x)[0]
}

func evalCase(m Model, want torchCase, d deviations) {
	logits, g := energyGradient(m, layers.Inference(autograd.NewTape(kernels.CPU64)), want.Size)
	d.add("logits, eval", logits.Float64s(), want.EvalLogits)
	d.add("input gradient, eval", autograd.Norm(g).Float64s(), want.EvalInput)
}

func trainCase(m Model, want torchCase, d deviations) {
	tape := autograd.NewTape(kernels.CPU64)
	logits, g := energyGradient(m, layers.Training(tape, 1, 0), want.Size)
	d.add("logits, train", logits.Float64s(), want.TrainLogits)
	penalty := autograd.Sum(autograd.Norm(g))
	d.add("penalty", penalty.Float64s(), want.Penalty)
	var statistics []float64
	for _, b := range m.Buffers() {
		if b.Value != nil {
			statistics = append(statistics, l2(b.Value.Float64s()))
		}
	}
	d.add("running statistics", statistics, want.Statistics)
	autograd.Backward(penalty, m.Params()...)
	d.add("gradients of the penalty", gradNorms(m), want.PenaltyGrads)

	tape.Release()
	p := layers.Training(tape, 1, 1)
	p.StatUpdates = 0
	logits, _ = energyGradient(m, p, want.Size)
	autograd.Backward(autograd.CrossEntropy(logits, tape.Labels([]int{0, 1, 2}, want.Classes)), m.Params()...)
	d.add("gradients of the cross-entropy", gradNorms(m), want.CEGrads)
}

// gradNorms returns the norm of every parameter's gradient, 0 without one, and
// forgets the gradients.
func gradNorms(m Model) []float64 {
	var norms []float64
	for _, p := range m.Params() {
		n := 0.
		if g := p.Grad(); g != nil {
			n = l2(g.Float64s())
		}
		norms = append(norms, n)
		p.ClearGrad()
	}
	return norms
}
