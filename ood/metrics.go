package ood

import (
	"errors"
	"fmt"
	"math"
)

// Convention names one of the published ways to count. All agree on AUROC.
type Convention uint8

const (
	// Paper is the convention of the GReg, Energy, OE and POEM code. FPR95: among
	// all distinct thresholds, the one whose ID recall is nearest to 0.95 and, of
	// several, the lowest. AUPR is the average precision. Detection error is the
	// mean of the two error rates at the best threshold.
	Paper Convention = iota
	// DICE is the convention of the DICE, ReAct, LINe and KNN code. FPR95: the
	// threshold is the ID score of rank round(0.05 n), the OOD score must exceed
	// it. AUPR (AUIN and AUOUT there) is a trapezoid that ends at precision 0 for
	// recall 0; that code's other end, precision 1/2 at recall 1, has no width.
	// Detection error is pooled over both sets, so it depends on their sizes.
	DICE
	// DOS is the convention of the DOS code. FPR95: the threshold is the ID score
	// number floor(0.95 n) from the top, the OOD score must exceed it. AUPR is the
	// trapezoid under (recall, precision) from (0, 1).
	DOS
	// OpenOOD is the convention of OpenOOD and pytorch-ood. OOD is the positive
	// class: FPR95 is the share of ID images flagged once 95 % of the OOD images
	// are. It is another quantity than the FPR95 of the other three. AUPR as DOS.
	OpenOOD
)

var conventionNames = [...]string{"paper", "dice", "dos", "openood"}

// String returns the name used by flags and results.json.
func (c Convention) String() string {
	if int(c) < len(conventionNames) {
		return conventionNames[c]
	}
	return fmt.Sprintf("Convention(%d)", uint8(c))
}

// ParseConvention is the inverse of String.
func ParseConvention(name string) (Convention, error) {
	for i, n := range conventionNames {
		if n == name {
			return Convention(i), nil
		}
	}
	return 0, fmt.Errorf("ood: unknown FPR convention %q: want paper, dice, dos or openood", name)
}

// MarshalText writes the name.
func (c Convention) MarshalText() ([]byte, error) {
	if int(c) >= len(conventionNames) {
		return nil, fmt.Errorf("ood: %v is no convention", c)
	}
	return []byte(c.String()), nil
}

// UnmarshalText reads the name.
func (c *Convention) UnmarshalText(text []byte) (err error) {
	*c, err = ParseConvention(string(text))
	return err
}

// Describe says in one line what the convention's FPR95, AUPR and detection
// error are, for the header of a table.
func (c Convention) Describe() string {
	switch c {
	case DICE:
		return "FPR95 at the ID score of rank round(0.05 n), strict; AUPR: trapezoid from precision 0 at recall 0; detection error: pooled"
	case DOS:
		return "FPR95 at the ID score number floor(0.95 n) from the top, strict; AUPR: trapezoid from precision 1 at recall 0"
	case OpenOOD:
		return "FPR95 with OOD as the positive class: ID flagged when 95 % of OOD is; AUPR: trapezoid from precision 1 at recall 0"
	default:
		return "FPR95 at the ID recall nearest to 95 %; AUPR: average precision"
	}
}

// Metrics judges one score on one ID set and one OOD set. The five rates are
// percentages: FPR95 and DetectionError are better small, the others large.
type Metrics struct {
	FPR95          float64 `json:"fpr95"`
	AUROC          float64 `json:"auroc"`
	AUPRIn         float64 `json:"aupr_in"`  // ID is the positive class
	AUPROut        float64 `json:"aupr_out"` // OOD is the positive class, scores negated
	DetectionError float64 `json:"detection_error"`
	NID            int     `json:"n_id"`  // ID images
	NOOD           int     `json:"n_ood"` // OOD images
}

// ErrNoScores is returned (wrapped) when a set of scores is empty.
var ErrNoScores = errors.New("no scores")

// Evaluate compares the scores of ID and OOD images (larger = ID). Ties are
// exact: a pair with equal scores counts half in AUROC, and equal scores are
// accepted or rejected together everywhere. It sorts copies, so it takes
// O(n log n) and leaves its arguments alone. Empty sets (ErrNoScores), NaN and
// infinite scores are errors that name the set and the index.
func Evaluate(id, ood []float64, c Convention) (Metrics, error) {
	s, err := newSweep(id, ood)
	if err != nil {
		return Metrics{}, err
	}
	m := Metrics{AUROC: s.auroc(), NID: s.nid, NOOD: s.nood}
	flipped := s.flip()
	switch c {
	case Paper:
		m.FPR95 = s.fprNearestRecall()
		m.AUPRIn, m.AUPROut = s.averagePrecision(), flipped.averagePrecision()
		m.DetectionError = s.detectionError()
	case DICE:
		m.FPR95 = s.fprAbove(s.id[min(int(math.RoundToEven(0.05*float64(s.nid))), s.nid-1)])
		m.AUPRIn, m.AUPROut = s.trapezoid(0), flipped.trapezoid(0)
		m.DetectionError = s.pooledError()
	case DOS:
		m.FPR95 = s.fprAbove(s.id[s.nid-max(1, int(0.95*float64(s.nid)))])
		m.AUPRIn, m.AUPROut = s.trapezoid(1), flipped.trapezoid(1)
		m.DetectionError = s.detectionError()
	case OpenOOD:
		m.FPR95 = flipped.fprFirstRecall()
		m.AUPRIn, m.AUPROut = s.trapezoid(1), flipped.trapezoid(1)
		m.DetectionError = s.detectionError()
	default:
		return Metrics{}, fmt.Errorf("ood: %v is no convention", c)
	}
	for _, p := range []*float64{&m.FPR95, &m.AUROC, &m.AUPRIn, &m.AUPROut, &m.DetectionError} {
		*p *= 100
	}
	return m, nil
}

// Average is the unweighted mean over data sets, as tables print it. The counts
// are left 0: the sets share the ID images, and a sum would say nothing.
func Average(ms []Metrics) Metrics {
	var a Metrics
	for _, m := range ms {
		a.FPR95 += m.FPR95
		a.AUROC += m.AUROC
		a.AUPRIn += m.AUPRIn
		a.AUPROut += m.AUPROut
		a.DetectionError += m.DetectionError
	}
	n := float64(max(1, len(ms)))
	for _, p := range []*float64{&a.FPR95, &a.AUROC, &a.AUPRIn, &a.AUPROut, &a.DetectionError} {
		*p /= n
	}
	return a
}

// finite returns an error for an empty set or a score that cannot be ordered.
func finite(set string, scores []float64) error {
	if len(scores) == 0 {
		return fmt.Errorf("ood: the %s set is empty: %w", set, ErrNoScores)
	}
	for i, v := range scores {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("ood: score %d of the %s set is %v: the model or its input has diverged", i, set, v)
		}
	}
	return nil
}
