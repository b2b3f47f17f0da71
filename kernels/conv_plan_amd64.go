//go:build amd64 && !noasm

package kernels

import (
	"slices"
	"sync"
)

const (
	// padFloats is the most floats of padded images that one unit of work
	// copies: they are to stay in the second-level cache.
	padFloats = 160 << 10
	// unitRows is the number of outputs from which a unit needs no further
	// image: the weights it reads are then shared by enough of them.
	unitRows = 256
)

// corr is a correlation, which both the convolution and its input gradient are:
// every output is a sum over taps, each a pixel of the input times a matrix of
// weights. A gradient of stride s falls into s x s classes of outputs, by the
// remainders of their places, each of which is a correlation of step 1.
//
// A unit of work is a few images, or a band of one. Its part of the input is
// copied with its zero border, so that no tap needs a test.
type corr struct {
	padded
	n                  int
	outH, outW, outC   int // the output tensor
	groups, cin, cout  int // and the channels of one group
	stepH, stepW, fold int // input pixels from output to output; outputs side by side that are computed as one
	direction          direction

	inPlace         bool
	images          int // a unit's images,
	bandRows, bands int // or its rows of outputs and the units in an image
	classes         []corrClass
	packed          int // floats of all packed weights
	calls           int // strips of all classes and groups
}

// corrClass is one class of outputs: row0 + i*rowStep, col0 + j*colStep.
type corrClass struct {
	outH, outW                   int
	row0, col0, rowStep, colStep int
	taps                         []corrTap
	segs                         []int       // byte offsets of runs of taps that are contiguous in the padded input
	segSteps                     int         // and their length
	full, part                   []tileGroup // full has tileSlack more than there are
	strips                       panels
	packedAt                     int // where the weights of the class begin
}

// corrTap is a pixel relative to an output's own, and the weights it meets: an
// index of a tap of the kernel for each of the folded outputs, -1 for none.
type corrTap struct {
	dr, dc  int
	weights [4]int
}

// direction says which of the three sums a plan is for.
type direction uint8

const (
	forwardDirection direction = iota
	inputDirection
	weightDirection
)

// planKey is what a plan depends on.
type planKey struct {
	g     ConvAttr
	lanes int
}

// planCache keeps plans: a network repeats the same few shapes.
type planCache[P any] struct {
	sync.Mutex
	plans map[planKey]*P
}

var (
	forwardPlans, inputPlans planCache[corr]
	weightPlans              planCache[weightGrad]
)

func (l *planCache[P]) get(g *ConvAttr, make func(g *ConvAttr) *P) *P {
	key := planKey{*g, tiles.lanes}
	l.Lock()
	defer l.Unlock()
	p := l.plans[key]
	if p == nil {
		if l.plans == nil {
			l.plans = map[planKey]*P{}
		}
		p = make(g)
		l.plans[key] = p
	}
	return p
}

func newForward(g *ConvAttr) *corr   { return newCorr(g, forwardDirection) }
func newInputGrad(g *ConvAttr) *corr { return newCorr(g, inputDirection) }

func newCorr(g *ConvAttr, d direction) *corr {
	c := &corr{n: g.N, groups: g.Groups, fold: 1, direction: d}
	if d == inputDirection {
		c.inH, c.inW, c.inC, c.outH, c.outW, c.outC = g.OutH, g.OutW, g.K, g.H, g.W, g.C
		c.stepH, c.stepW = 1, 1
		c.gradientClasses(g)
	} else {
		c.inH, c.inW, c.inC, c.outH, c.outW, c.outC = g.H, g.W, g.C, g.OutH, g.OutW, g.K
		c.stepH, c.stepW = g.StrideH, g.StrideW
		c.forwardClass(g)
	}
	c.cin, c.cout = c.inC/g.Groups, c.outC/g.Groups
	if d != weightDirection {
		c.foldOutputs()
	}
	c.layout()
	for i := range c.classes {
		c.tables(&c.classes[i])
	}
	return c
}

func (c *corr) forwardClass(g *ConvAttr) {
	k := corrClass{outH: g.OutH, outW: g.OutW, rowStep: 1, colStep: 1}
	for kh := range g.KH {
		for kw := range g.KW {
			k.taps = append(k.taps, corrTap{kh*g.DilationH - g.PadH, kw*g.DilationW - g.PadW, [4]int{kh*g.KW + kw}})
		}
	}
	c.classes = []corrClass{k}
}

func (c *corr) gradientClasses(g *ConvAttr) {
	for row0 := range min(g.StrideH, g.H) {
		for col0 := range min(g.StrideW, g.W) {
			k := corrClass{
				outH: (g.H - row0 + g.StrideH - 1) / g.StrideH, outW: (g.W - col0 + g.StrideW - 1) / g.StrideW,
				row0: row0, col0: col0, rowStep: g.StrideH, colStep: g.StrideW,
			}
			for kh := g.KH - 1; kh >= 0; kh-- {
				for kw := g.KW - 1; kw >= 0; kw-- {
					dr, dc := row0+g.PadH-kh*g.DilationH, col0+g.PadW-kw*g.DilationW
					if dr%g.StrideH == 0 && dc%g.StrideW == 0 {
						k.taps = append(k.taps, corrTap{dr / g.StrideH, dc / g.StrideW, [4]int{kh*g.KW + kw}})
					}
				}
			}
			c.classes = append(c.classes, k)
		}
	}
}

// foldOutputs makes one output of two or four neighbours where there are so few
// channels that they would leave most lanes empty, as in the gradient of an
// image of three colours. The taps of both are joined, with zeros for weights
// where an output has no such tap: for 3x3 that is 1/2 of the work.
func (c *corr) foldOutputs() {
	k := &c.classes[0]
	fold := 1
	switch {
	case c.cout <= 4:
		fold = 4
	case c.cout <= 8 && tiles.lanes == 16:
		fold = 2
	}
	if c.groups > 1 || len(c.classes) > 1 || k.outW%fold != 0 || fold == 1 {
		return
	}
	var taps []corrTap
	for f := range fold {
		for _, t := range k.taps {
			dc := t.dc + f*c.stepW
			i := slices.IndexFunc(taps, func(u corrTap) bool { return u.dr == t.dr && u.dc == dc })
			if i < 0 {
				i = len(taps)
				taps = append(taps, corrTap{t.dr, dc, [4]int{-1, -1, -1, -1}})
			}
			taps[i].weights[f] = t.weights[0]
		}
	}
	slices.SortFunc(taps, func(a, b corrTap) int {
		if a.dr != b.dr {
			return a.dr - b.dr
		}
		return a.dc - b.dc
	})
	c.fold, k.taps = fold, taps
	k.outW /= fold
	k.colStep = fold
	c.stepW *= fold
}

// layout sizes the padded input and the units.
func (c *corr) layout() {
	most, right, bottom := 0, 0, 0 // outputs of a class, and how far taps reach
	for _, k := range c.classes {
		most = max(most, k.outH)
		for _, t := range k.taps {
			c.top, c.left = max(c.top, -t.dr), max(c.left, -t.dc)
			bottom = max(bottom, (k.outH-1)*c.stepH+t.dr)
			right = max(right, (k.outW-1)*c.stepW+t.dc)
		}
	}
	c.rows, c.cols, c.pixel = c.top+bottom+1, c.left+right+1, pixelStride(c.inC)
	c.images, c.bandRows, c.bands = 1, most, 1
	reach := c.rows - (most-1)*c.stepH // rows that one row of outputs sees
	if c.top == 0 && c.left == 0 && c.rows <= c.inH && c.cols <= c.inW && c.pixel == c.inC && c.readsInside() {
		c.inPlace, c.rows, c.cols = true, c.inH, c.inW
	}
	size := c.floats()
	if size > padFloats {
		c.bandRows = max(1, (padFloats/(c.cols*c.pixel)-reach)/c.stepH+1)
		c.bands = (most + c.bandRows - 1) / c.bandRows
		c.bandRows = (most + c.bands - 1) / c.bands
		c.bands = (most + c.bandRows - 1) / c.bandRows
		if !c.inPlace {
			c.rows = (c.bandRows-1)*c.stepH + reach
		}
		return
	}
	outputs := c.outH * c.outW / c.fold
	c.images = min(max(1, unitRows/outputs), max(1, padFloats/size), max(1, c.n/8))
}

// units is the number of units of work of a correlation.
func (c *corr) units() int { return (c.n + c.images - 1) / c.images * c.bands }

// unitAt is unit u: its images and its rows of outputs, of a class that has all.
func (c *corr) unitAt(u, outputs int) (img, imgs, row, rows int) {
	img, row = u/c.bands*c.images, u%c.bands*c.bandRows
	return img, min(c.images, c.n-img), row, min(c.bandRows, outputs-row)
}

// place is where a unit's part of the input begins that is read in place.
func (c *corr) place(img, row int) int { return (img*c.inH + row*c.stepH) * c.inW * c.inC }

// following is the part of the input that the unit behind this one reads.
func (c *corr) following(in []float32, img, imgs, row, rows int) []float32 {
	size := c.inH * c.inW * c.inC
	from, n := c.place(img+imgs, 0), imgs*size
	if c.bands > 1 {
		from, n = min(c.place(img, row+rows), from), rows*c.stepH*c.inW*c.inC
	}
	return in[min(from, c.n*size):min(from+n, c.n*size)]
}

// readsInside reports that no tile reads more of the input than it uses.
func (c *corr) readsInside() bool {
	if c.direction == weightDirection {
		return c.cin >= 4
	}
	return !slices.ContainsFunc(c.classes, func(k corrClass) bool { return k.outW%4 != 0 && len(k.taps) > 0 })
}

// tables lists the segments and the groups of four outputs of a class.
func (c *corr) tables(k *corrClass) {
	k.strips = tiles.panels(c.cout * c.fold)
	if len(k.taps) > 0 {
		c.calls += c.groups * k.strips.count
	}
	k.packedAt = c.packed
	c.packed += c.groups * k.strips.packed(len(k.taps)*c.cin)
	at := func(t corrTap) int { return ((t.dr+c.top)*c.cols + t.dc + c.left) * c.pixel }
	run := 1
	if c.pixel == c.cin {
		run = equalRuns(k.taps)
	}
	k.segSteps = run * c.cin
	for i := 0; i < len(k.taps); i += run {
		k.segs = append(k.segs, 4*at(k.taps[i]))
	}
	for img := range c.images {
		for i := range min(c.bandRows, k.outH) {
			for j := 0; j < k.outW; j += 4 {
				a := ((img*c.rows+i*c.stepH)*c.cols + j*c.stepW) * c.pixel
				out := ((img*c.outH+i*k.rowStep)*c.outW + j*k.colStep) * c.outC
				if k.outW-j >= 4 {
					k.full = append(k.full, tileGroup{4 * a, 4 * out})
				} else {
					k.part = append(k.part, tileGroup{4 * a, 4 * out})
				}
			}
		}
	}
	if n := len(k.full); n > 0 {
		slack := [tileSlack]tileGroup{}
		for i := range slack {
			slack[i] = k.full[n-1]
		}
		k.full = append(k.full, slack[:]...)
	}
}

// equalRuns returns the length of the runs of neighbouring taps if they all
// have the same, or else 1.
func equalRuns(taps []corrTap) int {
	length := 0
	for i := 0; i < len(taps); {
		n := 1
		for i+n < len(taps) && taps[i+n].dr == taps[i].dr && taps[i+n].dc == taps[i].dc+n {
			n++
		}
		if length > 0 && n != length {
			return 1
		}
		length = n
		i += n
	}
	return max(length, 1)
}
