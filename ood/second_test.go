package ood

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
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
