package layers

import (
	"math"
	"math/rand/v2"
)

// Init fills an array with initial values. fanIn is how many inputs one output
// sees (k²·in for a convolution), fanOut how many outputs one input reaches.
type Init func(r *rand.Rand, data []float32, fanIn, fanOut int)

// UniformFanIn draws from U(-1/√fanIn, 1/√fanIn): PyTorch's default for
// convolutions, linear weights and their biases.
func UniformFanIn(r *rand.Rand, data []float32, fanIn, _ int) {
	bound := 1 / math.Sqrt(float64(fanIn))
	for i := range data {
		data[i] = float32((2*r.Float64() - 1) * bound)
	}
}

// KaimingFanOut draws from N(0, √(2/fanOut)), KaimingFanIn from N(0, √(2/fanIn))
// (He et al., arXiv 1502.01852).
func KaimingFanOut(r *rand.Rand, data []float32, fanIn, fanOut int) {
	Normal(math.Sqrt(2/float64(fanOut)))(r, data, fanIn, fanOut)
}

// KaimingFanIn is described at [KaimingFanOut].
func KaimingFanIn(r *rand.Rand, data []float32, fanIn, fanOut int) {
	Normal(math.Sqrt(2/float64(fanIn)))(r, data, fanIn, fanOut)
}

// Normal draws from a normal distribution around 0, whatever the fans.
func Normal(deviation float64) Init {
	return func(r *rand.Rand, data []float32, _, _ int) {
		for i := range data {
			data[i] = float32(r.NormFloat64() * deviation)
		}
	}
}

// Zero fills with 0, One with 1.
func Zero(_ *rand.Rand, data []float32, _, _ int) { clear(data) }

// One is described at [Zero].
func One(_ *rand.Rand, data []float32, _, _ int) {
	for i := range data {
		data[i] = 1
	}
}

func orDefault(i Init) Init {
	if i == nil {
		return UniformFanIn
	}
	return i
}
