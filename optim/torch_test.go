package optim

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"gradgrad/autograd"
	"gradgrad/kernels"
)

// torch are PyTorch's numbers; see testdata/README.md.
type torch struct {
	Start, Scale, Goal [][]float64
	Optimisers         map[string]struct {
		LR, Clip float64
		Weights  [][][]float64
		Norms    []float64
	}
	Schedules map[string][]float64
}

func readTorch(t *testing.T) (g torch) {
	t.Helper()
	data, err := os.ReadFile("testdata/torch.json")
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// optimisers are those of testdata/make.py.
var optimisers = map[string]func(ps []*autograd.Param) Optimizer{
	"sgd":                sgd(SGDConfig{}),
	"sgd decay":          sgd(SGDConfig{Decay: 0.05}),
	"sgd momentum":       sgd(SGDConfig{Momentum: 0.9}),
	"sgd momentum decay": sgd(SGDConfig{Momentum: 0.9, Decay: 0.05}),
	"sgd nesterov decay": sgd(SGDConfig{Momentum: 0.9, Decay: 0.05, Nesterov: true}),
	"sgd nesterov clip":  sgd(SGDConfig{Momentum: 0.9, Nesterov: true}),
	"adam":               adam(AdamConfig{}),
	"adam decay":         adam(AdamConfig{Decay: 0.05}),
	"adam betas eps":     adam(AdamConfig{Beta1: 0.8, Beta2: 0.95, Eps: 1e-3}),
}

func sgd(c SGDConfig) func([]*autograd.Param) Optimizer {
	return func(ps []*autograd.Param) Optimizer { return NewSGD(ps, c) }
}

func adam(c AdamConfig) func([]*autograd.Param) Optimizer {
	return func(ps []*autograd.Param) Optimizer { return NewAdam(ps, c) }
}

// problem is the sum of scale*(w-goal)²/2 over two parameters.
type problem struct {
	g      torch
	dev    kernels.Device
	tape   *autograd.Tape
	params []*autograd.Param
}

func newProblem(g torch, dev kernels.Device) *problem {
	p := &problem{g: g, dev: dev, tape: autograd.NewTape(dev)}
	for i, w := range g.Start {
		p.params = append(p.params, autograd.NewParam([]string{"a", "b"}[i], autograd.New64(dev, w, len(w))))
	}
	return p
}

// gradients gives the parameters their gradients; the second has none in steps
// 2 and 3.
func (p *problem) gradients(step int) {
	var loss *autograd.Value
	for i, q := range p.params {
		if i == 1 && (step == 2 || step == 3) {
			continue
		}
		n := len(p.g.Goal[i])
		d := autograd.Sub(p.tape.Watch(q.Value), p.tape.New64(p.g.Goal[i], n))
		part := autograd.Scale(autograd.Sum(autograd.Mul(p.tape.New64(p.g.Scale[i], n), autograd.Mul(d, d))), 0.5)
		if loss == nil {
			loss = part
		} else {
			loss = autograd.Add(loss, part)
		}
	}
	autograd.Backward(loss, p.params...)
	p.tape.Release()
}

func TestAgainstPyTorch(t *testing.T) {
	g := readTorch(t)
	if len(g.Optimisers) != len(optimisers) {
		t.Fatalf("%d trajectories for %d optimisers", len(g.Optimisers), len(optimisers))
	}
	for dev, tolerance := range map[kernels.Device]float64{kernels.CPU64: 1e-12, kernels.CPU: 1e-5} {
		worst := 0.
		for name, want := range g.Optimisers {
			p := newProblem(g, dev)
			opt := optimisers[name](p.params)
			clipper := NewClipper(p.params, want.Clip)
			for step, weights := range want.Weights {
				p.gradients(step)
				if want.Clip > 0 {
					worst = max(worst, math.Abs(clipper.Clip()/want.Norms[step]-1))
				}
				opt.Step(want.LR * math.Pow(0.9, float64(step)))
				for i, q := range p.params {
					for k, w := range q.Value.Float64s() {
						worst = max(worst, math.Abs(w-weights[i][k]))
					}
				}
				if worst > tolerance {
					t.Fatalf("%s on %s, step %d: difference %g", name, dev.Name(), step, worst)
				}
			}
		}
		t.Logf("%s: largest difference from PyTorch %.2g", dev.Name(), worst)
	}
}

func TestSchedulesAgainstPyTorch(t *testing.T) {
	g := readTorch(t)
	for name, s := range map[string]Schedule{
		"cosine":    Cosine(0.1, 1e-4, 10),
		"multistep": MultiStep(0.1, 0.1, 3, 5, 9),
		"warmup":    Warmup(4, 0.25, Cosine(0.1, 1e-4, 6)),
	} {
		for step, want := range g.Schedules[name] {
			if got := s(step); math.Abs(got-want) > 1e-15 {
				t.Errorf("%s at step %d is %v, want %v", name, step, got, want)
			}
		}
	}
}

// TestResume continues every optimiser from its state halfway and wants the same
// bits, on both devices.
func TestResume(t *testing.T) {
	g := readTorch(t)
	for _, dev := range []kernels.Device{kernels.CPU, kernels.CPU64} {
		for name, make := range optimisers {
			straight, halves := newProblem(g, dev), newProblem(g, dev)
			a, b := make(straight.params), make(halves.params)
			for step := range 6 {
				if step == 3 {
					state := b.State()
					b = make(halves.params)
					if err := b.LoadState(state); err != nil {
						t.Fatal(err)
					}
				}
				straight.gradients(step)
				halves.gradients(step)
				a.Step(0.1)
				b.Step(0.1)
			}
			for i := range straight.params {
				x, y := straight.params[i].Value.Float64s(), halves.params[i].Value.Float64s()
				for k := range x {
					if x[k] != y[k] {
						t.Errorf("%s on %s: %v after resuming, %v without", name, dev.Name(), y, x)
						break
					}
				}
			}
		}
	}
}
