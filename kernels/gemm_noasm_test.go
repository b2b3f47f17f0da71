//go:build !amd64 || noasm

package kernels

import "testing"

// hasTiles says whether this build has micro-kernels.
const hasTiles = false

// eachTileSet runs a test with plain Go, all there is in this build.
func eachTileSet(t *testing.T, test func(t *testing.T)) { test(t) }
