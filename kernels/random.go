package kernels

// DropAttr is the attribute of [Dropout]: the probability of a zero, and the
// seed and the stream that, with the element's number, decide about each element.
type DropAttr struct {
	P            float64
	Seed, Stream uint64
	// Clock, where it is set, is added to Stream whenever the kernel runs, in a replay
	// of a [Capturer] too, so that every step drops something else.
	Clock *uint64
}

// Key is what is added to an element's number before it is mixed: element i is zero
// where the upper half of SplitMix64's finaliser of Key+i is below P.
func (d *DropAttr) Key() uint64 {
	stream := d.Stream
	if d.Clock != nil {
		stream += *d.Clock
	}
	return mix(d.Seed ^ mix(stream))
}

// Limit is P as a bound of 32-bit numbers.
func (d *DropAttr) Limit() uint64 { return uint64(d.P * (1 << 32)) }

// Dropout multiplies by a mask of zeros and 1/(1-P). The mask is a function of
// the attribute and the element's number alone, so it is never stored: the
// backward pass makes it again.
var Dropout = New("dropout", dropoutKernel[float32], dropoutKernel[float64])

func dropoutKernel[T Float](a *Args) {
	y, x := Data[T](a.Out[0]), Data[T](a.In[0])
	at := a.Attr.(*DropAttr)
	scale := T(1 / (1 - at.P))
	share(chunks(len(y)), dropoutJob[T]{y, x, scale, at.Limit(), at.Key()})
}

// dropoutJob decides about a chunk of elements.
type dropoutJob[T Float] struct {
	y, x       []T
	scale      T
	limit, key uint64
}

// piece looks the factor up rather than branching: no predictor guesses a mask,
// and wrong guesses would take most of the time.
func (j *dropoutJob[T]) piece(c int) {
	lo, hi := chunkAt(c, len(j.y))
	y, x, key := j.y[lo:hi], j.x[lo:hi], j.key+uint64(lo)
	factor := [2]T{j.scale, 0}
	for i := range y {
		below := (mix(key+uint64(i))>>32 - j.limit) >> 63
		y[i] = x[i] * factor[below]
	}
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection
// whose output bits all depend on all input bits.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
