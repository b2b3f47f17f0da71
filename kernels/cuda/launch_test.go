package cuda

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestDivisor divides by multiplying.
func TestDivisor(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200000 {
		d := int(r.Uint32()>>(1+r.IntN(30))) + 1
		i := uint32(r.Int32())
		if r.IntN(2) == 0 { // near a multiple
			i = uint32(min(int64(d)*int64(r.IntN(1<<31/d+1))-int64(r.IntN(2)), 1<<31-1) & (1<<31 - 1))
		}
		m, s := divisor(d)
		if got := uint64(i) * uint64(m) >> s; got != uint64(i)/uint64(d) {
			t.Fatalf("%d/%d: %d", i, d, got)
		}
	}
}

func TestAxes(t *testing.T) {
	for _, c := range []struct {
		shape, a, b, d, sa, sb []int
	}{
		{[]int{2, 3}, []int{2, 3}, []int{2, 3}, []int{6}, []int{1}, []int{1}},
		{[]int{2, 4, 4, 3}, []int{2, 4, 4, 3}, []int{3}, []int{3, 32}, []int{1, 3}, []int{1, 0}},
		{[]int{2, 3}, []int{2, 1}, nil, []int{3, 2}, []int{0, 1}, []int{0, 0}},
		{[]int{1, 1}, []int{1}, nil, []int{1}, []int{1}, []int{1}},
	} {
		got := newAxes(c.shape, stepsOf(c.shape, c.a), stepsOf(c.shape, c.b))
		if !slices.Equal(got.d, c.d) || !slices.Equal(got.steps[0], c.sa) || !slices.Equal(got.steps[1], c.sb) {
			t.Errorf("%v, %v, %v: %+v", c.shape, c.a, c.b, got)
		}
	}
}
