package tsne

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
)

// clouds draws points of k well separated groups in d dimensions.
func clouds(k, each, d int, seed uint64) (x []float32, group []int) {
	rng := rand.New(rand.NewPCG(seed, 1))
	for g := range k {
		for range each {
			for i := range d {
				v := rng.NormFloat64()
				if i%k == g {
					v += 12
				}
				x = append(x, float32(v))
			}
			group = append(group, g)
		}
	}
	return x, group
}

// TestNeighboursStayNeighbours looks for every point's nearest one in the plane.
func TestNeighboursStayNeighbours(t *testing.T) {
	x, group := clouds(4, 25, 8, 1)
	y, err := Embed(context.Background(), x, 100, Options{Perplexity: 10, Iterations: 500, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	wrong := 0
	for i := range y {
		best, at := math.Inf(1), -1
		for j := range y {
			if d := math.Hypot(y[i][0]-y[j][0], y[i][1]-y[j][1]); j != i && d < best {
				best, at = d, j
			}
		}
		if group[at] != group[i] {
			wrong++
		}
	}
	if wrong > 0 {
		t.Errorf("%d of 100 points have their nearest in another group", wrong)
	}
}

// TestAffinities checks what defines them: each row's entropy is that of the
// perplexity, the symmetric sum is 1, equal points are treated alike.
func TestAffinities(t *testing.T) {
	x, _ := clouds(2, 20, 3, 2)
	const n, perplexity = 40, 7
	row := make([]float64, n)
	for j := range n {
		for k := range 3 {
			d := float64(x[5*3+k] - x[j*3+k])
			row[j] += d * d
		}
	}
	neighbours(row, 5, math.Log(perplexity))
	h, sum := 0.0, 0.0
	for j, p := range row {
		if sum += p; p > 0 && j != 5 {
			h -= p * math.Log(p)
		}
	}
	if math.Abs(sum-1) > 1e-12 || row[5] != 0 || math.Abs(math.Exp(h)-perplexity) > 1e-3 {
		t.Errorf("sum %v, itself %v, perplexity %v", sum, row[5], math.Exp(h))
	}
	p := affinities(x, n, perplexity)
	total := 0.0
	for i := range n {
		for j := range n {
			total += p[i*n+j]
			if p[i*n+j] != p[j*n+i] {
				t.Fatalf("p[%d,%d] is not symmetric", i, j)
			}
		}
	}
	if math.Abs(total-1) > 1e-12 {
		t.Errorf("all add up to %v", total)
	}
}

// TestGradient compares the step's gradient with differences of the divergence.
func TestGradient(t *testing.T) {
	x, _ := clouds(2, 6, 3, 4)
	const n = 12
	rng := rand.New(rand.NewPCG(5, 5))
	e := &embedding{n: n, p: affinities(x, n, 3), y: make([][2]float64, n), move: make([][2]float64, n), gain: make([][2]float64, n), grad: make([][2]float64, n), sums: make([]float64, n)}
	for i := range e.y {
		e.y[i] = [2]float64{rng.NormFloat64(), rng.NormFloat64()}
	}
	start := append([][2]float64{}, e.y...)
	e.step(1, 0)
	e.y = start
	for i := range n {
		for k := range 2 {
			const h = 1e-5
			e.y[i][k] += h
			up := e.divergence()
			e.y[i][k] -= 2 * h
			down := e.divergence()
			e.y[i][k] += h
			if want := (up - down) / (2 * h); math.Abs(e.grad[i][k]-want) > 1e-7 {
				t.Errorf("point %d, axis %d: %v, by differences %v", i, k, e.grad[i][k], want)
			}
		}
	}
}

// divergence is sum p log(p/q).
func (e *embedding) divergence() float64 {
	total, kl := 0.0, 0.0
	for i := range e.n {
		for j := range e.n {
			if i != j {
				total += e.close(i, j)
			}
		}
	}
	for i := range e.n {
		for j := range e.n {
			if p := e.p[i*e.n+j]; p > 0 {
				kl += p * math.Log(p*total/e.close(i, j))
			}
		}
	}
	return kl
}

func TestSameBitsForAnyNumberOfThreads(t *testing.T) {
	x, _ := clouds(3, 15, 4, 6)
	run := func(threads int) [][2]float64 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
		y, err := Embed(context.Background(), x, 45, Options{Iterations: 60, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		return y
	}
	one, three := run(1), run(3)
	for i := range one {
		if one[i] != three[i] {
			t.Fatalf("point %d: %v with one thread, %v with three", i, one[i], three[i])
		}
	}
}

func TestRefuses(t *testing.T) {
	ctx := context.Background()
	good := make([]float32, 20)
	nan := append([]float32{float32(math.NaN())}, good[1:]...)
	for _, c := range []struct {
		x    []float32
		n    int
		o    Options
		want string
	}{
		{good, 3, Options{}, "3 points"},
		{good, MaxPoints + 1, Options{}, "5001 points"},
		{good, 7, Options{}, "20 values"},
		{nil, 5, Options{}, "0 values"},
		{nan, 10, Options{}, "not finite"},
		{good, 10, Options{Perplexity: 4}, "perplexity"},
		{good, 10, Options{Perplexity: 0.5}, "perplexity"},
		{good, 10, Options{Iterations: -1}, "iterations"},
	} {
		if _, err := Embed(ctx, c.x, c.n, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d points, %+v: %v, want an error about %q", c.n, c.o, err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := Embed(ctx, good, 10, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	// All points in one place are no reason to divide by zero.
	y, err := Embed(context.Background(), good, 10, Options{Iterations: 5})
	if err != nil || y[0][0]-y[0][0] != 0 {
		t.Errorf("equal points: %v, %v", y, err)
	}
}
