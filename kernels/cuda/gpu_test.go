//go:build cuda && cgo

package cuda_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"gradgrad/internal/cudrv"
	"gradgrad/kernels"
	"gradgrad/kernels/cuda"
)

// onFake marks the process that runs with the driver of testdata.
const onFake = "GRADGRAD_FAKE_DRIVER"

// TestDriverCalls runs TestOnDriver once more, in a process that finds the driver of
// testdata, which shows whether every call arrives as it should.
func TestDriverCalls(t *testing.T) {
	if os.Getenv(onFake) != "" {
		t.Skip("this is that process")
	}
	dir := t.TempDir()
	build := exec.Command("gcc", append(strings.Fields(os.Getenv("CGO_CFLAGS")), "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1",
		"-o", filepath.Join(dir, "libcuda.so.1"), "testdata/fakecuda.c")...)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	run := exec.Command(self, "-test.run", "TestOnDriver", "-test.v")
	run.Env = append(os.Environ(), onFake+"=1", "LD_LIBRARY_PATH="+dir)
	out, err := run.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestOnDriver/graphs") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestOnDriver needs the driver of testdata.
func TestOnDriver(t *testing.T) {
	if os.Getenv(onFake) == "" {
		t.Skip("TestDriverCalls runs this")
	}
	if err := cudrv.State(); err != nil {
		t.Fatal(err)
	}
	opened, err := kernels.Open("cuda")
	if err != nil {
		t.Fatal(err)
	}
	dev := opened.(*cuda.Device)
	defer dev.Singly()() // the driver knows one kernel
	if i := dev.Info(); i.Name != "fake GPU" || i.SMs != 132 || i.Major != 9 || i.SharedOptIn != 227<<10 || i.DriverVersion != 13000 {
		t.Errorf("%+v", i)
	}
	t.Run("launches", func(t *testing.T) { launches(t, dev) })
	t.Run("cooperative", func(t *testing.T) { cooperative(t, dev) })
	t.Run("errors", func(t *testing.T) { driverErrors(t, dev) })
	t.Run("calls", func(t *testing.T) { driverCalls(t, dev) })
	t.Run("graphs", func(t *testing.T) { graphs(t, dev) })
	if err := dev.Close(); err != nil {
		t.Error(err)
	}
}

func scaled(dev *cuda.Device, x kernels.Buffer, p, q float64) {
	dev.Run(kernels.Scale, &kernels.Args{Out: []kernels.Buffer{x}, In: []kernels.Buffer{x}, Attr: &kernels.MapAttr{P: p, Q: q}})
}

func launches(t *testing.T, dev *cuda.Device) {
	x := dev.Alloc(7)
	dev.Write(x, []float32{1, 2, 3, 4, 5, 6, 7})
	scaled(dev, x, 2, -1)
	scaled(dev, dev.Slice(x, 1, 3), 10, 0) // not aligned for four at a time
	got := make([]float32, 7)
	dev.Read(got, x)
	if want := []float32{1, 30, 50, 70, 9, 11, 13}; !slices.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
	if err := dev.Sync(); err != nil {
		t.Error(err)
	}
	dev.Free(x)
}

// cooperative launches by the call for blocks that wait for each other.
func cooperative(t *testing.T, dev *cuda.Device) {
	drv, stream := dev.Driver()
	m, err := drv.Load("x.ptx", ".visible .entry scale()")
	if err != nil {
		t.Fatal(err)
	}
	f, err := m.Function("scale")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := drv.Resident(f, 256, 1<<10); n != 2 || err != nil {
		t.Errorf("%d blocks, %v", n, err)
	}
	x, err := drv.Alloc(4)
	if err != nil {
		t.Fatal(err)
	}
	three := []float32{3}
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(&three[0])), 4)
	one := [3]int{1, 1, 1}
	params := []uint64{x, x, 0, 1, 0x40000000, 0x3f800000} // y, x, n4, items, 2, 1
	if err := errors.Join(drv.CopyIn(x, bytes, stream), drv.LaunchCooperative(f, one, one, 0, params, stream), drv.CopyOut(bytes, x, stream)); err != nil || three[0] != 7 {
		t.Errorf("%g, %v", three[0], err)
	}
	if err := drv.LaunchCooperative(f, [3]int{265, 1, 1}, one, 0, params, stream); err == nil {
		t.Error("265 blocks run at once on 264 places")
	}
}

func driverErrors(t *testing.T, dev *cuda.Device) {
	for want, f := range map[string]func(){
		"running exp: CUDA_ERROR_NOT_SUPPORTED: an error": func() {
			dev.Run(kernels.Exp, &kernels.Args{Out: []kernels.Buffer{dev.Alloc(1)}, In: []kernels.Buffer{dev.Alloc(1)}})
		},
		"allocating 4.0 MiB: ": func() { dev.Alloc(1 << 20) },
		" of 1.0 MiB are free": func() { dev.Alloc(1 << 20) },
	} {
		func() {
			defer func() {
				if e, ok := recover().(*kernels.DeviceError); !ok || !strings.Contains(e.Error(), want) {
					t.Errorf("%v does not say %q", e, want)
				}
			}()
			f()
		}()
	}
	if _, err := kernels.Open("cuda:1"); !errors.Is(err, kernels.ErrUnavailable) || !strings.Contains(err.Error(), "this machine has 1") {
		t.Errorf("%v", err)
	}
	drv, _ := dev.Driver()
	if _, err := drv.Load("x.ptx", "nonsense"); err == nil || !strings.Contains(err.Error(), "error: no kernels") {
		t.Errorf("the translator's log is missing: %v", err)
	}
}

// driverCalls makes the calls that kernels make no use of yet.
func driverCalls(t *testing.T, dev *cuda.Device) {
	drv, stream := dev.Driver()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	p, err := drv.Alloc(64)
	must(err)
	must(drv.Fill(p, 7, 16, stream))
	pinned, err := drv.HostAlloc(64)
	must(err)
	must(drv.CopyOut(pinned[32:], p+32, stream))
	must(drv.CopyIn(p, pinned[32:], stream))
	must(drv.CopyWithin(p+32, p, 16, stream))
	if pinned[32] != 7 || pinned[36] != 7 || pinned[33] != 0 {
		t.Errorf("%v", pinned)
	}
	must(drv.HostFree(pinned))
	m, err := drv.Load("x.ptx", ".visible .entry scale()")
	must(err)
	f, err := m.Function("scale")
	must(err)
	must(drv.SetShared(f, 100<<10))
	if drv.SetShared(f, 1<<20) == nil {
		t.Error("a block may have 1 MiB of shared memory")
	}
	a, err := drv.NewEvent()
	must(err)
	b, err := drv.NewEvent()
	must(err)
	must(drv.Record(a, stream))
	must(drv.Record(b, stream))
	must(drv.Wait(stream, b))
	if ms, err := drv.Elapsed(a, b); err != nil || ms != 1 {
		t.Errorf("%g ms, %v", ms, err)
	}
	must(drv.FreeEvent(a))
	must(drv.FreeEvent(b))
	second, err := drv.NewStream()
	must(err)
	must(drv.FreeStream(second))
	must(drv.Free(p))
}

func graphs(t *testing.T, dev *cuda.Device) {
	x := dev.Alloc(1)
	dev.Write(x, []float32{1})
	r, err := dev.Capture(func() { scaled(dev, x, 2, 1); scaled(dev, x, 3, 0) })
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.Launch(); err != nil {
			t.Fatal(err)
		}
	}
	got := make([]float32, 1)
	if dev.Read(got, x); got[0] != 57 { // (1*2+1)*3 = 9, (9*2+1)*3
		t.Errorf("%v", got)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	drv, stream := dev.Driver()
	at, err := drv.Alloc(4)
	if err != nil {
		t.Fatal(err)
	}
	err = drv.BeginCapture(stream)
	if e := drv.CopyIn(at, make([]byte, 4), stream); e == nil || !strings.Contains(e.Error(), "not pinned") {
		t.Errorf("a copy from memory that may move was captured: %v", e)
	}
	g, err2 := drv.EndCapture(stream)
	if err := errors.Join(err, err2, drv.FreeGraph(g), drv.Free(at)); err != nil {
		t.Error(err)
	}
}
