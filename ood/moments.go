package ood

import (
	"gonum.org/v1/gonum/mat"
)

// moments adds up features about an origin: what covariances are made of.
// Shifting to an origin near the mean keeps the sums free of cancellation.
type moments struct {
	origin []float64
	n      int
	sum    []float64     // of h - origin
	square *mat.SymDense // of (h - origin)(h - origin)ᵀ
}

func newMoments(origin []float64) *moments {
	d := len(origin)
	return &moments{origin: origin, sum: make([]float64, d), square: mat.NewSymDense(d, nil)}
}

// add adds the features of a batch.
func (m *moments) add(out Outputs) {
	x := centred(out, m.origin)
	for i := range out.N {
		for j, v := range x.RawRowView(i) {
			m.sum[j] += v
		}
	}
	m.square.SymRankK(m.square, 1, x.T())
	m.n += out.N
}

// centred is the matrix of features minus an origin, one row an image.
func centred(out Outputs, origin []float64) *mat.Dense {
	x := mat.NewDense(out.N, out.Dim, nil)
	for i := range out.N {
		row := x.RawRowView(i)
		for j, v := range out.Feature(i) {
			row[j] = float64(v) - origin[j]
		}
	}
	return x
}
