package cuda

import (
	"errors"
	"fmt"
	"unsafe"

	"gradgrad/kernels"
	"gradgrad/kernels/cuda/ptx"
)

// Device computes on a GPU or on the simulator. All its work is done in the order
// of one stream. It belongs to one goroutine.
type Device struct {
	name      string
	drv       Driver
	info      Info
	lend      lending // nil where nobody checks
	precision Precision
	stream    Stream
	modules   map[string]Module // by file
	functions map[string]Function
	shared    map[string]int // dynamic shared memory that was asked for, by function
	talk      talk
	scratch   scratch
	queue     queue
	small     small
	singly    bool        // for tests of single kernels
	extents   [2][]extent // used again
	run       launch      // used again for every call
	capture   *replay     // nil while nothing is captured
}

// New makes a device of a driver, which it closes when it is closed.
func New(name string, drv Driver) (*Device, error) {
	s, err := drv.NewStream()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cuda: %s: making a stream: %w", name, err), drv.Close())
	}
	d := &Device{name: name, drv: drv, info: drv.Info(), stream: s,
		modules: map[string]Module{}, functions: map[string]Function{}, shared: map[string]int{}}
	d.lend, _ = drv.(lending)
	d.scratch.dev, d.queue.dev, d.small.dev = d, d, d
	if err := d.talk.open(d); err != nil {
		return nil, errors.Join(fmt.Errorf("cuda: %s: memory for what blocks tell each other: %w", name, err), drv.Close())
	}
	return d, nil
}

// Close gives the device's memory back. No buffer may be used afterwards.
func (d *Device) Close() error {
	d.wait()
	return d.drv.Close()
}

// Name implements [kernels.Device].
func (d *Device) Name() string { return d.name }

// DType implements [kernels.Device]: it is float32.
func (d *Device) DType() kernels.DType { return kernels.Float32 }

// Info describes the GPU.
func (d *Device) Info() Info { return d.info }

// Driver is what the device is made of, for events, graphs and pinned memory, with
// the stream that it works on.
func (d *Device) Driver() (Driver, Stream) {
	d.wait()
	return d.drv, d.stream
}

// Precision is what convolutions and matrix products multiply in; it is FP32 at
// first.
func (d *Device) Precision() Precision { return d.precision }

// SetPrecision changes it for everything that runs from now on.
func (d *Device) SetPrecision(p Precision) { d.precision = p }

// buffer is n float32 in the memory of a device.
type buffer struct {
	dev   *Device
	at    uint64
	n     int
	owner bool // it was allocated, it is no piece of another
}

// Len implements [kernels.Buffer].
func (b *buffer) Len() int { return b.n }

// of returns a buffer as one of this device.
func (d *Device) of(b kernels.Buffer) *buffer {
	own, ok := b.(*buffer)
	if !ok || own.dev != d {
		d.fail("taking a buffer", fmt.Errorf("it is a %T of another device", b))
	}
	return own
}

// fail panics with a device error.
func (d *Device) fail(doing string, err error) {
	panic(&kernels.DeviceError{Device: d.name, Doing: doing, Err: err})
}

// must panics when err is one.
func (d *Device) must(doing string, err error) {
	if err != nil {
		d.fail(doing, err)
	}
}

// Alloc implements [kernels.Device].
func (d *Device) Alloc(n int) kernels.Buffer {
	return &buffer{dev: d, at: d.alloc(n), n: n, owner: true}
}

// alloc returns the address of n elements.
func (d *Device) alloc(n int) uint64 {
	bytes := 4 * int64(max(n, 1))
	p, err := d.drv.Alloc(bytes)
	if err != nil {
		if free, total, e := d.drv.MemInfo(); e == nil {
			err = fmt.Errorf("%w; %.1f MiB of %.1f MiB are free", err, mib(free), mib(total))
		}
		d.fail(fmt.Sprintf("allocating %.1f MiB", mib(bytes)), err)
	}
	return p
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// Slice implements [kernels.Device].
func (d *Device) Slice(b kernels.Buffer, at, n int) kernels.Buffer {
	whole := d.of(b)
	if at < 0 || n < 0 || at+n > whole.n {
		d.fail("slicing", fmt.Errorf("elements %d to %d of a buffer of %d", at, at+n, whole.n))
	}
	return &buffer{dev: d, at: whole.at + 4*uint64(at), n: n}
}

// Free implements [kernels.Device].
func (d *Device) Free(b kernels.Buffer) {
	if own := d.of(b); own.owner {
		d.wait()
		d.must("freeing memory", d.free(own.at))
		own.dev = nil
	}
}

// Lend and TakeBack implement [kernels.Lender]: a simulator then knows which part of
// a slab is whose.
func (d *Device) Lend(b kernels.Buffer) {
	if d.lend != nil {
		own := d.of(b)
		d.must("lending memory", d.lend.Lend(own.at, fmt.Sprintf("tensor of %d", own.n), 4*int64(own.n)))
	}
}

// TakeBack is described at Lend.
func (d *Device) TakeBack(b kernels.Buffer) {
	if d.lend != nil {
		own := d.of(b)
		d.touched(own)
		d.must("taking memory back", d.lend.TakeBack(own.at))
	}
}

// bytesOf is the memory of float32 elements.
func bytesOf(x []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}

// Write implements [kernels.Device].
func (d *Device) Write(dst kernels.Buffer, src []float32) {
	b := d.of(dst)
	d.wait()
	if n := min(b.n, len(src)); n > 0 {
		d.must("copying to the device", d.copyIn(b.at, bytesOf(src[:n])))
	}
}

// Read implements [kernels.Device]. It waits.
func (d *Device) Read(dst []float32, src kernels.Buffer) {
	b := d.of(src)
	d.wait()
	if n := min(b.n, len(dst)); n > 0 {
		d.must("copying from the device", d.drv.CopyOut(bytesOf(dst[:n]), b.at, d.stream))
	}
}

// Write64 implements [kernels.Device]: it rounds.
func (d *Device) Write64(dst kernels.Buffer, src []float64) {
	x := make([]float32, min(dst.Len(), len(src)))
	for i := range x {
		x[i] = float32(src[i])
	}
	d.Write(dst, x)
}

// Read64 implements [kernels.Device]. It waits.
func (d *Device) Read64(dst []float64, src kernels.Buffer) {
	x := make([]float32, min(src.Len(), len(dst)))
	d.Read(x, src)
	for i, v := range x {
		dst[i] = float64(v)
	}
}

// Sync implements [kernels.Device].
func (d *Device) Sync() (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case *kernels.DeviceError:
			err = p
		default:
			panic(p)
		}
	}()
	d.wait()
	if err := d.drv.Sync(d.stream); err != nil {
		return fmt.Errorf("cuda: %s: %w", d.name, err)
	}
	return nil
}

// function finds a kernel by its entry name; its file is translated when the first
// kernel of it is asked for.
func (d *Device) function(entry string) (Function, error) {
	if f, ok := d.functions[entry]; ok {
		return f, nil
	}
	file, ok := ptx.Entries()[entry]
	if !ok {
		return nil, fmt.Errorf("no PTX file has a kernel named %s", entry)
	}
	m, ok := d.modules[file]
	if !ok {
		src, err := ptx.Source(file)
		if err != nil {
			return nil, err
		}
		if m, err = d.drv.Load(file, src); err != nil {
			return nil, fmt.Errorf("translating %s: %w", file, err)
		}
		d.modules[file] = m
	}
	f, err := m.Function(entry)
	if err != nil {
		return nil, err
	}
	d.functions[entry] = f
	return f, nil
}
