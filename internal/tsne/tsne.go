// Package tsne maps points of many dimensions to the plane so that neighbours
// stay neighbours: t-SNE (van der Maaten and Hinton, JMLR 9, 2008), exact, for up
// to a few thousand points.
//
//	y, err := tsne.Embed(ctx, features, n, tsne.Options{Seed: 1})
//
// The same seed gives the same picture for any GOMAXPROCS: all sums run in one
// order. There is no library for Go that is kept up and does this.
package tsne

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
)

// Options choose how points are laid out; zero fields take the usual values.
type Options struct {
	Perplexity float64 // effective number of neighbours: 30, at most a third of the points
	Iterations int     // 1000
	Seed       uint64
	Progress   func(done, total int) // told after every iteration; may be nil
}

// The method's constants, as in the paper and in common implementations.
const (
	exaggeration   = 12.0 // of the attractions, at first
	exaggerated    = 250  // iterations
	smallMomentum  = 0.5  // during them
	largeMomentum  = 0.8
	initialSpread  = 1e-4
	minGain        = 0.01
	MaxPoints      = 5000 // the work and the memory grow with the square
	minPoints      = 4
	searchSteps    = 64 // of a point's bandwidth
	entropyDeviate = 1e-5
)

// Embed lays n points out; x holds them one after the other, all of one dimension.
// It returns a pair of coordinates a point. Errors: fewer than 4 or more than
// [MaxPoints] points, values that are not finite or do not fit n, a perplexity
// that is not between 1 and n/3; ctx.Err when cancelled.
func Embed(ctx context.Context, x []float32, n int, o Options) ([][2]float64, error) {
	if err := o.check(x, n); err != nil {
		return nil, err
	}
	if o.Perplexity == 0 {
		o.Perplexity = min(30, float64(n)/3)
	}
	if o.Iterations == 0 {
		o.Iterations = 1000
	}
	e := &embedding{n: n, p: affinities(x, n, o.Perplexity), y: make([][2]float64, n), move: make([][2]float64, n), gain: make([][2]float64, n), grad: make([][2]float64, n), sums: make([]float64, n)}
	rng := rand.New(rand.NewPCG(o.Seed, 0x745e))
	for i := range e.y {
		e.y[i] = [2]float64{initialSpread * rng.NormFloat64(), initialSpread * rng.NormFloat64()}
		e.gain[i] = [2]float64{1, 1}
	}
	for it := range o.Iterations {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if it < exaggerated {
			e.step(exaggeration, smallMomentum)
		} else {
			e.step(1, largeMomentum)
		}
		if o.Progress != nil {
			o.Progress(it+1, o.Iterations)
		}
	}
	return e.y, nil
}

func (o Options) check(x []float32, n int) error {
	switch {
	case n < minPoints || n > MaxPoints:
		return fmt.Errorf("t-SNE of %d points: from %d to %d are possible", n, minPoints, MaxPoints)
	case len(x) == 0 || len(x)%n != 0:
		return fmt.Errorf("t-SNE: %d values are not %d points of one dimension", len(x), n)
	case slices.ContainsFunc(x, func(v float32) bool { return v-v != 0 }):
		return fmt.Errorf("t-SNE: a value is not finite")
	case o.Perplexity != 0 && !(o.Perplexity >= 1 && o.Perplexity <= float64(n)/3):
		return fmt.Errorf("t-SNE: a perplexity of %g with %d points: from 1 to a third of the points are possible", o.Perplexity, n)
	case o.Iterations < 0:
		return fmt.Errorf("t-SNE: %d iterations", o.Iterations)
	}
	return nil
}

// rows calls f for every row, on all cores.
func rows(n int, f func(i int)) {
	var g errgroup.Group
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		g.Go(func() error {
			for i := w; i < n; i += workers {
				f(i)
			}
			return nil
		})
	}
	g.Wait()
}

// affinities are the symmetric probabilities of the points to be neighbours, which
// add up to 1.
func affinities(x []float32, n int, perplexity float64) []float64 {
	d := len(x) / n
	cond := make([]float64, n*n)
	rows(n, func(i int) {
		row := cond[i*n : (i+1)*n]
		for j := range row {
			s := 0.0
			for k, a := range x[i*d : (i+1)*d] {
				t := float64(a) - float64(x[j*d+k])
				s += t * t
			}
			row[j] = s
		}
		neighbours(row, i, math.Log(perplexity))
	})
	p := make([]float64, n*n)
	rows(n, func(i int) {
		for j := range n {
			p[i*n+j] = (cond[i*n+j] + cond[j*n+i]) / float64(2*n)
		}
	})
	return p
}

// neighbours turns the squared distances of point i into the probabilities of its
// Gaussian with the given entropy. Distances are measured from the nearest point,
// which changes no probability and keeps the exponentials from vanishing.
func neighbours(row []float64, i int, entropy float64) {
	nearest := math.Inf(1)
	for j, v := range row {
		if j != i {
			nearest = min(nearest, v)
		}
	}
	lo, hi, beta := 0.0, math.Inf(1), 1.0
	for range searchSteps {
		h, _ := gaussian(row, nil, i, nearest, beta)
		switch {
		case math.Abs(h-entropy) < entropyDeviate:
			lo, hi = beta, beta
		case h > entropy:
			lo = beta
		default:
			hi = beta
		}
		if lo == hi {
			break
		}
		if beta = (lo + hi) / 2; math.IsInf(hi, 1) {
			beta = 2 * lo
		}
	}
	gaussian(row, row, i, nearest, beta)
}

// gaussian returns entropy and normaliser, and fills to, where it is given.
func gaussian(row, to []float64, i int, nearest, beta float64) (entropy, sum float64) {
	weighted := 0.0
	for j, v := range row {
		if j != i {
			w := math.Exp(-beta * (v - nearest))
			sum += w
			weighted += w * (v - nearest)
		}
	}
	entropy = math.Log(sum) + beta*weighted/sum
	if to != nil {
		for j, v := range row {
			if to[j] = math.Exp(-beta*(v-nearest)) / sum; j == i {
				to[j] = 0
			}
		}
	}
	return entropy, sum
}

// embedding is the layout with the state of its gradient descent.
type embedding struct {
	n                   int
	p                   []float64
	y, move, gain, grad [][2]float64
	sums                []float64
}

// step moves all points once down the gradient of the divergence between P, times
// more, and the Student-t affinities of the plane.
func (e *embedding) step(more, momentum float64) {
	rows(e.n, func(i int) {
		s := 0.0
		for j := range e.y {
			s += e.close(i, j)
		}
		e.sums[i] = s - 1 // without itself
	})
	total := 0.0
	for _, s := range e.sums {
		total += s
	}
	rows(e.n, func(i int) {
		var g [2]float64
		for j, p := range e.p[i*e.n : (i+1)*e.n] {
			c := e.close(i, j)
			f := 4 * (more*p - c/total) * c
			g[0] += f * (e.y[i][0] - e.y[j][0])
			g[1] += f * (e.y[i][1] - e.y[j][1])
		}
		e.grad[i] = g
	})
	rate := max(float64(e.n)/exaggeration/4, 50)
	for i := range e.y {
		for k := range 2 {
			if (e.grad[i][k] > 0) != (e.move[i][k] > 0) {
				e.gain[i][k] += 0.2
			} else {
				e.gain[i][k] = max(0.8*e.gain[i][k], minGain)
			}
			e.move[i][k] = momentum*e.move[i][k] - rate*e.gain[i][k]*e.grad[i][k]
			e.y[i][k] += e.move[i][k]
		}
	}
}

// close is the unnormalised affinity of two points in the plane.
func (e *embedding) close(i, j int) float64 {
	a, b := e.y[i][0]-e.y[j][0], e.y[i][1]-e.y[j][1]
	return 1 / (1 + a*a + b*b)
}
