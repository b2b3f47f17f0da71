package cuda_test

import (
	"math"
	"slices"
	"testing"

	"gradgrad/kernels/cuda"
	"gradgrad/kmeans"
)

// TestClusters clusters on a device as on the CPU: points in groups, with a seeding from
// a table of distances and one that draws ahead, in a precision that the distances
// must not have, and with centers that lose their points.
func TestClusters(t *testing.T) {
	dev := device(t)
	dev.SetPrecision(cuda.BF16)
	defer dev.SetPrecision(cuda.FP32)
	s := newSource(4)
	for _, d := range []struct{ n, dim, k int }{{90, 33, 7}, {600, 5, 3}, {300, 70, 40}} {
		x := make([]float32, 0, d.n*d.dim)
		for i := range d.n {
			for j := range d.dim {
				v := 0.4 * s.Float64()
				if j == i%d.k%d.dim {
					v += float64(2 + i%d.k/d.dim*2)
				}
				x = append(x, float32(v))
			}
		}
		c := kmeans.Config{K: d.k, Restarts: 2, Seed: 5}
		want, err := kmeans.Fit(t.Context(), x, d.dim, c)
		if err != nil {
			t.Fatal(err)
		}
		c.Device = dev
		got, err := kmeans.Fit(t.Context(), x, d.dim, c)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.Labels, want.Labels) || math.Abs(got.Inertia-want.Inertia) > 1e-5*want.Inertia || !got.Converged {
			t.Errorf("%v: other labels, or inertia %g, not %g", d, got.Inertia, want.Inertia)
		}
		for i, v := range got.Centers {
			if math.Abs(float64(v-want.Centers[i])) > 1e-5 {
				t.Fatalf("%v: element %d of the centers is %v, not %v", d, i, v, want.Centers[i])
			}
		}
	}
	noise := make([]float32, 300*12) // where labels hang on small differences
	for i := range noise {
		noise[i] = float32(s.Float64())
	}
	c := kmeans.Config{K: 9, Init: noise[:9*12]}
	want, err := kmeans.Fit(t.Context(), noise, 12, c)
	if err != nil {
		t.Fatal(err)
	}
	c.Device = dev
	got, err := kmeans.Fit(t.Context(), noise, 12, c)
	if err != nil || !slices.Equal(got.Labels, want.Labels) || got.Iterations != want.Iterations {
		t.Errorf("noise: %v, or other labels", err)
	}
	m, err := kmeans.Fit(t.Context(), []float32{0, 1, 2, 3, 100}, 1, kmeans.Config{K: 2, Init: []float32{1, 1000}, MaxIter: 1, Tol: -1, Device: dev})
	if err != nil || !slices.Equal(m.Labels, []int{0, 0, 0, 0, 1}) {
		t.Errorf("a center without points: %+v, %v", m, err)
	}
}
