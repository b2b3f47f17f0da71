package kmeans

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSeedsAreTheFirstCenters(t *testing.T) {
	x := noise(3000, 8, 2)
	at, err := Seeds(context.Background(), x, 8, 12, 77)
	if err != nil {
		t.Fatal(err)
	}
	var init []float32
	for _, i := range at {
		init = append(init, x[i*8:][:8]...)
	}
	own := mustFit(t, x, 8, Config{K: 12, Seed: 77})
	given := mustFit(t, x, 8, Config{K: 12, Init: init})
	if !slices.Equal(own.Labels, given.Labels) {
		t.Error("Fit seeds otherwise")
	}
}

// TestTableAndLookaheadAgree compares both ways to distances.
func TestTableAndLookaheadAgree(t *testing.T) {
	const n, dim = 1300, 30
	x := noise(n, dim, 3)
	copy(x[9*dim:10*dim], x[1200*dim:]) // a duplicate
	p, err := newPoints(x, dim, mean(x, dim))
	if err != nil {
		t.Fatal(err)
	}
	table := tableOf(p, 100, 3)
	if table == nil {
		t.Fatal("no table")
	}
	a := newLookahead(p, 6)
	drawn := []int{1200, 3, 4, 500, 500, 9}
	a.fill(drawn, p.norm)
	for _, c := range drawn {
		got := a.take()
		if got.point != c || !slices.Equal(got.distance, table[c*n:][:n]) {
			t.Errorf("distances from point %d differ", c)
		}
		for i, d := range got.distance {
			if want := squaredDistance(p.row(i), p.row(c)); math.Abs(float64(d)-want) > 1e-5*want {
				t.Errorf("squared distance from %d to %d is %v, want %v", c, i, d, want)
			}
		}
	}
}

// TestSeedingFollowsSquaredDistances counts draws with a center at 0 and points
// at 1, 2 and 3, so with chances 1, 4 and 9: made now, and made ahead when the
// only center lay at 6.
func TestSeedingFollowsSquaredDistances(t *testing.T) {
	p, err := newPoints([]float32{0, 1, 2, 3, 6}, 1, []float64{0})
	if err != nil {
		t.Fatal(err)
	}
	s := newSeeder(p, 2, nil, rand.New(rand.NewPCG(1, 1)))
	before := []float32{36, 25, 16, 9, 0}
	now := []float32{0, 1, 4, 9, 0}
	const draws = 14000
	var made, kept [5]float64
	set := func(closest []float32) {
		s.sums[0] = 0
		for i, v := range closest {
			s.closest[i] = v
			s.sums[0] += float64(v)
		}
	}
	for range draws {
		set(now)
		made[s.draw()]++
	}
	for total := 0; total < draws; {
		set(before)
		s.ahead.refill(s)
		set(now)
		for s.ahead.used < len(s.ahead.pool) && total < draws {
			weight := s.ahead.weight[s.ahead.used]
			if c := s.ahead.take(); s.ahead.keeps(weight, c, s) {
				kept[c.point]++
				total++
			}
		}
	}
	for i, want := range []float64{0, 1000, 4000, 9000, 0} {
		for _, count := range []float64{made[i], kept[i]} {
			if math.Abs(count-want) > 5*math.Sqrt(want) {
				t.Errorf("point %d drawn %v times, want about %v", i, count, want)
			}
		}
	}
}
