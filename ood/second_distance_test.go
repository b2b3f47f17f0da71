package ood

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// Second implementations of the scores that measure distances to ID features.

// TestKNNDefinition: more neighbours than fit into a tile, some of them equal to
// the query or to each other.
func TestKNNDefinition(t *testing.T) {
	_, bank := randomHead(7, knnTile+300, 3, 2)
	_, queries := randomHead(8, 12, 3, 2)
	for i := range 40 {
		copy(bank.Feature(300+i), bank.Feature(i)) // twins
	}
	copy(queries.Feature(0), bank.Feature(5))
	for j := range 3 {
		queries.Features[3+j] = 0 // no direction at all
	}
	for _, k := range []int{1, 2, 50, knnTile + 300} {
		d := fitted(t, fmt.Sprintf("knn:k=%d", k), batches(bank))
		compare(t, d, queries, func(i int) float64 {
			unitOf := func(h []float32) []float64 {
				u := wide(h)
				length := norm(u) + 1e-10
				for j := range u {
					u[j] /= length
				}
				return u
			}
			var distances []float64
			for r := range bank.N {
				a, b := unitOf(queries.Feature(i)), unitOf(bank.Feature(r))
				for j := range a {
					a[j] -= b[j]
				}
				distances = append(distances, norm(a))
			}
			slices.Sort(distances)
			return -distances[k-1]
		})
	}
}

// TestMahalanobisDefinition inverts the covariance itself; and a constant feature
// must change nothing.
func TestMahalanobisDefinition(t *testing.T) {
	_, train := randomHead(9, 90, 5, 3)
	_, test := randomHead(10, 20, 5, 3)
	means := make([]*mat.VecDense, 3)
	var residuals mat.Dense
	residuals.CloneFrom(mat.NewDense(train.N, 5, wide(train.Features)))
	for c := range means {
		means[c] = mat.NewVecDense(5, nil)
		for i := c; i < train.N; i += 3 {
			means[c].AddScaledVec(means[c], 3/float64(train.N), mat.NewVecDense(5, wide(train.Feature(i))))
		}
		for i := c; i < train.N; i += 3 {
			row := residuals.RowView(i).(*mat.VecDense)
			row.SubVec(row, means[c])
		}
	}
	var sigma, inverse mat.Dense
	sigma.Mul(residuals.T(), &residuals)
	sigma.Scale(1/float64(train.N), &sigma)
	if err := inverse.Inverse(&sigma); err != nil {
		t.Fatal(err)
	}
	want := func(i int) float64 {
		best := math.Inf(-1)
		for _, mu := range means {
			var d mat.VecDense
			d.SubVec(mat.NewVecDense(5, wide(test.Feature(i))), mu)
			best = max(best, -mat.Inner(&d, &inverse, &d)/2)
		}
		return best
	}
	compare(t, fitted(t, "mahalanobis", batches(train)), test, want)
	compare(t, fitted(t, "mahalanobis", batches(withConstant(train))), withConstant(test), want)
}

// TestMahalanobisDependent: of features that depend on each other in the ID data,
// what does not fit together in an image counts nothing: the distance is that of
// the nearest features that do.
func TestMahalanobisDependent(t *testing.T) {
	_, train := randomHead(9, 90, 5, 3)
	_, test := randomHead(10, 20, 5, 3)
	double := func(out Outputs, second func(v float32) float32) Outputs {
		var features []float32
		for i := range out.N {
			for _, v := range out.Feature(i) {
				features = append(features, v, second(v))
			}
		}
		out.Features, out.Dim = features, 2*out.Dim
		return out
	}
	d := fitted(t, "mahalanobis", batches(double(train, func(v float32) float32 { return 2 * v })))
	strange := double(test, func(v float32) float32 { return 1 - v })
	nearest := rows(test, 0, test.N)
	for i, v := range nearest.Features {
		nearest.Features[i] = (v + 2*(1-v)) / 5
	}
	want := scores(t, fitted(t, "mahalanobis", batches(train)), nearest)
	compare(t, d, strange, func(i int) float64 { return want[i] })
}

// withConstant puts a feature that never changes in front.
func withConstant(out Outputs) Outputs {
	features := make([]float32, 0, out.N*(out.Dim+1))
	for i := range out.N {
		features = append(append(features, 100), out.Feature(i)...)
	}
	out.Features, out.Dim = features, out.Dim+1
	return out
}

// TestMahalanobisStep: where features are the image, the step goes down the
// distance, and by the right amount in pixels.
func TestMahalanobisStep(t *testing.T) {
	_, train := randomHead(11, 90, 4, 3)
	net := &affine{w: make([]float64, 12), b: make([]float64, 3), in: 4}
	id := batches(train)
	id.Model, id.Unit = net, []float32{4, 5, 4, 5}
	plain := fitted(t, "mahalanobis", id)
	d := fitted(t, "mahalanobis:eps=0.001", id)
	_, test := randomHead(12, 15, 4, 3)
	test.Images = test.Features
	compare(t, d, test, func(i int) float64 {
		x := test.Feature(i)
		at := func(j int, by float32) float64 {
			moved := slices.Clone(x)
			moved[j] += by
			return scores(t, plain, Outputs{Logits: make([]float32, 3), Features: moved, N: 1, Classes: 3, Dim: 4})[0]
		}
		moved := slices.Clone(x)
		for j := range moved {
			step := float64(id.Unit[j]) * 0.001
			if at(j, 1e-3) < at(j, -1e-3) { // the score falls: go the other way
				step = -step
			}
			moved[j] = float32(float64(moved[j]) + step)
		}
		return scores(t, plain, Outputs{Logits: make([]float32, 3), Features: moved, N: 1, Classes: 3, Dim: 4})[0]
	})
	id.Model = Func(net.Forward)
	scores, _ := ParseScores("mahalanobis:eps=0.001")
	if FitAll(scores, id) == nil {
		t.Error("a model without gradients of features: no error")
	}
}

// TestViMDefinition: the subspace by the singular vectors of the data itself, the
// origin by the normal equations.
func TestViMDefinition(t *testing.T) {
	const dim, classes, d = 6, 3, 2
	head, train := randomHead(13, 70, dim, classes)
	_, test := randomHead(14, 20, dim, classes)
	test = headOutputs(head, test.Features)
	id := batches(train)
	id.Head = head
	w := mat.NewDense(classes, dim, wide(head.W))
	var wwt, y, u mat.Dense // u = -Wᵀ (W Wᵀ)⁻¹ b
	wwt.Mul(w, w.T())
	if err := y.Solve(&wwt, mat.NewDense(classes, 1, wide(head.B))); err != nil {
		t.Fatal(err)
	}
	u.Mul(w.T(), &y)
	centre := func(out Outputs) *mat.Dense {
		x := mat.NewDense(out.N, dim, wide(out.Features))
		x.Apply(func(_, j int, v float64) float64 { return v + u.At(j, 0) }, x)
		return x
	}
	var svd mat.SVD
	if !svd.Factorize(centre(train), mat.SVDThin) {
		t.Fatal("no singular values")
	}
	var v mat.Dense
	svd.VTo(&v)
	residual := func(x *mat.Dense, i int) float64 { // Pythagoras
		row := mat.Row(nil, i, x)
		square := mat.Dot(mat.NewVecDense(dim, row), mat.NewVecDense(dim, row))
		for k := range d {
			p := mat.Dot(mat.NewVecDense(dim, row), v.ColView(k))
			square -= p * p
		}
		return math.Sqrt(square)
	}
	var logits, lengths float64
	for i := range train.N {
		logits += float64(slices.Max(train.Row(i)))
		lengths += residual(centre(train), i)
	}
	compare(t, fitted(t, fmt.Sprintf("vim:d=%d", d), id), test, func(i int) float64 {
		return naiveEnergy(head, wide(test.Feature(i)), nil) - logits/lengths*residual(centre(test), i)
	})
}
