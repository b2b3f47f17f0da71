package report

import (
	"strings"
	"testing"
)

// TestTicksArePlain wants labels without digits that say nothing.
func TestTicksArePlain(t *testing.T) {
	for _, r := range [][2]float64{{1, 2343}, {0, 0.3}, {-25, 3}} {
		seen := map[string]bool{}
		for _, k := range (plainTicks{}).Ticks(r[0], r[1]) {
			if k.Label == "" {
				continue
			}
			if strings.HasSuffix(k.Label, ".00") || seen[k.Label] {
				t.Errorf("label %q between %g and %g", k.Label, r[0], r[1])
			}
			seen[k.Label] = true
		}
		if len(seen) < 2 {
			t.Errorf("%d labels between %g and %g", len(seen), r[0], r[1])
		}
	}
}
