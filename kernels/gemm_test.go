package kernels

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"runtime"
	"testing"
)

// randomSlice returns n values in [-1, 1).
func randomSlice[T Float](r *rand.Rand, n int) []T {
	s := make([]T, n)
	for i := range s {
		s[i] = T(2*r.Float64() - 1)
	}
	return s
}

// naiveGemm is the definition in float64.
func naiveGemm[T Float](transA, transB bool, m, n, k int, a []T, lda int, b []T, ldb int, c []T, ldc int, accumulate bool) []float64 {
	out := make([]float64, len(c))
	for i, v := range c {
		out[i] = float64(v)
	}
	for i := range m {
		for j := range n {
			s := 0.0
			for p := range k {
				x, y := i*lda+p, p*ldb+j
				if transA {
					x = p*lda + i
				}
				if transB {
					y = j*ldb + p
				}
				s += float64(a[x]) * float64(b[y])
			}
			if accumulate {
				s += float64(c[i*ldc+j])
			}
			out[i*ldc+j] = s
		}
	}
	return out
}

// tolerance is the error allowed in a sum of k products of values up to 1: k
// roundings of partial sums that grow with the root of k.
func tolerance[T Float](k int) float64 {
	eps := 1e-15
	if isFloat32[T]() {
		eps = 6e-8
	}
	return eps * (2*float64(k) + 16)
}

func requireNear[T Float](t *testing.T, got []T, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d values, want %d", len(got), len(want))
	}
	for i, v := range got {
		if !(math.Abs(float64(v)-want[i]) <= tol) {
			t.Fatalf("element %d of %d: %v, want %v within %g", i, len(got), v, want[i], tol)
		}
	}
}

type gemmShape struct{ m, n, k int }

var gemmShapes = []gemmShape{
	{1, 1, 1}, {1, 7, 3}, {2, 3, 0}, {3, 5, 7}, {4, 16, 4}, {5, 33, 9}, {6, 8, 1}, {7, 1, 64}, {13, 17, 19},
	{16, 16, 16}, {24, 48, 36}, {31, 47, 63}, {33, 31, 65}, {64, 12, 100}, {65, 80, 130}, {100, 10, 128}, {128, 10, 128},
	{97, 101, 103}, {12, 200, 600}, {62, 70, 1030}, {257, 65, 40},
}

func testGemm[T Float](t *testing.T, s gemmShape, transA, transB, accumulate bool) {
	r := rand.New(rand.NewPCG(1, uint64(s.m*1000+s.n)))
	pad := r.IntN(4)
	lda, ldb, ldc := s.k+pad, s.n+pad, s.n+pad
	ra, rb := s.m, s.k
	if transA {
		lda, ra = s.m+pad, s.k
	}
	if transB {
		ldb, rb = s.k+pad, s.n
	}
	a, b, c := randomSlice[T](r, ra*lda), randomSlice[T](r, rb*ldb), randomSlice[T](r, s.m*ldc)
	want := naiveGemm(transA, transB, s.m, s.n, s.k, a, lda, b, ldb, c, ldc, accumulate)
	if !accumulate {
		for i := range s.m {
			for j := range s.n {
				c[i*ldc+j] = T(math.NaN()) // must not be read
			}
		}
	}
	Gemm(transA, transB, s.m, s.n, s.k, a, lda, b, ldb, c, ldc, accumulate)
	requireNear(t, c, want, tolerance[T](s.k))
}

func TestGemm(t *testing.T) { eachTileSet(t, testGemmShapes) }

func testGemmShapes(t *testing.T) {
	for _, s := range gemmShapes {
		for mode := range 8 {
			ta, tb, acc := mode&1 != 0, mode&2 != 0, mode&4 != 0
			t.Run(fmt.Sprintf("%dx%dx%d/ta=%v,tb=%v,acc=%v", s.m, s.n, s.k, ta, tb, acc), func(t *testing.T) {
				testGemm[float64](t, s, ta, tb, acc)
				testGemm[float32](t, s, ta, tb, acc)
			})
		}
	}
}

func TestMatmulBatches(t *testing.T) {
	for _, g := range []MatmulAttr{
		{Batch: 3, M: 5, N: 7, K: 6}, {Batch: 2, M: 20, N: 18, K: 33, TransA: true},
		{Batch: 4, M: 9, N: 3, K: 5, TransB: true}, {Batch: 1, M: 40, N: 30, K: 20, TransA: true, TransB: true},
	} {
		r := rand.New(rand.NewPCG(2, 3))
		a, b := randomSlice[float32](r, g.Batch*g.M*g.K), randomSlice[float32](r, g.Batch*g.K*g.N)
		c := make([]float32, g.Batch*g.M*g.N)
		ba, bb, bc := CPU.Alloc(len(a)), CPU.Alloc(len(b)), CPU.Alloc(len(c))
		CPU.Write(ba, a)
		CPU.Write(bb, b)
		CPU.Run(Matmul, &Args{In: []Buffer{ba, bb}, Out: []Buffer{bc}, Attr: &g})
		CPU.Read(c, bc)
		lda, ldb := g.K, g.N
		if g.TransA {
			lda = g.M
		}
		if g.TransB {
			ldb = g.K
		}
		for i := range g.Batch {
			ci := c[i*g.M*g.N:][:g.M*g.N]
			want := naiveGemm(g.TransA, g.TransB, g.M, g.N, g.K, a[i*g.M*g.K:], lda, b[i*g.K*g.N:], ldb, ci, g.N, false)
			requireNear(t, ci, want, tolerance[float32](g.K))
		}
	}
}

func TestGemmShortSlicePanics(t *testing.T) {
	defer func() {
		var e *SizeError
		if err, ok := recover().(error); !ok || !errors.As(err, &e) || e.Operand != "B" {
			t.Fatalf("panic value %v, want a *SizeError for B", err)
		}
	}()
	Gemm(false, false, 4, 4, 4, make([]float32, 16), 4, make([]float32, 15), 4, make([]float32, 16), 4, false)
}

// A size whose product does not fit into an int is no small one.
func TestMatrixTooLargeForAnIntPanics(t *testing.T) {
	const step = 1 << (bits.UintSize / 2)
	defer func() {
		var e *SizeError
		if err, ok := recover().(error); !ok || !errors.As(err, &e) || e.Operand != "C" {
			t.Fatalf("panic value %v, want a *SizeError for C", err)
		}
	}()
	Gemm(false, false, step+1, 1, 1, make([]float32, 16), 1, make([]float32, 1), 1, make([]float32, 16), step, false)
}

// sameBits runs fn with 1, 2 and 4 threads and compares what it returns.
func sameBits[T Float](t *testing.T, fn func() []T) {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	first := fn()
	for _, procs := range []int{2, 4} {
		runtime.GOMAXPROCS(procs)
		for i, v := range fn() {
			if v != first[i] {
				t.Fatalf("GOMAXPROCS=%d: element %d is %v, with one thread %v", procs, i, v, first[i])
			}
		}
	}
}

func TestGemmSameBits(t *testing.T) { eachTileSet(t, testGemmSameBits) }

func testGemmSameBits(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	m, n, k := 203, 117, 700
	a, b := randomSlice[float32](r, m*k), randomSlice[float32](r, k*n)
	for mode := range 4 {
		ta, tb := mode&1 != 0, mode&2 != 0
		lda, ldb := k, n
		if ta {
			lda = m
		}
		if tb {
			ldb = k
		}
		sameBits(t, func() []float32 {
			c := make([]float32, m*n)
			Gemm(ta, tb, m, n, k, a, lda, b, ldb, c, n, false)
			return c
		})
	}
}
