package sweep

import (
	"fmt"
	"math"
	"strconv"
)

// Change is what [Sweep.Scale] did to a flag of a run.
type Change struct {
	Run, Flag string
	From, To  string
}

// Scale multiplies the epochs of every run by a factor, to whole numbers of at
// least 1, and says what it changed. Epochs that a run does not give are those of
// its method, which the function epochs knows. Everything that is a share of a run
// or of a set stays.
func (s *Sweep) Scale(factor float64, epochs func(train Flags) (int, error)) ([]Change, error) {
	if !(factor > 0 && factor <= 1) {
		return nil, fmt.Errorf("a scale of %g: it must be above 0 and at most 1", factor)
	}
	var changes []Change
	for _, r := range s.Runs {
		from, given := r.Train["epochs"]
		n, err := strconv.Atoi(from)
		if !given {
			n, err = epochs(r.Train)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: its epochs: %w", r.Name, err)
		}
		if to := max(1, int(math.Round(factor*float64(n)))); to != n {
			r.Train["epochs"] = strconv.Itoa(to)
			changes = append(changes, Change{r.Name, "epochs", strconv.Itoa(n), strconv.Itoa(to)})
		}
	}
	return changes, nil
}
