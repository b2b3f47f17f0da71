package kernels

import "fmt"

// AffineConvAttr is the attribute of the kernels for networks that read the same
// channels again and again. X [M,C] is never stored in one piece: it is the parts
// [M,Widths[i]] side by side. The weights are [C,K].
type AffineConvAttr struct {
	M, K   int
	Widths []int
	Full   bool // AffineConvGrad only: the last three results are wanted
}

// The kernels of y = h w with h = relu(scale*X + shift), and of its first two
// derivatives. None of the tensors with C channels between the parts and y is
// ever stored: they exist for a block of rows at a time, in the cache. All kernels
// take the mask from the same arithmetic, m = fma(X, scale, shift) > 0.
var (
	// AffineConv: In scale [C], shift [C], w [C,K], parts; Out y [M,K].
	AffineConv = New("affineconv", affineConv[float32], affineConv[float64])

	// AffineConvGrad, with gh = m*(g w'): In g [M,K] (cotangent of y), scale,
	// shift, w, parts, and tensors like the parts to add to (all left out, or one
	// nil where there is none); Out dparts = scale*gh, plus what is to be added to,
	// which may be the same buffer; then, with Full, dscale = sum gh*X, dshift =
	// sum gh and dw = h'g.
	AffineConvGrad = New("affineconv.grad", affineConvGrad[float32], affineConvGrad[float64])

	// AffineConvGrad2 differentiates the dparts of AffineConvGrad, with t = m*U,
	// where U is the cotangents u of dparts side by side: In g, scale, shift, w,
	// parts, us (nil for zeros); Out dg [M,K] = (scale*t) w, dscale [C] =
	// sum over K of w*(t'g), dw [C,K] = scale*(t'g). The derivatives with respect to
	// shift and the parts are zero.
	AffineConvGrad2 = New("affineconv.grad2", affineConvGrad2[float32], affineConvGrad2[float64])
)

const (
	denseBlock  = 18 << 10 // elements of a block with C channels: most of a first-level cache
	denseUnit   = 96 << 10 // and of the blocks that a thread takes at a time
	denseChunks = 16       // partial sums
	denseParts  = 2 << 20  // the most elements in the partial sums of weights
	denseRows   = 24       // a block's rows are a multiple of this, which suits most tiles
)

// denseJob is the operands that the three kernels share, and how the rows are
// cut: into blocks that fit a cache, and the blocks into chunks that have sums of
// their own. It depends on nothing but the shapes.
type denseJob[T Float] struct {
	*AffineConvAttr
	c, ld          int // channels, and elements from row to row of a block
	rows           int // of a block
	blocks, chunks int
	scale, shift   []T
	w              []T
	parts          []Buffer
}

func newDenseJob[T Float](at *AffineConvAttr, scale, shift, w Buffer, parts []Buffer) *denseJob[T] {
	j := &denseJob[T]{AffineConvAttr: at}
	for _, n := range at.Widths {
		j.c += n
	}
	j.ld = (j.c + 15) / 16 * 16
	if j.ld%256 == 0 {
		j.ld += 16 // rows a power of two apart push each other out of the cache
	}
	j.rows = min(max(denseBlock/j.ld/denseRows, 1)*denseRows, 8*denseRows)
	j.blocks = (at.M + j.rows - 1) / j.rows
	j.chunks = max(1, min(j.blocks, denseChunks, denseParts/(j.c*at.K)))
	j.scale, j.shift, j.w = Data[T](scale)[:j.c], Data[T](shift)[:j.c], Data[T](w)[:j.c*at.K]
	j.parts = parts[:len(at.Widths)]
	j.check("part", j.parts)
	return j
}

// check panics where a tensor like a part, if it is there, is shorter than the part.
func (j *denseJob[T]) check(operand string, tensors []Buffer) {
	for i, b := range tensors {
		if n := j.Widths[i]; b != nil && b.Len() < j.M*n {
			panic(&SizeError{fmt.Sprint(operand, " ", i), j.M, n, n, b.Len()})
		}
	}
}

// borrowBlock returns memory for a block, and a little more, which tiles read.
func (j *denseJob[T]) borrowBlock() *loan[T] { return borrow[T](j.rows*j.ld + 16) }

// eachBlock runs body on the blocks, in parallel, with memory for one.
func (j *denseJob[T]) eachBlock(body func(lo, rows int, block []T)) {
	unit := max(1, min(denseUnit/(j.rows*j.ld), j.blocks/denseChunks))
	For((j.blocks+unit-1)/unit, func(i int) {
		block := j.borrowBlock()
		defer giveBack(block)
		for b := i * unit; b < min(j.blocks, (i+1)*unit); b++ {
			lo := b * j.rows
			body(lo, min(j.rows, j.M-lo), block.data)
		}
	})
}

// eachChunk runs body on the blocks of every chunk, one after the other; chunks
// run in parallel.
func (j *denseJob[T]) eachChunk(body func(chunk, lo, rows int, first bool, block []T)) {
	For(j.chunks, func(i int) {
		block := j.borrowBlock()
		defer giveBack(block)
		from, to := i*j.blocks/j.chunks, (i+1)*j.blocks/j.chunks
		for b := from; b < to; b++ {
			lo := b * j.rows
			body(i, lo, min(j.rows, j.M-lo), b == from, block.data)
		}
	})
}

// each runs body on the rows of every part, with the part's place among the
// channels.
func (j *denseJob[T]) each(lo, rows int, body func(i, at, n int, x []T)) {
	at := 0
	for i, n := range j.Widths {
		body(i, at, n, Data[T](j.parts[i])[lo*n:][:rows*n])
		at += n
	}
}

func affineConv[T Float](a *Args) {
	at := a.Attr.(*AffineConvAttr)
	j := newDenseJob[T](at, a.In[0], a.In[1], a.In[2], a.In[3:])
	y := Data[T](a.Out[0])[:at.M*at.K]
	panels := newDensePanels(j, nil, nil)
	weights := newDenseMatrix(j.w, at.K, false, at.K, j.c)
	defer weights.giveBack()
	j.eachBlock(func(lo, rows int, block []T) {
		panels.activate(block, lo, rows)
		weights.times(rows, block, j.ld, y[lo*at.K:], at.K)
	})
}

func affineConvGrad[T Float](a *Args) {
	at := a.Attr.(*AffineConvAttr)
	j := newDenseJob[T](at, a.In[1], a.In[2], a.In[3], a.In[4:])
	n := len(at.Widths)
	add := make([]bool, n)
	if onto := a.In[4+n:]; len(onto) > 0 {
		j.check("addend to part", onto[:n])
		for i, b := range onto {
			if add[i] = b != nil; add[i] && b != a.Out[i] {
				copy(Data[T](a.Out[i]), Data[T](b))
			}
		}
	}
	g := Data[T](a.In[0])[:at.M*at.K]
	panels := newDensePanels(j, a.Out[:n], add)
	weights := newDenseMatrix(j.w, at.K, true, j.c, at.K)
	defer weights.giveBack()
	sums := newDenseSums(j, at.Full)
	defer sums.giveBack()
	j.eachChunk(func(chunk, lo, rows int, first bool, block []T) {
		s := sums.of(chunk, first)
		weights.times(rows, g[lo*at.K:], at.K, block, j.ld)
		panels.grad(block, lo, rows, s.channels, at.Full)
		if at.Full {
			addProducts(s.weights, block, j.ld, g[lo*at.K:], rows, j.c, at.K, first)
		}
	})
	if at.Full {
		sums.total(Data[T](a.Out[n+2])[:j.c*at.K])
		panels.channelSums(Data[T](a.Out[n])[:j.c], Data[T](a.Out[n+1])[:j.c], sums.channels.data)
	}
}

func affineConvGrad2[T Float](a *Args) {
	at := a.Attr.(*AffineConvAttr)
	j := newDenseJob[T](at, a.In[1], a.In[2], a.In[3], a.In[4:])
	g, dg := Data[T](a.In[0])[:at.M*at.K], Data[T](a.Out[0])[:at.M*at.K]
	scaled := borrow[T](j.c * at.K)
	defer giveBack(scaled)
	for i, s := range j.scale {
		vecScale(scaled.data[i*at.K:][:at.K], j.w[i*at.K:][:at.K], s)
	}
	us := a.In[4+len(at.Widths):][:len(at.Widths)]
	there := make([]bool, len(us))
	for i, u := range us {
		there[i] = u != nil
	}
	panels := newDensePanels(j, us, there)
	weights := newDenseMatrix(scaled.data, at.K, false, at.K, j.c)
	defer weights.giveBack()
	sums := newDenseSums(j, true)
	defer sums.giveBack()
	j.eachChunk(func(chunk, lo, rows int, first bool, block []T) {
		panels.gate(block, lo, rows)
		weights.times(rows, block, j.ld, dg[lo*at.K:], at.K)
		addProducts(sums.of(chunk, first).weights, block, j.ld, g[lo*at.K:], rows, j.c, at.K, first)
	})
	dscale, dw := Data[T](a.Out[1])[:j.c], Data[T](a.Out[2])[:j.c*at.K]
	sums.total(dw)
	for i, s := range j.scale {
		row := dw[i*at.K:][:at.K]
		dscale[i] = T(dotOf(row, j.w[i*at.K:][:at.K]))
		vecScale(row, row, s)
	}
}

// dotOf is the sum of x*y in float64.
func dotOf[T Float](x, y []T) (s float64) {
	for i, v := range x {
		s += float64(v) * float64(y[i])
	}
	return s
}

// denseSums are the partial sums of the chunks: of the channels, as densePanels
// lays them out, and the gradient of the weights.
type denseSums[T Float] struct {
	channelsLen, weightsLen, chunks int
	channels                        *loan[float64]
	weights                         *loan[T]
}

func newDenseSums[T Float](j *denseJob[T], weights bool) *denseSums[T] {
	s := &denseSums[T]{channelsLen: channelSumsLen(j.Widths), chunks: j.chunks}
	s.channels = borrow[float64](s.channelsLen * j.chunks)
	if weights {
		s.weightsLen = j.c * j.K
	}
	s.weights = borrow[T](s.weightsLen * j.chunks)
	return s
}

func (s *denseSums[T]) giveBack() {
	giveBack(s.channels)
	giveBack(s.weights)
}

// denseChunk is what one chunk adds to.
type denseChunk[T Float] struct {
	channels []float64
	weights  []T
}

// of returns the sums of a chunk; those of the channels begin at zero.
func (s *denseSums[T]) of(chunk int, first bool) denseChunk[T] {
	c := s.channels.data[s.channelsLen*chunk:][:s.channelsLen]
	if first {
		clear(c)
	}
	return denseChunk[T]{c, s.weights.data[s.weightsLen*chunk:][:s.weightsLen]}
}

// total adds the sums of the chunks up, in their order, those of the channels in
// place of the first.
func (s *denseSums[T]) total(dw []T) {
	copy(dw, s.weights.data[:s.weightsLen])
	for i := 1; i < s.chunks; i++ {
		addTo(s.channels.data[:s.channelsLen], s.channels.data[s.channelsLen*i:][:s.channelsLen])
		vecAdd(dw, dw, s.weights.data[s.weightsLen*i:][:s.weightsLen])
	}
}
