package ptxsim

import (
	"math"
	"testing"
)

var convertCases = []opCase{
	{"cvt.u32.u16 %d, %ha;", u{0xffff}, 0xffff},
	{"cvt.s32.s16 %d, %ha;", u{0xffff}, 0xffffffff},
	{"cvt.s32.s8 %d, %a;", u{0x1ff}, 0xffffffff},
	{"cvt.u32.u8 %d, %a;", u{0x1ff}, 0xff},
	{"cvt.s64.s32 %D, %a;", u{0x80000000}, 0xffffffff80000000},
	{"cvt.u64.u32 %D, %a;", u{0x80000000}, 0x80000000},
	{"cvt.u32.u64 %d, %A;", u{1<<32 + 5}, 5},
	{"cvt.u64.u32 %D, %A;", u{1<<32 + 5}, 5},
	{"cvt.s64.s16 %D, %A;", u{0x18000}, minus1 - 0x7fff},
	{"cvt.u64.u16 %D, %a;", u{0x18000}, 0x8000},
	{"cvt.s32.s64 %D, %A;", u{1<<32 + 0x80000000}, 0xffffffff80000000},
	{"cvt.sat.u8.s32 %d, %a;", u{300}, 255},
	{"cvt.sat.u8.s32 %d, %a;", u{0xffffffff}, 0},
	{"cvt.sat.s8.s32 %d, %a;", u{0xffffff00}, 0xffffff80},
	{"cvt.sat.s32.s64 %D, %A;", u{1 << 40}, 0x7fffffff},
	{"cvt.rn.f32.u32 %d, %a;", u{0xffffffff}, single(0x1p32)},
	{"cvt.rz.f32.u32 %d, %a;", u{0xffffffff}, single(0x1.fffffep31)},
	{"cvt.rn.f32.s32 %d, %a;", u{0xffffffff}, single(-1)},
	{"cvt.rp.f32.s32 %d, %a;", u{16777217}, single(16777218)},
	{"cvt.rm.f32.s32 %d, %a;", u{0xfeffffff}, single(-16777218)}, // -16777217
	{"cvt.rn.f32.u64 %d, %A;", u{1<<63 + 1<<39 + 1}, single(0x1p63 + 0x1p40)},
	{"cvt.rn.f32.u64 %d, %A;", u{1<<63 + 1<<39}, single(0x1p63)},
	{"cvt.rn.f32.u64 %d, %A;", u{minus1}, single(0x1p64)},
	{"cvt.rz.f32.s64 %d, %A;", u{1<<63 - 1}, single(0x1.fffffep62)},
	{"cvt.rn.f64.s64 %D, %A;", u{minus1}, double(-1)},
	{"cvt.rn.f64.u64 %D, %A;", u{1<<53 + 1}, double(0x1p53)},
	{"cvt.rp.f64.u64 %D, %A;", u{1<<53 + 1}, double(0x1p53 + 2)},
	{"cvt.rn.f64.u32 %D, %a;", u{0xffffffff}, double(0xffffffff)},
	{"cvt.rn.f16.s32 %hd, %a;", u{2049}, 0x6800},
	{"cvt.rzi.s32.f32 %d, %a;", u{single(-2.7)}, 0xfffffffe},
	{"cvt.rni.s32.f32 %d, %a;", u{single(2.5)}, 2},
	{"cvt.rmi.s32.f32 %d, %a;", u{single(-2.1)}, 0xfffffffd},
	{"cvt.rpi.u32.f32 %d, %a;", u{single(2.1)}, 3},
	{"cvt.rzi.s32.f32 %d, %a;", u{single(3e9)}, 0x7fffffff},
	{"cvt.rzi.s32.f32 %d, %a;", u{ninf}, 0x80000000},
	{"cvt.rzi.u32.f32 %d, %a;", u{single(-1)}, 0},
	{"cvt.rzi.u32.f32 %d, %a;", u{qnan}, 0},
	{"cvt.rzi.u64.f32 %D, %a;", u{single(0x1p63)}, 1 << 63},
	{"cvt.rzi.s64.f64 %D, %A;", u{double(1e30)}, 1<<63 - 1},
	{"cvt.rzi.u8.f32 %d, %a;", u{single(300)}, 255},
	{"cvt.rni.ftz.s32.f32 %d, %a;", u{tiny}, 0},
	{"cvt.rpi.ftz.s32.f32 %d, %a;", u{tiny}, 0},
	{"cvt.rpi.s32.f32 %d, %a;", u{tiny}, 1},
	{"cvt.rni.f32.f32 %d, %a;", u{single(2.5)}, single(2)},
	{"cvt.rmi.f32.f32 %d, %a;", u{single(-2.5)}, single(-3)},
	{"cvt.rzi.f64.f64 %D, %A;", u{double(-2.5)}, double(-2)},
	{"cvt.sat.f32.f32 %d, %a;", u{single(2.5)}, single(1)},
	{"cvt.f64.f32 %D, %a;", u{single(1.5)}, double(1.5)},
	{"cvt.rn.f32.f64 %d, %A;", u{double(1 + 0x1p-24)}, single(1)},
	{"cvt.rp.f32.f64 %d, %A;", u{double(1 + 0x1p-24)}, single(1 + 0x1p-23)},
	{"cvt.rz.f32.f64 %d, %A;", u{double(1e300)}, most},
	{"cvt.rn.f32.f64 %d, %A;", u{double(1e-40)}, single(1e-40)},
	{"cvt.rn.ftz.f32.f64 %d, %A;", u{double(1e-40)}, 0},
	{"cvt.f32.f16 %d, %ha;", u{0x3c00}, single(1)},
	{"cvt.f32.f16 %d, %ha;", u{0x0001}, single(0x1p-24)},
	{"cvt.f32.f16 %d, %ha;", u{0xfc00}, ninf},
	{"cvt.f32.f16 %d, %ha;", u{0x7e00}, nan32},
	{"cvt.rn.f16.f32 %hd, %a;", u{single(65520)}, 0x7c00},
	{"cvt.rn.f16.f32 %hd, %a;", u{single(65519)}, 0x7bff},
	{"cvt.rz.f16.f32 %hd, %a;", u{single(1e9)}, 0x7bff},
	{"cvt.rn.f16.f32 %hd, %a;", u{single(0x1p-25)}, 0},
	{"cvt.rn.f16.f32 %hd, %a;", u{single(0x1.8p-25)}, 1},
	{"cvt.rn.f16.f32 %hd, %a;", u{single(-0x1p-14 + 0x1p-24)}, 0x83ff},
	{"cvt.rn.f16.f32 %hd, %a;", u{qnan}, 0x7fff},
	{"cvt.rn.bf16.f32 %hd, %a;", u{0x3f808000}, 0x3f80},
	{"cvt.rn.bf16.f32 %hd, %a;", u{0x3f818000}, 0x3f82},
	{"cvt.rz.bf16.f32 %hd, %a;", u{0x3f81ffff}, 0x3f81},
	{"cvt.rn.bf16.f32 %hd, %a;", u{most}, 0x7f80},
	{"cvt.rn.bf16.f32 %hd, %a;", u{tiny}, 0},
	{"cvt.rn.bf16.f32 %hd, %a;", u{0x00018001}, 2},
	{"cvt.rn.bf16.f32 %hd, %a;", u{qnan}, 0x7fff},
	{"cvt.rn.relu.bf16.f32 %hd, %a;", u{single(-1)}, 0},
	{"cvt.rn.bf16x2.f32 %d, %a, %b;", u{single(1), single(-2)}, 0x3f80c000},
	{"cvt.rn.relu.bf16x2.f32 %d, %a, %b;", u{single(1), single(-2)}, 0x3f800000},
	{"cvt.rn.f16x2.f32 %d, %a, %b;", u{single(1), single(-2)}, 0x3c00c000},
	{"cvt.f32.bf16 %d, %ha;", u{0xc000}, single(-2)},
	{"cvt.rna.tf32.f32 %d, %a;", u{0x3f801000}, 0x3f802000},
	{"cvt.rna.tf32.f32 %d, %a;", u{0x3f800fff}, 0x3f800000},
	{"cvt.rna.tf32.f32 %d, %a;", u{0xbf803000}, 0xbf804000},
	{"cvt.rna.tf32.f32 %d, %a;", u{inf}, inf},
}

// TestSmallFloats converts every 16-bit float there and back.
func TestSmallFloats(t *testing.T) {
	for _, s := range []small{halfFormat, brainFormat} {
		for x := range 1 << 16 {
			v := s.unpack(uint16(x))
			if v != v {
				continue
			}
			if got := s.pack(v, nearest); got != uint16(x) {
				t.Fatalf("%#x becomes %v becomes %#x", x, v, got)
			}
			if x&0x7fff < int(s.top)<<s.fraction-1 { // half-way to the next, and around
				next := s.unpack(uint16(x + 1))
				mid := v + (next-v)/2
				want := uint16(x + x&1)
				if got := s.pack(mid, nearest); got != want {
					t.Fatalf("half-way above %#x becomes %#x, want %#x", x, got, want)
				}
				if got := s.pack(math.Nextafter(mid, v), nearest); got != uint16(x) {
					t.Fatalf("below half-way above %#x becomes %#x", x, got)
				}
				if got := s.pack(mid, zero); got != uint16(x) {
					t.Fatalf("half-way above %#x towards zero becomes %#x", x, got)
				}
			}
		}
	}
}
