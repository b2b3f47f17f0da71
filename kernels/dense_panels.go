package kernels

// densePanels works on a block of rows of all channels beside the parts, and
// beside as many other tensors like them. Assembly does it where there is any.
type densePanels[T Float] struct {
	*denseJob[T]
	others []Buffer // tensors like the parts
	on     []bool   // which of them there are, or which are to be added to
	fast   panelTable
}

// sumRowsMost is the number of rows whose sums stay in float32.
const sumRowsMost = 64

func newDensePanels[T Float](j *denseJob[T], others []Buffer, on []bool) *densePanels[T] {
	j.check("companion of part", others)
	p := &densePanels[T]{denseJob: j, others: others, on: on}
	if isFloat32[T]() {
		p.fast = newPanelTable(j.Widths, j.parts, others, on)
	}
	return p
}

// channelSumsLen is the length of the sums of all channels: of every [panelLanes]
// columns those of the first kind, then those of the second. Columns that a part
// does not have leave gaps.
func channelSumsLen(widths []int) (n int) {
	lanes := panelLanes()
	for _, w := range widths {
		n += (w + lanes - 1) / lanes * 2 * lanes
	}
	return n
}

// channelSums takes the sums of gh*X and of gh apart.
func (p *densePanels[T]) channelSums(ofX, of []T, sums []float64) {
	c, lanes := 0, panelLanes()
	for _, n := range p.Widths {
		for lo := 0; lo < n; lo += lanes {
			for i := range min(lanes, n-lo) {
				of[c], ofX[c] = T(sums[i]), T(sums[lanes+i])
				c++
			}
			sums = sums[2*lanes:]
		}
	}
}

// fastArgs are the arguments of the assembly.
func (p *densePanels[T]) fastArgs(block []T, lo, rows int) panelCall {
	return panelCall{asFloat32(block), p.ld, asFloat32(p.scale), asFloat32(p.shift), lo, rows}
}

// activate sets block to h = max(0, fma(x, scale, shift)). NaN passes.
func (p *densePanels[T]) activate(block []T, lo, rows int) {
	if isFloat32[T]() && p.fast.activate(p.fastArgs(block, lo, rows)) {
		return
	}
	p.each(lo, rows, func(_, at, n int, x []T) {
		scale, shift := p.scale[at:][:n], p.shift[at:][:n]
		for r := range rows {
			row, out := x[r*n:][:n], block[r*p.ld+at:][:n]
			for i, v := range row {
				out[i] = relu(fma(v, scale[i], shift[i]))
			}
		}
	})
}

// gate sets block to the others where fma(x, scale, shift) > 0 and to 0 elsewhere.
func (p *densePanels[T]) gate(block []T, lo, rows int) {
	if isFloat32[T]() && p.fast.gate(p.fastArgs(block, lo, rows)) {
		return
	}
	p.each(lo, rows, func(i, at, n int, x []T) {
		scale, shift := p.scale[at:][:n], p.shift[at:][:n]
		for r := range rows {
			out := block[r*p.ld+at:][:n]
			clear(out)
			if !p.on[i] {
				continue
			}
			row, in := x[r*n:][:n], Data[T](p.others[i])[(lo+r)*n:][:n]
			for i, v := range row {
				if fma(v, scale[i], shift[i]) > 0 {
					out[i] = in[i]
				}
			}
		}
	})
}

// grad takes gh from block, which is g where fma(x, scale, shift) > 0 and 0
// elsewhere, sets the others to scale*gh or adds it to those that are on, and adds
// the sums of gh and of gh*x to sums. With keep it leaves h in the block.
func (p *densePanels[T]) grad(block []T, lo, rows int, sums []float64, keep bool) {
	if isFloat32[T]() && p.fast.grad(p.fastArgs(block, lo, rows), sums, keep) {
		return
	}
	lanes := panelLanes()
	p.each(lo, rows, func(i, at, n int, x []T) {
		d := Data[T](p.others[i])[lo*n:][:rows*n]
		for from := 0; from < n; from += lanes {
			for c := from; c < min(n, from+lanes); c++ {
				p.gradColumn(d[c:], x[c:], block[at+c:], n, rows, at+c, sums[c-from:], lanes, p.on[i], keep)
			}
			sums = sums[2*lanes:]
		}
	})
}

// gradColumn is grad for one channel, of a part that is n wide.
func (p *densePanels[T]) gradColumn(d, x, block []T, n, rows, channel int, sums []float64, lanes int, add, keep bool) {
	scale, shift := p.scale[channel], p.shift[channel]
	for r := range rows {
		v, g := x[r*n], &block[r*p.ld]
		y := fma(v, scale, shift)
		var gm T
		if y > 0 {
			gm = *g
		}
		sums[0] += float64(gm)
		sums[lanes] += float64(gm) * float64(v)
		if add {
			d[r*n] = fma(scale, gm, d[r*n])
		} else {
			d[r*n] = scale * gm
		}
		if keep {
			*g = relu(y)
		}
	}
}
