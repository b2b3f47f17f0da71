package kernels

// The plain twins of the convolutions: any stride, padding, dilation and number
// of groups, in both element types. Each gathers the patches of one row of
// outputs and leaves the sums to plainProduct.

// weightGradParts is the number of partial sums that a weight gradient over
// many images is cut into. It is fixed: bits must not depend on the threads.
const weightGradParts = 8

// patchLen is the number of weights of one output: KH x KW x C/Groups.
func (g *ConvAttr) patchLen() int { return g.KH * g.KW * (g.C / g.Groups) }

// span returns the output columns [lo, hi) that kernel column kw takes from
// inside the image.
func (g *ConvAttr) span(kw int) (lo, hi int) {
	first := kw*g.DilationW - g.PadW // the input column of output column 0
	if first < 0 {
		lo = (-first + g.StrideW - 1) / g.StrideW
	}
	hi = (g.W - first + g.StrideW - 1) / g.StrideW
	if g.W <= first {
		hi = 0
	}
	return min(lo, g.OutW), min(max(hi, lo), g.OutW)
}

// gatherRow writes the patches of output row oh of group q, one a row of patch.
func gatherRow[T Float](patch, x []T, g *ConvAttr, oh, q int) {
	cg, size := g.C/g.Groups, g.patchLen()
	clear(patch[:g.OutW*size])
	for kh := range g.KH {
		h := oh*g.StrideH + kh*g.DilationH - g.PadH
		if h < 0 || h >= g.H {
			continue
		}
		row := x[h*g.W*g.C:][:g.W*g.C]
		for kw := range g.KW {
			lo, hi := g.span(kw)
			for ow := lo; ow < hi; ow++ {
				from := (ow*g.StrideW+kw*g.DilationW-g.PadW)*g.C + q*cg
				copy(patch[ow*size+(kh*g.KW+kw)*cg:][:cg], row[from:][:cg])
			}
		}
	}
}

// scatterRow adds patches to the places that gatherRow takes them from.
func scatterRow[T Float](x, patch []T, g *ConvAttr, oh, q int) {
	cg, size := g.C/g.Groups, g.patchLen()
	for kh := range g.KH {
		h := oh*g.StrideH + kh*g.DilationH - g.PadH
		if h < 0 || h >= g.H {
			continue
		}
		row := x[h*g.W*g.C:][:g.W*g.C]
		for kw := range g.KW {
			lo, hi := g.span(kw)
			for ow := lo; ow < hi; ow++ {
				to := row[(ow*g.StrideW+kw*g.DilationW-g.PadW)*g.C+q*cg:][:cg]
				for c, v := range patch[ow*size+(kh*g.KW+kw)*cg:][:cg] {
					to[c] += v
				}
			}
		}
	}
}

func convPlain[T Float](y, x, w []T, g *ConvAttr) {
	size, kg := g.patchLen(), g.K/g.Groups
	per := plainPanelLen(size, kg)
	panels := borrow[T](per * g.Groups)
	defer giveBack(panels)
	for q := range g.Groups {
		packPlain(panels.data[q*per:], w[q*kg:], g.K, false, size, kg)
	}
	For(g.N*g.OutH, func(i int) {
		patch := borrow[T](g.OutW * size)
		defer giveBack(patch)
		img := x[i/g.OutH*g.H*g.W*g.C:][:g.H*g.W*g.C]
		for q := range g.Groups {
			gatherRow(patch.data, img, g, i%g.OutH, q)
			plainProduct(g.OutW, kg, size, patch.data, size, panels.data[q*per:], y[i*g.OutW*g.K+q*kg:], g.K, false)
		}
	})
}

func convInputGradPlain[T Float](dx, dy, w []T, g *ConvAttr) {
	size, kg := g.patchLen(), g.K/g.Groups
	per := plainPanelLen(kg, size)
	panels := borrow[T](per * g.Groups)
	defer giveBack(panels)
	for q := range g.Groups {
		packPlain(panels.data[q*per:], w[q*kg:], g.K, true, kg, size)
	}
	For(g.N, func(n int) {
		patch := borrow[T](g.OutW * size)
		defer giveBack(patch)
		img := dx[n*g.H*g.W*g.C:][:g.H*g.W*g.C]
		clear(img)
		for oh := range g.OutH {
			rows := dy[(n*g.OutH+oh)*g.OutW*g.K:]
			for q := range g.Groups {
				plainProduct(g.OutW, size, kg, rows[q*kg:], g.K, panels.data[q*per:], patch.data, size, false)
				scatterRow(img, patch.data, g, oh, q)
			}
		}
	})
}

func convWeightGradPlain[T Float](dw, x, dy []T, g *ConvAttr) {
	total := g.patchLen() * g.K
	parts := min(weightGradParts, g.N)
	sums := borrow[T](parts * total)
	defer giveBack(sums)
	For(parts, func(i int) {
		part := sums.data[i*total:][:total]
		clear(part)
		for n := i * g.N / parts; n < (i+1)*g.N/parts; n++ {
			for oh := range g.OutH {
				weightGradRow(part, x[n*g.H*g.W*g.C:][:g.H*g.W*g.C], dy[(n*g.OutH+oh)*g.OutW*g.K:], g, oh)
			}
		}
	})
	addParts(dw[:total], sums.data, parts)
}

// weightGradRow adds the share of one row of outputs to dw.
func weightGradRow[T Float](dw, img, dy []T, g *ConvAttr, oh int) {
	size, kg := g.patchLen(), g.K/g.Groups
	work := borrow[T](2*g.OutW*size + plainPanelLen(g.OutW, kg))
	defer giveBack(work)
	patch, turned, panels := work.data[:g.OutW*size], work.data[g.OutW*size:2*g.OutW*size], work.data[2*g.OutW*size:]
	for q := range g.Groups {
		gatherRow(patch, img, g, oh, q)
		for ow := range g.OutW {
			for i, v := range patch[ow*size:][:size] {
				turned[i*g.OutW+ow] = v
			}
		}
		packPlain(panels, dy[q*kg:], g.K, false, g.OutW, kg)
		plainProduct(size, kg, g.OutW, turned, g.OutW, panels, dw[q*kg:], g.K, true)
	}
}

// addParts writes the sum of the parts to out, first to last.
func addParts[T Float](out, parts []T, n int) {
	share((len(out)+addPartsChunk-1)/addPartsChunk, addPartsJob[T]{out, parts, n})
}

const addPartsChunk = 4096 // elements

// addPartsJob adds a chunk of n partial sums up.
type addPartsJob[T Float] struct {
	out, parts []T
	n          int
}

func (j *addPartsJob[T]) piece(i int) {
	total := len(j.out)
	lo, hi := i*addPartsChunk, min((i+1)*addPartsChunk, total)
	dst := j.out[lo:hi]
	clear(dst)
	for p := range j.n {
		src := j.parts[p*total+lo:][:hi-lo]
		for k, v := range src {
			dst[k] += v
		}
	}
}
