package ood

import (
	"math"
	"slices"
)

// step is one distinct threshold t: tp positives and fp negatives reach it.
type step struct {
	t      float64
	tp, fp int
}

// sweep lowers a threshold over all distinct scores. Every metric is read off
// its steps, so ties are treated once, here. Positives are the ID images unless
// the sweep is flipped.
type sweep struct {
	id        []float64 // ascending; nil in a flipped sweep
	steps     []step    // t descending
	nid, nood int       // positives, negatives
}

func newSweep(id, ood []float64) (*sweep, error) {
	if err := finite("ID", id); err != nil {
		return nil, err
	}
	if err := finite("OOD", ood); err != nil {
		return nil, err
	}
	a, o := slices.Clone(id), slices.Clone(ood)
	slices.Sort(a)
	slices.Sort(o)
	s := &sweep{id: a, nid: len(a), nood: len(o)}
	i, j := len(a), len(o)
	for i > 0 || j > 0 {
		var t float64
		switch {
		case i == 0:
			t = o[j-1]
		case j == 0:
			t = a[i-1]
		default:
			t = math.Max(a[i-1], o[j-1])
		}
		for i > 0 && a[i-1] == t {
			i--
		}
		for j > 0 && o[j-1] == t {
			j--
		}
		s.steps = append(s.steps, step{t, len(a) - i, len(o) - j})
	}
	return s, nil
}

// flip makes the OOD images the positives and negates the scores.
func (s *sweep) flip() *sweep {
	f := &sweep{nid: s.nood, nood: s.nid, steps: make([]step, 0, len(s.steps))}
	for k := len(s.steps) - 1; k >= 0; k-- {
		above := step{}
		if k > 0 {
			above = s.steps[k-1]
		}
		f.steps = append(f.steps, step{-s.steps[k].t, s.nood - above.fp, s.nid - above.tp})
	}
	return f
}

// auroc counts pairs in integers (twice, so that a tie adds one), hence exactly.
func (s *sweep) auroc() float64 {
	var twice uint64
	var prev step
	for _, p := range s.steps {
		below := uint64(s.nood - p.fp)
		twice += uint64(p.tp-prev.tp) * (2*below + uint64(p.fp-prev.fp))
		prev = p
	}
	return float64(twice) / 2 / (float64(s.nid) * float64(s.nood))
}

// fprNearestRecall repeats the reference code's float64 comparison of recalls:
// the points up to the first full recall, lowest threshold first, first nearest.
func (s *sweep) fprNearestRecall() float64 {
	last := 0
	for s.steps[last].tp < s.nid {
		last++
	}
	best, fp := math.Inf(1), 0
	for k := last; k >= 0; k-- {
		d := math.Abs(float64(s.steps[k].tp)/float64(s.nid) - 0.95)
		if d < best {
			best, fp = d, s.steps[k].fp
		}
	}
	return float64(fp) / float64(s.nood)
}

// fprFirstRecall is the false-positive rate at the first threshold that at
// least 95 % of the positives reach.
func (s *sweep) fprFirstRecall() float64 {
	k := 0
	for float64(s.steps[k].tp)/float64(s.nid) < 0.95 {
		k++
	}
	return float64(s.steps[k].fp) / float64(s.nood)
}

// fprAbove is the share of negatives strictly above t.
func (s *sweep) fprAbove(t float64) float64 {
	fp := 0
	for _, p := range s.steps {
		if p.t <= t {
			break
		}
		fp = p.fp
	}
	return float64(fp) / float64(s.nood)
}

// averagePrecision is the sum over steps of (R_k - R_{k-1}) P_k.
func (s *sweep) averagePrecision() float64 {
	var sum float64
	prev := 0
	for _, p := range s.steps {
		sum += float64(p.tp-prev) / float64(s.nid) * float64(p.tp) / float64(p.tp+p.fp)
		prev = p.tp
	}
	return sum
}

// trapezoid is the area under the (recall, precision) points joined by lines,
// from recall 0 at precision first.
func (s *sweep) trapezoid(first float64) float64 {
	var sum float64
	tp, precision := 0, first
	for _, p := range s.steps {
		pr := float64(p.tp) / float64(p.tp+p.fp)
		sum += float64(p.tp-tp) / float64(s.nid) * (pr + precision) / 2
		tp, precision = p.tp, pr
	}
	return sum
}

// detectionError is the least mean of the two error rates.
func (s *sweep) detectionError() float64 {
	best := 0.5 // reject everything
	for _, p := range s.steps {
		e := (float64(s.nid-p.tp)/float64(s.nid) + float64(p.fp)/float64(s.nood)) / 2
		best = min(best, e)
	}
	return best
}

// pooledError is the least share of wrong decisions over both sets together.
func (s *sweep) pooledError() float64 {
	best := s.nid
	for _, p := range s.steps {
		best = min(best, s.nid-p.tp+p.fp)
	}
	return float64(best) / float64(s.nid+s.nood)
}
