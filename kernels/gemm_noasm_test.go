//go:build !amd64 || noasm

package kernels

import "testing"

// eachTileSet runs a test with plain Go, all there is in this build.
func eachTileSet(t *testing.T, test func(t *testing.T)) { test(t) }
