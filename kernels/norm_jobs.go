package kernels

// The passes over wide rows, as structs whose copies are kept (see share). Methods take
// the elements [lo, hi) of a chunk; results may lie in the memory of operands.

// rowApply is applyRows, or applyAddRows where there is something to add.
type rowApply[T Float] struct {
	y, x, skip, k []T
	w             int
	low           T
	stream        bool
}

func (p *rowApply[T]) rows(lo, hi int) {
	if p.skip != nil {
		applyAddRows(p.y[lo:hi], p.x[lo:hi], p.skip[lo:hi], p.k, p.w, p.low, p.stream)
		return
	}
	applyRows(p.y[lo:hi], p.x[lo:hi], p.k, p.w, p.low, p.stream)
}

// rowGrad is gradRows, or gradAddRows where there is something to add.
type rowGrad[T Float] struct {
	dx, g, x, sum, k []T
	w                int
	stream           bool
}

func (p *rowGrad[T]) rows(lo, hi int) {
	if p.sum != nil {
		gradAddRows(p.dx[lo:hi], p.g[lo:hi], p.x[lo:hi], p.sum[lo:hi], p.k, p.w, p.stream)
		return
	}
	gradRows(p.dx[lo:hi], p.g[lo:hi], p.x[lo:hi], p.k, p.w, p.stream)
}

// rowGrad2 is grad2Rows, or tangentRows where there are a tangent and a result that
// says what passes.
type rowGrad2[T Float] struct {
	dg, dx, u, g, x, tm, y, k []T
	w                         int
	stream                    bool
}

func (p *rowGrad2[T]) rows(lo, hi int) {
	dg, dx, u, g, x := p.dg[lo:hi], p.dx[lo:hi], p.u[lo:hi], p.g[lo:hi], p.x[lo:hi]
	if p.tm != nil {
		tangentRows(dg, dx, u, g, x, p.tm[lo:hi], p.y[lo:hi], p.k, p.w, p.stream)
		return
	}
	grad2Rows(dg, dx, u, g, x, p.k, p.w, p.stream)
}

// gradSums is gradSumRows, gateSums gateSumRows, grad2Sums grad2SumRows.
type (
	gradSums[T Float] struct {
		g, x, k []T
		w       int
	}
	gateSums[T Float] struct {
		gm, g, y, x, k []T
		w              int
	}
	grad2Sums[T Float] struct {
		u, g, x, k []T
		w          int
	}
)

func (p *gradSums[T]) add(lo, hi int, sums []float64) {
	gradSumRows(p.g[lo:hi], p.x[lo:hi], p.k, sums, p.w)
}

func (p *gateSums[T]) add(lo, hi int, sums []float64) {
	gateSumRows(p.gm[lo:hi], p.g[lo:hi], p.y[lo:hi], p.x[lo:hi], p.k, sums, p.w)
}

func (p *grad2Sums[T]) add(lo, hi int, sums []float64) {
	grad2SumRows(p.u[lo:hi], p.g[lo:hi], p.x[lo:hi], p.k, sums, p.w)
}
