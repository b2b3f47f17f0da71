package optim

import "math"

// Schedule gives the learning rate of a step, counted from 0.
type Schedule func(step int) float64

// Constant is the same rate at every step.
func Constant(lr float64) Schedule { return func(int) float64 { return lr } }

// Cosine falls from high at step 0 to low at step steps along half a cosine, and
// stays there (Loshchilov and Hutter, arXiv 1608.03983, without restarts).
func Cosine(high, low float64, steps int) Schedule {
	return func(step int) float64 {
		if step >= steps {
			return low
		}
		return low + (high-low)*0.5*(1+math.Cos(math.Pi*float64(step)/float64(steps)))
	}
}

// MultiStep multiplies lr by factor at every milestone: the milestone's step is
// the first with the smaller rate.
func MultiStep(lr, factor float64, milestones ...int) Schedule {
	return func(step int) float64 {
		now := lr
		for _, m := range milestones {
			if step >= m {
				now *= factor
			}
		}
		return now
	}
}

// Warmup rises for the first steps, linearly from start times the rate with which
// s begins up to that rate, then follows s from its step 0.
func Warmup(steps int, start float64, s Schedule) Schedule {
	return func(step int) float64 {
		if step >= steps {
			return s(step - steps)
		}
		return s(0) * (start + (1-start)*float64(step)/float64(steps))
	}
}

// From begins a schedule at its step first. Published code that moves its
// scheduler before the optimiser's first step, as outlier exposure and energy
// fine-tuning do, begins at 1.
func (s Schedule) From(first int) Schedule {
	return func(step int) float64 { return s(step + first) }
}
