package number

import (
	"math"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]float64{
		"0.1": .1, "-2e3": -2000, "0": 0, "-0.000": 0, "0e-999": 0, "0x0p-9": 0, "0x1p-2": .25, "1.2e-38": 1.2e-38, "+inf": math.Inf(1),
	} {
		v, err := Parse(text)
		if err != nil || v != want {
			t.Errorf("%s: %g, %v", text, v, err)
		}
	}
	for text, says := range map[string]string{
		"1e-400": "nearer to 0", "-1e-400": "nearer to 0", "1e-38": "nearer to 0", "0x1p-2000": "nearer to 0", "1E-400": "nearer to 0",
		"1e400": "too large", "": "want a number", "a": "want a number", "1,5": "want a number",
	} {
		if v, err := Parse(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %g, %v", text, v, err)
		}
	}
}
