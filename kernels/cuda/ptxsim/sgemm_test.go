package ptxsim

import (
	"context"
	"fmt"
	"math"
	"testing"
)

// pattern makes small numbers that are the same in every run.
func pattern(n int) []float32 {
	v := make([]float32, n)
	x := uint32(12345)
	for i := range v {
		x = x*1664525 + 1013904223
		v[i] = float32(int32(x)>>8) / (1 << 23)
	}
	return v
}

// gemm launches sgemm on fresh memory and returns what it computed and what is right.
func gemm(t testing.TB, m *Machine, k *Kernel, rows, cols, depth int) (got []float32, want []float64, err error) {
	t.Helper()
	a, b := pattern(rows*depth), pattern(depth*cols)
	pa, pb := upload(t, m, "A", floats(a)), upload(t, m, "B", floats(b))
	pc, err := m.Alloc("C", int64(4*rows*cols))
	if err != nil {
		t.Fatal(err)
	}
	grid := [3]int{(cols + 15) / 16, (rows + 15) / 16, 1}
	err = m.Launch(context.Background(), k, grid, [3]int{16, 16, 1}, 0,
		[]uint64{pa, pb, pc, uint64(rows), uint64(cols), uint64(depth)})
	if err != nil {
		return nil, nil, err
	}
	for i := range rows {
		for j := range cols {
			sum := 0.0
			for l := range depth {
				sum += float64(a[i*depth+l]) * float64(b[l*cols+j])
			}
			want = append(want, sum)
		}
	}
	return download(t, m, pc, rows*cols), want, nil
}

func TestSgemm(t *testing.T) {
	k, _ := parse(t, "sgemm.ptx").Kernel("sgemm")
	for _, size := range [][3]int{{1, 1, 1}, {16, 16, 16}, {37, 53, 29}, {64, 17, 100}} {
		for _, o := range []Options{{}, {Unchecked: true}, {Shuffle: 7}, {Workers: 1}} {
			t.Run(fmt.Sprint(size, o.Unchecked, o.Shuffle, o.Workers), func(t *testing.T) {
				got, want, err := gemm(t, New(o), k, size[0], size[1], size[2])
				if err != nil {
					t.Fatal(err)
				}
				for i, w := range want {
					if math.Abs(float64(got[i])-w) > 1e-5*float64(size[2]) {
						t.Fatalf("C[%d] = %v, want %v", i, got[i], w)
					}
				}
			})
		}
	}
}
