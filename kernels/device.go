// Package kernels is the arithmetic under autograd: devices, the buffers they
// own, and the kernels that run on them, one file per family (elementwise,
// reduce, matmul, conv, norm, pool, move).
//
// A [Device] is small: it allocates, frees, copies, runs a kernel and waits. It
// does not grow when an operation is added. A [Kernel] is a value with a name
// and one function per element type; a GPU finds its own code under the same
// name. Kernels know nothing of derivatives, tapes or shapes checked: autograd
// has done that before it calls [Device.Run].
//
// The CPU comes twice, from one generic source: [CPU] in float32, with assembly
// for the hot loops, and [CPU64] in float64, plain Go, the oracle that every
// other device is compared with. Reductions run in a fixed order and in a fixed
// number of partial sums, so results never depend on GOMAXPROCS.
//
// Layout: images are NHWC, convolution weights [KH][KW][Cin/groups][Cout],
// matrices row-major.
package kernels

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
)

// Float is the set of element types that the CPU computes in.
type Float interface{ float32 | float64 }

// DType names the element type of a device.
type DType uint8

// The element types.
const (
	Float32 DType = iota
	Float64
)

// String returns "float32" or "float64".
func (t DType) String() string {
	if t == Float64 {
		return "float64"
	}
	return "float32"
}

// Size returns the size of one element in bytes.
func (t DType) Size() int {
	if t == Float64 {
		return 8
	}
	return 4
}

// Buffer is a run of elements in the memory of one device.
type Buffer interface {
	// Len is the number of elements.
	Len() int
}

// Device runs kernels on buffers that it owns. A device that computes
// asynchronously keeps the order of the calls made by one goroutine; Read and
// Sync wait. A device is used by one goroutine at a time, unless it says
// otherwise ([CPU] and [CPU64] may be shared).
type Device interface {
	// Name is the name that [Open] accepts, such as "cpu" or "cuda:0".
	Name() string
	// DType is the type of every element of every buffer.
	DType() DType
	// Alloc returns a buffer of n elements with undefined contents. It panics
	// with a *DeviceError when there is no memory.
	Alloc(n int) Buffer
	// Slice returns the n elements of a buffer from at on, as a buffer on the same
	// memory. It is not freed by itself.
	Slice(b Buffer, at, n int) Buffer
	// Free gives a buffer back. Using it afterwards is a bug.
	Free(Buffer)
	// Write copies src to the front of dst, Read the front of src to dst; the
	// 64-bit forms convert where the device computes in float32.
	Write(dst Buffer, src []float32)
	Read(dst []float32, src Buffer)
	Write64(dst Buffer, src []float64)
	Read64(dst []float64, src Buffer)
	// Run runs a kernel.
	Run(k *Kernel, a *Args)
	// Sync waits for all work and returns the first error since the last call.
	Sync() error
}

// Args are the operands of one kernel call. Attr holds what is not a buffer:
// a pointer to the attribute struct that the kernel documents.
type Args struct {
	Out, In []Buffer
	Attr    any
}

// Kernel is one computation under one name on every device.
type Kernel struct {
	Name string
	f32  func(*Args)
	f64  func(*Args)
}

var registry = struct {
	sync.Mutex
	kernels map[string]*Kernel
	devices map[string]func(suffix string) (Device, error)
}{kernels: map[string]*Kernel{}, devices: map[string]func(string) (Device, error){}}

// New makes and registers a kernel from its two CPU instances; GPUs look their
// own code up by name. It panics when the name is taken.
func New(name string, f32, f64 func(*Args)) *Kernel {
	registry.Lock()
	defer registry.Unlock()
	if registry.kernels[name] != nil {
		panic("kernels: two kernels named " + name)
	}
	k := &Kernel{Name: name, f32: f32, f64: f64}
	registry.kernels[name] = k
	return k
}

// All returns every registered kernel, sorted by name.
func All() []*Kernel {
	registry.Lock()
	defer registry.Unlock()
	ks := make([]*Kernel, 0, len(registry.kernels))
	for _, k := range registry.kernels {
		ks = append(ks, k)
	}
	sort.Slice(ks, func(i, j int) bool { return ks[i].Name < ks[j].Name })
	return ks
}

// ErrUnavailable is wrapped by the error that [Open] returns when a device is
// known but cannot be used here.
var ErrUnavailable = errors.New("device unavailable")

// DeviceError is the panic value of a device that fails in the middle of its
// work, for instance because its memory is full.
type DeviceError struct {
	Device string // the device's name
	Doing  string // what it was doing
	Err    error
}

func (e *DeviceError) Error() string {
	return fmt.Sprintf("kernels: %s: %s: %v", e.Device, e.Doing, e.Err)
}

// Unwrap returns the cause.
func (e *DeviceError) Unwrap() error { return e.Err }

// Register makes a kind of device known to [Open]; the part of the name behind
// a colon is passed on. Packages that add devices call it from init.
func Register(kind string, open func(suffix string) (Device, error)) {
	registry.Lock()
	defer registry.Unlock()
	registry.devices[kind] = open
}

// Open returns the device of that name: "cpu", "cpu64", and whatever the
// imported packages registered ("cuda", "cuda:1").
func Open(name string) (Device, error) {
	kind, suffix, _ := strings.Cut(name, ":")
	registry.Lock()
	open, ok := registry.devices[kind]
	var known []string
	for k := range registry.devices {
		known = append(known, k)
	}
	registry.Unlock()
	if !ok {
		sort.Strings(known)
		return nil, fmt.Errorf("kernels: no device named %q in this program; it knows %s", name, strings.Join(known, ", "))
	}
	return open(suffix)
}
