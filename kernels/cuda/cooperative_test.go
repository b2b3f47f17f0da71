package cuda

import (
	"os"
	"strings"
	"testing"

	"gradgrad/kernels"
	"gradgrad/kernels/cuda/ptxsim"
)

// together returns a simulator that knows the kernels of testdata/together.ptx.
func together(t *testing.T, o ptxsim.Options) *Device {
	t.Helper()
	d, err := Simulate(o)
	if err != nil {
		t.Fatal(err)
	}
	src, err := os.ReadFile("testdata/together.ptx")
	if err != nil {
		t.Fatal(err)
	}
	m, err := d.drv.Load("together.ptx", string(src))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"last_block", "grid_barrier"} {
		if d.functions[name], err = m.Function(name); err != nil {
			t.Fatal(err)
		}
	}
	d.run = launch{dev: d, kernel: &kernels.Kernel{Name: "test"}}
	return d
}

// ramp is a buffer of the numbers 0, 1, ...
func ramp(d *Device, n int) *buffer {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i)
	}
	b := d.of(d.Alloc(n))
	d.Write(b, x)
	return b
}

// TestLastBlock sums in one launch, again and again on the same counter, and in a
// replayed graph.
func TestLastBlock(t *testing.T) {
	for _, o := range []ptxsim.Options{{}, {Shuffle: 5}} {
		d := together(t, o)
		const rows, blocks = 37, 12
		x, y, parts := ramp(d, rows*64), d.Alloc(64), d.Alloc(blocks*64)
		sum := func() {
			l := &d.run
			l.ptr(y, x, parts).counters(1).num(rows).run("last_block", [3]int{blocks, 1, 1}, [3]int{64, 1, 1}, 0)
		}
		check := func() {
			t.Helper()
			got := make([]float32, 64)
			d.Read(got, y)
			for i, v := range got {
				if want := float32(rows*i + 64*rows*(rows-1)/2); v != want {
					t.Fatalf("%+v: sum %d is %g, not %g", o, i, v, want)
				}
			}
			d.Write(y, make([]float32, 64))
		}
		for range 2 {
			sum()
			check()
		}
		r, err := d.Capture(sum)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := r.Launch(); err != nil {
				t.Fatal(err)
			}
			check()
		}
	}
}

// TestCooperative goes over more pieces than run at once, and over fewer.
func TestCooperative(t *testing.T) {
	d := together(t, ptxsim.Options{})
	for _, pieces := range []int{1, 3, 8, 21} {
		x, parts, mean := ramp(d, pieces*64), d.Alloc(pieces*64), d.Alloc(64)
		for range 2 { // the second time the mean is 0
			l := &d.run
			l.ptr(x, parts, mean).barrier().num(pieces).cooperative("grid_barrier", pieces, [3]int{64, 1, 1}, 0)
		}
		got := make([]float32, pieces*64)
		d.Read(got, x)
		for i, v := range got {
			if want := float32(i/64*64) - 32*float32(pieces-1); v != want {
				t.Fatalf("%d pieces: element %d is %g, not %g", pieces, i, v, want)
			}
		}
	}
	defer func() {
		if e, ok := recover().(*kernels.DeviceError); !ok || !strings.Contains(e.Error(), "there are 16384 counters") {
			t.Errorf("%v", e)
		}
	}()
	d.run.counters(mostCounters + 1)
}
