package datasets

import (
	"slices"
	"testing"
)

// What NumPy itself draws (testdata/make_official.py).
func TestNumpyPermutation(t *testing.T) {
	for _, c := range []struct {
		seed  uint32
		n     int
		first []int
		sum   int // of position times value
	}{
		{1993, 1000, []int{54, 7, 894, 512, 126, 337, 988, 11, 284, 493, 133, 783}, 253447890},
		{1, 10, []int{2, 9, 6, 4, 0, 3, 1, 7, 8, 5}, 212},
		{1, 328500, []int{64233, 14598, 209815, 62058, 69069, 27453, 226395, 17447, 265176, 150370, 322432, 240313}, 8867541298530003},
		{1, 1000, []int{507, 818, 452, 368, 242, 929, 262, 810, 318, 49, 446, 142}, -1}, // choice(1000, 12)
	} {
		got, sum := numpyPermutation(c.seed, c.n), 0
		for i, v := range got {
			sum += i * v
		}
		if !slices.Equal(got[:len(c.first)], c.first) || c.sum >= 0 && sum != c.sum {
			t.Errorf("seed %d, %d: %v..., sum %d", c.seed, c.n, got[:len(c.first)], sum)
		}
	}
	if got := numpyPermutation(5, 0); len(got) != 0 {
		t.Errorf("%v", got)
	}
}
