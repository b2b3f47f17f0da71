package cuda_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gradgrad/autograd"
	"gradgrad/greg"
	"gradgrad/kernels"
	"gradgrad/kernels/cuda"
	"gradgrad/layers"
	"gradgrad/models"
)

// TestStep makes a whole GReg step of small networks, double backward and all, on the
// simulator or on a GPU, in every precision, and compares loss and gradients with
// float64. For TF32 and bfloat16 that rounds the factors of products as the GPU does,
// so that the masks of ReLU are the same; what is left is the difference of sums, and
// of factors at the edge between two roundings.
func TestStep(t *testing.T) {
	archs := []string{"wrn-10-1", "densenet-10-4"}
	if *full {
		archs = append(archs, "resnet18")
	}
	for _, arch := range archs {
		for _, p := range []struct {
			cuda.Precision
			oracle kernels.Device
			tol    float64 // of the whole gradient's L2 error
		}{
			{cuda.FP32, kernels.CPU64, 1e-5},
			{cuda.TF32, rounding{kernels.CPU64, 11}, 5e-3},
			{cuda.BF16, rounding{kernels.CPU64, 8}, 2e-2},
		} {
			if arch == "resnet18" && p.Precision != cuda.FP32 {
				continue // one precision is enough for a large network
			}
			t.Run(fmt.Sprintf("%s/%s", arch, p.Precision), func(t *testing.T) {
				t.Parallel()
				tol := p.tol
				if arch == "resnet18" { // six rows in the last stage: the CPU's float32 is off by 1.5e-4
					tol = 2e-4
				}
				dev := device(t)
				dev.SetPrecision(p.Precision)
				defer dev.SetPrecision(cuda.FP32)
				got := stepOf(t, dev, arch, nil)
				want := stepOf(t, p.oracle, arch, got.net)
				if d := math.Abs(got.loss-want.loss) / math.Abs(want.loss); !(d <= tol) {
					t.Errorf("the loss is %.9g, not %.9g", got.loss, want.loss)
				}
				worst, name := 0.0, ""
				var off, all float64
				for i, g := range got.grads {
					o, a := distance(g, want.grads[i])
					off, all = off+o, all+a
					if r := math.Sqrt(o / a); r > worst {
						worst, name = r, got.net.Params()[i].Name
					}
				}
				total := math.Sqrt(off / all)
				t.Logf("loss %.6g, gradient %.3g: error %.2g, of the worst tensor %s %.2g", want.loss, math.Sqrt(all), total, name, worst)
				if !(total <= tol) {
					t.Errorf("the gradient is off by %.3g of its length, more than %g", total, tol)
				}
			})
		}
	}
}

// distance is the squared distance of two vectors, and the squared length of the
// second.
func distance(a, b []float64) (off, all float64) {
	for i := range b {
		off += (a[i] - b[i]) * (a[i] - b[i])
		all += b[i] * b[i]
	}
	return off, all
}

// stepResult is what a step computes.
type stepResult struct {
	net   models.Model
	loss  float64
	grads [][]float64
}

// stepOf makes a step on a device, of a new network or of one with the weights of
// another.
func stepOf(t *testing.T, dev kernels.Device, arch string, weights models.Model) stepResult {
	t.Helper()
	net, err := models.New(models.Config{Arch: arch, Classes: 5}, dev, 3)
	if err != nil {
		t.Fatal(err)
	}
	if weights != nil {
		f, err := models.State(weights)
		if err != nil {
			t.Fatal(err)
		}
		if err := models.Load(net, f); err != nil {
			t.Fatal(err)
		}
	}
	const n, side = 3, 8
	r := rand.New(rand.NewPCG(7, 1))
	x := make([]float32, 2*n*side*side*3)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	labels := make([]int, n)
	for i := range labels {
		labels[i] = i
	}
	loss := greg.Loss{MarginIn: -23, MarginAux: -5, LambdaS: 0.1, LambdaGrad: 1, Variant: greg.Paper, ForceHits: true}
	tape := autograd.NewTape(dev)
	defer tape.Close()
	total := loss.Terms(layers.Training(tape, 1, 0), net, tape.New(x, 2*n, side, side, 3), labels, false).Total
	s := stepResult{net: net, loss: total.Float64s()[0]}
	autograd.Backward(total, net.Params()...)
	for _, p := range net.Params() {
		s.grads = append(s.grads, p.Grad().Float64s())
	}
	return s
}
