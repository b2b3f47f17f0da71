package datasets

import (
	"math/bits"
	"math/rand/v2"
)

// What a stream of random numbers is for. Streams of different use never
// share numbers, even from one seed.
const (
	useShuffle uint64 = iota + 1
	useAugment
	useSynthetic
	useCrop
	useJitter
)

// generator returns the PCG generator of one use at one address, such as
// (seed, epoch, image). The 128-bit state is the address, folded in key by key
// through the SplitMix64 finaliser:
//
//	hi = mix(... mix(mix(use) + key[0]) + key[1] ...)
//	lo = mix(hi)
//
// so what is drawn at an address depends on nothing that was drawn before.
func generator(use uint64, keys ...uint64) rand.PCG {
	hi := mix(use)
	for _, k := range keys {
		hi = mix(hi + k)
	}
	var p rand.PCG
	p.Seed(hi, mix(hi))
	return p
}

// mix is one step of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// below returns a number in [0, n). It maps 64 random bits by a multiplication,
// which favours no value by more than n/2^64 and draws exactly one number, so
// that later draws keep their place.
func below(p *rand.PCG, n int) int {
	hi, _ := bits.Mul64(p.Uint64(), uint64(n))
	return int(hi)
}

// Permutation is the order of n images in an epoch of a set that is shuffled: a
// pure function of the seed and the epoch.
func Permutation(seed uint64, epoch, n int) []int { return permutation(seed, epoch, n) }

func permutation(seed uint64, epoch, n int) []int {
	p := generator(useShuffle, seed, uint64(epoch))
	order := make([]int, n)
	for i := range order {
		j := below(&p, i+1)
		order[i] = order[j]
		order[j] = i
	}
	return order
}
