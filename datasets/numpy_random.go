package datasets

// numpyPermutation is numpy.random.permutation(n) after numpy.random.seed(seed),
// the legacy generator: published splits were drawn with it. Its first k
// elements are numpy.random.choice(n, k, replace=False) after the same seed.
func numpyPermutation(seed uint32, n int) []int {
	g := newMersenne(seed)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	for i := n - 1; i > 0; i-- {
		j := g.upTo(uint32(i))
		order[i], order[j] = order[j], order[i]
	}
	return order
}

// mersenne is MT19937 (Matsumoto and Nishimura, ACM TOMACS 8, 1998).
type mersenne struct {
	state [624]uint32
	at    int
}

func newMersenne(seed uint32) *mersenne {
	g := &mersenne{at: len(mersenne{}.state)}
	for i := range g.state {
		g.state[i] = seed
		seed = 1812433253*(seed^seed>>30) + uint32(i) + 1
	}
	return g
}

func (g *mersenne) next() uint32 {
	n := len(g.state)
	if g.at == n {
		for i := range n {
			y := g.state[i]&0x80000000 | g.state[(i+1)%n]&0x7fffffff
			g.state[i] = g.state[(i+397)%n] ^ y>>1 ^ y&1*0x9908b0df
		}
		g.at = 0
	}
	y := g.state[g.at]
	g.at++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// upTo is a number from 0 to most: NumPy masks what is drawn and draws again
// while it is too large.
func (g *mersenne) upTo(most uint32) uint32 {
	mask := most
	for shift := 1; shift < 32; shift *= 2 {
		mask |= mask >> shift
	}
	for {
		if v := g.next() & mask; v <= most {
			return v
		}
	}
}
