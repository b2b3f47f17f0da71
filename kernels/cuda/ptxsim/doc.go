// Package ptxsim runs PTX, the assembly language of NVIDIA GPUs, on the CPU, and
// checks what it runs: kernels can be written, tested and understood on a machine
// without a GPU.
//
//	mod, err := ptxsim.Parse("saxpy.ptx", source)
//	k, ok := mod.Kernel("saxpy")
//	m := ptxsim.New(ptxsim.Options{})
//	x, err := m.Alloc("x", 4*n)
//	err = m.Write(x, bytes)
//	err = m.Launch(ctx, k, grid, block, 0, []uint64{x, y, a, n})
//	err = m.Read(bytes, y)
//	report := m.Report()[0].String()
//
// # What it runs
//
// Whole grids of entries (.entry) of PTX 7 and 8: blocks over goroutines, warps of 32
// lanes in lockstep. A warp has one pc until a branch splits it; then the lanes with
// the lowest pc run until they meet the others. The instructions are those that
// kernels of a deep-learning engine need: integer, bit, float (f16, bf16, f32, f64)
// and conversion instructions with all rounding modes for f32; ld, st, atom and red in
// global, shared, local, const and generic addresses, with vectors; shfl, vote, match,
// redux, activemask; bar and barriers for a part of the block; cp.async with groups
// and zero fill; ldmatrix; mma.sync of m16n8k4 and k8 for TF32, k8 and k16 for BF16
// and F16 with float32 accumulators. Float32 arithmetic is that of the hardware, bit
// for bit: fma rounds once, .ftz flushes, a NaN is 0x7fffffff. What Parse does not
// know is an error, never ignored: .func and call, textures, surfaces, mbarrier, bulk
// copies, wgmma, carries (add.cc), float types below 16 bits.
//
// # What it finds
//
// A [Fault] names kernel, file and line, block, thread and instruction:
//   - accesses outside an allocation, a piece of an arena ([Machine.Lend]), a shared or
//     a local array; misaligned ones; use after free; stray pointers, since every
//     allocation has an address range of its own
//   - reading memory that nobody has written (by the byte; copies from the host and
//     to it count) and registers that have no value on the way that execution took
//   - races in shared memory: two threads, one of them writing, with no barrier
//     between, inside a warp as well, where bar.warp.sync is the barrier
//   - races between blocks of one launch on global memory, by the byte. Atomic operations
//     and .volatile, .relaxed, .acquire and .release accesses of scope .gpu or .sys do not
//     race with each other, and blocks tell each other through them what they have done:
//     a fence or .release before, a fence or .acquire after, and barriers for the other
//     threads on both sides. Leaving out any of these is a race. In one block: reading or
//     overwriting what another thread wrote, with no barrier between
//   - barriers and warp-wide instructions that some threads do not reach
//   - cp.async without its wait or commit: data arrives at the wait and no sooner
//   - endless loops, blocks that wait for what never happens, trap
//
// [Machine.LaunchCooperative] runs grids whose blocks wait for each other.
//
// [Options.Shuffle] changes the order of blocks and warps, which shows what a fixed
// order hides. Results, faults and counts do not depend on the number of goroutines;
// only which of several racing blocks is named may. (Blocks of a kernel that races are
// goroutines that race: Go's race detector sees them, too.)
//
// # What it counts
//
// [Machine.Report]: for every instruction of a kernel how often warps ran it and with
// how many lanes, divergent branches, 32-byte sectors of global memory touched against
// those the bytes would fill, bank conflicts of shared memory. [Options.Trace] shows
// every step.
//
// # What it does not model
//
//   - time: caches, latencies, occupancy, how many registers a thread really gets
//   - weak memory: every thread sees memory in order; that a fence is missing is found
//     as a race in the above sense. What one order of the blocks hides, another may show
//     (Shuffle). Kernels whose blocks talk run on one goroutine
//   - approximate functions (ex2, lg2, rcp.approx, rsqrt, sqrt.approx, div.approx and
//     .full, sin, cos, tanh): computed in float64 and rounded, where the hardware is off
//     by up to some units in the last place
//   - how tensor cores round: products are exact and sums are kept in float64, then
//     rounded once; the hardware truncates in between. TF32 operands lose their lower
//     13 bits, as there
//   - what integer division by zero gives is unspecified; here it is all ones
//
// So compare with tolerances, and repeat the tests on a GPU where there is one.
package ptxsim
