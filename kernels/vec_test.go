package kernels

import (
	"math"
	"math/rand/v2"
	"testing"
)

// vecLengths has every tail of the vector loops.
func vecLengths() []int {
	var n []int
	for i := range 70 {
		n = append(n, i)
	}
	return append(n, 127, 128, 129, 200, 255, 1000, 1027, 4096)
}

// vecData returns n+guard numbers; the guard behind them must stay as it is.
func vecData[T Float](r *rand.Rand, n int) []T {
	v := make([]T, n+16)
	for i := range v {
		v[i] = T(float32(r.NormFloat64()))
	}
	return v
}

// checkVec compares a loop over three slices with its definition per element.
func checkVec[T Float](t *testing.T, name string, f func(y, a, b []T), want func(y, a, b T) T) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range vecLengths() {
		for off := range 3 {
			y, a, b := vecData[T](r, n+off), vecData[T](r, n+off), vecData[T](r, n+off)
			if n > 5 {
				a[off+n/2], b[off+n/3] = 0, T(math.NaN())
			}
			old := append([]T(nil), y...)
			f(y[off:off+n], a[off:off+n], b[off:off+n])
			for i := range y {
				w := old[i]
				if i >= off && i < off+n {
					w = want(old[i], a[i], b[i])
				}
				if y[i] != w && !(math.IsNaN(float64(y[i])) && math.IsNaN(float64(w))) {
					t.Fatalf("%s: n=%d offset=%d element %d: %g, want %g", name, n, off, i-off, y[i], w)
				}
			}
		}
	}
}

func TestVecElementwise(t *testing.T) { eachVectorSet(t, checkVecElementwise) }

func checkVecElementwise(t *testing.T) {
	t.Run("float32", testVecElementwise[float32])
	t.Run("float64", testVecElementwise[float64])
}

func testVecElementwise[T Float](t *testing.T) {
	const s = 1.7
	positive := func(v T) T {
		if v < 0 {
			return 0
		}
		return v
	}
	checkVec(t, "vecAdd", vecAdd[T], func(y, a, b T) T { return a + b })
	checkVec(t, "vecSub", vecSub[T], func(y, a, b T) T { return a - b })
	checkVec(t, "vecMul", vecMul[T], func(y, a, b T) T { return a * b })
	checkVec(t, "vecFMA", vecFMA[T], func(y, a, b T) T { return T(math.FMA(float64(a), float64(b), float64(y))) })
	checkVec(t, "vecAddRelu", vecAddRelu[T], func(y, a, b T) T { return positive(a + b) })
	checkVec(t, "vecReluGrad", vecReluGrad[T], func(y, g, x T) T {
		if x > 0 {
			return g
		}
		return 0
	})
	checkVec(t, "vecScale", func(y, a, b []T) { vecScale(y, a, T(s)) }, func(y, a, b T) T { return a * T(s) })
	checkVec(t, "vecAxpy", func(y, a, b []T) { vecAxpy(y, T(s), b) },
		func(y, a, b T) T { return fma(T(s), b, y) })
	checkVec(t, "vecRelu", func(y, a, b []T) { vecRelu(y, b) }, func(y, a, b T) T { return positive(b) })
	checkVec(t, "vecFill", func(y, a, b []T) { vecFill(y, T(s)) }, func(y, a, b T) T { return T(s) })
	checkVec(t, "vecAdd in place", func(y, a, b []T) { vecAdd(y, y, b) }, func(y, a, b T) T { return y + b })
}

func TestVecReductions(t *testing.T) { eachVectorSet(t, checkVecReductions) }

func checkVecReductions(t *testing.T) {
	t.Run("float32", testVecReductions[float32])
	t.Run("float64", testVecReductions[float64])
}

func testVecReductions[T Float](t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range vecLengths() {
		x, y := vecData[T](r, n)[:n], vecData[T](r, n)[:n]
		var sum, prod, size float64
		best := math.Inf(-1)
		for i := range x {
			sum += float64(x[i])
			prod += float64(x[i]) * float64(y[i])
			size += math.Abs(float64(x[i])) + math.Abs(float64(x[i]*y[i]))
			best = max(best, float64(x[i]))
		}
		if d := math.Abs(vecSum(x) - sum); d > 1e-13*size {
			t.Errorf("vecSum of %d elements is off by %g", n, d)
		}
		if d := math.Abs(vecDot(x, y) - prod); d > 1e-13*size {
			t.Errorf("vecDot of %d elements is off by %g", n, d)
		}
		if got := float64(vecMax(x)); got != best {
			t.Errorf("vecMax of %d elements is %g, want %g", n, got, best)
		}
		if n > 0 {
			x[n/2] = T(math.NaN())
			if got := float64(vecMax(x)); !math.IsNaN(got) {
				t.Errorf("vecMax of %d elements with a NaN is %g", n, got)
			}
		}
	}
}

// ulps is the distance of v from the exact value in units of v's last place.
func ulps(v float32, exact float64) float64 {
	if math.IsInf(float64(v), 1) && exact > math.MaxFloat32 {
		return 0
	}
	next := math.Nextafter32(v, float32(math.Inf(1)))
	return math.Abs(float64(v)-exact) / (float64(next) - float64(v))
}

func TestVecExp(t *testing.T) { eachVectorSet(t, checkVecExp) }

func checkVecExp(t *testing.T) {
	var x []float32
	for v := float32(-110); v < 95; v += 0.00371 {
		x = append(x, v)
	}
	x = append(x, 0, float32(math.Copysign(0, -1)), 88.72283, 88.72284, -87.33654, -103.97208, -103.9721)
	y := make([]float32, len(x))
	vecExp(y, x)
	var bad float64
	for i, v := range x {
		bad = max(bad, ulps(y[i], math.Exp(float64(v))))
	}
	if !(bad < 2) {
		t.Errorf("vecExp is off by %.2f units in the last place", bad)
	}
	inf := float32(math.Inf(1))
	special := []float32{inf, -inf, float32(math.NaN()), 1e30, -1e30}
	vecExp(special, special)
	if special[0] != inf || special[1] != 0 || special[2] == special[2] || special[3] != inf || special[4] != 0 {
		t.Errorf("vecExp of Inf, -Inf, NaN, 1e30, -1e30 is %v", special)
	}
}

func TestVecExpSum(t *testing.T) { eachVectorSet(t, checkVecExpSum) }

func checkVecExpSum(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, n := range vecLengths() {
		x, y := vecData[float32](r, n), vecData[float32](r, n)
		guard := y[n]
		got := vecExpSum(y[:n], x[:n], 1.5)
		var want float64
		for i := range n {
			e := math.Exp(float64(x[i] - 1.5))
			if u := ulps(y[i], e); u > 2 {
				t.Fatalf("n=%d element %d: off by %.2f units in the last place", n, i, u)
			}
			want += float64(y[i])
		}
		if math.Abs(got-want) > 1e-12*want || y[n] != guard {
			t.Fatalf("n=%d: sum %g, want %g", n, got, want)
		}
	}
}

func TestVecRows(t *testing.T) { eachVectorSet(t, checkVecRows) }

func checkVecRows(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, s := range normShapes {
		m, c := s[0], s[1]
		x, y := vecData[float32](r, m*c)[:m*c], make([]float32, m*c)
		scale, shift := vecData[float32](r, c)[:c], vecData[float32](r, c)[:c]
		vecMulAddRow(y, x, scale, shift)
		sums := make([]float64, c)
		for j := range sums {
			sums[j] = 1
		}
		colSums(sums, x)
		want := make([]float64, c)
		for i, v := range x {
			j := i % c
			if e := fma(v, scale[j], shift[j]); math.Abs(float64(y[i]-e)) > 1e-6 {
				t.Fatalf("%v: element %d is %g, want %g", s, i, y[i], e)
			}
			want[j] += float64(v)
		}
		for j := range want {
			if d := math.Abs(sums[j] - 1 - want[j]); d > 1e-6*math.Sqrt(float64(m)) {
				t.Fatalf("%v: sum of column %d is off by %g", s, j, d)
			}
		}
	}
}

func TestVecDoesNotAllocate(t *testing.T) { eachVectorSet(t, checkVecDoesNotAllocate) }

func checkVecDoesNotAllocate(t *testing.T) {
	y, a := make([]float32, 1000), make([]float32, 1000)
	n := testing.AllocsPerRun(20, func() {
		vecAdd(y, a, y)
		vecScale(y, a, 2)
		vecRelu(y, a)
		vecExpSum(y, a, 1)
		vecSum(a)
		vecMax(a)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
