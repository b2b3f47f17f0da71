package greg

import (
	"fmt"
	"math"
)

// check looks at the parameters of the outlier and gradient terms, for a network
// that rejects or not and has so many classes beside that.
func (l Loss) check(reject bool, classes int, prior []float64) error {
	bad := func(format string, a ...any) error { return fmt.Errorf("greg: "+format, a...) }
	switch l.Outliers {
	case Energies, Balanced, Uniform, Absent, Mixed:
	default:
		return bad("there is no outlier term %q", l.Outliers)
	}
	switch {
	case l.rejects() != reject && reject:
		return bad("the network has an output for none of the classes, which the method does not train")
	case l.rejects() != reject:
		return bad("the outlier term %q needs a network with one output more than there are classes", l.Outliers)
	case l.GradOf != GradEnergy && l.GradOf != GradMSP && l.GradOf != GradLoss:
		return bad("there is no gradient term of %q; there are energy, %s and %s", l.GradOf, GradMSP, GradLoss)
	case l.GradOf == GradMSP && !(l.GradIn > 0 && l.GradIn <= 1 && l.GradAux > 0 && l.GradAux <= 1):
		return bad("the probabilities from which (%g) and up to which (%g) the gradient term counts images must be above 0, up to 1", l.GradIn, l.GradAux)
	case l.Outliers == Mixed && !(l.MixBeta > 0 && !math.IsInf(l.MixBeta, 0)):
		return bad("shares drawn from Beta(%g, %g); the parameter must be a positive number", l.MixBeta, l.MixBeta)
	case l.MixAt != MixImages && l.MixAt != MixManifold:
		return bad("images cannot be mixed at %q; it must be input or %s", l.MixAt, MixManifold)
	case l.Outliers == Balanced:
		return l.checkBalanced(classes, prior)
	case len(prior) > 0:
		return bad("a prior belongs to Balanced Energy alone")
	}
	return nil
}

func (l Loss) checkBalanced(classes int, prior []float64) error {
	for name, v := range map[string]float64{"alpha": l.Alpha, "gamma": l.Gamma} {
		if !(v >= 0) || math.IsInf(v, 0) {
			return fmt.Errorf("greg: %s is %g; it must be a number from 0 up", name, v)
		}
	}
	if len(prior) == 0 {
		return nil
	}
	if len(prior) != classes {
		return fmt.Errorf("greg: a prior of %d classes for a network of %d", len(prior), classes)
	}
	sum := 0.0
	for _, p := range prior {
		if !(p >= 0) {
			return fmt.Errorf("greg: the prior share %g of a class; it must be a number from 0 up", p)
		}
		sum += p
	}
	if !(sum > 0) || math.IsInf(sum, 0) {
		return fmt.Errorf("greg: the shares of the prior add up to %g; the sum must be positive", sum)
	}
	return nil
}
