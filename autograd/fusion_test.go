package autograd_test

import (
	"testing"

	ag "gradgrad/autograd"
	"gradgrad/greg"
	"gradgrad/kernels"
	"gradgrad/layers"
	"gradgrad/models"
)

// idle is a device that counts calls and computes nothing.
type idle struct {
	kernels.Device
	calls int
}

func (d *idle) Run(*kernels.Kernel, *kernels.Args) { d.calls++ }

// TestFusion counts the kernels of a GReg step with every fused row replaced by its plain
// definition, and as they are: the number of images does not matter, nor what is computed.
// Run it with -v for the table of docs/performance.md.
func TestFusion(t *testing.T) {
	for _, arch := range []string{"wrn-40-2", "resnet18", "densenet101"} {
		fused := stepCalls(t, arch)
		var restore []func()
		for op := range ag.Ops() {
			if op.Define != nil {
				restore = append(restore, ag.UseDefinition(op))
			}
		}
		plain := stepCalls(t, arch)
		for _, f := range restore {
			f()
		}
		t.Logf("%s: %d kernels by plain definitions, %d fused", arch, plain, fused)
		if plain < 2*fused {
			t.Errorf("%s: fusion leaves %d kernels of %d", arch, fused, plain)
		}
	}
}

// stepCalls is the kernels of loss and gradients of one image of each kind.
func stepCalls(t *testing.T, arch string) int {
	t.Helper()
	dev := &idle{Device: kernels.CPU}
	net, err := models.New(models.Config{Arch: arch, Classes: 10}, dev, 1)
	if err != nil {
		t.Fatal(err)
	}
	tape := ag.NewTape(dev)
	x := tape.New(make([]float32, 2*32*32*3), 2, 32, 32, 3)
	loss := greg.Loss{MarginIn: -23, MarginAux: -5, LambdaS: 0.1, LambdaGrad: 1, Variant: greg.Paper, ForceHits: true}
	dev.calls = 0
	ag.Backward(loss.Terms(layers.Training(tape, 1, 0), net, x, []int{0}, false).Total, net.Params()...)
	return dev.calls
}
