package greg

// Step reports one finished step.
type Step struct {
	Step  int `json:"step"`  // steps done, this one included
	Steps int `json:"steps"` // of so many
	Epoch int `json:"epoch"` // from 0

	LR   float64 `json:"lr"`
	Loss float64 `json:"loss"`
	CE   float64 `json:"ce"`
	// The outlier term, unweighted, under the name that it has in the method.
	LS        *float64 `json:"l_s,omitempty"`        // equation (1)
	LBalanced *float64 `json:"l_balanced,omitempty"` // Balanced Energy's
	LUniform  *float64 `json:"l_oe,omitempty"`       // OE's
	LAbsent   *float64 `json:"l_absent,omitempty"`   // DOS's and NTOM's
	LMixed    *float64 `json:"l_mixed,omitempty"`    // OpenMix's
	LGrad     *float64 `json:"l_grads,omitempty"`    // equation (3), unweighted

	LambdaGrad *float64 `json:"lambda_grad,omitempty"` // weight of equation (3), where it moves

	EnergyIn  float64  `json:"energy_in"`            // mean S of the in-distribution images
	EnergyAux *float64 `json:"energy_aux,omitempty"` // mean S of the auxiliary images
	HitsIn    int      `json:"hits_in"`              // images that equation (3) counts as detected
	HitsAux   int      `json:"hits_aux"`
	// Mean probability of none of the classes, where the network has that output.
	AbsentIn  *float64 `json:"absent_in,omitempty"`
	AbsentAux *float64 `json:"absent_aux,omitempty"`
	Accuracy  float64  `json:"accuracy"` // of the batch, percent

	// Of methods that choose: see [Drawn].
	CandidateWeight *float64 `json:"candidate_weight,omitempty"`
	ChosenWeight    *float64 `json:"chosen_weight,omitempty"`
	Filled          *int     `json:"filled,omitempty"`

	Images  int     `json:"images"`  // in-distribution and auxiliary
	Seconds float64 `json:"seconds"` // wall time, waiting for images included
}

// The records of a step, in their order.
const (
	atTotal = iota
	atCE
	atLS
	atLGrad
	atScores
	atLogits
	atDetected
)

// number is a record of one number, nil where the step has none.
func (u *underway) number(at int) *float64 {
	if u.numbers[at] == nil {
		return nil
	}
	return pointer(u.numbers[at][0])
}

// report says what the records of a step mean.
func (t *Trainer) report(u *underway) Step {
	scores, n, images := u.numbers[atScores], u.of.n, u.of.total
	s := Step{Loss: u.numbers[atTotal][0], CE: u.numbers[atCE][0], LGrad: u.number(atLGrad), Images: images}
	if ls := u.number(atLS); ls != nil {
		*s.outlier(t.Config.Loss.Outliers) = ls
	}
	for i, c := range u.numbers[atDetected] {
		switch {
		case c != 0 && i < n:
			u.hits[0]++
		case c != 0:
			u.hits[1]++
		}
	}
	s.HitsIn, s.HitsAux = u.hits[0], u.hits[1]
	s.EnergyIn = mean(scores[:n])
	if images > n {
		s.EnergyAux = pointer(mean(scores[n:]))
	}
	logits, outputs := narrow(u.numbers[atLogits]), len(u.numbers[atLogits])/images
	s.Accuracy = 100 * accuracy(logits, outputs, t.Config.Model.Answers(), u.batch.Labels)
	if t.Config.Model.Reject {
		p := make([]float64, images)
		for i := range p {
			p[i] = absentProbability(float64(logits[(i+1)*outputs-1]), -scores[i])
		}
		s.AbsentIn = pointer(mean(p[:n]))
		if images > n {
			s.AbsentAux = pointer(mean(p[n:]))
		}
	}
	return s
}

func narrow(xs []float64) []float32 {
	ys := make([]float32, len(xs))
	for i, x := range xs {
		ys[i] = float32(x)
	}
	return ys
}

// outlier is the field for an outlier term.
func (s *Step) outlier(o Outliers) **float64 {
	switch o {
	case Balanced:
		return &s.LBalanced
	case Uniform:
		return &s.LUniform
	case Absent:
		return &s.LAbsent
	case Mixed:
		return &s.LMixed
	}
	return &s.LS
}

// Outlier is the step's outlier term, unweighted, and a short name for it; ok is
// false where the loss has none.
func (s Step) Outlier() (name string, value float64, ok bool) {
	for _, t := range []struct {
		name  string
		value *float64
	}{{"L_S", s.LS}, {"L_bal", s.LBalanced}, {"L_OE", s.LUniform}, {"L_none", s.LAbsent}, {"L_mix", s.LMixed}} {
		if t.value != nil {
			return t.name, *t.value, true
		}
	}
	return "", 0, false
}

// addDrawn reports how the step's auxiliary images were chosen, if they were.
func (s *Step) addDrawn(d *Drawn) {
	if d != nil {
		s.CandidateWeight, s.ChosenWeight, s.Filled = &d.All, &d.Chosen, &d.Filled
	}
}

func pointer(x float64) *float64 { return &x }

func mean(xs []float64) float64 {
	var s float64
	for _, x := range xs {
		s += x
	}
	return s / float64(len(xs))
}

// accuracy is the share of rows of logits whose first largest entry, among those of
// classes, is the label.
func accuracy(logits []float32, outputs, classes int, labels []int) float64 {
	right := 0
	for i, l := range labels {
		if argmax(logits[i*outputs:i*outputs+classes]) == l {
			right++
		}
	}
	return float64(right) / float64(len(labels))
}

func argmax(row []float32) int {
	best := 0
	for j, v := range row {
		if v > row[best] {
			best = j
		}
	}
	return best
}
