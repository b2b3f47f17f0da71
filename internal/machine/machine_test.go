package machine

import "testing"

func TestCopyBandwidth(t *testing.T) {
	if b := CopyBandwidth(); b < 0.1 || b > 1e4 {
		t.Errorf("bandwidth of %g GB/s", b)
	}
}
