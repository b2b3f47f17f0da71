package kmeans

import (
	"context"
	"math/rand/v2"
	"testing"
)

// noise is n points with independent normal features: the worst case, since no
// cluster rests early.
func noise(n, dim int, seed uint64) []float32 {
	rng := rand.New(rand.NewPCG(seed, 0))
	x := make([]float32, n*dim)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// BenchmarkSampling is the job of one GReg+ step.
func BenchmarkSampling(b *testing.B) {
	x := noise(384, 342, 1)
	iterations := 0
	for i := 0; b.Loop(); i++ {
		m, err := Fit(context.Background(), x, 342, Config{K: 64, Restarts: 3, Seed: uint64(i)})
		if err != nil {
			b.Fatal(err)
		}
		iterations += m.Iterations
	}
	b.ReportMetric(float64(iterations)/float64(b.N), "iterations")
}

// BenchmarkSampling2 ends every run after two iterations, so that it can be
// compared at equal work.
func BenchmarkSampling2(b *testing.B) {
	x := noise(384, 342, 1)
	for i := 0; b.Loop(); i++ {
		m, err := Fit(context.Background(), x, 342, Config{K: 64, Restarts: 3, MaxIter: 2, Tol: -1, Seed: uint64(i)})
		if err != nil || m.Iterations != 2 {
			b.Fatal(m, err)
		}
	}
}

// BenchmarkLloyd is twenty iterations on a large set from given centers.
func BenchmarkLloyd(b *testing.B) {
	const n, dim, k = 50000, 512, 1000
	x := noise(n, dim, 1)
	for b.Loop() {
		m, err := Fit(context.Background(), x, dim, Config{K: k, Init: x[:k*dim], MaxIter: 20, Tol: -1})
		if err != nil || m.Iterations != 20 {
			b.Fatal(m, err)
		}
	}
	b.ReportMetric(2*n*dim*k*21*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

// BenchmarkSeeds chooses the first centers of the same job.
func BenchmarkSeeds(b *testing.B) {
	const n, dim, k = 50000, 512, 1000
	x := noise(n, dim, 1)
	for b.Loop() {
		if _, err := Seeds(context.Background(), x, dim, k, 1); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMiniBatch is five passes' worth of batches over it, at most.
func BenchmarkMiniBatch(b *testing.B) {
	const n, dim, k = 50000, 512, 100
	x := noise(n, dim, 1)
	for b.Loop() {
		if _, err := Fit(context.Background(), x, dim, Config{K: k, Batch: 1024, MaxIter: 5}); err != nil {
			b.Fatal(err)
		}
	}
}
