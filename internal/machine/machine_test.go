package machine

import (
	"runtime"
	"testing"
)

func TestFMAPeak(t *testing.T) {
	peak, ok := FMAPeak()
	if !ok {
		if loop, _ := fmaLoop(); loop != nil {
			t.Fatal("there is a loop, and it was not used")
		}
		t.Skip("no multiply-add loop for this processor or build")
	}
	// One multiply-add a cycle at half a gigahertz is the least, four of 16
	// numbers at 10 GHz the most that a core could do.
	cores := float64(runtime.GOMAXPROCS(0))
	if peak < 1*cores/4 || peak > 4*16*2*10*cores {
		t.Errorf("peak of %g GFLOP/s on %g threads", peak, cores)
	}
}

func TestCopyBandwidth(t *testing.T) {
	if b := CopyBandwidth(); b < 0.1 || b > 1e4 {
		t.Errorf("bandwidth of %g GB/s", b)
	}
}
