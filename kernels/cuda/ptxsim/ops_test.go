package ptxsim

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"testing"
)

// operation is a kernel around an instruction. Operands are the registers %a %b %c
// (32 bits), %A %B %C (64 bits), %ha %hb %hc (16 bits) and the predicates %pa %pb %pc,
// which hold bit 0; results go to %d, %D, %hd, %p or %q.
func operation(code, result string) string {
	return `.version 7.8
.target sm_90
.address_size 64
.visible .entry test(.param .u64 p) {
	.reg .pred %pa, %pb, %pc, %p, %q;
	.reg .b16 %ha, %hb, %hc, %hd;
	.reg .b32 %a, %b, %c, %d, %t;
	.reg .b64 %A, %B, %C, %D, %P;
	ld.param.u64 %P, [p];
	ld.global.b64 %A, [%P];
	ld.global.b64 %B, [%P+8];
	ld.global.b64 %C, [%P+16];
	cvt.u32.u64 %a, %A;
	cvt.u32.u64 %b, %B;
	cvt.u32.u64 %c, %C;
	cvt.u16.u64 %ha, %A;
	cvt.u16.u64 %hb, %B;
	cvt.u16.u64 %hc, %C;
	and.b32 %t, %a, 1;
	setp.ne.u32 %pa, %t, 0;
	and.b32 %t, %b, 1;
	setp.ne.u32 %pb, %t, 0;
	and.b32 %t, %c, 1;
	setp.ne.u32 %pc, %t, 0;
	` + code + "\n" + map[string]string{
		"d": "cvt.u64.u32 %D, %d;", "hd": "cvt.u64.u16 %D, %hd;", "D": "",
		"p": "selp.b64 %D, 1, 0, %p;", "q": "selp.b64 %D, 1, 0, %q;",
	}[result] + `
	mov.u32 %t, %tid.x;
	mul.wide.u32 %A, %t, 8;
	add.u64 %P, %P, %A;
	st.global.b64 [%P+24], %D;
	ret;
}
`
}

// evaluate runs one instruction and returns its result.
func evaluate(t *testing.T, code, result string, args ...uint64) uint64 {
	t.Helper()
	src := operation(code, result)
	mod, err := Parse("op.ptx", src)
	if err != nil {
		t.Fatal(err)
	}
	k, _ := mod.Kernel("test")
	var results []uint64
	for _, threads := range []int{32, 7} { // the loops for whole and for parts of warps
		m := New(Options{Arch: 90, Workers: 1})
		b := make([]byte, 24+8*threads)
		for i, a := range args {
			binary.LittleEndian.PutUint64(b[8*i:], a)
		}
		p := upload(t, m, "p", b)
		if err := m.Launch(context.Background(), k, [3]int{1, 1, 1}, [3]int{threads, 1, 1}, 0, []uint64{p}); err != nil {
			t.Fatalf("%s: %v", code, err)
		}
		if err := m.Read(b, p); err != nil {
			t.Fatal(err)
		}
		for i := range threads {
			results = append(results, binary.LittleEndian.Uint64(b[24+8*i:]))
		}
	}
	for i, r := range results {
		if r != results[0] {
			t.Fatalf("%s: lane %d of %d gives %#x, lane 0 gives %#x", code, i, len(results), r, results[0])
		}
	}
	return results[0]
}

// single is the bits of a float32, as an argument or a result.
func single(v float64) uint64 { return uint64(math.Float32bits(float32(v))) }

func double(v float64) uint64 { return math.Float64bits(v) }

// opCase is an instruction, its operands and the result.
type opCase struct {
	code string
	args []uint64
	want uint64
}

// result finds out which register an instruction writes.
func (c opCase) result() string {
	var r string
	for i := 0; i+1 < len(c.code); i++ {
		if c.code[i] == '%' {
			r = c.code[i+1:]
			break
		}
	}
	for _, name := range []string{"hd", "d", "D", "p"} {
		if len(r) >= len(name) && r[:len(name)] == name {
			return name
		}
	}
	return "d"
}

func runCases(t *testing.T, cases []opCase) {
	t.Helper()
	for i, c := range cases {
		t.Run(fmt.Sprintf("%d %s", i, c.code), func(t *testing.T) {
			if got := evaluate(t, c.code, c.result(), c.args...); got != c.want {
				t.Errorf("%s of %#x = %#x, want %#x", c.code, c.args, got, c.want)
			}
		})
	}
}

type u = []uint64

const minus1 = ^uint64(0)

var integerCases = []opCase{
	{"add.u32 %d, %a, %b;", u{0xffffffff, 2}, 1},
	{"add.s32 %d, %a, -5;", u{3}, 0xfffffffe},
	{"add.sat.s32 %d, %a, %b;", u{0x7fffffff, 1}, 0x7fffffff},
	{"sub.sat.s32 %d, %a, %b;", u{0x80000000, 1}, 0x80000000},
	{"add.u64 %D, %A, %B;", u{1 << 63, 1<<63 + 7}, 7},
	{"add.u16 %hd, %ha, %hb;", u{0xffff, 3}, 2},
	{"sub.s32 %d, %a, %b;", u{3, 5}, 0xfffffffe},
	{"sub.s64 %D, %A, %B;", u{3, 5}, minus1 - 1},
	{"mul.lo.u32 %d, %a, %b;", u{0x10001, 0x10001}, 0x20001},
	{"mul.lo.s64 %D, %A, %B;", u{minus1, 7}, minus1 - 6},
	{"mul.hi.u32 %d, %a, %b;", u{0xffffffff, 0xffffffff}, 0xfffffffe},
	{"mul.hi.s32 %d, %a, %b;", u{0xffffffff, 0xffffffff}, 0},
	{"mul.hi.s32 %d, %a, %b;", u{0x80000000, 2}, 0xffffffff},
	{"mul.hi.u64 %D, %A, %B;", u{minus1, minus1}, minus1 - 1},
	{"mul.hi.s64 %D, %A, %B;", u{minus1, 5}, minus1},
	{"mul.wide.u32 %D, %a, %b;", u{0xffffffff, 0xffffffff}, 0xfffffffe00000001},
	{"mul.wide.s32 %D, %a, %b;", u{0xffffffff, 7}, minus1 - 6},
	{"mul.wide.u16 %d, %ha, %hb;", u{0xffff, 0xffff}, 0xfffe0001},
	{"mul.wide.s16 %d, %ha, %hb;", u{0xffff, 2}, 0xfffffffe},
	{"mad.lo.s32 %d, %a, %b, %c;", u{0xffffffff, 3, 10}, 7},
	{"mad.hi.u32 %d, %a, %b, %c;", u{0xffffffff, 0xffffffff, 3}, 1},
	{"mad.hi.s32 %d, %a, %b, %c;", u{0xffffffff, 1, 3}, 2},
	{"mad.wide.u32 %D, %a, %b, %C;", u{0xffffffff, 2, 5}, 0x200000003},
	{"mad.wide.s32 %D, %a, %b, %C;", u{0xffffffff, 2, 5}, 3},
	{"mad.lo.u64 %D, %A, %B, %C;", u{1 << 32, 1 << 31, 5}, 1<<63 + 5},
	{"mul24.lo.u32 %d, %a, %b;", u{0x1000003, 2}, 6},
	{"mul24.hi.s32 %d, %a, %b;", u{0x800000, 0x10000}, 0xff800000},
	{"mad24.lo.s32 %d, %a, %b, %c;", u{0xffffff, 5, 7}, 2},
	{"sad.u32 %d, %a, %b, %c;", u{3, 10, 100}, 107},
	{"sad.s32 %d, %a, %b, %c;", u{0xffffffff, 1, 100}, 102},
	{"div.u32 %d, %a, %b;", u{7, 2}, 3},
	{"div.s32 %d, %a, %b;", u{0xfffffff9, 2}, 0xfffffffd}, // -7/2 = -3
	{"div.u32 %d, %a, %b;", u{7, 0}, 0xffffffff},
	{"div.s32 %d, %a, %b;", u{0x80000000, 0xffffffff}, 0x80000000},
	{"div.u64 %D, %A, %B;", u{1 << 40, 3}, (1 << 40) / 3},
	{"rem.s32 %d, %a, %b;", u{0xfffffff9, 2}, 0xffffffff},
	{"rem.u32 %d, %a, %b;", u{7, 0}, 7},
	{"rem.s64 %D, %A, %B;", u{minus1 - 6, 4}, minus1 - 2},
	{"min.s32 %d, %a, %b;", u{0xffffffff, 1}, 0xffffffff},
	{"min.u32 %d, %a, %b;", u{0xffffffff, 1}, 1},
	{"max.s32 %d, %a, %b;", u{0xffffffff, 1}, 1},
	{"max.u64 %D, %A, %B;", u{minus1, 1}, minus1},
	{"max.s16 %hd, %ha, %hb;", u{0x8000, 1}, 1},
	{"abs.s32 %d, %a;", u{0xfffffffb}, 5},
	{"neg.s32 %d, %a;", u{5}, 0xfffffffb},
	{"abs.s64 %D, %A;", u{minus1 - 4}, 5},
	{"neg.s16 %hd, %ha;", u{1}, 0xffff},
}

var bitCases = []opCase{
	{"and.b32 %d, %a, %b;", u{0xff0, 0x3c}, 0x30},
	{"or.b64 %D, %A, %B;", u{1 << 63, 1}, 1<<63 + 1},
	{"xor.b16 %hd, %ha, %hb;", u{0xf0f0, 0xffff}, 0x0f0f},
	{"not.b32 %d, %a;", u{5}, 0xfffffffa},
	{"not.b16 %hd, %ha;", u{5}, 0xfffa},
	{"cnot.b32 %d, %a;", u{0}, 1},
	{"cnot.b32 %d, %a;", u{8}, 0},
	{"shl.b32 %d, %a, %b;", u{1, 31}, 1 << 31},
	{"shl.b32 %d, %a, %b;", u{1, 32}, 0},
	{"shl.b64 %D, %A, %b;", u{1, 40}, 1 << 40},
	{"shr.u32 %d, %a, %b;", u{0x80000000, 31}, 1},
	{"shr.u32 %d, %a, %b;", u{0x80000000, 77}, 0},
	{"shr.s32 %d, %a, %b;", u{0x80000000, 31}, 0xffffffff},
	{"shr.s32 %d, %a, %b;", u{0x80000000, 99}, 0xffffffff},
	{"shr.s64 %D, %A, %b;", u{1 << 63, 1}, 3 << 62},
	{"shr.s16 %hd, %ha, %b;", u{0x8000, 3}, 0xf000},
	{"shr.b32 %d, %a, %b;", u{0x80000000, 4}, 0x08000000},
	{"popc.b32 %d, %a;", u{0xf0f1}, 9},
	{"popc.b64 %d, %A;", u{minus1}, 64},
	{"clz.b32 %d, %a;", u{1}, 31},
	{"clz.b32 %d, %a;", u{0}, 32},
	{"clz.b64 %d, %A;", u{1}, 63},
	{"brev.b32 %d, %a;", u{1}, 1 << 31},
	{"brev.b64 %D, %A;", u{2}, 1 << 62},
	{"bfind.u32 %d, %a;", u{0x10}, 4},
	{"bfind.u32 %d, %a;", u{0}, 0xffffffff},
	{"bfind.s32 %d, %a;", u{0xfffffff0}, 3},
	{"bfind.shiftamt.u32 %d, %a;", u{0x10}, 27},
	{"bfe.u32 %d, %a, 4, 8;", u{0xabcd}, 0xbc},
	{"bfe.s32 %d, %a, 4, 8;", u{0xabcd}, 0xffffffbc},
	{"bfe.s32 %d, %a, 28, 8;", u{0x80000000}, 0xfffffff8},
	{"bfe.u32 %d, %a, 4, 0;", u{0xabcd}, 0},
	{"bfe.s64 %D, %A, 60, 4;", u{15 << 60}, minus1},
	{"bfi.b32 %d, %a, %b, 8, 4;", u{0xf5, 0xffffffff}, 0xfffff5ff},
	{"bfi.b64 %D, %A, %B, 32, 32;", u{7, 9}, 7<<32 + 9},
	{"shf.l.wrap.b32 %d, %a, %b, %c;", u{0x80000000, 1, 33}, 3},
	{"shf.l.clamp.b32 %d, %a, %b, %c;", u{0x80000000, 1, 33}, 0x80000000},
	{"shf.r.clamp.b32 %d, %a, %b, %c;", u{0x80000000, 1, 31}, 3},
	{"lop3.b32 %d, %a, %b, %c, 0x96;", u{0xf0, 0xcc, 0xaa}, 0x96},
	{"lop3.b32 %d, %a, %b, %c, 0xe8;", u{0xf0, 0xcc, 0xaa}, 0xe8},
	{"prmt.b32 %d, %a, %b, 0x5410;", u{0x33221100, 0x77665544}, 0x55441100},
	{"prmt.b32 %d, %a, %b, 0x000c;", u{0x80, 0}, 0x80808000},
	{"mov.b64 %D, {%a, %b};", u{1, 2}, 2<<32 + 1},
	{"mov.b32 %d, {%ha, %hb};", u{1, 2}, 2<<16 + 1},
	{"mov.b64 {%t, %d}, %A;", u{7<<32 + 5}, 7},
	{"mov.b32 {%hd, _}, %a;", u{0x12345678}, 0x5678},
	{"mov.b32 %d, 0f3F800000;", nil, 0x3f800000},
	{"mov.f32 %d, 1.5;", nil, single(1.5)},
	{"mov.f64 %D, 0d3FF8000000000000;", nil, double(1.5)},
	{"mov.u32 %d, ~5;", nil, 0xfffffffa},
	{"mov.s32 %d, (-5);", nil, 0xfffffffb},
	{"mov.f32 %d, -2.5;", nil, single(-2.5)},
	{"mov.f32 %d, 1e3;", nil, single(1000)},
	{"add.f64 %D, %A, 0d3FF0000000000000;", u{double(1)}, double(2)},
	{"add.f64 %D, %A, 2.5;", u{double(1)}, double(3.5)},
	{"mov.u32 %d, WARP_SZ;", nil, 32},
	{"mov.u32 %d, 0b101;", nil, 5},
	{"mov.s32 %d, -1;", nil, 0xffffffff},
	{"mov.u32 %d, 010;", nil, 8},
	{"selp.b32 %d, %a, %b, %pc;", u{5, 6, 1}, 5},
	{"selp.f64 %D, %A, %B, %pc;", u{5, 6, 0}, 6},
	{"slct.b32.s32 %d, %a, %b, %c;", u{5, 6, 0xffffffff}, 6},
	{"slct.u64.f32 %D, %A, %B, %c;", u{5, 6, single(0)}, 5},
}

var predicateCases = []opCase{
	{"setp.lt.s32 %p, %a, %b;", u{0xffffffff, 1}, 1},
	{"setp.lt.u32 %p, %a, %b;", u{0xffffffff, 1}, 0},
	{"setp.ge.s32 %p, %a, -1;", u{0xffffffff}, 1},
	{"setp.gt.s32 %p, %a, %b;", u{1, 0x80000000}, 1},
	{"setp.gt.u32 %p, %a, %b;", u{1, 1}, 0},
	{"setp.le.s32 %p, %a, %b;", u{0x80000000, 0x7fffffff}, 1},
	{"setp.le.u32 %p, %a, %b;", u{3, 2}, 0},
	{"setp.ge.u32 %p, %a, %b;", u{2, 2}, 1},
	{"setp.ne.b32 %p, %a, %b;", u{4, 4}, 0},
	{"setp.gt.f32 %p, %a, %b;", u{qnan, 1}, 0},
	{"setp.gt.f32 %p, %a, %b;", u{single(2), single(1)}, 1},
	{"setp.eq.b32 %p, %a, %b;", u{4, 4}, 1},
	{"setp.ne.s64 %p, %A, %B;", u{1 << 40, 0}, 1},
	{"setp.hi.u32 %p, %a, %b;", u{2, 1}, 1},
	{"setp.ls.u32 %p, %a, %b;", u{2, 1}, 0},
	{"setp.gt.s64 %p, %A, %B;", u{minus1, 0}, 0},
	{"setp.le.u64 %p, %A, %B;", u{5, 5}, 1},
	{"setp.lt.s16 %p, %ha, %hb;", u{0x8000, 1}, 1},
	{"setp.lt.and.u32 %p, %a, %b, %pc;", u{1, 2, 0}, 0},
	{"setp.lt.and.u32 %p, %a, %b, !%pc;", u{1, 2, 0}, 1},
	{"setp.lt.or.u32 %p, %a, %b, %pc;", u{3, 2, 1}, 1},
	{"setp.lt.xor.u32 %p, %a, %b, %pc;", u{1, 2, 1}, 0},
	{"setp.eq.f32 %p, %a, %b;", u{single(0), 1 << 31}, 1},
	{"setp.eq.f32 %p, %a, %b;", u{qnan, qnan}, 0},
	{"setp.ne.f32 %p, %a, %b;", u{qnan, qnan}, 0},
	{"setp.neu.f32 %p, %a, %b;", u{qnan, qnan}, 1},
	{"setp.lt.f32 %p, %a, %b;", u{1, 2}, 1},
	{"setp.lt.ftz.f32 %p, %a, %b;", u{1, 2}, 0},
	{"setp.ltu.f32 %p, %a, %b;", u{qnan, 2}, 1},
	{"setp.num.f32 %p, %a, %b;", u{qnan, 2}, 0},
	{"setp.nan.f32 %p, %a, %b;", u{qnan, 2}, 1},
	{"setp.geu.f64 %p, %A, %B;", u{double(1), double(2)}, 0},
	{"setp.gt.f16 %p, %ha, %hb;", u{0x3c00, 0xbc00}, 1},
	{"and.pred %p, %pa, %pb;", u{1, 0}, 0},
	{"or.pred %p, %pa, %pb;", u{1, 0}, 1},
	{"xor.pred %p, %pa, %pb;", u{1, 1}, 0},
	{"not.pred %p, %pa;", u{0}, 1},
	{"mov.pred %p, %pa;", u{1}, 1},
	{"set.lt.u32.s32 %d, %a, %b;", u{0xffffffff, 0}, 0xffffffff},
	{"set.gt.f32.f32 %d, %a, %b;", u{single(2), single(1)}, single(1)},
	{"set.eq.and.s32.u32 %d, %a, %b, %pc;", u{1, 1, 0}, 0},
	{"testp.finite.f32 %p, %a;", u{0x7f800000}, 0},
	{"testp.infinite.f32 %p, %a;", u{0xff800000}, 1},
	{"testp.notanumber.f32 %p, %a;", u{qnan}, 1},
	{"testp.number.f64 %p, %A;", u{0x7ff8000000000000}, 0},
	{"testp.subnormal.f32 %p, %a;", u{1}, 1},
	{"testp.normal.f32 %p, %a;", u{0x00800000}, 1},
	{"testp.normal.f32 %p, %a;", u{0}, 0},
}

func TestIntegers(t *testing.T)    { runCases(t, integerCases) }
func TestBits(t *testing.T)        { runCases(t, bitCases) }
func TestPredicates(t *testing.T)  { runCases(t, predicateCases) }
func TestFloats(t *testing.T)      { runCases(t, floatCases) }
func TestConversions(t *testing.T) { runCases(t, convertCases) }

// TestBothPredicates looks at p and q of setp p|q.
func TestBothPredicates(t *testing.T) {
	// Both results of a comparison.
	for _, c := range []struct{ a, b, c, p, q uint64 }{{1, 2, 1, 1, 0}, {2, 1, 1, 0, 1}, {1, 2, 0, 0, 0}} {
		const code = "setp.lt.and.u32 %p|%q, %a, %b, %pc;"
		p, q := evaluate(t, code, "p", c.a, c.b, c.c), evaluate(t, code, "q", c.a, c.b, c.c)
		if p != c.p || q != c.q {
			t.Errorf("%s of %v = %d, %d", code, c, p, q)
		}
	}
}
