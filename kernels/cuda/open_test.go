package cuda_test

import (
	"errors"
	"strings"
	"testing"

	"gradgrad/kernels"
	"gradgrad/kernels/cuda"
)

func TestOpen(t *testing.T) {
	dev, err := kernels.Open("sim")
	if err != nil {
		t.Fatal(err)
	}
	if dev.Name() != "sim" || dev.DType() != kernels.Float32 || dev.(*cuda.Device).Machine() == nil {
		t.Errorf("%s, %s", dev.Name(), dev.DType())
	}
	for name, want := range map[string]string{
		"cuda:x":  "not the number of a GPU",
		"cuda:-1": "not the number of a GPU",
		"sim:2":   "one simulator",
	} {
		if _, err := kernels.Open(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNoGPU is about machines and programs without one: the error says what to do.
func TestNoGPU(t *testing.T) {
	dev, err := kernels.Open("cuda:99")
	if err == nil {
		t.Fatalf("there is a hundredth GPU: %s", dev.Name())
	}
	if !errors.Is(err, kernels.ErrUnavailable) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
}

// TestMisuse panics with device errors that say what was wrong.
func TestMisuse(t *testing.T) {
	dev, other := simulated(t), simulated(t)
	b := dev.Alloc(4)
	dev.Write(b, make([]float32, 4))
	for want, f := range map[string]func(){
		"of another device": func() { other.Read(make([]float32, 4), b) },
		"elements 2 to 6":   func() { dev.Slice(b, 2, 4) },
		"no such kernel":    func() { dev.Run(&kernels.Kernel{Name: "fourier"}, &kernels.Args{}) },
		"are free":          func() { dev.Alloc(1 << 40) },
		"2^31": func() {
			dev.Run(kernels.Sum, &kernels.Args{Out: []kernels.Buffer{b}, In: []kernels.Buffer{b}, Attr: &kernels.ReduceAttr{Outer: 1, Reduce: 1 << 31, Inner: 1}})
		},
		"out of bounds": func() {
			dev.Run(kernels.Sum, &kernels.Args{Out: []kernels.Buffer{b}, In: []kernels.Buffer{b}, Attr: &kernels.ReduceAttr{Outer: 1, Reduce: 5, Inner: 1}})
		},
	} {
		func() {
			defer func() {
				e, ok := recover().(*kernels.DeviceError)
				if !ok || !strings.Contains(e.Error(), want) {
					t.Errorf("%v, which does not say %q", e, want)
				}
			}()
			f()
		}()
	}
	if err := dev.Sync(); err != nil {
		t.Error(err)
	}
	dev.Free(b)
	if err := dev.Close(); err != nil {
		t.Error(err)
	}
}

// TestArenaPieces finds a kernel that reads beyond a piece of a slab, or one that is nobody's.
func TestArenaPieces(t *testing.T) {
	dev := simulated(t)
	arena := kernels.NewArena(dev)
	large := dev.Defers() + 1 // smaller ones are nobody's only later
	a, b, y := arena.Get(large), arena.Get(10), arena.Get(1)
	dev.Write(a, make([]float32, large))
	dev.Write(b, make([]float32, 10))
	run := func(x kernels.Buffer, n int) (err error) {
		defer func() {
			if e, ok := recover().(*kernels.DeviceError); ok {
				err = e
			}
		}()
		dev.Run(kernels.Sum, &kernels.Args{Out: []kernels.Buffer{y}, In: []kernels.Buffer{x}, Attr: &kernels.ReduceAttr{Outer: 1, Reduce: n, Inner: 1}})
		return dev.Sync()
	}
	for _, n := range []int{10, large} {
		if err := run(a, n); err != nil {
			t.Error(err)
		}
	}
	if err := run(b, 11); err == nil || !strings.Contains(err.Error(), "out of bounds") {
		t.Errorf("reading beyond a piece: %v", err)
	}
	arena.Put(a)
	if err := run(a, large); err == nil || !strings.Contains(err.Error(), "use after free") {
		t.Errorf("reading a piece that was given back: %v", err)
	}
	arena.Put(b)
	arena.Put(y)
	arena.Rewind()
	if err := run(b, 10); err == nil || !strings.Contains(err.Error(), "use after free") {
		t.Errorf("reading a small piece after the computation's end: %v", err)
	}
}

// TestGraph captures work and repeats it.
func TestGraph(t *testing.T) {
	dev := simulated(t)
	drv, stream := dev.Driver()
	x := dev.Alloc(3)
	dev.Write(x, []float32{1, 2, 3})
	double := func() {
		dev.Run(kernels.Scale, &kernels.Args{Out: []kernels.Buffer{x}, In: []kernels.Buffer{x}, Attr: &kernels.MapAttr{P: 2}})
	}
	double() // loads the module before the capture
	dev.Driver()
	if err := drv.BeginCapture(stream); err != nil {
		t.Fatal(err)
	}
	double()
	dev.Driver()
	g, err := drv.EndCapture(stream)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := drv.LaunchGraph(g, stream); err != nil {
			t.Fatal(err)
		}
	}
	got := make([]float32, 3)
	dev.Read(got, x)
	if got[0] != 16 || got[2] != 48 {
		t.Errorf("%v", got)
	}
	if err := drv.FreeGraph(g); err != nil {
		t.Error(err)
	}
}
