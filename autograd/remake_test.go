package autograd_test

import (
	"slices"
	"testing"

	"gradgrad/autograd"
	"gradgrad/kernels"
)

// normFunc is one of the batch norms.
type normFunc func(x, gamma, beta *autograd.Value, eps float64, relu bool) (y, mean, variance *autograd.Value)

// deepStep takes the gradient of a loss with a gradient penalty through a chain of
// convolutions and batch norms, and reports the peak memory.
func deepStep(t *testing.T, layers int, norm normFunc) (grads [][]float32, peak int64) {
	t.Helper()
	tape := autograd.NewTape(kernels.CPU)
	defer tape.Close()
	const c = 16
	pattern := func(n int, scale float32) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = scale * float32((i*7919)%23-11)
		}
		return x
	}
	var params []*autograd.Param
	param := func(v *autograd.Value) *autograd.Value {
		params = append(params, autograd.NewParam("", v))
		return tape.Watch(v)
	}
	x := tape.Watch(tape.New(pattern(4*16*16*c, 0.1), 4, 16, 16, c))
	h := x
	for range layers {
		y := autograd.Conv2D(h, param(autograd.New(kernels.CPU, pattern(9*c*c, 0.01), 3, 3, c, c)), autograd.Square(1, 1))
		if h != x {
			h.Done()
		}
		gamma, beta := param(autograd.Full(kernels.CPU, 1, c)), param(autograd.Full(kernels.CPU, 0.1, c))
		h, _, _ = norm(y, gamma, beta, 1e-5, true)
		y.Done()
	}
	s := autograd.Sum(autograd.Mul(h, h))
	h.Done()
	g := autograd.Grad(s, x)[0]
	autograd.Backward(autograd.Add(s, autograd.Sum(autograd.Norm(g))), params...)
	for _, p := range params {
		grads = append(grads, p.Grad().Float32s())
	}
	_, peak, _ = tape.Memory()
	return grads, peak
}

// TestRemakeSavesMemoryAndNoBits: results that are made again have the bits that
// they had, and are not kept meanwhile.
func TestRemakeSavesMemoryAndNoBits(t *testing.T) {
	usual, small := deepStep(t, 8, autograd.BatchNorm)
	lean, smallest := deepStep(t, 8, autograd.BatchNormLean)
	restore := autograd.KeepRemakable()
	kept, large := deepStep(t, 8, autograd.BatchNormLean)
	restore()
	for i := range kept {
		if !slices.Equal(usual[i], kept[i]) || !slices.Equal(lean[i], kept[i]) {
			t.Fatalf("the gradient of parameter %d has other bits", i)
		}
	}
	if float64(small) > 0.8*float64(large) {
		t.Errorf("the peak is %d bytes, and %d when everything is kept", small, large)
	}
	if float64(smallest) > 0.85*float64(small) {
		t.Errorf("the peak is %d bytes where derivatives are made again, and %d where they are kept", smallest, small)
	}
}

// TestRemadeValuesAreStillDone: remaking is for rules; the user's promise stands.
func TestRemadeValuesAreStillDone(t *testing.T) {
	tape := autograd.NewTape(kernels.CPU64)
	defer tape.Close()
	x := tape.Watch(tape.New([]float32{1, 2, 3, 4, 5, 7}, 3, 2))
	gamma, beta := tape.Watch(tape.Full(1, 2)), tape.Watch(tape.Full(0, 2))
	h, _, _ := autograd.BatchNorm(x, gamma, beta, 1e-5, true)
	y := autograd.Sum(autograd.Mul(h, h))
	h.Done()
	autograd.Grad(y, x)
	defer func() {
		if _, ok := recover().(*autograd.LifetimeError); !ok {
			t.Fatal("a value was read after Done")
		}
	}()
	h.Float64s()
}
