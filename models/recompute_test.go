package models

import (
	"fmt"
	"slices"
	"testing"

	"gradgrad/autograd"
	"gradgrad/kernels"
	"gradgrad/layers"
	"gradgrad/optim"
)

// TestRecomputeSameBits trains with and without recomputation, on a first and on a
// second derivative: weights and running statistics are the same to the bit.
func TestRecomputeSameBits(t *testing.T) {
	for _, cfg := range []Config{{Arch: "wrn-16-1", Classes: 3, Dropout: 0.3}, {Arch: "densenet-16-12", Classes: 3}, {Arch: "resnet18", Classes: 3}} {
		for _, penalty := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/penalty=%v", cfg.Arch, penalty), func(t *testing.T) {
				plain, _, _ := recomputed(t, cfg, penalty, false)
				again, calls, fewer := recomputed(t, cfg, penalty, true)
				if !slices.Equal(plain, again) {
					t.Error("recomputation changes what is trained")
				}
				if calls <= fewer {
					t.Errorf("%d operations of %d ran a second time", calls-fewer, fewer)
				}
			})
		}
	}
}

// recomputed trains two steps and returns the state, how many operations ran in the
// second and how many of those were different calls.
func recomputed(t *testing.T, cfg Config, penalty, recompute bool) (state []float32, ran, different int) {
	m := newModel(t, cfg, kernels.CPU, 1)
	opt := optim.NewSGD(m.Params(), optim.SGDConfig{Momentum: 0.9, Decay: 1e-3, Nesterov: true})
	tape := autograd.NewTape(kernels.CPU)
	defer tape.Close()
	for step := range 2 {
		seen := map[*autograd.Value]bool{}
		ran = 0
		tape.Observe(func(_ *autograd.Op, _, out []*autograd.Value) {
			ran++
			seen[out[0]] = true
		})
		x := tape.Watch(tape.New64(draw(uint64(step), 4*8*8*3), 4, 8, 8, 3))
		p := layers.Training(tape, 1, uint64(step))
		p.Recompute = recompute
		logits, _ := m.Forward(p, x)
		loss := autograd.CrossEntropy(logits, tape.Labels([]int{0, 1, 2, 0}, 3))
		if penalty {
			g := autograd.Grad(autograd.Sum(autograd.LogSumExp(logits)), x)[0]
			loss = autograd.Add(loss, autograd.Mean(autograd.Norm(g)))
		}
		autograd.Backward(loss, m.Params()...)
		opt.Step(0.1)
		tape.Release()
		different = len(seen)
	}
	for _, e := range m.Entries() {
		if v := valueOf(e); v != nil {
			state = append(state, v.Float32s()...)
		}
	}
	return state, ran, different
}

// TestRecomputeMemory bounds the memory of a training step with recomputation by that
// without, at the sizes of the real networks.
func TestRecomputeMemory(t *testing.T) {
	for _, c := range []struct {
		arch     string
		ce, greg float64 // the most, as a share
	}{{"wrn-40-2", 0.6, 0.6}, {"resnet18", 0.92, 0.75}, {"densenet101", 0.45, 0.7}} {
		for _, penalty := range []bool{false, true} {
			peak := func(recompute bool) float64 {
				m := blank(t, Config{Arch: c.arch, Classes: 10})
				tape := autograd.NewTape(shapesOnly{})
				p := layers.Training(tape, 1, 0)
				p.Recompute = recompute
				x := tape.Full(0, 128, 32, 32, 3)
				if penalty {
					x = tape.Watch(x)
				}
				logits, features := m.Forward(p, x)
				features.Done()
				total := autograd.Sum(logits)
				if penalty {
					total = autograd.Add(total, autograd.Sum(autograd.Norm(autograd.Grad(autograd.Sum(logits), x)[0])))
				}
				autograd.Backward(total, m.Params()...)
				_, most, _ := tape.Memory()
				return float64(most) / (1 << 20)
			}
			without, with := peak(false), peak(true)
			most := c.ce
			if penalty {
				most = c.greg
			}
			t.Logf("%s, penalty %v: %.0f MiB, recomputed %.0f (%.2f)", c.arch, penalty, without, with, with/without)
			if with > most*without {
				t.Errorf("%s, penalty %v: recomputation needs %.2f of the memory, want at most %.2f", c.arch, penalty, with/without, most)
			}
		}
	}
}
