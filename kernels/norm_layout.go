package kernels

// A tensor of M rows and C channels is worked on as "wide rows": k successive
// rows side by side, so that the row's length w = k*C is a multiple of the
// vector width whatever C is, and long enough to hide loop overheads. Constants
// that belong to a channel are repeated k times; sums over rows come out k times
// and are folded at the end. The rows left over (fewer than k) form one short
// wide row at the end.
const (
	normLanes     = 16      // floats in the widest vector
	normMinWidth  = 256     // shortest wide row worth a loop
	normChunk     = 1 << 16 // elements in a chunk that one goroutine takes
	normMaxChunks = 64      // more chunks only make the serial merge longer
	normBlock     = 8       // wide rows whose sums stay in float32
	normStream    = 6 << 20 // elements from which results bypass the caches
)

// normLayout cuts an [m, c] tensor into chunks. It depends on nothing but the
// shape, which is what makes the results the same for every GOMAXPROCS.
type normLayout struct {
	m, c   int
	w      int // elements of a wide row, a multiple of c and of normLanes
	step   int // elements of a chunk, a multiple of normBlock*w
	chunks int
}

func newNormLayout(m, c int) normLayout {
	k := normLanes / gcd(c, normLanes)
	if short := k * c; short < normMinWidth {
		k *= (normMinWidth + short - 1) / short
	}
	w := k * c
	chunks := min(max(m*c/normChunk, 1), normMaxChunks)
	block := normBlock * w
	step := (m*c/chunks + block - 1) / block * block
	step = max(step, block)
	return normLayout{m: m, c: c, w: w, step: step, chunks: max((m*c+step-1)/step, 1)}
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// stream says whether a result is so large that the next reader will not find it in
// a cache anyway. Stores around the caches then save the reading of each line
// before it is overwritten.
func (l normLayout) stream() bool { return l.m*l.c >= normStream }

// span returns the elements [lo, hi) of chunk i.
func (l normLayout) span(i int) (lo, hi int) {
	return i * l.step, min((i+1)*l.step, l.m*l.c)
}

// rowPass is a pointer to a pass that writes the elements [lo, hi) of its results.
type rowPass[J any] interface {
	*J
	rows(lo, hi int)
}

// rowsOf runs a pass on the elements of every chunk, in parallel, beginning with the
// last one: a pass for the sums went before, and what it read last is still in the
// caches.
func rowsOf[J any, P rowPass[J]](l normLayout, pass J) {
	share(l.chunks, normRows[J, P]{l, pass})
}

// normRows runs a pass on a chunk.
type normRows[J any, P rowPass[J]] struct {
	normLayout
	pass J
}

func (j *normRows[J, P]) piece(i int) { P(&j.pass).rows(j.span(j.chunks - 1 - i)) }

// sumPass is a pointer to a pass that adds up the elements [lo, hi) of its operands.
type sumPass[J any] interface {
	*J
	add(lo, hi int, sums []float64)
}

// sumsOf runs a pass on every chunk, which adds to its n*w zeroed sums, and returns
// the n*c totals, added up in the order of the chunks, on loan.
func sumsOf[J any, P sumPass[J]](l normLayout, n int, pass J) *loan[float64] {
	parts := borrow[float64](l.chunks * n * l.c)
	defer giveBack(parts)
	share(l.chunks, normSums[J, P]{l, n, pass, parts.data})
	total := borrow[float64](n * l.c)
	clear(total.data)
	for i := range l.chunks {
		addTo(total.data, parts.data[i*n*l.c:(i+1)*n*l.c])
	}
	return total
}

// normSums makes the partial sums of a chunk.
type normSums[J any, P sumPass[J]] struct {
	normLayout
	n     int
	pass  J
	parts []float64
}

func (j *normSums[J, P]) piece(i int) {
	wide := borrow[float64](j.n * j.w)
	defer giveBack(wide)
	clear(wide.data)
	lo, hi := j.span(i)
	P(&j.pass).add(lo, hi, wide.data)
	j.fold(j.parts[i*j.n*j.c:(i+1)*j.n*j.c], wide.data, j.n)
}

// fold adds the k copies of each of n sums.
func (l normLayout) fold(dst, wide []float64, n int) {
	for i := range n {
		d, s := dst[i*l.c:(i+1)*l.c], wide[i*l.w:(i+1)*l.w]
		copy(d, s[:l.c])
		for lo := l.c; lo < l.w; lo += l.c {
			addTo(d, s[lo:lo+l.c])
		}
	}
}

func addTo(dst, src []float64) {
	src = src[:len(dst)]
	for i, v := range src {
		dst[i] += v
	}
}

// widen repeats the first c elements of each of the n wide rows of k.
func widen[T Float](l normLayout, k []T, n int) {
	for i := range n {
		row := k[i*l.w : (i+1)*l.w]
		for done := l.c; done < l.w; done *= 2 {
			copy(row[done:], row[:done])
		}
	}
}
