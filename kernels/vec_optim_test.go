package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
)

// TestOptimisersMatchPyTorch minimises w^2 from 1 with PyTorch's own numbers.
func TestOptimisersMatchPyTorch(t *testing.T) {
	sgd := []float64{.618100000, .219237610, -.111651094}
	adam := []float64{.900000000, .800412229, .701586273}
	w, buf := []float64{1}, []float64{math.NaN()}
	for i, want := range sgd {
		SGDStep(w, []float64{2 * w[0]}, buf, .1, .9, .01, true, i == 0)
		if math.Abs(w[0]-want) > 1e-9 {
			t.Errorf("SGD step %d: %.9f, want %.9f", i, w[0], want)
		}
	}
	w, m, v := []float64{1}, []float64{math.NaN()}, []float64{math.NaN()}
	for i, want := range adam {
		AdamStep(w, []float64{2 * w[0]}, m, v, .1, .9, .999, 1e-8, 0, i+1)
		if math.Abs(w[0]-want) > 1e-9 {
			t.Errorf("Adam step %d: %.9f, want %.9f", i, w[0], want)
		}
	}
}

// optimRun makes three steps of a kernel on device d and returns its buffers.
func optimRun(d Device, k *Kernel, attr func(step int) any, n, buffers int) [][]float64 {
	r := rand.New(rand.NewPCG(1, 9))
	out := make([]Buffer, buffers)
	for i := range out {
		out[i] = d.Alloc(n)
	}
	d.Write64(out[0], normals(r, n, 0, 1))
	grad := d.Alloc(n)
	for step := range 3 {
		d.Write64(grad, normals(r, n, 0, 1))
		d.Run(k, &Args{In: []Buffer{grad}, Out: out, Attr: attr(step)})
	}
	res := make([][]float64, buffers)
	for i := range out {
		res[i] = make([]float64, n)
		d.Read64(res[i], out[i])
	}
	return res
}

func TestOptimiserKernels(t *testing.T) { eachVectorSet(t, checkOptimiserKernels) }

func checkOptimiserKernels(t *testing.T) {
	cases := map[string]struct {
		k       *Kernel
		buffers int
		attr    func(step int) any
	}{
		"sgd":          {SGD, 1, func(i int) any { return &SGDAttr{LR: .1, Decay: .01} }},
		"sgd momentum": {SGD, 2, func(i int) any { return &SGDAttr{LR: .1, Momentum: .9, First: i == 0} }},
		"sgd nesterov": {SGD, 2, func(i int) any {
			return &SGDAttr{LR: .1, Momentum: .9, Decay: .01, Nesterov: true, First: i == 0}
		}},
		"adam": {Adam, 3, func(i int) any {
			return &AdamAttr{LR: .1, Beta1: .9, Beta2: .99, Eps: 1e-6, Decay: .02, Step: i + 1}
		}},
	}
	for name, c := range cases {
		for _, n := range []int{1, 7, 8, 16, 31, 33, 50, 3*optimChunk + 5} {
			got, want := optimRun(CPU, c.k, c.attr, n, c.buffers), optimRun(CPU64, c.k, c.attr, n, c.buffers)
			for i := range got {
				within(t, fmt.Sprintf("%s, %d elements, buffer %d", name, n, i), got[i], want[i], 1e-6)
			}
		}
	}
}

func TestOptimisersSameBitsForAnyGOMAXPROCS(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	attr := func(i int) any { return &AdamAttr{LR: .1, Beta1: .9, Beta2: .99, Eps: 1e-8, Step: i + 1} }
	runtime.GOMAXPROCS(1)
	one := optimRun(CPU, Adam, attr, 50001, 3)
	runtime.GOMAXPROCS(4)
	four := optimRun(CPU, Adam, attr, 50001, 3)
	for i := range one {
		within(t, fmt.Sprintf("buffer %d", i), four[i], one[i], 0)
	}
}
