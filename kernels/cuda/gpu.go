//go:build cuda && cgo

package cuda

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"gorgonia.org/cu"

	"gradgrad/internal/cudrv"
)

// gpu is a driver over the CUDA driver API: package cu, and cudrv for the rest. The
// context is the device's primary one, which other libraries share. Every call
// makes it current first, because goroutines change threads.
type gpu struct {
	device    cu.Device
	ctx       cu.CUContext
	info      Info
	pinned    map[*byte]int // memory of HostAlloc, with its length
	capturing bool
}

func newGPU(n int) (*gpu, error) {
	device, err := cu.GetDevice(n)
	if err != nil {
		return nil, err
	}
	g := &gpu{device: device, pinned: map[*byte]int{}}
	if g.info, err = describe(device); err != nil {
		return nil, err
	}
	if g.info.Major < 8 {
		return nil, fmt.Errorf("%s has compute capability %d.%d; the kernels need 8.0", g.info.Name, g.info.Major, g.info.Minor)
	}
	g.ctx, err = device.RetainPrimaryCtx()
	return g, err
}

// describe asks for attributes by the driver's numbers, of which package cu does not
// name all.
func describe(device cu.Device) (Info, error) {
	i := Info{DriverVersion: cu.Version()}
	var err error
	if i.Name, err = device.Name(); err != nil {
		return i, err
	}
	if i.Memory, err = device.TotalMem(); err != nil {
		return i, err
	}
	for number, to := range map[cu.DeviceAttribute]*int{16: &i.SMs, 75: &i.Major, 76: &i.Minor, 81: &i.SharedPerSM, 97: &i.SharedOptIn} {
		if *to, err = device.Attribute(number); err != nil {
			return i, fmt.Errorf("attribute %d: %w", number, err)
		}
	}
	return i, nil
}

// on runs f on a thread whose context is the device's.
func (g *gpu) on(f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cu.SetCurrentContext(g.ctx); err != nil {
		return err
	}
	return f()
}

func streamOf(s Stream) cu.Stream {
	if s == nil {
		return cu.NoStream
	}
	return s.(cu.Stream)
}

func (g *gpu) Info() Info { return g.info }

func (g *gpu) MemInfo() (free, total int64, err error) {
	err = g.on(func() error {
		free, total, err = cu.MemInfo()
		return err
	})
	return free, total, err
}

func (g *gpu) Alloc(bytes int64) (p uint64, err error) {
	err = g.on(func() error {
		d, err := cu.MemAlloc(bytes)
		p = uint64(d)
		return err
	})
	return p, err
}

func (g *gpu) Free(p uint64) error {
	return g.on(func() error { return cu.MemFree(cu.DevicePtr(p)) })
}

func (g *gpu) HostAlloc(bytes int64) (b []byte, err error) {
	err = g.on(func() error {
		b, err = cudrv.HostAlloc(bytes)
		return err
	})
	if err == nil && len(b) > 0 {
		g.pinned[&b[0]] = len(b)
	}
	return b, err
}

func (g *gpu) HostFree(b []byte) error {
	if len(b) > 0 {
		delete(g.pinned, &b[0])
	}
	return g.on(func() error { return cudrv.HostFree(b) })
}

// isPinned says whether b lies in memory of HostAlloc.
func (g *gpu) isPinned(b []byte) bool {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	for p, n := range g.pinned {
		if lo := uintptr(unsafe.Pointer(p)); at >= lo && at+uintptr(len(b)) <= lo+uintptr(n) {
			return true
		}
	}
	return false
}

// CopyIn may leave memory that is not pinned to the garbage collector at once: the
// driver has copied it when the call returns. A graph would look at it later.
func (g *gpu) CopyIn(dst uint64, src []byte, s Stream) error {
	if g.capturing && !g.isPinned(src) {
		return errors.New("copying memory that is not pinned while a graph is captured")
	}
	return g.on(func() error {
		return cu.MemcpyHtoDAsync(cu.DevicePtr(dst), unsafe.Pointer(unsafe.SliceData(src)), int64(len(src)), streamOf(s))
	})
}

func (g *gpu) CopyOut(dst []byte, src uint64, s Stream) error {
	if g.capturing {
		return errors.New("copying to the host while a graph is captured")
	}
	return g.on(func() error {
		err := cu.MemcpyDtoHAsync(unsafe.Pointer(unsafe.SliceData(dst)), cu.DevicePtr(src), int64(len(dst)), streamOf(s))
		return errors.Join(err, streamOf(s).Synchronize())
	})
}

func (g *gpu) CopyWithin(dst, src uint64, bytes int64, s Stream) error {
	return g.on(func() error { return cu.MemcpyDtoDAsync(cu.DevicePtr(dst), cu.DevicePtr(src), bytes, streamOf(s)) })
}

func (g *gpu) Fill(dst uint64, word uint32, n int64, s Stream) error {
	return g.on(func() error { return cu.MemsetD32Async(cu.DevicePtr(dst), uint(word), n, streamOf(s)) })
}

type gpuModule struct {
	g *gpu
	m cu.Module
}

func (g *gpu) Load(_, source string) (Module, error) {
	m := gpuModule{g: g}
	err := g.on(func() (err error) {
		m.m, err = cudrv.LoadModule(source)
		return err
	})
	return m, err
}

func (m gpuModule) Function(name string) (f Function, err error) {
	err = m.g.on(func() error {
		f, err = m.m.Function(name)
		return err
	})
	return f, err
}

func (g *gpu) SetShared(f Function, bytes int) error {
	return g.on(func() error { return cudrv.SetMaxDynamicShared(f.(cu.Function), bytes) })
}

func (g *gpu) Launch(f Function, grid, block [3]int, shared int, params []uint64, s Stream) error {
	return cudrv.Launch(g.ctx, f.(cu.Function), grid, block, shared, params, streamOf(s))
}

func (g *gpu) LaunchCooperative(f Function, grid, block [3]int, shared int, params []uint64, s Stream) error {
	return cudrv.LaunchCooperative(g.ctx, f.(cu.Function), grid, block, shared, params, streamOf(s))
}

func (g *gpu) Resident(f Function, threads, shared int) (n int, err error) {
	err = g.on(func() error {
		n, err = cudrv.Resident(f.(cu.Function), threads, shared)
		return err
	})
	return n, err
}
