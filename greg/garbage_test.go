package greg

import (
	"math/rand/v2"
	"testing"

	"gradgrad/autograd"
	"gradgrad/internal/testkit"
	"gradgrad/kernels"
	"gradgrad/layers"
	"gradgrad/models"
	"gradgrad/optim"
)

// TestLittleGarbage bounds the allocations of a whole training step on two threads, after
// a few to warm up, by the operations that it runs: the tape makes none (a test in
// autograd), but the kernels of dense blocks make some for a call, and the loss leaves
// values that it is not done with to whoever reads them.
func TestLittleGarbage(t *testing.T) {
	for _, arch := range []string{"wrn-10-1", "resnet18", "densenet-10-4"} {
		for name, weight := range map[string]float64{"ce": 0, "greg": 1} {
			net, err := models.New(models.Config{Arch: arch, Classes: 3}, kernels.CPU, 1)
			if err != nil {
				t.Fatal(err)
			}
			tape := autograd.NewTape(kernels.CPU)
			defer tape.Close()
			opt := optim.NewSGD(net.Params(), optim.SGDConfig{Momentum: 0.9, Decay: 1e-4, Nesterov: true})
			params := net.Params()
			loss := Loss{LambdaS: 0.1, LambdaGrad: weight, MarginIn: -23, MarginAux: -5, Variant: Paper, ForceHits: true}
			x := make([]float32, 4*8*8*3)
			r := rand.New(rand.NewPCG(1, 1))
			for i := range x {
				x[i] = float32(r.NormFloat64())
			}
			step := func() {
				defer tape.Release()
				terms := loss.Terms(layers.Training(tape, 1, 0), net, tape.New(x, 4, 8, 8, 3), []int{0, 1}, false)
				autograd.Backward(terms.Total, params...)
				opt.Step(1e-4)
			}
			operations := len(params) // the optimiser's
			tape.Observe(func(*autograd.Op, []*autograd.Value, []*autograd.Value) { operations++ })
			step()
			tape.Observe(nil)
			for range 4 {
				step()
			}
			got := testkit.Mallocs(2, 3, step)
			t.Logf("%s, %s: %v allocations, %d operations", arch, name, got, operations)
			if got > float64(operations) {
				t.Errorf("%s, %s: %v allocations in a step of %d operations, want at most one for each", arch, name, got, operations)
			}
		}
	}
}
