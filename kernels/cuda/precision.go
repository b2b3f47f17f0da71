package cuda

import (
	"fmt"
	"strings"
)

// Precision says what the operands of convolutions and matrix products are rounded
// to before they are multiplied. Sums, and everything else, are float32.
type Precision uint8

// The precisions: 24 bits of mantissa; 11 (NVIDIA's TensorFloat-32); 8 (bfloat16).
const (
	FP32 Precision = iota
	TF32
	BF16
)

var precisions = []string{"fp32", "tf32", "bf16"}

// String returns "fp32", "tf32" or "bf16".
func (p Precision) String() string { return precisions[p] }

// ParsePrecision is the inverse of String.
func ParsePrecision(s string) (Precision, error) {
	for i, name := range precisions {
		if s == name {
			return Precision(i), nil
		}
	}
	return 0, fmt.Errorf("cuda: there is no precision %q; there are %s", s, strings.Join(precisions, ", "))
}
