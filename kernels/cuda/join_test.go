package cuda_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gradgrad/kernels"
	"gradgrad/kernels/cuda"
)

// inOrder is what results of a program may differ by: rounding that fifty calls, some of
// which divide and square, make larger. Calls in another order differ in the first digits.
const inOrder = 1e-4

// TestJoinedInOrder runs random programs of small kernels on overlapping pieces of one
// buffer: whatever is joined and overtaken, the results are those of the CPU, which
// does one after the other.
func TestJoinedInOrder(t *testing.T) {
	programs := 20
	if *full {
		programs = 200
	}
	dev := device(t)
	if err := endsAlike(dev, programs, program); err != nil {
		t.Error(err)
	}
}

// endsAlike runs programs on a device and on the CPU and says which ends differently.
func endsAlike(dev kernels.Device, programs int, run func(kernels.Device, uint64) []float32) error {
	for seed := range uint64(programs) {
		got, want := run(dev, seed), run(kernels.CPU, seed)
		for i := range want {
			if !(math.Abs(float64(got[i]-want[i])) <= inOrder*max(1, math.Abs(float64(want[i])))) {
				return fmt.Errorf("program %d, element %d: %g, not %g", seed, i, got[i], want[i])
			}
		}
	}
	return nil
}

// program runs fifty calls and returns what is in memory in the end.
func program(dev kernels.Device, seed uint64) []float32 {
	const slots, slot = 12, 40
	r := rand.New(rand.NewPCG(seed, 5))
	whole := dev.Alloc(slots * slot)
	start := make([]float32, slots*slot)
	for i := range start {
		start[i] = float32(r.Float64())
	}
	dev.Write(whole, start)
	at := &kernels.SGDAttr{LR: 0.1, Momentum: 0.5}
	adam := &kernels.AdamAttr{LR: 0.1, Beta1: 0.5, Beta2: 0.9, Eps: 0.1, Step: 2}
	for range 50 {
		// Operands are equal or apart, of one slot or of two.
		n := slot * (1 + r.IntN(2))
		pick := func() kernels.Buffer { return dev.Slice(whole, n*r.IntN(slots*slot/n), n) }
		y, a, b := pick(), pick(), pick()
		shape := []int{n}
		attr := &kernels.MapAttr{Shape: shape, A: shape, B: shape, P: 0.5, Q: 0.25}
		switch k := r.IntN(11); k {
		case 0, 1, 2:
			dev.Run([]*kernels.Kernel{kernels.Mix, kernels.Mul, kernels.Maximum}[k], &kernels.Args{Out: []kernels.Buffer{y}, In: []kernels.Buffer{a, b}, Attr: attr})
		case 3, 4, 5:
			dev.Run([]*kernels.Kernel{kernels.Copy, kernels.Scale, kernels.Tanh}[k-3], &kernels.Args{Out: []kernels.Buffer{y}, In: []kernels.Buffer{a}, Attr: attr})
		case 6, 7:
			m := dev.Slice(whole, 0, n)
			w := dev.Slice(whole, slots*slot-n, n)
			dev.Run(kernels.SGD, &kernels.Args{Out: []kernels.Buffer{w, m}, In: []kernels.Buffer{dev.Slice(whole, 4*slot, n)}, Attr: at})
		case 8:
			dev.Run(kernels.Sum, &kernels.Args{Out: []kernels.Buffer{dev.Slice(whole, r.IntN(slots*slot), 1)}, In: []kernels.Buffer{dev.Slice(whole, 7*slot, slot)},
				Attr: &kernels.ReduceAttr{Outer: 1, Reduce: slot, Inner: 1}})
		case 9, 10:
			var apart [4]kernels.Buffer
			for i, at := range r.Perm(slots)[:4] {
				apart[i] = dev.Slice(whole, at*slot, slot)
			}
			v := apart[2] // not negative
			dev.Run(kernels.Abs, &kernels.Args{Out: []kernels.Buffer{v}, In: []kernels.Buffer{v}, Attr: attr})
			dev.Run(kernels.Adam, &kernels.Args{Out: apart[:3], In: apart[3:], Attr: adam})
		}
	}
	end := make([]float32, slots*slot)
	dev.Read(end, whole)
	dev.Free(whole)
	return end
}

// TestJoinedLaunches counts what is launched for many small calls.
func TestJoinedLaunches(t *testing.T) {
	dev := newCounted(t)
	const n, each = 70, 100
	w, m, g := dev.Alloc(n*each), dev.Alloc(n*each), dev.Alloc(n*each)
	at := &kernels.SGDAttr{LR: 0.1, Momentum: 0.9}
	for i := range n {
		part := func(b kernels.Buffer) kernels.Buffer { return dev.Slice(b, i*each, each) }
		dev.Run(kernels.Copy, &kernels.Args{Out: []kernels.Buffer{part(g)}, In: []kernels.Buffer{part(m)}})
	}
	for i := range n {
		part := func(b kernels.Buffer) kernels.Buffer { return dev.Slice(b, i*each, each) }
		dev.Run(kernels.SGD, &kernels.Args{Out: []kernels.Buffer{part(w), part(m)}, In: []kernels.Buffer{part(g)}, Attr: at})
	}
	if err := dev.Sync(); err != nil {
		t.Fatal(err)
	}
	if l := dev.drv.launches; l["linear_many"] != 3 || l["sgd_many"] != 3 || len(l) != 2 {
		t.Errorf("%v", l)
	}
}

// TestJoinedError names the kernels of a launch that fails, and fails no later than
// Sync.
func TestJoinedError(t *testing.T) {
	dev, err := cuda.New("sim", &wrong{Driver: driverOf(simulated(t)), mistake: mistake{entry: "linear_many", from: `setp\.lt\.u32 %more`, to: "setp.le.u32 %more"}})
	if err != nil {
		t.Fatal(err)
	}
	a, b := dev.Alloc(5), dev.Alloc(5)
	dev.Write(a, make([]float32, 5))
	dev.Run(kernels.Copy, &kernels.Args{Out: []kernels.Buffer{b}, In: []kernels.Buffer{a}})
	c := dev.Alloc(5)
	dev.Run(kernels.Scale, &kernels.Args{Out: []kernels.Buffer{c}, In: []kernels.Buffer{a}, Attr: &kernels.MapAttr{P: 2}})
	if err := dev.Sync(); err == nil || !strings.Contains(err.Error(), "running copy and scale: out of bounds") {
		t.Errorf("%v", err)
	}
}

func driverOf(d *cuda.Device) cuda.Driver {
	drv, _ := d.Driver()
	return drv
}
