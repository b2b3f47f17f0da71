package kernels

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkGemm covers square products and those of the networks' heads, of
// k-means and of Winograd.
func BenchmarkGemm(b *testing.B) {
	for _, s := range []struct {
		gemmShape
		transA, transB bool
	}{
		{gemmShape: gemmShape{1024, 1024, 1024}}, {gemmShape: gemmShape{2048, 2048, 2048}},
		{gemmShape: gemmShape{1024, 1024, 1024}, transA: true}, {gemmShape: gemmShape{1024, 1024, 1024}, transB: true},
		{gemmShape: gemmShape{8192, 512, 4608}}, {gemmShape: gemmShape{131072, 16, 144}},
		{gemmShape: gemmShape{131072, 48, 96}}, {gemmShape: gemmShape{1024, 64, 576}},
		{gemmShape: gemmShape{128, 10, 128}, transB: true}, {gemmShape: gemmShape{10, 128, 128}, transA: true},
		{gemmShape: gemmShape{384, 64, 342}, transB: true}, {gemmShape: gemmShape{8192, 1000, 512}, transB: true},
	} {
		b.Run(fmt.Sprintf("%dx%dx%d,%v,%v", s.m, s.n, s.k, s.transA, s.transB), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			x, y, c := randomSlice[float32](r, s.m*s.k), randomSlice[float32](r, s.k*s.n), make([]float32, s.m*s.n)
			lda, ldb := s.k, s.n
			if s.transA {
				lda = s.m
			}
			if s.transB {
				ldb = s.k
			}
			for b.Loop() {
				Gemm(s.transA, s.transB, s.m, s.n, s.k, x, lda, y, ldb, c, s.n, false)
			}
			reportRate(b, 2*s.m*s.n*s.k)
		})
	}
}

// reportRate reports the rate of one operation per iteration.
func reportRate(b *testing.B, flop int) {
	b.ReportMetric(float64(flop)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

// BenchmarkPeakFMA is the limit that the other rates are a fraction of.
func BenchmarkPeakFMA(b *testing.B) {
	threads, best := Workers(), 0.0
	for b.Loop() {
		best = max(best, PeakFMA(threads))
	}
	b.ReportMetric(best, "GFLOP/s")
}
