//go:build !amd64 || noasm

package kernels

import "testing"

// eachVectorSet runs a test: there is plain Go only.
func eachVectorSet(t *testing.T, f func(t *testing.T)) { f(t) }
