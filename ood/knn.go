package ood

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// KNN is minus the Euclidean distance of the image's feature to the K-th nearest
// of the ID training features, all divided by their lengths (Sun et al.,
// arXiv:2204.06507). The training features are held in memory, 8 bytes a value.
type KNN struct {
	K int `json:"k"` // 0 meaning 50

	dim     int
	bank    []float64 // rows of unit length
	squares []float64 // of the rows' lengths: 1, or 0 where no feature was active
}

// Name returns "knn".
func (*KNN) Name() string { return "knn" }

// Params returns K.
func (k *KNN) Params() any { return KNN{K: k.neighbours()} }

// Needs returns NeedFeatures and NeedData.
func (*KNN) Needs() Needs { return NeedFeatures | NeedData }

func (k *KNN) neighbours() int {
	if k.K == 0 {
		return 50
	}
	return k.K
}

// Fit keeps the training features. There must be at least K images.
func (k *KNN) Fit(id IDData) error {
	k.bank, k.squares, k.dim = nil, nil, 0
	err := collect(id, NeedFeatures, func(out Outputs) error {
		k.dim = out.Dim
		u := make([]float64, out.Dim)
		for i := range out.N {
			widen(u, out.Feature(i))
			k.squares = append(k.squares, unit(u))
			k.bank = append(k.bank, u...)
		}
		return nil
	})
	if n := len(k.squares); err == nil && n < k.neighbours() {
		err = fmt.Errorf("ood: nearest neighbour number %d of %d in-distribution images: choose a smaller k", k.neighbours(), n)
	}
	return err
}

// unit divides a vector by its length plus 1e-10, as the authors' code does, and
// returns the square of the length that it then has.
func unit(u []float64) float64 {
	var sum float64
	for _, v := range u {
		sum += v * v
	}
	r := 1 / (math.Sqrt(sum) + 1e-10)
	for j := range u {
		u[j] *= r
	}
	return sum * r * r
}

// knnTile is how many training features are compared at a time: enough for the
// matrix product to be fast, few enough for its result to stay in the cache.
const knnTile = 512

// Score fills dst with minus the distance to the K-th neighbour.
func (k *KNN) Score(dst []float64, out Outputs) error {
	if err := room(dst, out, NeedFeatures); err != nil || out.N == 0 {
		return err
	}
	if k.bank == nil {
		return errNoFit
	}
	if out.Dim != k.dim {
		return fmt.Errorf("ood: %d features, but the in-distribution data had %d", out.Dim, k.dim)
	}
	queries := make([]float64, len(out.Features))
	squares, nearest := make([]float64, out.N), make([]smallest, out.N)
	for i := range out.N {
		u := queries[i*k.dim : (i+1)*k.dim]
		widen(u, out.Feature(i))
		squares[i] = unit(u)
		nearest[i].k = k.neighbours()
	}
	q := mat.NewDense(out.N, k.dim, queries)
	for at := 0; at < len(k.squares); at += knnTile {
		end := min(len(k.squares), at+knnTile)
		tile := mat.NewDense(end-at, k.dim, k.bank[at*k.dim:end*k.dim])
		compareTile(q, tile, squares, k.squares[at:end], nearest)
	}
	for i := range dst {
		dst[i] = -math.Sqrt(nearest[i].top())
	}
	return nil
}

// compareTile offers the squared distances of all queries to all rows of a tile.
func compareTile(q, tile *mat.Dense, ofQuery, ofRow []float64, nearest []smallest) {
	var dots mat.Dense
	dots.Mul(q, tile.T())
	for i := range nearest {
		for r, dot := range dots.RawRowView(i) {
			d := ofQuery[i] + ofRow[r] - 2*dot
			if d < 1e-6 { // cancelled away: the difference itself is exact
				d = squaredDistance(q.RawRowView(i), tile.RawRowView(r))
			}
			nearest[i].offer(d)
		}
	}
}

func squaredDistance(a, b []float64) float64 {
	var sum float64
	for j, v := range a {
		sum += (v - b[j]) * (v - b[j])
	}
	return sum
}

// smallest keeps the k smallest values offered, the largest of them first (a
// heap).
type smallest struct {
	k      int
	values []float64
}

func (s *smallest) top() float64 { return s.values[0] }

func (s *smallest) offer(v float64) {
	if len(s.values) < s.k {
		s.values = append(s.values, v)
		for i := len(s.values) - 1; i > 0 && s.values[(i-1)/2] < s.values[i]; i = (i - 1) / 2 {
			s.values[i], s.values[(i-1)/2] = s.values[(i-1)/2], s.values[i]
		}
		return
	}
	if v >= s.values[0] {
		return
	}
	s.values[0] = v
	for i := 0; ; {
		big := i
		for c := 2*i + 1; c <= 2*i+2 && c < s.k; c++ {
			if s.values[c] > s.values[big] {
				big = c
			}
		}
		if big == i {
			return
		}
		s.values[i], s.values[big] = s.values[big], s.values[i]
		i = big
	}
}

func init() {
	Register("knn", "minus the distance to the k-th nearest ID feature; k=50", func(o *Options) (Detector, error) {
		return &KNN{K: o.Count("k", 50, 10, 20, 50, 100, 200)}, nil
	})
}
