//go:build amd64 && !noasm

package kernels

import "unsafe"

// panelCall is a block of rows, all channels' constants, and where the rows are.
type panelCall struct {
	block        []float32
	ld           int
	scale, shift []float32
	lo, rows     int
}

// panelArgs are the arguments of the assembly of panel_avx512_amd64.s and
// panel_avx2_amd64.s, which count some of them down.
type panelArgs struct {
	block        unsafe.Pointer
	parts        unsafe.Pointer // *panelPart
	scale, shift unsafe.Pointer
	sums         unsafe.Pointer // *float64
	count        int            // parts
	ld           int            // bytes
	row, rows    int
	_            int // the assembly's own: the rows that are left
}

// panelPart is a part: its first row, that of the other tensor, how many columns
// they have, and whether the other counts.
type panelPart struct {
	x, other unsafe.Pointer
	cols, on int
}

// panelTable is all parts.
type panelTable struct {
	parts []panelPart
	wide  bool // AVX-512
}

func newPanelTable(widths []int, parts, others []Buffer, on []bool) panelTable {
	if vectors == noVectors {
		return panelTable{}
	}
	t := panelTable{make([]panelPart, len(widths)), vectors == vectors512}
	for i, n := range widths {
		x := Data[float32](parts[i])
		t.parts[i] = panelPart{x: unsafe.Pointer(&x[0]), other: unsafe.Pointer(&x[0]), cols: n}
		if others != nil && others[i] != nil {
			t.parts[i].other = unsafe.Pointer(&Data[float32](others[i])[0])
		}
		if on != nil && on[i] {
			t.parts[i].on = 1
		}
	}
	return t
}

// panelLanes is the number of columns whose sums lie together.
func panelLanes() int {
	if vectors == vectors256 {
		return 8
	}
	return 16
}

// panelPass names an assembly routine.
type panelPass uint8

const (
	affinePass panelPass = iota
	gatePass
	gradPass
	gradKeepPass
)

func (t *panelTable) activate(c panelCall) bool { return t.run(affinePass, c, nil) }
func (t *panelTable) gate(c panelCall) bool     { return t.run(gatePass, c, nil) }

func (t *panelTable) grad(c panelCall, sums []float64, keep bool) bool {
	if keep {
		return t.run(gradKeepPass, c, sums)
	}
	return t.run(gradPass, c, sums)
}

// run runs the assembly over the rows, some at a time: sums stay in float32 for no
// more, and assembly cannot be preempted. It reports false where there is none.
func (t *panelTable) run(pass panelPass, c panelCall, sums []float64) bool {
	if t.parts == nil {
		return false
	}
	for r := 0; r < c.rows; r += sumRowsMost {
		p := panelArgs{
			block: unsafe.Pointer(&c.block[r*c.ld]), parts: unsafe.Pointer(&t.parts[0]), scale: unsafe.Pointer(&c.scale[0]), shift: unsafe.Pointer(&c.shift[0]),
			count: len(t.parts), ld: 4 * c.ld, row: c.lo + r, rows: min(sumRowsMost, c.rows-r),
		}
		if sums != nil {
			p.sums = unsafe.Pointer(&sums[0])
		}
		callPanel(pass, t.wide, &p)
	}
	return true
}

func callPanel(pass panelPass, wide bool, p *panelArgs) {
	switch {
	case pass == affinePass && wide:
		affinePanelavx512(p)
	case pass == affinePass:
		affinePanelavx2(p)
	case pass == gatePass && wide:
		gatePanelavx512(p)
	case pass == gatePass:
		gatePanelavx2(p)
	case pass == gradPass && wide:
		gradPanelavx512(p)
	case pass == gradPass:
		gradPanelavx2(p)
	case wide:
		gradKeepPanelavx512(p)
	default:
		gradKeepPanelavx2(p)
	}
}

//go:noescape
func affinePanelavx512(p *panelArgs)

//go:noescape
func affinePanelavx2(p *panelArgs)

//go:noescape
func gatePanelavx512(p *panelArgs)

//go:noescape
func gatePanelavx2(p *panelArgs)

//go:noescape
func gradPanelavx512(p *panelArgs)

//go:noescape
func gradPanelavx2(p *panelArgs)

//go:noescape
func gradKeepPanelavx512(p *panelArgs)

//go:noescape
func gradKeepPanelavx2(p *panelArgs)
