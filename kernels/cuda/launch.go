package cuda

import (
	"errors"
	"fmt"
	"math"

	"gradgrad/kernels"
)

// launch is one run of a kernel: its operands and attribute, and the arguments
// that the launcher has collected for the next call of run.
type launch struct {
	*kernels.Args
	dev    *Device
	kernel *kernels.Kernel
	params []uint64
}

// Run implements [kernels.Device]. It panics with a [kernels.DeviceError] where
// the kernel has no code for GPUs.
func (d *Device) Run(k *kernels.Kernel, a *kernels.Args) {
	f := table[k.Name]
	if f == nil {
		d.fail("running "+k.Name, ErrNoKernel)
	}
	for _, all := range [...][]kernels.Buffer{a.In, a.Out} {
		for _, b := range all {
			if b != nil && b.Len() > math.MaxInt32 {
				d.fail("running "+k.Name, fmt.Errorf("an operand of %d elements; a tensor on a GPU has less than 2^31", b.Len()))
			}
		}
	}
	if d.strung(k, a) {
		return
	}
	p, joins := d.pieceOf(k, a)
	if steps := d.smallSteps(k, a); steps != nil && (!joins || d.depends(&p)) {
		d.step(k, steps)
		return
	}
	if joins {
		d.queue.add(p)
		return
	}
	d.before(a)
	d.scratch.reset()
	d.run = launch{Args: a, dev: d, kernel: k, params: d.run.params[:0]}
	f(&d.run)
	d.run.Args = nil
}

// ErrNoKernel is the cause of the [kernels.DeviceError] for a kernel that is in no
// launcher table.
var ErrNoKernel = errors.New("there is no such kernel for GPUs; use -device cpu")

// fail panics with an error that names the kernel.
func (l *launch) fail(format string, a ...any) {
	l.dev.fail("running "+l.kernel.Name, fmt.Errorf(format, a...))
}

// addr is where a buffer begins; 0 for nil.
func (l *launch) addr(b kernels.Buffer) uint64 {
	if b == nil {
		return 0
	}
	return l.dev.of(b).at
}

// ptr, at, num and float append arguments: buffers (nil is 0), addresses, counts
// and float32 numbers.
func (l *launch) ptr(bs ...kernels.Buffer) *launch {
	for _, b := range bs {
		l.params = append(l.params, l.addr(b))
	}
	return l
}

func (l *launch) at(ps ...uint64) *launch {
	l.params = append(l.params, ps...)
	return l
}

func (l *launch) num(ns ...int) *launch {
	for _, n := range ns {
		if n < 0 || n > math.MaxInt32 {
			l.fail("the number %d among its arguments; a tensor on a GPU has less than 2^31 elements", n)
		}
		l.params = append(l.params, uint64(n))
	}
	return l
}

// word appends a 32-bit number that may be any.
func (l *launch) word(w uint32) *launch {
	l.params = append(l.params, uint64(w))
	return l
}

func (l *launch) float(xs ...float64) *launch {
	for _, x := range xs {
		l.params = append(l.params, uint64(math.Float32bits(float32(x))))
	}
	return l
}

// run launches an entry with the arguments collected, which are then forgotten.
// Grid and block are numbers of blocks and of threads along x, y and z; shared is
// the dynamic shared memory in bytes.
func (l *launch) run(entry string, grid, block [3]int, shared int) {
	if max(grid[1], grid[2]) > mostBlocks {
		l.fail("a grid of %v blocks; a GPU has at most %d along y (64, 32 or 16 columns each) and z (matrices, groups)", grid, mostBlocks)
	}
	f := l.ready(entry, shared)
	err := l.dev.drv.Launch(f, grid, block, shared, l.params, l.dev.stream)
	l.dev.must("running "+l.kernel.Name, err)
	l.params = l.params[:0]
}

// ready finds an entry and lets it have its dynamic shared memory.
func (l *launch) ready(entry string, shared int) Function {
	f, err := l.dev.function(entry)
	if err == nil && shared > max(staticShared, l.dev.shared[entry]) {
		err = l.dev.drv.SetShared(f, shared)
		l.dev.shared[entry] = shared
	}
	l.dev.must("running "+l.kernel.Name, err)
	return f
}

// mostBlocks is the most blocks of a grid along y and z; along x there may be 2^31-1.
// Only products use y, for tiles of their columns, and z, for matrices or groups times
// parts: a batch of more than 65,535 matrices, or as many groups, is refused.
const mostBlocks = 65535

// staticShared is the shared memory that needs no asking.
const staticShared = 48 << 10

// threads is the size of a block of kernels that care about nothing else.
const threads = 256

// flat launches an entry for n threads in blocks of the usual size.
func (l *launch) flat(entry string, n int) {
	if n > 0 {
		l.run(entry, [3]int{ceil(n, threads), 1, 1}, [3]int{threads, 1, 1}, 0)
	} else {
		l.params = l.params[:0]
	}
}

func ceil(a, b int) int { return (a + b - 1) / b }

// aligned says whether all addresses can be read four elements at a time.
func aligned(ps ...uint64) bool {
	var all uint64
	for _, p := range ps {
		all |= p
	}
	return all%16 == 0
}

// scratch lends memory to one run of a kernel; the next run gets the same. What was
// handed out once is kept, because a graph that was captured refers to it.
type scratch struct {
	dev   *Device
	slabs []slab
	last  int // the slab in use
	used  int // elements of it
	lent  []uint64
}

type slab struct {
	at uint64
	n  int
}

func (s *scratch) reset() {
	s.last, s.used = 0, 0
	for _, p := range s.lent {
		s.dev.must("taking scratch memory back", s.dev.lend.TakeBack(p))
	}
	s.lent = s.lent[:0]
}

// get returns the address of n elements, aligned to 256 bytes.
func (s *scratch) get(n int) uint64 {
	asked := max(n, 1)
	n = ceil(asked, 64) * 64
	for ; s.last < len(s.slabs); s.last, s.used = s.last+1, 0 {
		if b := s.slabs[s.last]; s.used+n <= b.n {
			return s.take(b, n, asked)
		}
	}
	size := max(n, 1<<18)
	b := slab{s.dev.alloc(size), size}
	s.slabs = append(s.slabs, b)
	s.last, s.used = len(s.slabs)-1, 0
	return s.take(b, n, asked)
}

func (s *scratch) take(b slab, n, asked int) uint64 {
	p := b.at + 4*uint64(s.used)
	s.used += n
	if s.dev.lend != nil {
		s.dev.must("lending scratch memory", s.dev.lend.Lend(p, "scratch memory", 4*int64(asked)))
		s.lent = append(s.lent, p)
	}
	return p
}

// temp is scratch memory of n elements until the launcher returns.
func (l *launch) temp(n int) uint64 { return l.dev.scratch.get(n) }

// upload copies numbers to scratch memory.
func (l *launch) upload(x []uint32) uint64 {
	p := l.temp(len(x))
	if len(x) > 0 {
		l.dev.must("running "+l.kernel.Name, l.dev.copyIn(p, wordBytes(x)))
	}
	return p
}
