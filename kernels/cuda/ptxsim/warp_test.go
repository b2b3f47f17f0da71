package ptxsim

import (
	"context"
	"encoding/binary"
	"slices"
	"testing"
)

// words reads n 32-bit words.
func words(t testing.TB, m *Machine, p uint64, n int) []uint32 {
	t.Helper()
	b := make([]byte, 4*n)
	if err := m.Read(b, p); err != nil {
		t.Fatal(err)
	}
	v := make([]uint32, n)
	for i := range v {
		v[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return v
}

// warpCases are instructions whose lanes look at each other or at where they are.
// Every thread stores %r9; n is 5.
var warpCases = []struct {
	name, body string
	threads    int
	want       func(i int) uint32
}{
	{"shfl.idx", "shfl.sync.idx.b32 %r9, %r2, 3, 31, -1;", 32, func(int) uint32 { return 3 }},
	{"shfl.idx in segments of 8", "shfl.sync.idx.b32 %r9, %r2, 3, 0x181f, -1;", 32, func(i int) uint32 { return uint32(i&^7 + 3) }},
	{"shfl.bfly", "shfl.sync.bfly.b32 %r9, %r2, 5, 31, -1;", 32, func(i int) uint32 { return uint32(i ^ 5) }},
	{"shfl.down keeps its own at the end", "shfl.sync.down.b32 %r9, %r2, 4, 31, -1;", 32, func(i int) uint32 {
		if i+4 > 31 {
			return uint32(i)
		}
		return uint32(i + 4)
	}},
	{"shfl.up keeps its own at the front", "shfl.sync.up.b32 %r9, %r2, 4, 0, -1;", 32, func(i int) uint32 {
		if i < 4 {
			return uint32(i)
		}
		return uint32(i - 4)
	}},
	{"shfl says whether it is in range", "shfl.sync.down.b32 %r8|%p1, %r2, 4, 31, -1;\nselp.u32 %r9, 1, 0, %p1;", 32, func(i int) uint32 { return uint32(truth(i < 28)) }},
	{"sum by shuffles", "mov.u32 %r9, %r2;\n" +
		"shfl.sync.bfly.b32 %r8, %r9, 16, 31, -1;\nadd.u32 %r9, %r9, %r8;\nshfl.sync.bfly.b32 %r8, %r9, 8, 31, -1;\nadd.u32 %r9, %r9, %r8;\n" +
		"shfl.sync.bfly.b32 %r8, %r9, 4, 31, -1;\nadd.u32 %r9, %r9, %r8;\nshfl.sync.bfly.b32 %r8, %r9, 2, 31, -1;\nadd.u32 %r9, %r9, %r8;\n" +
		"shfl.sync.bfly.b32 %r8, %r9, 1, 31, -1;\nadd.u32 %r9, %r9, %r8;", 32, func(int) uint32 { return 496 }},
	{"ballot", "setp.lt.u32 %p1, %r2, %r1;\nvote.sync.ballot.b32 %r9, %p1, -1;", 32, func(int) uint32 { return 31 }},
	{"vote.any", "setp.eq.u32 %p1, %r2, %r1;\nvote.sync.any.pred %p2, %p1, -1;\nselp.u32 %r9, 1, 0, %p2;", 32, func(int) uint32 { return 1 }},
	{"vote.all", "setp.eq.u32 %p1, %r2, %r1;\nvote.sync.all.pred %p2, !%p1, -1;\nselp.u32 %r9, 1, 0, %p2;", 32, func(int) uint32 { return 0 }},
	{"vote.uni", "setp.eq.u32 %p1, %r1, 5;\nvote.sync.uni.pred %p2, %p1, -1;\nselp.u32 %r9, 1, 0, %p2;", 32, func(int) uint32 { return 1 }},
	{"match.any", "and.b32 %r8, %r2, 1;\nmatch.any.sync.b32 %r9, %r8, -1;", 32, func(i int) uint32 { return 0x55555555 << (i & 1) }},
	{"redux.add", "redux.sync.add.s32 %r9, %r2, -1;", 32, func(int) uint32 { return 496 }},
	{"redux.min", "sub.s32 %r8, %r2, 7;\nredux.sync.min.s32 %r9, %r8, -1;", 32, func(int) uint32 { return ^uint32(6) }},
	{"redux.or", "redux.sync.or.b32 %r9, %r2, -1;", 32, func(int) uint32 { return 31 }},
	{"redux.and", "or.b32 %r8, %r2, 8;\nredux.sync.and.b32 %r9, %r8, -1;", 32, func(int) uint32 { return 8 }},
	{"redux.xor", "redux.sync.xor.b32 %r9, %r2, -1;", 32, func(int) uint32 { return 0 }},
	{"redux.max", "redux.sync.max.u32 %r9, %r2, -1;", 32, func(int) uint32 { return 31 }},
	{"isspacep", "cvta.shared.u64 %rd3, 16;\nisspacep.shared %p1, %rd3;\nisspacep.global %p2, %rd1;\nselp.u32 %r9, 1, 0, %p1;\n@%p2 add.u32 %r9, %r9, 2;", 32, func(int) uint32 { return 3 }},
	{"cvta of a name, and back", "st.shared.u32 [%r4], %r2;\nmov.u64 %rd4, smem;\ncvta.shared.u64 %rd3, %rd4;\ncvta.to.shared.u64 %rd3, %rd3;\ncvt.u32.u64 %r9, %rd3;\nsub.u32 %r9, %r9, %r5;", 32, func(int) uint32 { return 0 }},
	{"hints do nothing", "prefetch.global.L2 [%rd1];\nnanosleep.u32 20;\nfence.acq_rel.gpu;\nmov.u32 %r9, 4;", 32, func(int) uint32 { return 4 }},
	{"clock64", "mov.u64 %rd3, %clock64;\nmov.u64 %rd4, %clock64;\nsub.u64 %rd3, %rd4, %rd3;\ncvt.u32.u64 %r9, %rd3;", 32, func(int) uint32 { return 1 }},
	{"activemask", "setp.ge.u32 %p1, %r2, 16;\nmov.u32 %r9, 0;\n@%p1 bra A;\nactivemask.b32 %r9;\nA:", 32, func(i int) uint32 { return uint32(truth(i < 16)) * 0xffff }},
	{"laneid", "mov.u32 %r9, %laneid;", 80, func(i int) uint32 { return uint32(i % 32) }},
	{"warpid", "mov.u32 %r9, %warpid;", 80, func(i int) uint32 { return uint32(i / 32) }},
	{"nwarpid", "mov.u32 %r9, %nwarpid;", 80, func(i int) uint32 { return 3 }},
	{"lanemask", "mov.u32 %r8, %lanemask_lt;\nmov.u32 %r9, %lanemask_ge;\nxor.b32 %r9, %r9, %r8;", 32, func(int) uint32 { return full }},
	{"lanemask_le", "mov.u32 %r9, %lanemask_le;", 32, func(i int) uint32 { return uint32(uint64(2)<<i - 1) }},
	{"lanemask_gt", "mov.u32 %r9, %lanemask_gt;\nmov.u32 %r8, %lanemask_eq;\nor.b32 %r9, %r9, %r8;", 32, func(i int) uint32 { return full << i }},
	{"ntid", "mov.u32 %r9, %ntid.x;", 80, func(int) uint32 { return 80 }},
	{"clock goes on", "mov.u32 %r8, %clock;\nmov.u32 %r9, %clock;\nsub.u32 %r9, %r9, %r8;", 32, func(int) uint32 { return 1 }},
	{"branch and meet", "setp.lt.u32 %p1, %r2, %r1;\nmov.u32 %r9, 1;\n@%p1 bra A;\nmov.u32 %r9, 2;\nbra B;\nA: mov.u32 %r9, 3;\nB: add.u32 %r9, %r9, 10;\nshfl.sync.idx.b32 %r8, %r9, %r2, 31, -1;", 32, func(i int) uint32 {
		if i < 5 {
			return 13
		}
		return 12
	}},
	{"loops of different length", "mov.u32 %r9, 0;\nL: setp.ge.u32 %p1, %r9, %r2;\n@%p1 bra E;\nadd.u32 %r9, %r9, 1;\nbra L;\nE: bar.sync 0;", 64, func(i int) uint32 { return uint32(i) }},
	{"nested branches", "mov.u32 %r9, 0;\nand.b32 %r8, %r2, 1;\nsetp.eq.u32 %p1, %r8, 0;\n@%p1 bra A;\nadd.u32 %r9, %r9, 1;\nand.b32 %r8, %r2, 2;\nsetp.eq.u32 %p2, %r8, 0;\n@%p2 bra B;\nadd.u32 %r9, %r9, 2;\nB: add.u32 %r9, %r9, 4;\nA: bar.warp.sync -1;", 32, func(i int) uint32 {
		if i&1 == 0 {
			return 0
		}
		return uint32(5 + i&2)
	}},
	{"scoped labels and registers", "{ .reg .b32 %r9; mov.u32 %r9, 7; bra L; trap; L: }\n{ mov.u32 %r9, 8; bra L; trap; L: }", 32, func(int) uint32 { return 8 }},
	{"shared through cvta", "st.shared.u32 [%r4], %r2;\ncvt.u64.u32 %rd3, %r4;\ncvta.shared.u64 %rd3, %rd3;\nld.u32 %r9, [%rd3];", 32, func(i int) uint32 { return uint32(i) }},
	{"local memory", ".local .align 8 .b32 a[2];\nst.local.u32 [a+4], %r2;\nmov.u64 %rd3, a;\ncvta.local.u64 %rd3, %rd3;\nld.u32 %r9, [%rd3+4];", 80, func(i int) uint32 { return uint32(i) }},
	{"bytes and halves", "st.shared.u8 [%r4], 0x81;\nst.shared.u8 [%r4+1], %r2;\nst.shared.u16 [%r4+2], 0xffff;\nld.shared.s8 %r8, [%r4];\nld.shared.u16 %r9, [%r4+2];\nadd.u32 %r9, %r9, %r8;", 32, func(int) uint32 { return 0xffff - 0x7f }},
	{"neighbouring halves do not race", "shl.b32 %r8, %r2, 1;\nadd.u32 %r8, %r8, %r5;\ncvt.u16.u32 %h1, %r2;\nst.shared.b16 [%r8], %h1;\nbar.sync 0;\nld.shared.b16 %h2, [%r8];\ncvt.u32.u16 %r9, %h2;", 64, func(i int) uint32 { return uint32(i) }},
	{"vectors", "shl.b32 %r8, %r2, 4;\nadd.u32 %r8, %r8, %r5;\nst.shared.v4.u32 [%r8], {%r2, 5, %r2, %r8};\nld.shared.v2.u32 {%r9, _}, [%r8+8];", 64, func(i int) uint32 { return uint32(i) }},
	{"one value from all lanes of a store", "st.shared.u32 [%r5], %r1;\nbar.sync 0;\nld.shared.u32 %r9, [%r5];", 32, func(int) uint32 { return 5 }},
	{"bar.red.popc", "setp.lt.u32 %p1, %r2, 40;\nbar.red.popc.u32 %r9, 0, %p1;", 64, func(int) uint32 { return 40 }},
	{"bar.red.and", "setp.lt.u32 %p1, %r2, 40;\nbar.red.and.pred %p2, 0, %p1;\nselp.u32 %r9, 1, 0, %p2;", 64, func(int) uint32 { return 0 }},
	{"bar.red.or", "setp.lt.u32 %p1, %r2, 40;\nbar.red.or.pred %p2, 0, !%p1;\nselp.u32 %r9, 1, 0, %p2;", 64, func(int) uint32 { return 1 }},
	{"barrier for a part of the block", "setp.ge.u32 %p1, %r2, 64;\n@%p1 bra A;\nst.shared.u32 [%r4], %r2;\nbar.sync 1, 64;\nxor.b32 %r8, %r4, 128;\nld.shared.u32 %r9, [%r8];\nbra B;\nA: mov.u32 %r9, 9;\nB:", 96, func(i int) uint32 {
		if i < 64 {
			return uint32(i ^ 32)
		}
		return 9
	}},
	{"arrive and sync", "setp.ge.u32 %p1, %r2, 32;\n@%p1 bra A;\nst.shared.u32 [%r4], %r2;\nbar.arrive 2, 64;\nmov.u32 %r9, 0;\nbra B;\nA: bar.sync 2, 64;\nadd.u32 %r8, %r4, -128;\nld.shared.u32 %r9, [%r8];\nB:", 64, func(i int) uint32 { return uint32(i & 31 * (i >> 5)) }},
	{"global memory behind a barrier", "st.global.u32 [%rd2], %r2;\nbar.sync 0;\nxor.b32 %r6, %r2, 33;\nmul.wide.u32 %rd3, %r6, 4;\nadd.u64 %rd3, %rd1, %rd3;\nld.global.u32 %r9, [%rd3];\nbar.sync 0;", 64, func(i int) uint32 { return uint32(i ^ 33) }},
	{"one value from all threads of a block", "st.global.u32 [%rd1], %r1;\nbar.sync 0;\nld.global.u32 %r9, [%rd1];", 64, func(int) uint32 { return 5 }},
	{"atomics in shared memory", "setp.eq.u32 %p1, %r2, 0;\n@%p1 st.shared.u32 [%r5], 0;\nbar.sync 0;\natom.shared.add.u32 %r8, [%r5], 2;\nbar.sync 0;\nld.shared.u32 %r9, [%r5];", 64, func(int) uint32 { return 128 }},
	{"cp.async with zeros", "st.global.v4.u32 [%rd1], {%r1, %r1, %r1, %r1};\nbar.sync 0;\nshl.b32 %r8, %r2, 4;\nadd.u32 %r8, %r8, %r5;\ncp.async.cg.shared.global [%r8], [%rd1], 16, 8;\ncp.async.wait_all;\nld.shared.v4.u32 {%r6, %r7, %r10, %r11}, [%r8];\nshl.b32 %r10, %r10, 8;\nadd.u32 %r9, %r7, %r10;", 32, func(int) uint32 { return 5 }},
}

func TestWarps(t *testing.T) {
	for _, c := range warpCases {
		t.Run(c.name, func(t *testing.T) {
			for _, o := range []Options{{}, {Shuffle: 5}, {Unchecked: true}} {
				m := New(o)
				p, err := runSnippet(t, m, c.body+"\nst.global.u32 [%rd2+16], %r9;", 1, c.threads, c.threads+4, 5)
				if err != nil {
					t.Fatal(err)
				}
				for i, got := range words(t, m, p, c.threads+4)[4:] {
					if want := c.want(i); got != want {
						t.Fatalf("thread %d has %#x, want %#x", i, got, want)
					}
				}
			}
		})
	}
}

// TestAtomics lets every thread of some blocks change one word.
func TestAtomics(t *testing.T) {
	for _, c := range []struct {
		op   string
		want uint32
	}{
		{"red.global.add.u32 [%rd1], 3;", 3 * 4 * 64},
		{"atom.global.max.u32 %r9, [%rd1], %r2;", 63},
		{"atom.global.min.s32 %r9, [%rd1], -4;", ^uint32(3)},
		{"atom.global.or.b32 %r9, [%rd1], %r2;", 63},
		{"atom.global.inc.u32 %r9, [%rd1], 9;", 4 * 64 % 10},
		{"atom.global.dec.u32 %r9, [%rd1], 9;", 4}, // 0, 9, 8, ...: 256 steps
		{"atom.global.cas.b32 %r9, [%rd1], 0, 77;", 77},
		{"atom.global.exch.b32 %r9, [%rd1], 12;", 12},
		{"red.global.add.f32 [%rd1], 0f40000000;", uint32(single(512))},
		{"atom.add.u32 %r9, [%rd1], 1;", 256},
	} {
		t.Run(c.op, func(t *testing.T) {
			m := New(Options{Workers: 4})
			p, err := runSnippet(t, m, c.op, 4, 64, 1, 1)
			if err != nil {
				t.Fatal(err)
			}
			if got := words(t, m, p, 1)[0]; got != c.want {
				t.Errorf("got %d, want %d", int32(got), int32(c.want))
			}
		})
	}
}

// TestTickets: the block that draws the last ticket sums what all blocks left, the
// usual way to reduce in one launch.
func TestTickets(t *testing.T) {
	const body = `
	mul.wide.u32 %rd3, %r3, 4;
	add.u64 %rd3, %rd1, %rd3;
	st.global.u32 [%rd3+8], %r3;
	membar.gl;
	atom.global.add.u32 %r6, [%rd1], 1;
	setp.ne.u32 %p1, %r6, 15;
	@%p1 ret;
	membar.gl; // acquire
	mov.u32 %r7, 0;
	mov.u32 %r9, 0;
L:	ld.volatile.global.u32 %r8, [%rd1+8];
	add.u32 %r9, %r9, %r8;
	add.u64 %rd1, %rd1, 4;
	add.u32 %r7, %r7, 1;
	setp.lt.u32 %p1, %r7, 16;
	@%p1 bra L;
	st.volatile.global.u32 [%rd2+4], %r9;`
	for _, workers := range []int{1, 4} {
		m := New(Options{Workers: workers})
		p, err := runSnippet(t, m, body, 16, 1, 18, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got := words(t, m, p, 2)[1]; got != 120 {
			t.Errorf("sum %d, want 120", got)
		}
	}
	for _, fence := range []string{"membar.gl;", "membar.gl; // acquire"} {
		_, err := runSnippet(t, New(Options{}), replaceNth(t, body, fence, "", 0), 16, 1, 18, 1)
		wantFault(t, err, GlobalRace, "of block (0,0,0) wrote at line")
	}
}

const variableSource = `
.version 7.0
.target sm_80
.address_size 64
.const .align 4 .f32 table[4] = {1.0, 2.5, -3, 0f3F000000};
.global .align 4 .u32 counter = 40;
.extern .shared .align 16 .b8 dyn[];
.shared .align 4 .b32 common[4];
.visible .entry variables(.param .u64 p, .param .u16 h, .param .s32 i) {
	.reg .b64 %P, %A; .reg .b32 %t, %x, %y, %s; .reg .b16 %h;
	.shared .b32 own;
	ld.param.u64 %P, [p];
	mov.u32 %t, %tid.x;
	mad.wide.u32 %P, %t, 4, %P;
	mov.u32 %s, dyn;
	mad.lo.u32 %s, %t, 4, %s;
	shl.b32 %x, %t, 2;
	mov.u32 %y, table;
	add.u32 %y, %y, 0;
	mov.u64 %A, table;
	mad.wide.u32 %A, %t, 4, %A;
	ld.const.b32 %x, [%A];
	st.shared.b32 [%s], %x;
	ld.shared.b32 %y, [%s];
	st.global.b32 [%P], %y;
	ld.const.b32 %x, [table+4];
	st.global.b32 [%P+16], %x;
	atom.global.add.u32 %x, [counter], 0;
	st.global.b32 [%P+32], %x;
	ld.param.u16 %h, [h];
	cvt.u32.u16 %x, %h;
	ld.param.s32 %y, [i];
	add.s32 %x, %x, %y;
	st.shared.b32 [common], %x;
	st.shared.b32 [own], %x;
	bar.sync 0;
	ld.shared.b32 %x, [common];
	ld.shared.b32 %y, [own];
	add.s32 %x, %x, %y;
	st.global.b32 [%P+48], %x;
	ret;
}
`

func TestVariables(t *testing.T) {
	mod, err := Parse("variables.ptx", variableSource)
	if err != nil {
		t.Fatal(err)
	}
	k, _ := mod.Kernel("variables")
	if k.Shared != 20 {
		t.Errorf("%d bytes of shared memory, want 20", k.Shared)
	}
	m := New(Options{})
	p := upload(t, m, "p", make([]byte, 64))
	if err := m.Launch(context.Background(), k, [3]int{1, 1, 1}, [3]int{4, 1, 1}, 16, []uint64{p, 7, ^uint64(1)}); err != nil {
		t.Fatal(err)
	}
	want := []uint32{0x3f800000, 0x40200000, 0xc0400000, 0x3f000000, 0x40200000, 0x40200000, 0x40200000, 0x40200000, 40, 40, 40, 40, 10, 10, 10, 10}
	if got := words(t, m, p, 16); !slices.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
	err = m.Launch(context.Background(), k, [3]int{1, 1, 1}, [3]int{4, 1, 1}, 12, []uint64{p, 7, 0})
	wantFault(t, err, OutOfBounds, "44 bytes of shared memory")
}
