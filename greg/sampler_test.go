package greg

import (
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"gradgrad/kmeans"
	"gradgrad/ood"
)

// TestExtremesOfClusters holds the choice, given clusters, against the example that
// was worked out with the authors' code.
func TestExtremesOfClusters(t *testing.T) {
	energies := []float64{-6, -1, -3, -8, -2.5, -4, -.5, -7}
	labels := []int{0, 0, 0, 1, 1, 1, 1, 2}
	for _, c := range []struct {
		name   string
		twoWay bool
		want   int
		chosen []int
	}{
		{"the lowest of each", false, 3, []int{0, 3, 7}},
		{"the lowest and highest of each", true, 6, []int{0, 1, 3, 6, 7}},
		{"two of each end", true, 12, []int{0, 1, 2, 3, 4, 5, 6, 7}},
		{"more clusters than images", false, 2, []int{0, 3}},
	} {
		s := &ClusterSampler{TwoWay: c.twoWay, Want: c.want}
		choice := s.extremes(energies, labels, 3)
		if c.want == 12 { // members of a cluster of four: lowest 3, 5 and highest 4, 6
			slices.Sort(choice.Indices)
		}
		if !slices.Equal(choice.Indices, c.chosen) {
			t.Errorf("%s: %v, want %v", c.name, choice.Indices, c.chosen)
		}
		s.fill(&choice, 8, rand.New(rand.NewPCG(1, 1)))
		if want := min(c.want, 8); len(choice.Indices) != want || choice.Filled != want-len(c.chosen) {
			t.Errorf("%s: %d images, %d of them at random; want %d and %d", c.name, len(choice.Indices), choice.Filled, want, want-len(c.chosen))
		}
		if s := slices.Sorted(slices.Values(choice.Indices)); len(slices.Compact(s)) != len(choice.Indices) {
			t.Errorf("%s: an image twice in %v", c.name, choice.Indices)
		}
	}
}

// TestFillIsUniform: every candidate that is left is as likely as any other.
func TestFillIsUniform(t *testing.T) {
	counts := make([]int, 8)
	s := &ClusterSampler{Want: 6}
	for seed := range uint64(3000) {
		c := Choice{Indices: []int{0, 1, 3, 6, 7}}
		s.fill(&c, 8, rand.New(rand.NewPCG(seed, 0)))
		counts[c.Indices[5]]++
	}
	for _, i := range []int{2, 4, 5} {
		if counts[i] < 900 || counts[i] > 1100 {
			t.Errorf("candidate %d was drawn %d times of 3000, want about 1000", i, counts[i])
		}
	}
}

// drawnOutputs are logits and features at random.
func drawnOutputs(seed uint64, n, dim, classes int, reject bool) ood.Outputs {
	r := rand.New(rand.NewPCG(seed, 0))
	o := ood.Outputs{N: n, Dim: dim, Classes: classes}
	for range n {
		group := float64(r.IntN(4))
		for j := range dim {
			o.Features = append(o.Features, float32(math.Abs(r.NormFloat64()+5*math.Cos(group+float64(j)))))
		}
		for range classes {
			o.Logits = append(o.Logits, float32(4*r.NormFloat64()))
		}
		if reject {
			o.Absent = append(o.Absent, float32(4*r.NormFloat64()))
		}
	}
	return o
}

func shown(s Sampler, parts ...ood.Outputs) *Candidates {
	c := new(Candidates)
	for _, o := range parts {
		c.Look(s, o)
	}
	return c
}

// TestAlgorithm1 compares the sampler with Algorithm 1 as it is printed, written
// out again: unit features, k-means, argmin and argmax of the energy of every
// cluster.
func TestAlgorithm1(t *testing.T) {
	for seed := range uint64(20) {
		const n, k, dim = 60, 7, 5
		o := drawnOutputs(seed, n, dim, 3, false)
		s := &ClusterSampler{Clusters: k, Restarts: 3, Want: 2 * k, TwoWay: true, To: n, Represent: "norm"}
		got, err := s.Choose(context.Background(), shown(s, o), rand.New(rand.NewPCG(seed, 9)))
		if err != nil {
			t.Fatal(err)
		}
		v := make([]float32, 0, n*dim)
		energy := make([]float64, n)
		for i := range n {
			h, norm := o.Features[i*dim:(i+1)*dim], 0.0
			for _, x := range h {
				norm += float64(x) * float64(x)
			}
			for _, x := range h {
				v = append(v, float32(float64(x)/math.Sqrt(norm)))
			}
			sum := 0.0
			for _, z := range o.Row(i) {
				sum += math.Exp(float64(z))
			}
			energy[i] = -math.Log(sum)
		}
		m, err := kmeans.Fit(context.Background(), v, dim, kmeans.Config{K: k, Restarts: 3, Seed: rand.New(rand.NewPCG(seed, 9)).Uint64()})
		if err != nil {
			t.Fatal(err)
		}
		want := map[int]bool{}
		for j := range k {
			lo, hi := -1, -1
			for i, label := range m.Labels {
				if label != j {
					continue
				}
				if lo < 0 || energy[i] < energy[lo] {
					lo = i
				}
				if hi < 0 || energy[i] > energy[hi] {
					hi = i
				}
			}
			want[lo], want[hi] = true, true
		}
		if len(got.Indices) != 2*k || got.Filled != 2*k-len(want) {
			t.Fatalf("seed %d: %d images, %d filled in; the clusters give %d", seed, len(got.Indices), got.Filled, len(want))
		}
		for _, i := range got.Indices[:2*k-got.Filled] {
			if !want[i] {
				t.Fatalf("seed %d: candidate %d is no extreme of its cluster: %v, want %v", seed, i, got.Indices, want)
			}
		}
	}
}

// TestRanksAreLeftOut: DOS in GReg's code never sees the hardest candidates.
func TestRanksAreLeftOut(t *testing.T) {
	o := drawnOutputs(3, 50, 4, 3, true)
	s := &ClusterSampler{Clusters: 6, Restarts: 2, Want: 6, From: 10, To: 30, Represent: "norm"}
	c := shown(s, o)
	choice, err := s.Choose(context.Background(), c, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	order := byWeight(c.Weights)
	for _, i := range choice.Indices {
		if rank := slices.Index(order, i); rank < 10 || rank >= 30 {
			t.Errorf("candidate %d of rank %d was chosen", i, rank)
		}
	}
	for i, w := range c.Weights { // the probability of none, written out
		sum := math.Exp(float64(o.Absent[i]))
		for _, z := range o.Row(i) {
			sum += math.Exp(float64(z))
		}
		if p := math.Exp(float64(o.Absent[i])) / sum; math.Abs(p-w) > 1e-12 {
			t.Errorf("weight %d is %g, want %g", i, w, p)
		}
	}
	s.From = 50
	if _, err := s.Choose(context.Background(), c, rand.New(rand.NewPCG(1, 2))); err == nil {
		t.Error("nothing to choose among, and no error")
	}
}

// TestPartsAndThreads: the choice does not depend on how candidates are dealt out
// to the network, nor on the number of threads.
func TestPartsAndThreads(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	a, b := drawnOutputs(5, 70, 6, 3, false), drawnOutputs(6, 30, 6, 3, false)
	all := ood.Outputs{N: 100, Dim: 6, Classes: 3, Logits: append(slices.Clone(a.Logits), b.Logits...), Features: append(slices.Clone(a.Features), b.Features...)}
	for _, represent := range Representations() {
		s := &ClusterSampler{Clusters: 9, Restarts: 3, Want: 18, TwoWay: true, To: 100, Represent: represent}
		var want []int
		for threads, c := range map[int]*Candidates{1: shown(s, all), 2: shown(s, a, b), 4: shown(s, all)} {
			runtime.GOMAXPROCS(threads)
			choice, err := s.Choose(context.Background(), c, rand.New(rand.NewPCG(7, 7)))
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = choice.Indices
			} else if !slices.Equal(want, choice.Indices) {
				t.Errorf("%s: %v and %v", represent, want, choice.Indices)
			}
		}
	}
}

// TestRepresentations checks the scale of each: what is 1 in it.
func TestRepresentations(t *testing.T) {
	o := ood.Outputs{N: 2, Dim: 2, Classes: 2, Features: []float32{3, 4, 6, 8}, Logits: []float32{0, 0, 0, 0}, Absent: []float32{0, float32(math.Log(2))}}
	for name, want := range map[string][]float32{
		"latent":       {3, 4, 6, 8},
		"norm":         {.6, .8, .6, .8},
		"norm-batch":   {3 / 7.5, 4 / 7.5, 6 / 7.5, 8 / 7.5},
		"norm-feature": {3 / 6.7082039, 4 / 8.9442719, 6 / 6.7082039, 8 / 8.9442719},
		"output":       {1. / 3, 1. / 3, 1. / 3, .25, .25, .5},
	} {
		s := &ClusterSampler{Represent: name}
		c := shown(s, o)
		standardise(name, c.Points, c.Dim)
		for i, x := range c.Points {
			if math.Abs(float64(x-want[i])) > 1e-6 {
				t.Errorf("%s: %v, want %v", name, c.Points, want)
				break
			}
		}
	}
	if o.Features[0] != 3 {
		t.Error("the features themselves were changed")
	}
}

func TestRanksOfNTOM(t *testing.T) {
	c := &Candidates{Weights: []float64{.5, .1, .9, .3, .7, .2, .8, .4}}
	choice, err := (&RankSampler{Skip: 1, Keep: 3}).Choose(context.Background(), c, nil)
	if want := []int{5, 3, 7}; err != nil || !slices.Equal(choice.Indices, want) {
		t.Errorf("%v, want %v: %v", choice.Indices, want, err)
	}
	choice, _ = (&RankSampler{Skip: 7, Keep: 20}).Choose(context.Background(), c, nil)
	if len(choice.Indices) != 8 {
		t.Errorf("%d of 8 candidates", len(choice.Indices))
	}
	// The published window: ranks 50,000 to 149,999 of 400,000.
	p, err := Preset("ntom", 10)
	if err != nil {
		t.Fatal(err)
	}
	if s := p.Sampling.For(1 << 20); s.skipped() != 50000 || s.Keep != 100000 || s.Candidates != 400000 {
		t.Errorf("ranks %d, %d images, of %d", s.skipped(), s.Keep, s.Candidates)
	}
	if s := p.Sampling.For(33985); s.skipped() != 4248 || s.Keep != 8496 || s.Candidates != 33985 {
		t.Errorf("of a small set: ranks %d, %d images, of %d", s.skipped(), s.Keep, s.Candidates)
	}
}

// TestScaledSampling: windows shrink with the set; a set that is large enough
// changes nothing; what is printed has both numbers.
func TestScaledSampling(t *testing.T) {
	p, err := Preset("dos-greg", 10)
	if err != nil {
		t.Fatal(err)
	}
	if s := p.Sampling.For(384); s != p.Sampling {
		t.Errorf("%+v", s)
	}
	s := p.Sampling.For(192)
	if s.From != 8 || s.Candidates != 192 || s.upTo() != 192 || s.Clusters != 64 {
		t.Errorf("%+v", s)
	}
	if text := p.Sampling.Describe(192, 10, 64); !strings.Contains(text, "ranks 8 to 192 of 192 candidates a step, scaled from 384") {
		t.Error(text)
	}
	poem, _ := Preset("poem", 10)
	if text := poem.Sampling.Describe(34000, 782, 64); !strings.Contains(text, "the 4250 nearest") || !strings.Contains(text, "a pool of 34000, scaled from 400000, reshuffled when exhausted: 11.8 times an epoch") {
		t.Error(text)
	}
	greg, _ := Preset("greg", 10)
	if text := greg.Sampling.Describe(640, 10, 64); !strings.Contains(text, "64 a step; the set is reshuffled after every 10 steps") {
		t.Error(text)
	}
}
