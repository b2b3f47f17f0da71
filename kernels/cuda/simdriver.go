package cuda

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

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
	return New("sim", &simDriver{machine: ptxsim.New(o), arch: o.Arch})
}

// Machine is the simulator of a device, nil on a GPU.
func (d *Device) Machine() *ptxsim.Machine {
	if s, ok := d.drv.(*simDriver); ok {
		return s.machine
	}
	return nil
}

// simDriver is a driver that does everything at once, in the order of the calls.
type simDriver struct {
	machine *ptxsim.Machine
	arch    int
	graph   *simGraph // being captured
	names   int       // allocations that were given a name
}

// simGraph is work to be done again.
type simGraph struct{ work []func() error }

type simModule struct{ m *ptxsim.Module }

func (m simModule) Function(name string) (Function, error) {
	k, ok := m.m.Kernel(name)
	if !ok {
		return nil, fmt.Errorf("the module has no kernel %s", name)
	}
	return k, nil
}

// do does work, or puts it into the graph that is being captured.
func (s *simDriver) do(f func() error) error {
	if s.graph != nil {
		s.graph.work = append(s.graph.work, f)
		return nil
	}
	return f()
}

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

func (s *simDriver) HostAlloc(bytes int64) ([]byte, error) { return make([]byte, bytes), nil }
func (s *simDriver) HostFree([]byte) error                 { return nil }

func (s *simDriver) CopyIn(dst uint64, src []byte, _ Stream) error {
	if s.graph != nil {
		src = append([]byte(nil), src...)
	}
	return s.do(func() error { return s.machine.Write(dst, src) })
}

func (s *simDriver) CopyOut(dst []byte, src uint64, _ Stream) error {
	if s.graph != nil {
		return errors.New("copying to the host while a graph is captured")
	}
	return s.machine.Read(dst, src)
}

func (s *simDriver) CopyWithin(dst, src uint64, bytes int64, _ Stream) error {
	return s.do(func() error { return s.machine.Copy(dst, src, bytes) })
}

func (s *simDriver) Fill(dst uint64, word uint32, n int64, _ Stream) error {
	x := make([]uint32, n)
	for i := range x {
		x[i] = word
	}
	return s.do(func() error { return s.machine.Write(dst, wordBytes(x)) })
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

func (s *simDriver) Launch(f Function, grid, block [3]int, shared int, params []uint64, _ Stream) error {
	k := f.(*ptxsim.Kernel)
	own := append([]uint64(nil), params...)
	return s.do(func() error { return s.machine.Launch(context.Background(), k, grid, block, shared, own) })
}

func (s *simDriver) LaunchCooperative(f Function, grid, block [3]int, shared int, params []uint64, _ Stream) error {
	k := f.(*ptxsim.Kernel)
	own := append([]uint64(nil), params...)
	return s.do(func() error {
		return s.machine.LaunchCooperative(context.Background(), k, grid, block, shared, own)
	})
}

func (s *simDriver) Resident(f Function, threads, shared int) (int, error) {
	return s.machine.Resident(f.(*ptxsim.Kernel), threads, shared), nil
}

func (s *simDriver) NewStream() (Stream, error) { return nil, nil }
func (s *simDriver) Sync(Stream) error          { return nil }

func (s *simDriver) NewEvent() (Event, error)       { return new(time.Time), nil }
func (s *simDriver) Record(e Event, _ Stream) error { *e.(*time.Time) = time.Now(); return nil }
func (s *simDriver) Wait(Stream, Event) error       { return nil }
func (s *simDriver) Elapsed(a, b Event) (float64, error) {
	return b.(*time.Time).Sub(*a.(*time.Time)).Seconds() * 1e3, nil
}

func (s *simDriver) BeginCapture(Stream) error {
	if s.graph != nil {
		return errors.New("a graph is being captured already")
	}
	s.graph = new(simGraph)
	return nil
}

func (s *simDriver) EndCapture(Stream) (Graph, error) {
	if s.graph == nil {
		return nil, errors.New("no graph is being captured")
	}
	g := s.graph
	s.graph = nil
	return g, nil
}

func (s *simDriver) LaunchGraph(g Graph, _ Stream) error {
	for _, f := range g.(*simGraph).work {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

func (s *simDriver) FreeGraph(Graph) error { return nil }
func (s *simDriver) Close() error          { return nil }

// Lend implements lending.
func (s *simDriver) Lend(p uint64, name string, bytes int64) error {
	return s.do(func() error { return s.machine.Lend(p, name, bytes) })
}

// TakeBack implements lending.
func (s *simDriver) TakeBack(p uint64) error {
	return s.do(func() error { return s.machine.TakeBack(p) })
}
