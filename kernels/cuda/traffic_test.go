package cuda_test

import (
	"testing"

	"gradgrad/kernels"
)

// TestTraffic looks at how the kernels that move most of a step's bytes use memory:
// no more sectors of 32 bytes than the bytes fill, but for a tenth, and hardly a bank
// conflict. Shapes are those of networks, with fewer images.
func TestTraffic(t *testing.T) {
	s := newSource(7)
	var all []kcase
	for _, shape := range [][2]int{{1024, 16}, {256, 64}} {
		all = append(all, normCasesOf(s, shape[0], shape[1], true, 0)...)
	}
	const n = 1 << 13
	flat := &kernels.MapAttr{Shape: []int{n}, A: []int{n}, B: []int{n}}
	all = append(all, kcase{kernel: kernels.Mul, attr: flat, in: []filling{s.normal(n), s.normal(n)}, out: []filling{blank(n)}},
		kcase{kernel: kernels.Gate, attr: flat, in: []filling{s.normal(n), s.normal(n)}, out: []filling{blank(n)}},
		kcase{kernel: kernels.ReLU, in: []filling{s.normal(n)}, out: []filling{blank(n)}},
		kcase{kernel: kernels.Sum, attr: &kernels.ReduceAttr{Outer: 1, Reduce: n, Inner: 1}, in: []filling{s.normal(n)}, out: []filling{blank(1)}},
		kcase{kernel: kernels.Sum, attr: &kernels.ReduceAttr{Outer: 1, Reduce: n / 64, Inner: 64}, in: []filling{s.normal(n)}, out: []filling{blank(64)}})
	dev := simulated(t)
	for _, c := range all {
		if _, err := c.run(dev); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range dev.Machine().Report() {
		wasted := float64(r.Sectors) / float64(max(1, r.IdealSectors))
		conflicts := float64(r.BankConflicts) / float64(max(1, r.SharedPhases))
		t.Logf("%-24s %6.2f sectors for one, %.2f conflicts a pass, %d divergent branches", r.Kernel, wasted, conflicts, r.DivergentBranches)
		if wasted > 1.1 || conflicts > 0.1 {
			t.Errorf("%s:\n%s", r.Kernel, r)
		}
	}
}
