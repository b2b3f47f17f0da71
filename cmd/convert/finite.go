package main

import (
	"fmt"
	"math"

	"gradgrad/checkpoint"
)

// notFinite counts the elements of a tensor that are no finite numbers.
func notFinite(t *checkpoint.Tensor) (nan, infinite int) {
	values, err := t.Float64s()
	if err != nil {
		return 0, 0 // integers
	}
	for _, v := range values {
		if math.IsNaN(v) {
			nan++
		} else if math.IsInf(v, 0) {
			infinite++
		}
	}
	return nan, infinite
}

// describeNotFinite is "3 NaN, 1 infinite"; "" where there is neither.
func describeNotFinite(nan, infinite int) string {
	switch {
	case nan == 0 && infinite == 0:
		return ""
	case infinite == 0:
		return fmt.Sprintf("%d NaN", nan)
	case nan == 0:
		return fmt.Sprintf("%d infinite", infinite)
	}
	return fmt.Sprintf("%d NaN, %d infinite", nan, infinite)
}

// warning says which tensors of a network hold what no network can compute with;
// "" where none does.
func warning(f *checkpoint.File) string {
	first, tensors := "", 0
	for i := range f.Tensors {
		if what := describeNotFinite(notFinite(&f.Tensors[i])); what != "" {
			if tensors++; tensors == 1 {
				first = f.Tensors[i].Name + " holds " + what
			}
		}
	}
	switch tensors {
	case 0:
		return ""
	case 1:
	case 2:
		first += ", another tensor such values too"
	default:
		first += fmt.Sprintf(", %d other tensors such values too", tensors-1)
	}
	return "warning: " + first + ": the network has diverged or the file is damaged, and what it computes will be useless"
}
