package ptxsim

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
)

// Options configure a Machine. The zero value checks everything.
type Options struct {
	Unchecked bool   // leave out the checks for races and uninitialised memory
	Workers   int    // goroutines that run blocks; 0 means GOMAXPROCS
	Shuffle   uint64 // seed for the order of blocks and warps; 0 means ascending order
	Arch      int    // compute capability, such as 80 or 90; 0 means 80
	Memory    int64  // bytes of global memory; 0 means 4 GiB
	MaxSteps  int64  // instructions that one warp may run; 0 means 1<<28
	SMs       int    // multiprocessors, which bound cooperative launches; 0 means 4
	Trace     func(Step)
}

// Machine is a simulated GPU: memory, and counters of what kernels did. Its methods
// may be called from several goroutines; launches run one after the other.
type Machine struct {
	o Options

	mu      sync.Mutex
	allocs  []*allocation
	used    int64
	vars    map[*Module][]*allocation
	totals  map[*Kernel]*totals
	order   []*Kernel             // that were launched, in order of their first launch
	serial  uint64                // of the last launch
	idle    map[*Kernel][]*worker // of the last launch
	shadows []*globalShadow       // one for every worker
}

// New returns a machine with empty memory.
func New(o Options) *Machine {
	o.Workers = cmp.Or(max(o.Workers, 0), runtime.GOMAXPROCS(0))
	o.Arch = cmp.Or(o.Arch, 80)
	o.Memory = cmp.Or(o.Memory, 4<<30)
	o.SMs = cmp.Or(o.SMs, 4)
	o.MaxSteps = cmp.Or(o.MaxSteps, 1<<28)
	if o.Trace != nil {
		o.Workers = 1
	}
	return &Machine{o: o, vars: map[*Module][]*allocation{}, totals: map[*Kernel]*totals{}, idle: map[*Kernel][]*worker{}}
}

// MaxShared is how many bytes of shared memory, static and dynamic, a block may
// have on an architecture.
func MaxShared(arch int) int {
	switch {
	case arch >= 90 && arch < 120:
		return 227 << 10
	case arch == 80 || arch == 87:
		return 163 << 10
	}
	return 99 << 10
}

// Launch runs a kernel: grid blocks of block threads each, with dynShared bytes of
// dynamic shared memory. params holds one value for every parameter, in the low
// bytes of its slot. It returns when the kernel has ended: with nil, with a *Fault,
// with ctx.Err() wrapped, or with an error that says why it cannot be launched so.
// After a fault the contents of memory that the kernel writes are unspecified.
func (m *Machine) Launch(ctx context.Context, k *Kernel, grid, block [3]int, dynShared int, params []uint64) error {
	return m.launch(ctx, k, grid, block, dynShared, params, false)
}

func (m *Machine) launch(ctx context.Context, k *Kernel, grid, block [3]int, dynShared int, params []uint64, together bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.admissible(k, grid, block, dynShared, params); err != nil {
		return err
	}
	if together {
		if err := m.resident(k, grid, block, dynShared); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("kernel %s: %w", k.Name, err)
	}
	l := m.prepare(k, grid, block, dynShared, params)
	l.together = together
	err := l.run(ctx)
	m.account(l)
	m.idle[k] = l.workers
	return err
}

// admissible checks a launch against the limits of the hardware and of the kernel.
func (m *Machine) admissible(k *Kernel, grid, block [3]int, dynShared int, params []uint64) error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("kernel %s cannot be launched: %s", k.Name, fmt.Sprintf(format, args...))
	}
	threads := block[0] * block[1] * block[2]
	most := k.MaxThread[0] * k.MaxThread[1] * k.MaxThread[2]
	shared := k.Shared
	if dynShared > 0 {
		shared = k.dynamicStart() + dynShared
	}
	switch limit := MaxShared(m.o.Arch); {
	case len(params) != len(k.Params):
		return fail("it has %d parameters, got %d", len(k.Params), len(params))
	case min(grid[0], grid[1], grid[2]) < 1 || grid[0] > 1<<31-1 || max(grid[1], grid[2]) > 65535:
		return fail("grid %v", grid)
	case min(block[0], block[1], block[2]) < 1 || max(block[0], block[1]) > 1024 || block[2] > 64 || threads > 1024:
		return fail("block %v", block)
	case k.ReqThread[0] > 0 && k.ReqThread != block:
		return fail("block %v, but .reqntid says %v", block, k.ReqThread)
	case most > 0 && threads > most:
		return fail("%d threads, but .maxntid allows %d", threads, most)
	case dynShared < 0 || k.Shared > 48<<10 || shared > limit:
		return fail("%d bytes of static and %d of dynamic shared memory; the limits are %d and, with both, %d", k.Shared, dynShared, 48<<10, limit)
	}
	if arch := archOf(k.module.Target); arch > m.o.Arch {
		return fail("its target %s is newer than the machine, sm_%d", k.module.Target, m.o.Arch)
	}
	return nil
}

// archOf reads the number in sm_80 or sm_90a.
func archOf(target string) int {
	var n int
	if _, err := fmt.Sscanf(strings.TrimPrefix(target, "sm_"), "%d", &n); err != nil {
		return 0
	}
	return n
}
