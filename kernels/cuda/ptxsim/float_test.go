package ptxsim

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

const (
	inf  = 0x7f800000
	ninf = 0xff800000
	qnan = 0x7fc00001
	tiny = 0x00000001 // the least subnormal
	most = 0x7f7fffff // the largest finite
	nz   = 0x80000000
)

var third = single(1.0 / 3)

var floatCases = []opCase{
	{"add.f32 %d, %a, %b;", u{single(1), single(2)}, single(3)},
	{"add.rn.f32 %d, %a, %b;", u{single(1), single(0x1p-24)}, single(1)},
	{"add.rp.f32 %d, %a, %b;", u{single(1), single(0x1p-60)}, single(1 + 0x1p-23)},
	{"add.rm.f32 %d, %a, %b;", u{single(1), single(-0x1p-60)}, single(1 - 0x1p-24)},
	{"add.rz.f32 %d, %a, %b;", u{single(-1), single(0x1p-60)}, single(-1 + 0x1p-24)},
	{"add.f32 %d, %a, %b;", u{single(1), single(-1)}, 0},
	{"add.rm.f32 %d, %a, %b;", u{single(1), single(-1)}, nz},
	{"add.f32 %d, %a, %b;", u{nz, nz}, nz},
	{"add.f32 %d, %a, %b;", u{inf, ninf}, nan32},
	{"add.f32 %d, %a, %b;", u{qnan, 0}, nan32},
	{"add.f32 %d, %a, %b;", u{tiny, tiny}, 2},
	{"add.ftz.f32 %d, %a, %b;", u{tiny, tiny}, 0},
	{"add.sat.f32 %d, %a, %b;", u{single(1), single(2)}, single(1)},
	{"add.sat.f32 %d, %a, %b;", u{qnan, single(2)}, 0},
	{"add.f32 %d, %a, %b;", u{most, most}, inf},
	{"add.rz.f32 %d, %a, %b;", u{most, most}, most},
	{"sub.f32 %d, %a, %b;", u{single(1), single(2)}, single(-1)},
	{"sub.ftz.f32 %d, %a, %b;", u{0x00800001, 0x00800000}, 0},
	{"mul.f32 %d, %a, %b;", u{single(3), single(-2)}, single(-6)},
	{"mul.f32 %d, %a, %b;", u{inf, 0}, nan32},
	{"mul.rp.f32 %d, %a, %b;", u{single(1 + 0x1p-23), single(1 + 0x1p-23)}, single(1 + 0x1p-22 + 0x1p-23)},
	{"mul.f32 %d, %a, %b;", u{tiny, single(0.5)}, 0},
	{"mul.rp.f32 %d, %a, %b;", u{tiny, single(0.5)}, tiny},
	{"mul.ftz.f32 %d, %a, %b;", u{0x00800000, single(-0.5)}, nz},
	{"fma.rn.f32 %d, %a, %b, %c;", u{single(1 + 0x1p-23), single(1 + 0x1p-23), single(-1)}, single(0x1p-22 + 0x1p-46)},
	{"fma.rz.f32 %d, %a, %b, %c;", u{single(1), single(1), single(0x1p-60)}, single(1)},
	{"fma.rp.f32 %d, %a, %b, %c;", u{single(1), single(1), single(0x1p-60)}, single(1 + 0x1p-23)},
	{"fma.rm.f32 %d, %a, %b, %c;", u{single(1), single(1), single(-1)}, nz},
	{"fma.rn.f32 %d, %a, %b, %c;", u{inf, 0, single(1)}, nan32},
	{"fma.rn.ftz.f32 %d, %a, %b, %c;", u{tiny, single(1), single(1)}, single(1)},
	{"mad.rn.f32 %d, %a, %b, %c;", u{single(2), single(3), single(1)}, single(7)},
	{"div.rn.f32 %d, %a, %b;", u{single(1), single(3)}, third},
	{"div.rz.f32 %d, %a, %b;", u{single(1), single(3)}, third - 1},
	{"div.rp.f32 %d, %a, %b;", u{single(-1), single(3)}, (third - 1) | nz},
	{"div.rn.f32 %d, %a, %b;", u{single(1), 0}, inf},
	{"div.rn.f32 %d, %a, %b;", u{0, 0}, nan32},
	{"div.approx.f32 %d, %a, %b;", u{single(1), single(0x1.8p126)}, 0},
	{"div.approx.f32 %d, %a, %b;", u{inf, single(0x1.8p126)}, nan32},
	{"div.full.f32 %d, %a, %b;", u{single(6), single(2)}, single(3)},
	{"min.f32 %d, %a, %b;", u{qnan, single(2)}, single(2)},
	{"min.f32 %d, %a, %b;", u{single(1), single(2)}, single(1)},
	{"min.f32 %d, %a, %b;", u{single(2), single(1)}, single(1)},
	{"min.f32 %d, %a, %b;", u{single(2), qnan}, single(2)},
	{"min.f32 %d, %a, %b;", u{qnan, qnan}, nan32},
	{"max.f32 %d, %a, %b;", u{single(1), single(2)}, single(2)},
	{"max.f32 %d, %a, %b;", u{single(2), single(1)}, single(2)},
	{"max.f32 %d, %a, %b;", u{single(2), qnan}, single(2)},
	{"max.f32 %d, %a, %b;", u{qnan, single(2)}, single(2)},
	{"add.sat.f16 %hd, %ha, %hb;", u{0x3c00, 0x3c00}, 0x3c00},
	{"add.sat.f16 %hd, %ha, %hb;", u{0xbc00, 0}, 0},
	{"add.ftz.f16 %hd, %ha, %hb;", u{0x0001, 0x8001}, 0},
	{"sub.f16 %hd, %ha, %hb;", u{0x3c00, 0x4000}, 0xbc00},
	{"min.NaN.bf16 %hd, %ha, %hb;", u{0x7fc0, 0x3f80}, 0x7fff},
	{"sub.f64 %D, %A, %B;", u{double(1), double(2)}, double(-1)},
	{"mul.f64 %D, %A, %B;", u{double(3), double(2)}, double(6)},
	{"max.f64 %D, %A, %B;", u{double(3), double(math.NaN())}, double(3)},
	{"rcp.rn.f64 %D, %A;", u{double(4)}, double(0.25)},
	{"min.f32 %d, %a, %b;", u{0, nz}, nz},
	{"max.f32 %d, %a, %b;", u{nz, 0}, 0},
	{"max.f32 %d, %a, %b;", u{qnan, qnan}, nan32},
	{"max.NaN.f32 %d, %a, %b;", u{qnan, single(2)}, nan32},
	{"max.ftz.f32 %d, %a, %b;", u{tiny, single(-1)}, 0},
	{"abs.f32 %d, %a;", u{single(-2)}, single(2)},
	{"neg.f32 %d, %a;", u{0}, nz},
	{"abs.ftz.f32 %d, %a;", u{nz | 5}, 0},
	{"copysign.f32 %d, %a, %b;", u{nz, single(2)}, single(-2)},
	{"rcp.rn.f32 %d, %a;", u{single(3)}, third},
	{"rcp.approx.f32 %d, %a;", u{nz}, ninf},
	{"rcp.approx.ftz.f32 %d, %a;", u{tiny}, inf},
	{"rcp.rz.f32 %d, %a;", u{single(3)}, third - 1},
	{"sqrt.rn.f32 %d, %a;", u{single(2)}, single(math.Sqrt2)},
	{"sqrt.rp.f32 %d, %a;", u{single(2)}, single(math.Sqrt2) + 1},
	{"sqrt.approx.f32 %d, %a;", u{single(-1)}, nan32},
	{"rsqrt.approx.f32 %d, %a;", u{single(4)}, single(0.5)},
	{"rsqrt.approx.f32 %d, %a;", u{0}, inf},
	{"ex2.approx.f32 %d, %a;", u{single(-3)}, single(0.125)},
	{"ex2.approx.ftz.f32 %d, %a;", u{single(-140)}, 0},
	{"ex2.approx.f32 %d, %a;", u{ninf}, 0},
	{"lg2.approx.f32 %d, %a;", u{single(8)}, single(3)},
	{"lg2.approx.f32 %d, %a;", u{0}, ninf},
	{"lg2.approx.f32 %d, %a;", u{single(-1)}, nan32},
	{"sin.approx.f32 %d, %a;", u{single(0.5)}, single(math.Sin(0.5))},
	{"cos.approx.f32 %d, %a;", u{single(0.5)}, single(math.Cos(0.5))},
	{"tanh.approx.f32 %d, %a;", u{single(0.5)}, single(math.Tanh(0.5))},
	{"add.f64 %D, %A, %B;", u{double(1), double(2)}, double(3)},
	{"fma.rn.f64 %D, %A, %B, %C;", u{double(1 + 0x1p-52), double(1 + 0x1p-52), double(-1)}, double(0x1p-51 + 0x1p-104)},
	{"div.rn.f64 %D, %A, %B;", u{double(1), double(3)}, double(1.0 / 3)},
	{"min.f64 %D, %A, %B;", u{double(math.NaN()), double(3)}, double(3)},
	{"sqrt.rn.f64 %D, %A;", u{double(2)}, double(math.Sqrt2)},
	{"neg.f64 %D, %A;", u{double(2)}, double(-2)},
	{"add.f16 %hd, %ha, %hb;", u{0x3c00, 0x1000}, 0x3c00},                 // 1 + 2^-11 is a tie
	{"fma.rn.f16 %hd, %ha, %hb, %hc;", u{0x3c01, 0x3c01, 0xbc00}, 0x1800}, // (1+u)^2 - 1
	{"add.f16x2 %d, %a, %b;", u{0x3c003c00, 0xbc003c00}, 0x00004000},
	{"mul.bf16 %hd, %ha, %hb;", u{0x3f80, 0xc000}, 0xc000},
	{"fma.rn.bf16x2 %d, %a, %b, %c;", u{0x3f804000, 0x40004000, 0x3f803f80}, 0x404040a0},
	{"fma.rn.relu.bf16 %hd, %ha, %hb, %hc;", u{0xbf80, 0x3f80, 0}, 0},
	{"max.bf16x2 %d, %a, %b;", u{0x3f80bf80, 0x40000000}, 0x40000000},
	{"abs.f16x2 %d, %a;", u{0xbc00bc00}, 0x3c003c00},
	{"tanh.approx.bf16 %hd, %ha;", u{0x7f80}, 0x3f80},
}

// TestFusedMultiplyAdd compares with exact arithmetic, half of the operands being made
// so that the exact result lies next to the middle of two float32.
func TestFusedMultiplyAdd(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	trap := 0
	n := 200000
	if testing.Short() {
		n /= 10
	}
	for i := range n {
		a, b, c := randomFloat(rng), randomFloat(rng), randomFloat(rng)
		if i%2 == 0 {
			// The product is close to 1, which is half of the last bit of c.
			a = 1 + float32(rng.IntN(1<<23))*0x1p-23
			b = 1 / a * float32(1-2*rng.IntN(2))
			c = 2 * float32(1<<23+rng.IntN(1<<23))
		}
		if plain := float32(float64(a)*float64(b) + float64(c)); plain != exactFMA(a, b, c) {
			trap++
		}
		if got, want := fma32(a, b, c), exactFMA(a, b, c); math.Float32bits(got) != math.Float32bits(want) {
			t.Fatalf("fma(%x, %x, %x) = %x, want %x", a, b, c, got, want)
		}
	}
	if trap == 0 {
		t.Error("no operands rounded wrongly twice: the test tests nothing")
	}
}

func randomFloat(rng *rand.Rand) float32 {
	for {
		f := math.Float32frombits(rng.Uint32())
		if e := math.Abs(float64(f)); e > 1e-38 && e < 1e18 {
			return f
		}
	}
}

// exactFMA rounds the exact value of a*b+c, which must not be zero.
func exactFMA(a, b, c float32) float32 {
	p := new(big.Float).SetPrec(600).SetFloat64(float64(a))
	p.Mul(p, big.NewFloat(float64(b)))
	p.Add(p, big.NewFloat(float64(c)))
	f, _ := p.Float32()
	return f
}

// TestDirectedRounding compares the modes of add, mul, fma, div and sqrt with exact
// arithmetic.
func TestDirectedRounding(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	modes := map[rounding]big.RoundingMode{nearest: big.ToNearestEven, zero: big.ToZero, up: big.ToPositiveInf, down: big.ToNegativeInf}
	for range 5000 {
		a, b, c := randomFloat(rng), randomFloat(rng), randomFloat(rng)
		x, y, z := big.NewFloat(float64(a)), big.NewFloat(float64(b)), big.NewFloat(float64(c))
		exact := func() *big.Float { return new(big.Float).SetPrec(600) }
		for mode, m := range modes {
			for _, r := range []struct {
				name string
				got  float32
				want *big.Float
			}{
				{"add", sum32(a, b, mode), exact().Add(x, y)},
				{"mul", product32(a, b, mode), exact().Mul(x, y)},
				{"fma", fused32(a, b, c, mode), exact().Add(exact().Mul(x, y), z)},
				{"div", quotient32(a, b, mode), exact().Quo(x, y)},
				{"sqrt", root32(float32(math.Abs(float64(a))), mode), exact().Sqrt(exact().Abs(x))},
			} {
				if want := roundBig(r.want, m); !math.IsInf(float64(want), 0) && r.got != want {
					t.Fatalf("%s of %x, %x, %x in mode %v = %x, want %x", r.name, a, b, c, m, r.got, want)
				}
			}
		}
	}
}

// roundBig rounds to float32 where the result is normal; else it returns infinity.
func roundBig(v *big.Float, mode big.RoundingMode) float32 {
	r := new(big.Float).SetPrec(24).SetMode(mode).Set(v)
	f, _ := r.Float32()
	if a := math.Abs(float64(f)); a < 0x1p-125 || a > 0x1p127 {
		return float32(math.Inf(1))
	}
	return f
}
