package greg

import (
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"gradgrad/ood"
)

// TestPosteriorOfOneFeature compares with the formula for numbers.
func TestPosteriorOfOneFeature(t *testing.T) {
	p := NewPosterior(1, 20, 0.5)
	p.Observe([]float32{1, 2}, -2.5, 3) // each three times
	p.Observe([]float32{0.5}, 3.5, 1)
	a := (3*(1+4)+0.25)/0.5 + 1.0/20
	want := (3*(-2.5)*(1+2) + 3.5*0.5) / 0.5 / a
	const draws = 20000
	sum, squares := 0.0, 0.0
	for seed := range uint64(draws) {
		mean, w, err := p.Draw(rand.New(rand.NewPCG(seed, 1)))
		if err != nil || math.Abs(mean[0]-want) > 1e-12 {
			t.Fatalf("mean %g, want %g: %v", mean[0], want, err)
		}
		sum, squares = sum+w[0], squares+(w[0]-want)*(w[0]-want)
	}
	variance := 20 / a
	if m := sum / draws; math.Abs(m-want) > 5*math.Sqrt(variance/draws) {
		t.Errorf("draws have the mean %g, want %g", m, want)
	}
	if v := squares / draws; math.Abs(v/variance-1) > 0.05 {
		t.Errorf("draws have the variance %g, want sigma/A = %g", v, variance)
	}
}

// TestPosteriorAgainstNormalEquations solves for the mean in another way, and
// measures the covariance of draws.
func TestPosteriorAgainstNormalEquations(t *testing.T) {
	const dim, n = 4, 50
	r := rand.New(rand.NewPCG(2, 2))
	phi, y := make([]float32, n*dim), make([]float64, n)
	for i := range phi {
		phi[i] = float32(r.NormFloat64() + 0.3*float64(i%dim))
	}
	p := NewPosterior(dim, 20, 0.5)
	for i := range y {
		y[i] = r.NormFloat64()
		p.Observe(phi[i*dim:(i+1)*dim], y[i], 1)
	}
	a, b := mat.NewDense(dim, dim, nil), mat.NewVecDense(dim, nil)
	for j := range dim {
		for k := range dim {
			for i := range n {
				a.Set(j, k, a.At(j, k)+float64(phi[i*dim+j])*float64(phi[i*dim+k])/0.5)
			}
		}
		a.Set(j, j, a.At(j, j)+1.0/20)
		for i := range n {
			b.SetVec(j, b.AtVec(j)+float64(phi[i*dim+j])*y[i]/0.5)
		}
	}
	var want mat.VecDense
	if err := want.SolveVec(a, b); err != nil {
		t.Fatal(err)
	}
	var inverse mat.Dense
	if err := inverse.Inverse(a); err != nil {
		t.Fatal(err)
	}
	const draws = 20000
	covariance := mat.NewDense(dim, dim, nil)
	for range draws {
		mean, w, err := p.Draw(r)
		if err != nil {
			t.Fatal(err)
		}
		for j := range dim {
			if math.Abs(mean[j]-want.AtVec(j)) > 1e-10 {
				t.Fatalf("mean %v, want %v", mean, want.RawVector().Data)
			}
			for k := range dim {
				covariance.Set(j, k, covariance.At(j, k)+(w[j]-mean[j])*(w[k]-mean[k])/draws)
			}
		}
	}
	for j := range dim {
		for k := range dim {
			if got, want := covariance.At(j, k), 20*inverse.At(j, k); math.Abs(got-want) > 0.05*20*math.Sqrt(inverse.At(j, j)*inverse.At(k, k)) {
				t.Errorf("covariance %d,%d is %g, want %g", j, k, got, want)
			}
		}
	}
}

// TestPosteriorFindsTheBoundary: features of two clouds, and the nearest to the
// boundary lie between them.
func TestPosteriorFindsTheBoundary(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	const dim, n = 300, 400
	cloud := func(seed uint64, at float64) []float32 {
		r := rand.New(rand.NewPCG(seed, 5))
		x := make([]float32, n*dim)
		for i := range x {
			x[i] = float32(at + 0.5*r.NormFloat64())
		}
		return x
	}
	var want []float64
	for _, threads := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(threads)
		p := NewPosterior(dim, 20, 0.5)
		p.Observe(cloud(1, 1), -3, 20) // many, so that a draw is near the mean
		p.Observe(cloud(2, -1), 3, 20)
		_, w, err := p.Draw(rand.New(rand.NewPCG(3, 3)))
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = w
		} else if !slices.Equal(want, w) {
			t.Fatalf("other bits with %d threads", threads)
		}
	}
	s := &BoundarySampler{W: want, Keep: n}
	c := new(Candidates)
	for _, at := range []float64{1, 0, -1} {
		c.Look(s, ood.Outputs{N: n, Dim: dim, Features: cloud(uint64(10+at), at)})
	}
	choice, err := s.Choose(context.Background(), c, nil)
	if err != nil || len(choice.Indices) != n {
		t.Fatalf("%d images: %v", len(choice.Indices), err)
	}
	between := 0
	for _, i := range choice.Indices {
		if i >= n && i < 2*n {
			between++
		}
	}
	if between < n*9/10 {
		t.Errorf("only %d of the %d nearest lie between the clouds", between, n)
	}
}

func TestPosteriorOfFeaturesThatAreNotFinite(t *testing.T) {
	p := NewPosterior(2, 20, 0.5)
	p.Observe([]float32{float32(math.NaN()), 1}, 3, 1)
	if _, w, err := p.Draw(rand.New(rand.NewPCG(1, 1))); err == nil {
		t.Errorf("drew %v", w)
	}
}
