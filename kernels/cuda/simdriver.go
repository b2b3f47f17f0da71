package cuda

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"

	"gradgrad/kernels"
	"gradgrad/kernels/cuda/ptxsim"
)

func init() {
	kernels.Register("sim", func(suffix string) (kernels.Device, error) {
		if suffix != "" {
			return nil, fmt.Errorf("cuda: there is one simulator; drop the %q", ":"+suffix)
		}
		return Simulate(ptxsim.Options{})
	})
}

// Simulate returns a device whose kernels run on a simulator, with the checks that
// the options leave on. [Device.Machine] has its report.
func Simulate(o ptxsim.Options) (*Device, error) {
	if o.Arch == 0 {
		o.Arch = 90
	}
	return New("sim", &simDriver{machine: ptxsim.New(o), arch: o.Arch, work: newSimWork(), ctx: context.Background()})
}

// Machine is the simulator of a device, nil on a GPU.
func (d *Device) Machine() *ptxsim.Machine {
	if s, ok := d.drv.(*simDriver); ok {
		return s.machine
	}
	return nil
}

// EndWith makes a simulator give up its kernel, and refuse others, when a context ends:
// steps that take a moment on a GPU take minutes there. A GPU finishes what it has begun.
func (d *Device) EndWith(ctx context.Context) {
	if s, ok := d.drv.(*simDriver); ok {
		s.ctx = ctx
	}
}

// simDriver is a driver that does everything at once, in the order of the calls.
type simDriver struct {
	machine   *ptxsim.Machine
	arch      int
	graph     *simGraph  // being captured
	capturing *simStream // on which it is
	work      simWork
	ctx       context.Context // ends kernels
	names     int             // allocations that were given a name
}

// simGraph is work to be done again.
type simGraph struct{ work []func(*simStream) error }

type simModule struct{ m *ptxsim.Module }

func (m simModule) Function(name string) (Function, error) {
	k, ok := m.m.Kernel(name)
	if !ok {
		return nil, fmt.Errorf("the module has no kernel %s", name)
	}
	return k, nil
}

// do does work of a stream, or puts it into the graph that is being captured on it.
func (s *simDriver) do(x Stream, f func(*simStream) error) error {
	st, err := s.work.stream(x)
	switch {
	case err != nil:
		return err
	case s.graph != nil && st == s.capturing:
		s.graph.work = append(s.graph.work, f)
		return nil
	}
	return f(st)
}

// begun does work after a look at what other streams may still do to its memory.
func (s *simDriver) begun(f func() error, st *simStream, pieces ...simPiece) error {
	for _, p := range pieces {
		if err := s.work.begin(st, p); err != nil {
			return err
		}
	}
	return f()
}

// given are the addresses among a kernel's arguments.
func given(k *ptxsim.Kernel, params []uint64) (pieces []simPiece) {
	for i, p := range k.Params {
		if p.Size == 8 && i < len(params) {
			pieces = append(pieces, simPiece{lo: params[i], hi: params[i] + 1, what: "kernel " + k.Name, kernel: true, writes: true})
		}
	}
	return pieces
}

// bytesAt is work on so many bytes of the device.
func bytesAt(at uint64, n int) simPiece { return simPiece{lo: at, hi: at + uint64(n)} }

func (s *simDriver) Info() Info {
	shared := ptxsim.MaxShared(s.arch)
	_, total := s.machine.MemInfo()
	return Info{Name: "ptxsim", Major: s.arch / 10, Minor: s.arch % 10, SMs: s.machine.SMs(), SharedPerSM: shared + 1024, SharedOptIn: shared, Memory: total}
}

func (s *simDriver) MemInfo() (free, total int64, err error) {
	free, total = s.machine.MemInfo()
	return free, total, nil
}

func (s *simDriver) Alloc(bytes int64) (uint64, error) {
	s.names++
	return s.machine.Alloc(fmt.Sprintf("allocation %d", s.names), bytes)
}

func (s *simDriver) Free(p uint64) error { return s.machine.Free(p) }

// CopyIn copies pageable memory at once, as a GPU's driver does into a place of its own;
// pinned memory must stay as it is until the stream has been waited for.
func (s *simDriver) CopyIn(dst uint64, src []byte, x Stream) error {
	pinned := s.work.isPinned(src)
	if s.graph != nil && x == Stream(s.capturing) && !pinned {
		return errors.New("copying memory that is not pinned while a graph is captured")
	}
	return s.do(x, func(st *simStream) error {
		p := bytesAt(dst, len(src))
		p.what, p.writes = "a copy to the device", true
		if pinned && len(src) > 0 {
			p.host, p.sum = src, maphash.Bytes(s.work.seed, src)
		}
		return s.begun(func() error { return s.machine.Write(dst, src) }, st, p)
	})
}

func (s *simDriver) CopyOut(dst []byte, src uint64, x Stream) error {
	st, err := s.work.stream(x)
	switch {
	case err != nil:
		return err
	case s.graph != nil && st == s.capturing:
		return errors.New("copying to the host while a graph is captured")
	}
	p := bytesAt(src, len(dst))
	p.what = "a copy to the host"
	if err := s.work.begin(st, p); err != nil {
		return err
	}
	return errors.Join(s.machine.Read(dst, src), s.work.synced(st.knows))
}

func (s *simDriver) CopyWithin(dst, src uint64, bytes int64, x Stream) error {
	return s.do(x, func(st *simStream) error {
		from, to := bytesAt(src, int(bytes)), bytesAt(dst, int(bytes))
		from.what, to.what, to.writes = "a copy on the device", "a copy on the device", true
		return s.begun(func() error { return s.machine.Copy(dst, src, bytes) }, st, from, to)
	})
}

func (s *simDriver) Fill(dst uint64, word uint32, n int64, x Stream) error {
	words := make([]uint32, n)
	for i := range words {
		words[i] = word
	}
	return s.do(x, func(st *simStream) error {
		p := bytesAt(dst, int(4*n))
		p.what, p.writes = "a fill", true
		return s.begun(func() error { return s.machine.Write(dst, wordBytes(words)) }, st, p)
	})
}

// parsed holds the modules that were parsed, by their text: tests open many
// simulators on the same kernels.
var parsed sync.Map

func (s *simDriver) Load(file, source string) (Module, error) {
	if m, ok := parsed.Load(source); ok {
		return m.(simModule), nil
	}
	m, err := ptxsim.Parse(file, source)
	if err != nil {
		return nil, err
	}
	parsed.Store(source, simModule{m})
	return simModule{m}, nil
}

func (s *simDriver) SetShared(_ Function, bytes int) error {
	if most := ptxsim.MaxShared(s.arch); bytes > most {
		return fmt.Errorf("%d bytes of shared memory; a block may have %d", bytes, most)
	}
	return nil
}

func (s *simDriver) Launch(f Function, grid, block [3]int, shared int, params []uint64, x Stream) error {
	k := f.(*ptxsim.Kernel)
	own := append([]uint64(nil), params...)
	return s.do(x, func(st *simStream) error {
		return s.begun(func() error { return s.machine.Launch(s.ctx, k, grid, block, shared, own) }, st, given(k, own)...)
	})
}

func (s *simDriver) LaunchCooperative(f Function, grid, block [3]int, shared int, params []uint64, x Stream) error {
	k := f.(*ptxsim.Kernel)
	own := append([]uint64(nil), params...)
	return s.do(x, func(st *simStream) error {
		return s.begun(func() error { return s.machine.LaunchCooperative(s.ctx, k, grid, block, shared, own) }, st, given(k, own)...)
	})
}

func (s *simDriver) Resident(f Function, threads, shared int) (int, error) {
	return s.machine.Resident(f.(*ptxsim.Kernel), threads, shared), nil
}

func (s *simDriver) BeginCapture(x Stream) error {
	st, err := s.work.stream(x)
	switch {
	case err != nil:
		return err
	case s.graph != nil:
		return errors.New("a graph is being captured already")
	case st == s.work.null:
		return errors.New("a graph is captured on a stream of its own, not on the default one")
	}
	s.graph, s.capturing = new(simGraph), st
	return nil
}

func (s *simDriver) EndCapture(x Stream) (Graph, error) {
	st, err := s.work.stream(x)
	switch {
	case err != nil:
		return nil, err
	case s.graph == nil || st != s.capturing:
		return nil, errors.New("no graph is being captured on this stream")
	}
	g := s.graph
	s.graph, s.capturing = nil, nil
	return g, nil
}

func (s *simDriver) LaunchGraph(g Graph, x Stream) error {
	return s.do(x, func(st *simStream) error {
		for _, f := range g.(*simGraph).work {
			if err := f(st); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *simDriver) FreeGraph(Graph) error { return nil }
func (s *simDriver) Close() error          { return nil }

// Lend implements lending.
func (s *simDriver) Lend(p uint64, name string, bytes int64) error {
	return s.note(func(*simStream) error { return s.machine.Lend(p, name, bytes) })
}

// TakeBack implements lending.
func (s *simDriver) TakeBack(p uint64) error {
	return s.note(func(*simStream) error { return s.machine.TakeBack(p) })
}

// note does what belongs to the work around it, which may be captured.
func (s *simDriver) note(f func(*simStream) error) error {
	if s.graph == nil {
		return f(nil)
	}
	return s.do(s.capturing, f)
}
