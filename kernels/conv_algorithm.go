package kernels

import (
	"fmt"
	"slices"
	"strings"
)

// convAlgorithms are the names of the algorithms, as flags and config files have them.
var convAlgorithms = []string{ConvAuto: "auto", ConvDirect: "direct", ConvWinograd: "winograd", ConvWinograd2: "winograd2"}

// positions is the number of products of a patch of 4x4 results in Winograd's convolution.
const positions = 36

// ConvAlgorithms lists the names that [ParseConvAlgorithm] knows.
func ConvAlgorithms() []string { return slices.Clone(convAlgorithms) }

// String is the algorithm's name.
func (a ConvAlgorithm) String() string { return convAlgorithms[a] }

// ParseConvAlgorithm is the algorithm of that name; no name is auto.
func ParseConvAlgorithm(name string) (ConvAlgorithm, error) {
	if name == "" {
		return ConvAuto, nil
	}
	if i := slices.Index(convAlgorithms, name); i >= 0 {
		return ConvAlgorithm(i), nil
	}
	return ConvAuto, fmt.Errorf("kernels: no convolution algorithm is called %q; there are %s", name, strings.Join(convAlgorithms, ", "))
}

// MarshalText implements [encoding.TextMarshaler].
func (a ConvAlgorithm) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (a *ConvAlgorithm) UnmarshalText(name []byte) (err error) {
	*a, err = ParseConvAlgorithm(string(name))
	return err
}
