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

// TestSeedingAgreesWithAndWithoutGram draws the same numbers on both ways.
func TestSeedingAgreesWithAndWithoutGram(t *testing.T) {
	x := noise(500, 30, 3)
	p, err := newPoints(x, 30, mean(x, 30))
	if err != nil {
		t.Fatal(err)
	}
	never := func() bool { return false }
	choose := func(gram []float32) []int {
		return newSeeder(p, 40, gram, rand.New(rand.NewPCG(1, 1))).choose(40, never, func(int) {})
	}
	gram := gramOf(p, 40, 3)
	if gram == nil {
		t.Fatal("no products of all points")
	}
	if a, b := choose(gram), choose(nil); !slices.Equal(a, b) {
		t.Errorf("seeds %v and %v", a, b)
	}
}

// TestSeedingFollowsSquaredDistances counts draws: of a center at 0 and points
// at 1, 2 and 3, the squares 1, 4 and 9.
func TestSeedingFollowsSquaredDistances(t *testing.T) {
	p, err := newPoints([]float32{0, 1, 2, 3}, 1, []float64{0})
	if err != nil {
		t.Fatal(err)
	}
	s := newSeeder(p, 2, nil, rand.New(rand.NewPCG(1, 1)))
	copy(s.closest, []float32{0, 1, 4, 9})
	s.sums[0] = 14
	var count [4]float64
	const draws = 14000
	for range draws / 2 {
		s.draw(s.drawn)
		count[s.drawn[0]]++
		count[s.drawn[1]]++
	}
	for i, want := range []float64{0, 1000, 4000, 9000} {
		if math.Abs(count[i]-want) > 5*math.Sqrt(want) {
			t.Errorf("point %d drawn %v times, want about %v", i, count[i], want)
		}
	}
}
