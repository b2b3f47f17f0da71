package kmeans

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"testing"
)

// fixture is what scikit-learn found on a data set; testdata/make_fixtures.py
// says how.
type fixture struct {
	N, Dim, K      int
	Seed           uint64
	Blobs          int
	Spread, Offset float32
	Far            bool
	Labels         string
	Iterations     int
	Inertia        float64
	OwnMean        float64 `json:"own_mean"`
}

func fixtures(t *testing.T) []fixture {
	t.Helper()
	data, err := os.ReadFile("testdata/sklearn.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []fixture }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) != 20 {
		t.Fatalf("%d cases, want 20", len(file.Cases))
	}
	return file.Cases
}

// splitMix is the stream that make_fixtures.py draws from.
type splitMix uint64

func (s *splitMix) uniform() float64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return float64((z^z>>31)>>40) / (1 << 24)
}

func (f *fixture) points() []float32 {
	s := splitMix(f.Seed)
	places := make([]float32, f.Blobs*f.Dim)
	for i := range places {
		places[i] = float32(s.uniform())
	}
	x := make([]float32, f.N*f.Dim)
	for i := range x {
		noise := float32(s.uniform()-0.5) * f.Spread
		near := float32(places[i/f.Dim%f.Blobs*f.Dim+i%f.Dim] + noise)
		x[i] = near + f.Offset
	}
	return x
}

func (f *fixture) firstCenters(x []float32) []float32 {
	var init []float32
	for j := range f.K {
		i := j * (f.N / f.K)
		init = append(init, x[i*f.Dim:][:f.Dim]...)
	}
	if f.Far {
		for j := range init[:f.Dim] {
			init[j] += 64
		}
	}
	return init
}

// TestSameLabelsAsScikitLearn starts from the same centers, some of which no
// point is nearest to.
func TestSameLabelsAsScikitLearn(t *testing.T) {
	for _, f := range fixtures(t) {
		x := f.points()
		m, err := Fit(context.Background(), x, f.Dim, Config{K: f.K, Init: f.firstCenters(x)})
		if err != nil {
			t.Fatal(err)
		}
		want, err := hex.DecodeString(f.Labels)
		if err != nil {
			t.Fatal(err)
		}
		near := 0
		for i, label := range m.Labels {
			if label == int(want[i]) {
				continue
			}
			if near++; !nearlyEqual(m, x[i*f.Dim:][:f.Dim], label, int(want[i])) {
				t.Errorf("set %d: point %d has label %d, want %d", f.Seed, i, label, want[i])
			}
		}
		if near > 2 {
			t.Errorf("set %d: %d labels differ", f.Seed, near)
		}
		if m.Iterations != f.Iterations {
			t.Errorf("set %d: %d iterations, want %d", f.Seed, m.Iterations, f.Iterations)
		}
		if math.Abs(m.Inertia-f.Inertia) > 1e-5*f.Inertia {
			t.Errorf("set %d: inertia %g, want %g", f.Seed, m.Inertia, f.Inertia)
		}
	}
}

// nearlyEqual says whether x lies about as far from one center as from another.
func nearlyEqual(m *Model, x []float32, a, b int) bool {
	to := func(j int) float64 { return math.Sqrt(squaredDistance(x, m.Centers[j*m.Dim:][:m.Dim])) }
	return math.Abs(to(a)-to(b)) < 1e-5
}

// TestInertiaNoWorseThanScikitLearn lets both seed on their own, each ten times
// with three restarts.
func TestInertiaNoWorseThanScikitLearn(t *testing.T) {
	if testing.Short() {
		t.Skip("600 runs; not with -short")
	}
	sum := 0.0
	for _, f := range fixtures(t) {
		x := f.points()
		mean := 0.0
		for seed := range 10 {
			m, err := Fit(context.Background(), x, f.Dim, Config{K: f.K, Restarts: 3, Seed: uint64(seed)})
			if err != nil {
				t.Fatal(err)
			}
			mean += m.Inertia / 10
		}
		ratio := mean / f.OwnMean
		if ratio > 1.02 {
			t.Errorf("set %d: mean inertia %g, scikit-learn's %g: %.4f times", f.Seed, mean, f.OwnMean, ratio)
		}
		t.Logf("set %2d: %.5f", f.Seed, ratio)
		sum += math.Log(ratio)
	}
	all := math.Exp(sum / 20)
	t.Logf("all: %.5f times scikit-learn's", all)
	if all > 1.002 {
		t.Errorf("mean inertia %.5f times scikit-learn's", all)
	}
}
