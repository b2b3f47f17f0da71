package ood

import (
	"errors"
	"fmt"

	"gonum.org/v1/gonum/mat"
)

// ViM is virtual-logit matching (Wang et al., arXiv:2203.10807): the energy less
// Alpha times the length of the feature outside the principal subspace of D
// dimensions, both about the origin -pinv(W) b that makes the head linear. Alpha
// makes that residual, on ID data, as large as the largest logit on average.
// The ID features are held in memory while fitting, 4 bytes a value.
type ViM struct {
	D     int     // of the principal subspace; 0: 1000 of 2048 features or more, 512 of 768 or more, else half
	Alpha float64 // found by Fit

	head     *Head
	origin   []float64
	residual *mat.Dense // Dim x (Dim - D): an orthonormal base of the rest
}

// Name returns "vim".
func (*ViM) Name() string { return "vim" }

// Params returns the dimension and the factor that Fit found.
func (v *ViM) Params() any {
	type found struct {
		Alpha float64 `json:"alpha"`
	}
	return struct {
		D      int   `json:"d"`
		Fitted found `json:"fitted"`
	}{v.D, found{v.Alpha}}
}

// Needs returns NeedFeatures, NeedHead and NeedData.
func (*ViM) Needs() Needs { return NeedFeatures | NeedHead | NeedData }

// Fit finds origin, subspace and Alpha.
func (v *ViM) Fit(id IDData) (err error) {
	if v.head, err = id.needHead(); err != nil {
		return err
	}
	if v.D == 0 {
		v.D = principalDim(v.head.Dim)
	}
	if v.D < 1 || v.D >= v.head.Dim {
		return fmt.Errorf("ood: a principal subspace of %d dimensions among %d: want 1 to %d", v.D, v.head.Dim, v.head.Dim-1)
	}
	if v.origin, err = originOf(v.head); err != nil {
		return err
	}
	about := newMoments(v.origin)
	var kept []Outputs
	var logits float64
	err = collect(id, NeedFeatures, func(out Outputs) error {
		if err := v.head.fits(out); err != nil {
			return err
		}
		about.add(out)
		for i := range out.N {
			row := out.Row(i)
			logits += float64(row[argmax(row)])
		}
		kept = append(kept, Outputs{Features: out.Features, N: out.N, Dim: out.Dim})
		return nil
	})
	if err != nil {
		return err
	}
	return v.learn(about, kept, logits)
}

// principalDim is the authors' choice of D.
func principalDim(features int) int {
	switch {
	case features >= 2048:
		return 1000
	case features >= 768:
		return 512
	}
	return features / 2
}

// originOf is -pinv(W) b, the shortest u with W u = -b.
func originOf(head *Head) ([]float64, error) {
	w := mat.NewDense(head.Classes, head.Dim, nil)
	b := mat.NewVecDense(head.Classes, nil)
	for c := range head.Classes {
		widen(w.RawRowView(c), head.row(c))
		b.SetVec(c, -head.bias(c))
	}
	var svd mat.SVD
	if !svd.Factorize(w, mat.SVDThin) {
		return nil, errors.New("ood: no singular values of the head's weights; are they finite?")
	}
	u := make([]float64, head.Dim)
	if rank := svd.Rank(1e-15); rank > 0 {
		svd.SolveVecTo(mat.NewVecDense(head.Dim, u), b, rank)
	}
	return u, nil
}

func (v *ViM) learn(about *moments, kept []Outputs, logits float64) error {
	about.square.ScaleSym(1/float64(about.n), about.square)
	var eig mat.EigenSym
	if !eig.Factorize(about.square, true) {
		return errors.New("ood: no eigenvalues of the features' second moments; are all features finite?")
	}
	var vectors mat.Dense
	eig.VectorsTo(&vectors) // by ascending eigenvalue
	v.residual = mat.DenseCopyOf(vectors.Slice(0, v.head.Dim, 0, v.head.Dim-v.D))
	var lengths float64
	for _, out := range kept {
		for _, r := range v.residuals(out) {
			lengths += r
		}
	}
	if lengths == 0 {
		return fmt.Errorf("ood: the in-distribution features lie in %d dimensions: nothing is left outside; choose a smaller d", v.D)
	}
	v.Alpha = logits / lengths
	return nil
}

// residuals are the lengths of a batch's features outside the subspace.
func (v *ViM) residuals(out Outputs) []float64 {
	var rest mat.Dense
	rest.Mul(centred(out, v.origin), v.residual)
	lengths := make([]float64, out.N)
	for i := range lengths {
		lengths[i] = mat.Norm(rest.RowView(i), 2)
	}
	return lengths
}

// Score fills dst with energy less virtual logit.
func (v *ViM) Score(dst []float64, out Outputs) error {
	if err := room(dst, out, NeedFeatures); err != nil || out.N == 0 {
		return err
	}
	if v.residual == nil {
		return errNoFit
	}
	if err := v.head.fits(out); err != nil {
		return err
	}
	for i, length := range v.residuals(out) {
		dst[i] = LogSumExp(out.Row(i), 1) - v.Alpha*length
	}
	return nil
}

func init() {
	Register("vim", "energy less the size of the feature outside the principal subspace; d=0 (chosen by the number of features)", func(o *Options) (Detector, error) {
		return &ViM{D: o.Natural("d", 0)}, nil
	})
}
