package ptxsim

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
)

// launch is one run of a kernel.
type launch struct {
	m        *Machine
	k        *Kernel
	grid     [3]int
	size     [3]int // of a block
	dynamic  int    // bytes of shared memory
	params   []byte
	pieces   []*region
	vars     []uint64 // addresses of the module's variables
	serial   uint64
	order    []int // of the blocks; nil for ascending
	blocks   int
	together bool // cooperative: all blocks take turns

	next    atomic.Int64 // place in the order of the next block to run
	bad     atomic.Int64 // place of the first block known to fail
	stop    atomic.Bool  // the context has ended
	mu      sync.Mutex
	fault   *Fault
	atomics sync.Mutex // held during atomic, volatile, relaxed, acquire and release accesses
	workers []*worker
}

// worker runs blocks one after the other.
type worker struct {
	l       *launch
	spots   []spot
	trace   func(*warp, *instr, uint32)
	rng     *rand.Rand // nil without shuffling
	pcg     rand.PCG
	place   int64 // of the block that runs
	block   *block
	rest    []*block // the other blocks of a cooperative launch
	changes uint64   // counts what happened that a thread which waits may have waited for

	shadow  *globalShadow
	forum   *forum // nil where blocks do not talk
	checked bool   // races and uninitialised memory
}

func (m *Machine) prepare(k *Kernel, grid, size [3]int, dynamic int, params []uint64) *launch {
	m.serial++
	l := &launch{m: m, k: k, grid: grid, size: size, dynamic: dynamic, serial: m.serial,
		blocks: grid[0] * grid[1] * grid[2], params: make([]byte, roundUp(k.params, 8)+8)}
	l.bad.Store(int64(l.blocks))
	for i, p := range k.Params {
		v := params[i]
		if p.Size == 8 {
			v = l.narrow(v)
		}
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], v)
		copy(l.params[p.offset:], b[:p.Size])
	}
	if k.globals {
		l.vars = m.variables(k.module)
	}
	if m.o.Shuffle != 0 {
		l.order = rand.New(rand.NewPCG(m.o.Shuffle, l.serial)).Perm(l.blocks)
	}
	return l
}

// variables returns the addresses of a module's variables; they get their memory
// when the first kernel that names them is launched.
func (m *Machine) variables(mod *Module) []uint64 {
	held, ok := m.vars[mod]
	if !ok {
		for _, v := range mod.vars {
			a := m.alloc(v.name, int64(v.size))
			// Variables without initial values are zero.
			copy(a.data, v.data)
			fill(a.state, usable|written)
			a.fixed = v.space == constSpace
			held = append(held, a)
		}
		m.vars[mod] = held
	}
	var at []uint64
	for _, a := range held {
		at = append(at, a.base)
	}
	return at
}

// run spreads the blocks over goroutines. Of several blocks that fail, the one that
// comes first in the order is reported, whatever the number of goroutines.
func (l *launch) run(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { l.stop.Store(true) })()
	var group sync.WaitGroup
	workers := min(l.m.o.Workers, l.blocks)
	if l.k.talks || l.together {
		workers = 1 // so that what blocks tell each other is known in order
	}
	for i := range workers {
		wk := l.worker(i)
		l.workers = append(l.workers, wk)
		if i > 0 {
			group.Go(wk.run)
		}
	}
	l.workers[0].run()
	group.Wait()
	if l.fault != nil {
		if f := l.crossRaces(); f != nil && l.fault.Kind == Endless {
			return f // why they wait in vain
		}
		return l.fault
	}
	if err := ctx.Err(); err != nil && l.stop.Load() {
		return fmt.Errorf("kernel %s: %w", l.k.Name, err)
	}
	if f := l.crossRaces(); f != nil {
		return f
	}
	return nil
}

// worker returns a worker for this launch. One that ran the same kernel before in
// blocks of the same size is used again: its registers are there.
func (l *launch) worker(i int) *worker {
	m := l.m
	for len(m.shadows) <= i {
		m.shadows = append(m.shadows, &globalShadow{})
	}
	var wk *worker
	if old := m.idle[l.k]; i < len(old) && old[i].block.size == l.size && old[i].block.dynamic == l.dynamic {
		wk = old[i]
		clear(wk.spots)
	} else {
		wk = &worker{spots: make([]spot, len(l.k.code)), shadow: m.shadows[i], checked: !m.o.Unchecked}
		wk.block = newBlock(wk, l)
	}
	wk.l = l
	if l.together {
		for len(wk.rest) < l.blocks-1 {
			wk.rest = append(wk.rest, newBlock(wk, l))
		}
	}
	wk.shadow.serial, wk.shadow.race, wk.forum = l.serial, nil, nil
	if l.k.talks && wk.checked {
		wk.forum = newForum()
	}
	if m.o.Shuffle != 0 {
		wk.rng = rand.New(&wk.pcg)
	}
	if m.o.Trace != nil {
		wk.trace = m.traced
	}
	return wk
}

func (wk *worker) run() {
	l := wk.l
	if l.together {
		wk.place = 0
		if f := wk.all(); f != nil {
			l.report(0, f)
		}
		return
	}
	for !l.stop.Load() {
		wk.place = l.next.Add(1) - 1
		if wk.place >= l.bad.Load() || wk.place >= int64(l.blocks) {
			return
		}
		n := int(wk.place)
		if l.order != nil {
			n = l.order[n]
		}
		if f := wk.one(n); f != nil {
			l.report(wk.place, f)
		}
	}
}

// stopped is what a block panics with when the launch is over without its fault.
type stopped struct{}

// one runs block number n and returns its fault.
func (wk *worker) one(n int) *Fault {
	return caught(func() {
		wk.block.begin(n)
		wk.takeTurns(wk.block)
	})
}

// caught returns the fault that f ends with.
func caught(f func()) (fault *Fault) {
	defer func() {
		switch e := recover().(type) {
		case nil, stopped:
		case *Fault:
			fault = e
		default:
			panic(e)
		}
	}()
	f()
	return nil
}

// report keeps the fault of the block that comes first.
func (l *launch) report(place int64, f *Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if place < l.bad.Load() {
		l.bad.Store(place)
		l.fault = f
	}
}

// pause is called now and then by running warps.
func (wk *worker) pause(w *warp) {
	if wk.l.stop.Load() || wk.place > wk.l.bad.Load() {
		panic(stopped{})
	}
	if w.steps > wk.l.m.o.MaxSteps {
		w.fault(Endless, w.active, "one warp has run %d instructions", w.steps)
	}
}
