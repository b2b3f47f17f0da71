package ptxsim_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"gradgrad/kernels/cuda/ptxsim"
)

// transpose moves a 16 x 16 matrix through shared memory. Its rows are 16 words apart
// there, so that reading a column meets the same banks again and again.
const transpose = `
.version 7.0
.target sm_80
.address_size 64
.visible .entry transpose(.param .u64 from, .param .u64 to) {
	.reg .b32 %x, %y, %s, %v;
	.reg .b64 %from, %to;
	.shared .align 4 .b32 tile[256];
	ld.param.u64 %from, [from];
	ld.param.u64 %to, [to];
	mov.u32 %x, %tid.x;
	mov.u32 %y, %tid.y;
	mad.lo.u32 %v, %y, 16, %x;
	mad.wide.u32 %from, %v, 4, %from;
	mad.wide.u32 %to, %v, 4, %to;
	mov.u32 %s, tile;
	mad.lo.u32 %v, %v, 4, %s;
	mad.lo.u32 %s, %x, 64, %s;
	mad.lo.u32 %s, %y, 4, %s;
	ld.global.u32 %x, [%from];
	st.shared.u32 [%v], %x;
	bar.sync 0;
	ld.shared.u32 %x, [%s];
	st.global.u32 [%to], %x;
	ret;
}
`

// A kernel is run, its result read, and its report printed: the second access to
// shared memory takes 16 passes where one would do.
func Example() {
	mod, err := ptxsim.Parse("transpose.ptx", transpose)
	if err != nil {
		fmt.Println(err)
		return
	}
	k, _ := mod.Kernel("transpose")
	m := ptxsim.New(ptxsim.Options{})
	from, to, err := buffers(m)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := m.Launch(context.Background(), k, [3]int{1, 1, 1}, [3]int{16, 16, 1}, 0, []uint64{from, to}); err != nil {
		fmt.Println(err)
		return
	}
	row := make([]byte, 16)
	if err := m.Read(row, to); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(row[0], row[4], row[8], row[12])
	for _, l := range m.Report()[0].Lines {
		if strings.Contains(l.Code, "shared") {
			fmt.Printf("line %d: %d passes, %d for bank conflicts: %s\n", l.Line, l.SharedPhases, l.BankConflicts, l.Code)
		}
	}
	// Output:
	// 0 16 32 48
	// line 21: 8 passes, 0 for bank conflicts: st.shared.u32 [%v], %x;
	// line 23: 8 passes, 56 for bank conflicts: ld.shared.u32 %x, [%s];
}

// The report of a kernel as text: what its author reads to make it faster.
func ExampleKernelReport() {
	mod, err := ptxsim.Parse("transpose.ptx", transpose)
	if err != nil {
		fmt.Println(err)
		return
	}
	k, _ := mod.Kernel("transpose")
	m := ptxsim.New(ptxsim.Options{})
	from, to, err := buffers(m)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := m.Launch(context.Background(), k, [3]int{1, 1, 1}, [3]int{16, 16, 1}, 0, []uint64{from, to}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(m.Report()[0])
	// Output:
	// transpose (transpose.ptx): 1 launches, 1 blocks, 256 threads, 1024 bytes of shared memory
	//   136 warp instructions, 100% of the lanes busy, 0 divergent branches
	//   global memory: 2048 bytes in 64 sectors, 64 would do
	//   shared memory: 16 passes, and 56 more for bank conflicts
	//     line      warps   busy  sectors   excess conflict  instruction
	//        9          8   100%                             ld.param.u64 %from, [from];
	//       10          8   100%                             ld.param.u64 %to, [to];
	//       11          8   100%                             mov.u32 %x, %tid.x;
	//       12          8   100%                             mov.u32 %y, %tid.y;
	//       13          8   100%                             mad.lo.u32 %v, %y, 16, %x;
	//       14          8   100%                             mad.wide.u32 %from, %v, 4, %from;
	//       15          8   100%                             mad.wide.u32 %to, %v, 4, %to;
	//       16          8   100%                             mov.u32 %s, tile;
	//       17          8   100%                             mad.lo.u32 %v, %v, 4, %s;
	//       18          8   100%                             mad.lo.u32 %s, %x, 64, %s;
	//       19          8   100%                             mad.lo.u32 %s, %y, 4, %s;
	//       20          8   100%       32                    ld.global.u32 %x, [%from];
	//       21          8   100%                             st.shared.u32 [%v], %x;
	//       22          8   100%                             bar.sync 0;
	//       23          8   100%                         56  ld.shared.u32 %x, [%s];
	//       24          8   100%       32                    st.global.u32 [%to], %x;
	//       25          8   100%                             ret;
}

// Without its barrier the kernel is wrong, though the order in which the simulator
// runs warps might hide it.
func ExampleFault() {
	mod, err := ptxsim.Parse("transpose.ptx", strings.Replace(transpose, "bar.sync 0;", "", 1))
	if err != nil {
		fmt.Println(err)
		return
	}
	k, _ := mod.Kernel("transpose")
	m := ptxsim.New(ptxsim.Options{})
	from, to, err := buffers(m)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = m.Launch(context.Background(), k, [3]int{1, 1, 1}, [3]int{16, 16, 1}, 0, []uint64{from, to})
	var f *ptxsim.Fault
	if errors.As(err, &f) {
		fmt.Println(f.Kind)
		fmt.Println(f.Text)
		fmt.Println(f.File, f.Line, f.Block, f.Thread)
	}
	// Output:
	// shared-memory race
	// read of shared memory at 64, which thread (0,1,0) wrote at line 21 without bar.warp.sync or a barrier between
	// transpose.ptx 23 [0 0 0] [1 0 0]
}

// The first steps of a kernel, one line for every instruction that a warp runs.
func ExampleOptions_trace() {
	mod, err := ptxsim.Parse("transpose.ptx", transpose)
	if err != nil {
		fmt.Println(err)
		return
	}
	k, _ := mod.Kernel("transpose")
	steps := 0
	m := ptxsim.New(ptxsim.Options{Trace: func(s ptxsim.Step) {
		if steps++; steps <= 4 {
			x, known := s.Register("%x")
			fmt.Printf("line %d, warp %d, mask %08x, %%x %d %v: %s\n", s.Line, s.Warp, s.Mask, x[:3], known, s.Code)
		}
	}})
	from, to, err := buffers(m)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := m.Launch(context.Background(), k, [3]int{1, 1, 1}, [3]int{16, 16, 1}, 0, []uint64{from, to}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// line 9, warp 0, mask ffffffff, %x [0 0 0] false: ld.param.u64 %from, [from];
	// line 10, warp 0, mask ffffffff, %x [0 0 0] false: ld.param.u64 %to, [to];
	// line 11, warp 0, mask ffffffff, %x [0 0 0] false: mov.u32 %x, %tid.x;
	// line 12, warp 0, mask ffffffff, %x [0 1 2] true: mov.u32 %y, %tid.y;
}

// buffers makes a matrix that counts up and room for another.
func buffers(m *ptxsim.Machine) (from, to uint64, err error) {
	var b []byte
	for i := range uint32(256) {
		b = binary.LittleEndian.AppendUint32(b, i)
	}
	if from, err = m.Alloc("from", 1024); err != nil {
		return
	}
	if to, err = m.Alloc("to", 1024); err != nil {
		return
	}
	return from, to, m.Write(from, b)
}
