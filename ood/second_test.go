package ood

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// The detectors against second implementations, written as the papers define them
// and without a care for speed, on random networks.

// randomHead makes a head and the outputs of n features behind a ReLU.
func randomHead(seed uint64, n, dim, classes int) (*Head, Outputs) {
	rng := rand.New(rand.NewPCG(seed, 0))
	head := &Head{W: make([]float32, classes*dim), B: make([]float32, classes), Classes: classes, Dim: dim}
	for i := range head.W {
		head.W[i] = float32(rng.NormFloat64())
	}
	for i := range head.B {
		head.B[i] = float32(rng.NormFloat64())
	}
	features := make([]float32, n*dim)
	for i := range features {
		features[i] = max(0, float32(rng.NormFloat64()+.5))
	}
	out := headOutputs(head, features)
	for i := range n {
		out.Labels = append(out.Labels, i%classes)
	}
	return head, out
}

func rows(out Outputs, from, to int) Outputs {
	var at []int
	for i := from; i < to; i++ {
		at = append(at, i)
	}
	return out.pick(at)
}

// batches splits outputs into batches of unequal sizes, one of them empty.
func batches(out Outputs) IDData {
	third := out.N / 3
	return IDData{Batches: Single(rows(out, 0, third), rows(out, third, third), rows(out, third, out.N))}
}

func naivePercentile(values []float64, q float64) float64 {
	a := slices.Sorted(slices.Values(values))
	r := q / 100 * float64(len(a)-1)
	i := int(math.Floor(r))
	if i == len(a)-1 {
		return a[i]
	}
	return a[i] + (r-float64(i))*(a[i+1]-a[i])
}

// naiveEnergy is the energy of logits with a mask over weights; nil for all.
func naiveEnergy(head *Head, h []float64, mask []bool) float64 {
	var sum float64
	for c := range head.Classes {
		z := float64(head.B[c])
		for j := range head.Dim {
			if mask == nil || mask[c*head.Dim+j] {
				z += float64(head.W[c*head.Dim+j]) * h[j]
			}
		}
		sum += math.Exp(z)
	}
	return math.Log(sum)
}

func compare(t *testing.T, d Detector, out Outputs, want func(i int) float64) {
	t.Helper()
	got := scores(t, d, out)
	for i := range got {
		if w := want(i); !(math.Abs(got[i]-w) <= 1e-6*max(1, math.Abs(w))) {
			t.Fatalf("%s, image %d: %.9g, the definition gives %.9g", d.Name(), i, got[i], w)
		}
	}
}

func TestReActDefinition(t *testing.T) {
	head, out := randomHead(1, 60, 9, 4)
	id := batches(out)
	id.Head = head
	var all []float64
	for _, v := range out.Features {
		all = append(all, float64(v))
	}
	for _, q := range []float64{85, 90, 99, 100} {
		d := fitted(t, fmt.Sprintf("react:q=%g", q), id)
		c := naivePercentile(all, q)
		compare(t, d, out, func(i int) float64 {
			h := wide(out.Feature(i))
			for j := range h {
				h[j] = math.Min(h[j], c)
			}
			return naiveEnergy(head, h, nil)
		})
		near(t, "c in the parameters", d.Params().(fittedClip).Fitted.C, c, 1e-7)
	}
}

func TestDICEDefinition(t *testing.T) {
	head, out := randomHead(2, 60, 9, 4)
	id := batches(out)
	id.Head = head
	for _, p := range []float64{0, 10, 70, 95} {
		v := make([]float64, len(head.W))
		for k, w := range head.W {
			var mean float64
			for i := range out.N {
				mean += float64(out.Features[i*out.Dim+k%head.Dim])
			}
			v[k] = mean / float64(out.N) * float64(w)
		}
		cut, mask := naivePercentile(v, p), make([]bool, len(v))
		for k := range v {
			mask[k] = v[k] > cut
		}
		compare(t, fitted(t, fmt.Sprintf("dice:p=%g", p), id), out, func(i int) float64 {
			return naiveEnergy(head, wide(out.Feature(i)), mask)
		})
		compare(t, fitted(t, fmt.Sprintf("dice+react:p=%g;c=0.7", p), id), out, func(i int) float64 {
			h := wide(out.Feature(i))
			for j := range h {
				h[j] = math.Min(h[j], .7)
			}
			return naiveEnergy(head, h, mask)
		})
	}
}

func TestLINeDefinition(t *testing.T) {
	head, out := randomHead(3, 80, 9, 4)
	id := batches(out)
	id.Head = head
	const clip = .8
	shapley := make([]float64, len(head.W))
	for k, w := range head.W {
		var sum, n float64
		for i := range out.N {
			if out.Labels[i] == k/head.Dim {
				sum, n = sum+float64(out.Features[i*out.Dim+k%head.Dim]), n+1
			}
		}
		shapley[k] = float64(w) * sum / n
	}
	// the second pair of percentiles falls on a feature and on a weight, which go
	for _, p := range [][2]float64{{40, 55}, {50, 40}} {
		pa, pw := p[0], p[1]
		compare(t, fitted(t, fmt.Sprintf("line:pa=%g;pw=%g;c=%g", pa, pw, clip), id), out, func(i int) float64 {
			h := wide(out.Feature(i))
			best, k := math.Inf(-1), 0
			for j := range h {
				h[j] = math.Min(h[j], clip)
			}
			for c := range head.Classes {
				z := float64(head.B[c])
				for j := range h {
					z += float64(head.W[c*head.Dim+j]) * h[j]
				}
				if z > best {
					best, k = z, c
				}
			}
			row := shapley[k*head.Dim : (k+1)*head.Dim]
			u, mask := make([]float64, len(head.W)), make([]bool, len(head.W))
			for n, w := range head.W {
				u[n] = math.Abs(row[n%head.Dim]) * float64(w)
			}
			cut, active := naivePercentile(u, pw), naivePercentile(row, pa)
			for n := range u {
				mask[n] = u[n] > cut
			}
			for j := range h {
				if row[j] <= active {
					h[j] = 0
				}
			}
			return naiveEnergy(head, h, mask)
		})
	}
}

func TestShapingDefinition(t *testing.T) {
	head, out := randomHead(4, 50, 11, 4)
	id := IDData{Head: head}
	for _, p := range []float64{0, 50, 65, 85} {
		for _, kind := range []string{"ash-p", "ash-b", "ash-s", "scale"} {
			compare(t, fitted(t, fmt.Sprintf("%s:p=%g", kind, p), id), out, func(i int) float64 {
				h := wide(out.Feature(i))
				order := make([]int, len(h))
				for j := range order {
					order[j] = j
				}
				slices.SortStableFunc(order, func(a, b int) int { return -cmpFloat(h[a], h[b]) })
				top := order[:len(h)-int(math.RoundToEven(float64(len(h))*p/100))]
				var s1, s2 float64
				for _, v := range h {
					s1 += v
				}
				for _, j := range top {
					s2 += h[j]
				}
				shaped := make([]float64, len(h))
				if kind == "scale" {
					top = order
				}
				for _, j := range top {
					switch kind {
					case "ash-p":
						shaped[j] = h[j]
					case "ash-b":
						shaped[j] = s1 / float64(len(top))
					default:
						shaped[j] = math.Exp(s1/s2) * h[j]
					}
				}
				return naiveEnergy(head, shaped, nil)
			})
		}
	}
}

func cmpFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// TestGradNormDefinition differentiates the loss by the weights numerically.
func TestGradNormDefinition(t *testing.T) {
	head, out := randomHead(5, 6, 5, 3)
	for _, temperature := range []float64{1, 2.5} {
		compare(t, GradNorm{T: temperature}, out, func(i int) float64 {
			h := wide(out.Feature(i))
			loss := func(w []float64) float64 {
				z := make([]float64, head.Classes)
				for c := range z {
					z[c] = float64(head.B[c])
					for j := range h {
						z[c] += w[c*head.Dim+j] * h[j]
					}
				}
				var sum float64
				for _, v := range z {
					sum += logSumExp(z, temperature) - v/temperature
				}
				return sum
			}
			const step = 1e-5
			var total float64
			for k := range head.W {
				up, down := wide(head.W), wide(head.W)
				up[k] += step
				down[k] -= step
				total += math.Abs(loss(up)-loss(down)) / (2 * step)
			}
			return total
		})
	}
}

func TestEntropiesDefinition(t *testing.T) {
	_, out := randomHead(6, 30, 5, 6)
	p := func(i int) []float64 {
		var q []float64
		var sum float64
		for _, z := range out.Row(i) {
			sum += math.Exp(float64(z))
		}
		for _, z := range out.Row(i) {
			q = append(q, math.Exp(float64(z))/sum)
		}
		return q
	}
	compare(t, Entropy{}, out, func(i int) (sum float64) {
		for _, v := range p(i) {
			sum += v * math.Log(v+1e-8) / math.Log(6)
		}
		return sum
	})
	compare(t, GEN{Gamma: .3, M: 4}, out, func(i int) (sum float64) {
		q := p(i)
		slices.Sort(q)
		for _, v := range q[2:] {
			sum -= math.Pow(v*(1-v), .3)
		}
		return sum
	})
	sure := Outputs{Logits: []float32{2000, 0}, N: 1, Classes: 2} // p is 1 and 0: nothing adds
	near(t, "gen", scoreOne(t, "gen", sure), 0, 0)
	near(t, "entropy", scoreOne(t, "entropy", sure), 1e-8/math.Ln2, 1e-12)
}

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

// TestODINDefinition: the gradient of the loss by finite differences.
func TestODINDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 0))
	m := randomMLP(rng, 4, 7, 3)
	images := make([]float32, 12*m.in)
	for i := range images {
		images[i] = float32(rng.NormFloat64())
	}
	out, _ := m.Forward(images, 12)
	unit := []float32{3, 5}
	d := fitted(t, "odin:t=5;eps=0.002", IDData{Model: m, Unit: unit})
	compare(t, d, out, func(i int) float64 {
		x := wide(images[i*m.in : (i+1)*m.in])
		z, _ := m.run(x)
		k := argmax(z)
		loss := func(j int, by float64) float64 {
			at := slices.Clone(x)
			at[j] += by
			z, _ := m.run(at)
			return logSumExp(z, 5) - z[k]/5
		}
		moved := slices.Clone(x)
		for j := range moved {
			moved[j] -= math.Copysign(0.002*float64(unit[j%2]), loss(j, 1e-6)-loss(j, -1e-6))
		}
		z, _ = m.run(moved)
		return math.Exp(slices.Max(z)/5 - logSumExp(z, 5))
	})
}
