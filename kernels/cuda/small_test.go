package cuda_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gradgrad/kernels"
	"gradgrad/kernels/cuda"
)

// TestSmallSteps runs random programs of all calls that become steps of one launch on the
// same memory, among larger ones: the results are those of the CPU, which does one after
// the other.
func TestSmallSteps(t *testing.T) {
	programs := 20
	if *full {
		programs = 300
	}
	dev := device(t)
	if err := endsAlike(dev, programs, smallProgram); err != nil {
		t.Error(err)
	}
}

// The memory of a program: slots of a matrix each.
const smallSlots, smallRows, smallColumns = 10, 9, 7

// smallProgram runs sixty calls and returns what is in memory in the end.
func smallProgram(dev kernels.Device, seed uint64) []float32 {
	const slot = smallRows * smallColumns
	r := rand.New(rand.NewPCG(seed, 6))
	whole := dev.Alloc(smallSlots * slot)
	start := make([]float32, smallSlots*slot)
	for i := range start {
		start[i] = float32(r.NormFloat64())
	}
	dev.Write(whole, start)
	for range 60 {
		smallCall(dev, whole, r)
	}
	end := make([]float32, len(start))
	dev.Read(end, whole)
	dev.Free(whole)
	return end
}

// smallCall runs a call whose result is apart from its operands, or is one of them.
func smallCall(dev kernels.Device, whole kernels.Buffer, r *rand.Rand) {
	const slot = smallRows * smallColumns
	at := r.Perm(smallSlots)
	part := func(i, n int) kernels.Buffer { return dev.Slice(whole, at[i]*slot, n) }
	matrix, row, column := []int{smallRows, smallColumns}, []int{smallColumns}, []int{smallRows, 1}
	y, a, b := part(0, slot), part(1, slot), part(2, slot)
	run := func(k *kernels.Kernel, attr any, y kernels.Buffer, in ...kernels.Buffer) {
		dev.Run(k, &kernels.Args{Out: []kernels.Buffer{y}, In: in, Attr: attr})
	}
	attr := &kernels.MapAttr{Shape: matrix, A: matrix, B: matrix, P: 0.5, Q: -0.25}
	if r.IntN(2) == 0 {
		y = a
	}
	switch k := r.IntN(17); k {
	case 0, 1, 2:
		run([]*kernels.Kernel{kernels.Copy, kernels.Scale, kernels.ReLU}[k], attr, y, a)
	case 3, 4, 5, 6:
		run([]*kernels.Kernel{kernels.Add, kernels.Sub, kernels.Mix, kernels.Gate}[k-3], attr, y, a, b)
	case 7:
		attr.B = row
		run(kernels.Mul, attr, y, a, part(2, smallColumns))
	case 8:
		attr.A = column
		run(kernels.Sub, attr, part(0, slot), part(1, smallRows), b)
	case 9:
		run(kernels.Inverse, attr, y, a)
		run(kernels.Clamp, &kernels.MapAttr{Shape: matrix, A: matrix, P: -3, Q: 3}, y, y)
	case 10:
		run(kernels.Fill, attr, y)
	case 11:
		run(kernels.Sum, &kernels.ReduceAttr{Outer: smallRows, Reduce: smallColumns, Inner: 1}, part(0, smallRows), a)
	case 12:
		run(kernels.Sum, &kernels.ReduceAttr{Outer: 1, Reduce: smallRows, Inner: smallColumns}, part(0, smallColumns), a)
	case 13:
		attr.A = row
		run(kernels.Broadcast, attr, part(0, slot), part(1, smallColumns))
	case 14:
		run(kernels.Slice, &kernels.MoveAttr{Shape: matrix, Lo: []int{3, 2}, Out: []int{4, 5}}, part(0, 20), a)
	case 16:
		run(kernels.Concat, &kernels.MoveAttr{Out: []int{slot - 3}}, part(0, slot-3), part(1, smallColumns), part(2, slot-3-smallColumns))
	case 15:
		run(kernels.Pad, &kernels.MoveAttr{Shape: []int{4, smallColumns}, Lo: []int{2, 0}, Out: matrix}, part(0, slot), part(1, 4*smallColumns))
	}
}

// TestSmallGate closes a gate on what is not finite, as a step of other steps.
func TestSmallGate(t *testing.T) {
	dev := device(t)
	x, gate, y, z := dev.Alloc(4), dev.Alloc(4), dev.Alloc(4), dev.Alloc(4)
	dev.Write(x, []float32{float32(math.Inf(1)), float32(math.NaN()), float32(math.Inf(-1)), 3})
	dev.Write(gate, []float32{-1, 0, -2, 1})
	attr := &kernels.MapAttr{Shape: []int{4}, A: []int{4}, B: []int{4}}
	dev.Run(kernels.Gate, &kernels.Args{Out: []kernels.Buffer{y}, In: []kernels.Buffer{x, gate}, Attr: attr})
	dev.Run(kernels.ReLU, &kernels.Args{Out: []kernels.Buffer{z}, In: []kernels.Buffer{y}, Attr: attr})
	got := make([]float32, 4)
	if dev.Read(got, z); !slices.Equal(got, []float32{0, 0, 0, 3}) {
		t.Errorf("%v", got)
	}
}

// TestSmallLaunches counts what is launched for a chain of calls that need each other,
// with a large one in between that does not.
func TestSmallLaunches(t *testing.T) {
	dev := newCounted(t)
	x, y, large := dev.Alloc(10), dev.Alloc(10), dev.Alloc(1<<20)
	attr := &kernels.MapAttr{Shape: []int{10}, A: []int{10}, P: 2}
	for range 8 {
		dev.Run(kernels.Scale, &kernels.Args{Out: []kernels.Buffer{y}, In: []kernels.Buffer{x}, Attr: attr})
		dev.Run(kernels.Scale, &kernels.Args{Out: []kernels.Buffer{x}, In: []kernels.Buffer{y}, Attr: attr})
		dev.Run(kernels.Exp, &kernels.Args{Out: []kernels.Buffer{large}, In: []kernels.Buffer{large}})
	}
	if err := dev.Sync(); err != nil {
		t.Fatal(err)
	}
	if l := dev.drv.launches; l["small_many"] != 1 || l["exp"] != 8 || len(l) != 2 {
		t.Errorf("%v", l)
	}
}

// TestSmallMistakes seeds mistakes into the kernel of small steps: programs show them.
func TestSmallMistakes(t *testing.T) {
	for _, m := range []mistake{
		{name: "steps do not wait for each other", from: `\tbar\.sync 0;\n\tadd\.u32 %k`, to: "\tadd.u32 %k"},
		{name: "words are read before they are there", from: `STAGED_1:\n\tbar\.sync 0;`, to: "STAGED_1:"},
		{name: "an axis is taken for another", from: `%i1, %b1, %place_3`, to: "%i1, %b2, %place_3"},
		{name: "zeros pass the gate", from: `setp\.gt\.f32`, to: "setp.ge.f32"},
		{name: "lanes are left out", from: `%sum, 16, 31`, to: "%sum, 8, 31"},
		{name: "every second warp's sums", from: `add\.u32 %o, %o, 8`, to: "add.u32 %o, %o, 16"},
	} {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			m.entry = "small_many"
			dev, w := mistaken(t, m)
			if !showsMistake(dev) {
				t.Errorf("not seen; the text was changed: %v", w.changed)
			}
		})
	}
}

// showsMistake says whether programs end differently, or a check stops them.
func showsMistake(dev kernels.Device) (shows bool) {
	defer func() {
		if _, stopped := recover().(*kernels.DeviceError); stopped {
			shows = true
		}
	}()
	return endsAlike(dev, 20, smallProgram) != nil
}

var _ kernels.Deferrer = (*cuda.Device)(nil)
