package kernels

import (
	"runtime"
	"sync/atomic"
	"time"
)

// For calls fn(i) for every i in [0, n), on up to GOMAXPROCS goroutines. The
// order is undefined, so fn(i) must depend on nothing that another call writes;
// what n is must not depend on the number of threads where bits matter. Calls
// within fn, and those made while another goroutine's For is running, do all
// their work on the caller. A panic in fn reaches the caller of For.
func For(n int, fn func(i int)) { workers.run(n, fn) }

// Workers is the number of goroutines that [For] may use at this moment.
func Workers() int { return runtime.GOMAXPROCS(0) }

// spinTime is how long a worker looks for work before it parks. Waking a parked
// thread takes over 100 us on a virtual machine, a spinning one starts at once.
const spinTime = 1500 * time.Microsecond

// politeTime is how long it spins without letting other goroutines run.
const politeTime = 50 * time.Microsecond

// workers are the goroutines that share the work of For with its caller.
var workers pool

// pool is one job at a time, and the goroutines that join in.
//
// The state word says which job it is, whether it is open to be joined, and how
// many workers are inside; so joining and closing exclude each other. Whoever
// is inside may read the job, which the caller changes only when all have left.
type pool struct {
	owner atomic.Bool // somebody's job is running
	state atomic.Uint64
	_     [48]byte // the counter has a cache line of its own
	next  atomic.Int64
	_     [56]byte

	n    int // the job
	fn   func(i int)
	size int // how many goroutines may work

	failed  atomic.Pointer[any] // the first panic of a worker
	sleeper []*sleeper          // of worker i+1; grows, changed by the owner alone
}

// The parts of the state word.
const (
	stateInside = 1       // one worker
	stateOpen   = 1 << 16 // the job may be joined
	stateJob    = 1 << 17 // one job
	insideMask  = stateOpen - 1
)

// sleeper is how a worker parks.
type sleeper struct {
	parked atomic.Bool
	wake   chan struct{}
}

func (p *pool) run(n int, fn func(i int)) {
	size := min(Workers(), n, insideMask)
	if size <= 1 || !p.owner.CompareAndSwap(false, true) {
		for i := range n {
			fn(i)
		}
		return
	}
	p.n, p.size, p.fn = n, size, fn
	p.next.Store(0)
	p.failed.Store(nil)
	p.state.Add(stateJob | stateOpen)
	p.call(size - 1)
	defer p.finish()
	p.work()
}

// call wakes the first n workers, and makes them if need be.
func (p *pool) call(n int) {
	for len(p.sleeper) < n {
		s := &sleeper{wake: make(chan struct{}, 1)}
		p.sleeper = append(p.sleeper, s)
		go p.worker(len(p.sleeper), s)
	}
	for _, s := range p.sleeper[:n] {
		if s.parked.Load() && s.parked.CompareAndSwap(true, false) {
			s.wake <- struct{}{}
		}
	}
}

// work takes indices until there are none.
func (p *pool) work() {
	n, fn := p.n, p.fn
	for {
		i := int(p.next.Add(1)) - 1
		if i >= n {
			return
		}
		fn(i)
	}
}

// finish closes the job, waits for those inside, and hands on their panic. It
// runs deferred, so that a panic of the caller's own share leaves a sound pool.
func (p *pool) finish() {
	p.next.Store(int64(p.n)) // after a panic, nothing further is begun
	p.state.And(^uint64(stateOpen))
	for spins := 0; p.state.Load()&insideMask != 0; spins++ {
		if spins < 1000 {
			pause()
		} else {
			runtime.Gosched() // the worker may be waiting for this very thread
		}
	}
	p.fn = nil
	failed := p.failed.Load()
	p.owner.Store(false)
	if failed != nil {
		panic(*failed)
	}
}

// worker joins jobs for ever.
func (p *pool) worker(id int, s *sleeper) {
	var seen uint64 // the last job looked at
	for {
		state := p.await(seen, s)
		seen = state / stateJob
		if p.state.CompareAndSwap(state, state+stateInside) {
			p.join(id)
		} else {
			seen-- // somebody else joined or left at that moment: look again
		}
	}
}

// join does the share of a worker that is inside, keeps its panic for the
// caller, and leaves, even where fn ends its goroutine.
func (p *pool) join(id int) {
	defer func() {
		if e := recover(); e != nil {
			p.failed.CompareAndSwap(nil, &e)
			p.next.Store(int64(p.n))
		}
		p.state.Add(^uint64(stateInside - 1))
	}()
	if id < p.size {
		p.work()
	}
}

// await returns the state word when it shows an open job other than the last:
// at first it spins, soon letting others, such as the garbage collector, have
// the thread between two looks; then it parks.
func (p *pool) await(seen uint64, s *sleeper) uint64 {
	fresh := func(state uint64) bool { return state&stateOpen != 0 && state/stateJob != seen }
	for {
		start := time.Now()
		for waited := time.Duration(0); waited < spinTime; waited = time.Since(start) {
			if waited > politeTime {
				runtime.Gosched()
			}
			for range 32 {
				if state := p.state.Load(); fresh(state) {
					return state
				}
				pause()
			}
		}
		s.parked.Store(true)
		if fresh(p.state.Load()) && s.parked.CompareAndSwap(true, false) {
			continue
		}
		<-s.wake
	}
}
