package cuda_test

import (
	"slices"
	"strings"
	"testing"

	"gradgrad/kernels"
)

// TestInlet sends two inputs before the first is taken, and takes them in order, the
// second and larger one into two buffers.
func TestInlet(t *testing.T) {
	dev := device(t)
	in, err := dev.NewInlet()
	if err != nil {
		t.Fatal(err)
	}
	send := func(x ...float32) error {
		t.Helper()
		host, err := in.Host(len(x))
		if err != nil {
			return err
		}
		copy(host, x)
		return in.Send()
	}
	a, b := dev.Alloc(2), dev.Alloc(1)
	read := func(b kernels.Buffer) []float32 {
		x := make([]float32, b.Len())
		dev.Read(x, b)
		return x
	}
	for _, round := range []float32{0, 1, 2} {
		for _, x := range [][]float32{{round, 1}, {round, 2, 3}} {
			if err := send(x...); err != nil {
				t.Fatal(err)
			}
		}
		if err := send(0); err == nil || !strings.Contains(err.Error(), "third input") {
			t.Fatalf("a third input: %v", err)
		}
		if err := in.Take(a); err != nil {
			t.Fatal(err)
		}
		if got := read(a); !slices.Equal(got, []float32{round, 1}) {
			t.Errorf("the first input is %v", got)
		}
		if err := in.Take(a, b); err != nil {
			t.Fatal(err)
		}
		if got := append(read(a), read(b)...); !slices.Equal(got, []float32{round, 2, 3}) {
			t.Errorf("the second input is %v", got)
		}
	}
	if err := in.Take(a); err == nil || !strings.Contains(err.Error(), "no input") {
		t.Errorf("taking what nobody sent: %v", err)
	}
	if err := send(1); err != nil {
		t.Fatal(err)
	}
	if err := in.Take(a); err == nil || !strings.Contains(err.Error(), "more than the 1 numbers") {
		t.Errorf("taking too much: %v", err)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
}

// TestReplayedWrites: what is written in a capture is the same in each replay, a clock
// is looked up each time, and memory that the capture gives back stays the graph's.
func TestReplayedWrites(t *testing.T) {
	dev := device(t)
	const n = 64
	clock := uint64(5)
	at := &kernels.DropAttr{P: 0.5, Seed: 1, Stream: 2, Clock: &clock}
	y, ones := dev.Alloc(n), make([]float32, n)
	for i := range ones {
		ones[i] = 1
	}
	drop := func() {
		x := dev.Alloc(n)
		dev.Write(x, ones)
		dev.Run(kernels.Dropout, &kernels.Args{Out: []kernels.Buffer{y}, In: []kernels.Buffer{x}, Attr: at})
		dev.Free(x)
	}
	drop()
	r, err := dev.Capture(drop)
	if err != nil {
		t.Fatal(err)
	}
	clear(ones)
	want, got := kernels.CPU.Alloc(n), make([]float32, n)
	for range 3 {
		clock += 1 << 20
		if err := r.Launch(); err != nil {
			t.Fatal(err)
		}
		dev.Read(got, y)
		x := slices.Repeat([]float32{1}, n)
		kernels.CPU.Write(want, x)
		kernels.CPU.Run(kernels.Dropout, &kernels.Args{Out: []kernels.Buffer{want}, In: []kernels.Buffer{want}, Attr: &kernels.DropAttr{P: 0.5, Seed: 1, Stream: clock + 2}})
		if kernels.CPU.Read(x, want); !slices.Equal(got, x) {
			t.Errorf("at %d: %v, not %v", clock, got, x)
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}
