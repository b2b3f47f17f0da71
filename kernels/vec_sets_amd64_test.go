//go:build amd64 && !noasm

package kernels

import "testing"

// eachVectorSet runs a test with every instruction set that the machine has, and
// without any.
func eachVectorSet(t *testing.T, f func(t *testing.T)) {
	best := vectors
	defer func() { vectors = best }()
	for set, name := range []string{"plain", "avx2", "avx512"} {
		if vectorSet(set) > best {
			t.Logf("this machine has no %s", name)
			continue
		}
		vectors = vectorSet(set)
		t.Run(name, f)
	}
}
