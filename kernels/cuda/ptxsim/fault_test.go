package ptxsim

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// mutation is a kernel made wrong in one place, and what must be said about it.
type mutation struct {
	name     string
	old, new string // the first old becomes new; \t and \n as written
	nth      int    // which old
	kind     FaultKind
	text     string
}

// replaceNth replaces the nth (from 0) occurrence.
func replaceNth(t *testing.T, src, old, with string, nth int) string {
	t.Helper()
	at := 0
	for ; ; nth-- {
		i := strings.Index(src[at:], old)
		if i < 0 {
			t.Fatalf("the kernel has no %q", old)
		}
		at += i
		if nth == 0 {
			return src[:at] + with + src[at+len(old):]
		}
		at += len(old)
	}
}

// wantFault checks the kind, a part of the text, and that the message names kernel,
// file, line, block and thread.
func wantFault(t *testing.T, err error, kind FaultKind, text string) *Fault {
	t.Helper()
	var f *Fault
	if !errors.As(err, &f) {
		t.Fatalf("got %v, want a fault: %s", err, kind)
	}
	if f.Kind != kind || !strings.Contains(f.Text, text) {
		t.Fatalf("got %v\nwant %s: ...%s...", err, kind, text)
	}
	if f.Kernel != "" {
		for _, part := range []string{f.Kernel, fmt.Sprintf("%s:%d", f.File, f.Line), "block (", "thread (", f.Code} {
			if !strings.Contains(err.Error(), part) || f.Line == 0 {
				t.Errorf("%v does not name %q", err, part)
			}
		}
	}
	return f
}

func TestSgemmFaults(t *testing.T) {
	src := source(t, "sgemm.ptx")
	for _, m := range []mutation{
		{"first barrier gone", "bar.sync 0; // both", "// both", 0, SharedRace, "wrote at line"},
		{"second barrier gone", "bar.sync 0; // nobody", "// nobody", 0, SharedRace, "read at line"},
		{"guard of a load dropped", "@%in ld.global.f32 %fa", "ld.global.f32 %fa", 0, OutOfBounds, `"A"`},
		{"guard of the store dropped", "@%in st.global", "st.global", 0, OutOfBounds, `"C"`},
		{"tile not stored", "st.shared.f32 [%sa], %fa;", "", 0, UninitialisedMemory, "shared memory"},
		{"barrier under a predicate", "bar.sync 0; // both", "@%in bar.sync 0; //", 0, Divergence, "barrier"},
		{"threads leave early", "TILE:\n", "setp.ge.u32 %p, %row, %m;\n@%p ret;\nTILE:\n", 0, Divergence, "exited"},
		{"shared offset too large", "mov.u32 %a, As;", "mov.u32 %a, 2048;", 0, OutOfBounds, "2048 bytes of shared memory"},
		{"shared address misaligned", "shl.b32 %i, %i, 2;", "shl.b32 %i, %i, 1;", 0, Misaligned, "shared memory"},
		{"accumulator not set", "mov.f32 %acc, 0f00000000;", "", 0, UninitialisedRegister, "%acc"},
		{"zero for the tail forgotten", "mov.f32 %fb, 0f00000000;", "", 0, UninitialisedRegister, "%fb"},
		{"wrong stride", "mad.lo.u32 %i, %row, %n, %col;", "mad.lo.u32 %i, %row, %k, %col;", 0, GlobalRace, `"C"`},
		{"loop without end", "add.u32 %k0, %k0, 16;", "", 0, Endless, "instructions"},
	} {
		t.Run(m.name, func(t *testing.T) {
			mod, err := Parse("sgemm.ptx", replaceNth(t, src, m.old, m.new, m.nth))
			if err != nil {
				t.Fatal(err)
			}
			k, _ := mod.Kernel("sgemm")
			for _, workers := range []int{1, 4} {
				_, _, err = gemm(t, New(Options{Workers: workers, MaxSteps: 1 << 14}), k, 37, 53, 29)
				wantFault(t, err, m.kind, m.text)
			}
		})
	}
}

// snippet builds a kernel with a pointer parameter p and an integer parameter n
// around some instructions.
func snippet(body string) string {
	return `.version 7.0
.target sm_80
.address_size 64
.visible .entry test(.param .u64 p, .param .u32 n) {
	.reg .pred %p<4>;
	.reg .b16 %h<8>;
	.reg .b32 %r<20>;
	.reg .f32 %f<20>;
	.reg .b64 %rd<10>;
	.reg .f64 %d<10>;
	.shared .align 16 .b8 smem[1024];
	ld.param.u64 %rd1, [p];
	ld.param.u32 %r1, [n];
	mov.u32 %r2, %tid.x;
	mov.u32 %r3, %ctaid.x;
	mul.wide.u32 %rd2, %r2, 4;
	add.u64 %rd2, %rd1, %rd2; // p + 4 tid
	shl.b32 %r4, %r2, 2;
	mov.u32 %r5, smem;
	add.u32 %r4, %r4, %r5; // smem + 4 tid
` + body + "\n\tret;\n}\n"
}

// runSnippet runs it over grid blocks of threads with a buffer of words at p, which
// is zero where n is not and undefined where n is 0.
func runSnippet(t *testing.T, m *Machine, body string, grid, threads, words int, n uint64) (uint64, error) {
	t.Helper()
	mod, err := Parse("snippet.ptx", snippet(body))
	if err != nil {
		t.Fatal(err)
	}
	k, _ := mod.Kernel("test")
	p, err := m.Alloc("p", int64(4*words))
	if err == nil && n != 0 {
		err = m.Write(p, make([]byte, 4*words))
	}
	if err != nil {
		t.Fatal(err)
	}
	return p, m.Launch(context.Background(), k, [3]int{grid, 1, 1}, [3]int{threads, 1, 1}, 0, []uint64{p, n})
}

var faultCases = []struct {
	name          string
	body          string
	grid, threads int
	kind          FaultKind
	text          string
}{
	{"store past the end", "st.global.u32 [%rd2+4], %r2;", 1, 64, OutOfBounds, `offset 256 of "p", which has 256`},
	{"store before the front", "st.global.u32 [%rd2+-8], %r2;", 1, 64, OutOfBounds, `8 bytes before "p"`},
	{"vector past the end", "st.global.v4.u32 [%rd1+248], {%r2, %r2, %r2, %r2};", 1, 1, OutOfBounds, "16 bytes at offset 248"},
	{"vector misaligned", "st.global.v4.u32 [%rd1+8], {%r2, %r2, %r2, %r2};", 1, 1, Misaligned, "16 bytes at offset 8"},
	{"null pointer", "mov.u64 %rd3, 0;\nst.global.u32 [%rd3], %r2;", 1, 1, StrayPointer, "0x0"},
	{"shared address in global memory", "st.shared.u32 [%r4], %r2;\ncvta.shared.u64 %rd3, 16;\nld.global.u32 %r6, [%rd3];", 1, 32, StrayPointer, ""},
	{"global never written", "ld.global.u32 %r6, [%rd2];", 1, 32, UninitialisedMemory, `"p"`},
	{"half written", "st.global.u16 [%rd2], %r2;\nld.global.u32 %r6, [%rd2];", 1, 32, UninitialisedMemory, "offset 2"},
	{"shared never written", "ld.shared.u32 %r6, [%r4];", 1, 32, UninitialisedMemory, "shared"},
	{"shared outside", "st.shared.u32 [%r4+1024], %r2;", 1, 32, OutOfBounds, "1024 bytes of shared"},
	{"register on one side only", "setp.lt.u32 %p1, %r2, 5;\n@%p1 bra A;\nmov.u32 %r6, 1;\nA: add.u32 %r7, %r6, 1;", 1, 32, UninitialisedRegister, "%r6 is read before it has a value (in 5 of 32 lanes)"},
	{"register under a guard", "setp.lt.u32 %p1, %r2, 5;\n@%p1 mov.u32 %r6, 1;\nadd.u32 %r7, %r6, 1;", 1, 32, UninitialisedRegister, "27 of 32"},
	{"guard without value", "@%p2 mov.u32 %r6, 1;", 1, 32, UninitialisedRegister, "%p2"},
	{"wide register", "add.u64 %rd4, %rd5, 1;", 1, 32, UninitialisedRegister, "%rd5"},
	{"neighbour in the warp without a barrier", "st.shared.u32 [%r4], %r2;\nxor.b32 %r6, %r4, 4;\nld.shared.u32 %r7, [%r6];", 1, 32, SharedRace, "without bar.warp.sync"},
	{"two warps, warp barrier only", "st.shared.u32 [%r4], %r2;\nbar.sync 0;\nst.shared.u32 [%r4], %r2;\nbar.warp.sync 0xffffffff;\nxor.b32 %r6, %r4, 128;\nld.shared.u32 %r7, [%r6];", 1, 64, SharedRace, "without a barrier"},
	{"write after read", "st.shared.u32 [%r4], %r2;\nbar.sync 0;\nld.shared.u32 %r7, [%r5];\nst.shared.u32 [%r5], %r7;", 1, 64, SharedRace, "read at line"},
	{"different values to one place", "st.shared.u32 [%r5], %r2;", 1, 32, SharedRace, "wrote"},
	{"atomic beside plain", "st.shared.u32 [%r5], 1;\natom.shared.add.u32 %r6, [%r5], 1;", 1, 64, SharedRace, ""},
	{"read of what a neighbour wrote", "st.global.u32 [%rd2], %r2;\nxor.b32 %r6, %r2, 1;\nmul.wide.u32 %rd3, %r6, 4;\nadd.u64 %rd3, %rd1, %rd3;\nld.global.u32 %r6, [%rd3];", 1, 32, GlobalRace, "of the same block wrote at line"},
	{"threads of a block write one place", "st.global.u32 [%rd1], %r2;", 1, 64, GlobalRace, "write of another value"},
	{"blocks write one place", "st.global.u32 [%rd2], %r3;", 2, 32, GlobalRace, `write of "p" (256 bytes) at offset 0`},
	{"block reads what another writes", "setp.eq.u32 %p1, %r3, 0;\n@%p1 st.global.u32 [%rd2], %r3;\n@!%p1 ld.global.u32 %r6, [%rd2];", 2, 32, GlobalRace, "offset 0"},
	{"block writes what another read", "setp.ne.u32 %p1, %r3, 1;\n@%p1 ld.global.u32 %r6, [%rd2+128];\nsetp.eq.u32 %p1, %r3, 1;\n@%p1 st.global.u32 [%rd2+128], %r3;", 2, 32, GlobalRace, "offset 128"},
	{"plain beside atomic", "red.global.add.u32 [%rd1+128], 1;\nsetp.eq.u32 %p1, %r3, 1;\n@%p1 st.global.u32 [%rd1+128], %r3;", 2, 1, GlobalRace, ""},
	{"barrier in a branch", "setp.lt.u32 %p1, %r2, 5;\n@%p1 bra A;\nbar.sync 0;\nA:", 1, 32, Divergence, "27 of 32 threads"},
	{"barrier after exits", "setp.lt.u32 %p1, %r2, 32;\n@%p1 ret;\nbar.sync 0;", 1, 64, Divergence, "exited"},
	{"barrier one warp never reaches", "setp.lt.u32 %p1, %r2, 32;\n@%p1 bra A;\nret;\nA: bar.sync 0;", 1, 64, Divergence, "exited"},
	{"shuffle in a branch", "setp.lt.u32 %p1, %r2, 5;\n@%p1 bra A;\nshfl.sync.bfly.b32 %r6, %r2, 1, 31, -1;\nA:", 1, 32, Divergence, "ffffffe0"},
	{"shuffle from a lane left out", "setp.ge.u32 %p1, %r2, 16;\n@%p1 bra A;\nshfl.sync.bfly.b32 %r6, %r2, 16, 31, 0xffff;\nadd.u32 %r7, %r6, 1;\nA:", 1, 32, UninitialisedRegister, "%r6"},
	{"a lane that the mask leaves out", "shfl.sync.bfly.b32 %r6, %r2, 1, 31, 0xffff;", 1, 32, Divergence, "leaves it out"},
	{"a mask with lanes that have exited", "setp.lt.u32 %p1, %r2, 5;\n@%p1 ret;\nvote.sync.ballot.b32 %r6, %p1, -1;", 1, 32, Divergence, "0000001f have exited"},
	{"masks that differ", "vote.sync.ballot.b32 %r6, %p1, %r2;", 1, 32, UninitialisedRegister, "%p1"},
	{"member masks that differ", "setp.lt.u32 %p1, %r2, 5;\nvote.sync.ballot.b32 %r6, %p1, %r2;", 1, 32, Divergence, "member mask"},
	{"local memory never written", ".local .b32 a[2];\nld.local.u32 %r6, [a+4];", 1, 32, UninitialisedMemory, "4 of local memory"},
	{"local memory outside", ".local .b32 a[2];\nst.local.u32 [a+8], %r2;", 1, 32, OutOfBounds, "8 bytes of local memory"},
	{"local memory misaligned", ".local .b32 a[2];\nst.local.u32 [a+2], %r2;", 1, 32, Misaligned, "local memory"},
	{"barrier for no whole warps", "mov.u32 %r6, 40;\nbar.sync 1, %r6;", 1, 64, Trap, "multiple of 32"},
	{"barriers for different numbers", "setp.lt.u32 %p1, %r2, 32;\n@%p1 bra A;\nbar.sync 1, 96;\nbra B;\nA: bar.sync 1, 64;\nB:", 1, 96, Divergence, "others wait for"},
	{"source of a copy misaligned", "cp.async.ca.shared.global [%r4], [%rd1+2], 4;", 1, 32, Misaligned, "cp.async"},
	{"source size too large", "mov.u32 %r6, 5;\ncp.async.ca.shared.global [%r4], [%rd1], 4, %r6;", 1, 32, Trap, "source size of 5"},
	{"overrun into shared memory by a copy", "cp.async.ca.shared.global [%r4+1024], [%rd1], 4;", 1, 32, OutOfBounds, "shared"},
	{"uniform branch that is not", "setp.lt.u32 %p1, %r2, 5;\n@%p1 bra.uni A;\nA:", 1, 32, Divergence, "bra.uni"},
	{"no wait", "cp.async.ca.shared.global [%r4], [%rd1], 4;\ncp.async.commit_group;\nld.shared.u32 %r6, [%r4];", 1, 32, AsyncCopy, "without its wait"},
	{"wait for too few groups", "cp.async.ca.shared.global [%r4], [%rd1], 4;\ncp.async.commit_group;\ncp.async.wait_group 1;\nld.shared.u32 %r6, [%r4];", 1, 32, AsyncCopy, "without its wait"},
	{"no commit", "cp.async.ca.shared.global [%r4], [%rd1], 4;\ncp.async.wait_group 0;\nld.shared.u32 %r6, [%r4];", 1, 32, AsyncCopy, "without its wait"},
	{"end without commit", "cp.async.ca.shared.global [%r4], [%rd1], 4;", 1, 32, AsyncCopy, "no commit and wait"},
	{"end without wait", "cp.async.ca.shared.global [%r4], [%rd1], 4;\ncp.async.commit_group;", 1, 32, AsyncCopy, "no wait"},
	{"wait without barrier", "cp.async.ca.shared.global [%r4], [%rd1], 4;\ncp.async.wait_all;\nxor.b32 %r6, %r4, 128;\nld.shared.u32 %r7, [%r6];", 1, 64, UninitialisedMemory, "shared"},
	{"copy over what is being read", "st.shared.u32 [%r4], %r2;\nbar.sync 0;\nxor.b32 %r6, %r4, 128;\nld.shared.u32 %r7, [%r6];\ncp.async.ca.shared.global [%r4], [%rd1], 4;\ncp.async.wait_all;", 1, 64, SharedRace, "read"},
	{"trap", "trap;", 1, 32, Trap, "trap"},
}

func TestFaults(t *testing.T) {
	for _, c := range faultCases {
		t.Run(c.name, func(t *testing.T) {
			for _, workers := range []int{1, 3} {
				n := uint64(0)
				if c.kind == GlobalRace || strings.Contains(c.body, "cp.async") {
					n = 1
				}
				_, err := runSnippet(t, New(Options{Workers: workers}), c.body, c.grid, c.threads, 64, n)
				wantFault(t, err, c.kind, c.text)
			}
		})
	}
}
