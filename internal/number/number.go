// Package number reads the numbers that users write.
package number

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// smallest is the least magnitude, 0 aside, that float32 holds with all its digits:
// what the networks compute in.
const smallest = 0x1p-126

// Parse reads a number. One that is not 0 and yet nearer to it than the
// computation can tell (1.2e-38) is an error instead of 0.
func Parse(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("%s is too large a number", text)
	case err != nil:
		return 0, fmt.Errorf("%q: want a number", text)
	case math.Abs(v) < smallest && !zero(text):
		return 0, fmt.Errorf("%s is nearer to 0 than the computation can tell (%.2g): write 0, or a larger number", text, smallest)
	}
	return v, nil
}

// zero tells that a number's digits are all 0, whatever its exponent.
func zero(text string) bool {
	text = strings.ToLower(strings.TrimLeft(text, "+-"))
	digits, exponent := "123456789", "e"
	if hex, is := strings.CutPrefix(text, "0x"); is {
		text, digits, exponent = hex, "123456789abcdef", "p"
	}
	text, _, _ = strings.Cut(text, exponent)
	return !strings.ContainsAny(text, digits)
}
