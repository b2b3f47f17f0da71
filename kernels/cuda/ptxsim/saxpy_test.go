package ptxsim

import (
	"context"
	"encoding/binary"
	"math"
	"testing"
)

const saxpySource = `
.version 7.0
.target sm_80
.address_size 64

// y = a*x + y
.visible .entry saxpy(
	.param .u64 x, .param .u64 y, .param .f32 a, .param .u32 n)
{
	.reg .pred %p;
	.reg .b32 %r<5>;
	.reg .f32 %f<4>;
	.reg .b64 %rd<6>;

	mov.u32 %r1, %ctaid.x;
	mov.u32 %r2, %ntid.x;
	mov.u32 %r3, %tid.x;
	mad.lo.s32 %r1, %r1, %r2, %r3;
	ld.param.u32 %r4, [n];
	setp.ge.u32 %p, %r1, %r4;
	@%p bra DONE;
	ld.param.u64 %rd1, [x];
	ld.param.u64 %rd2, [y];
	ld.param.f32 %f1, [a];
	mul.wide.u32 %rd3, %r1, 4;
	add.s64 %rd4, %rd1, %rd3;
	add.s64 %rd5, %rd2, %rd3;
	ld.global.f32 %f2, [%rd4];
	ld.global.f32 %f3, [%rd5];
	fma.rn.f32 %f3, %f1, %f2, %f3;
	st.global.f32 [%rd5], %f3;
DONE:
	ret;
}
`

func parse(t testing.TB, src string) *Module {
	t.Helper()
	m, err := Parse("test.ptx", src)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func floats(v []float32) []byte {
	var b []byte
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

func upload(t testing.TB, m *Machine, name string, b []byte) uint64 {
	t.Helper()
	p, err := m.Alloc(name, int64(len(b)))
	if err == nil {
		err = m.Write(p, b)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func download(t testing.TB, m *Machine, p uint64, n int) []float32 {
	t.Helper()
	b := make([]byte, 4*n)
	if err := m.Read(b, p); err != nil {
		t.Fatal(err)
	}
	v := make([]float32, n)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return v
}

func TestSaxpy(t *testing.T) {
	k, ok := parse(t, saxpySource).Kernel("saxpy")
	if !ok {
		t.Fatal("no kernel saxpy")
	}
	const n = 1000
	m := New(Options{})
	x, y := make([]float32, n), make([]float32, n)
	for i := range x {
		x[i], y[i] = float32(i), float32(-i)/3
	}
	px, py := upload(t, m, "x", floats(x)), upload(t, m, "y", floats(y))
	err := m.Launch(context.Background(), k, [3]int{4, 1, 1}, [3]int{256, 1, 1}, 0,
		[]uint64{px, py, uint64(math.Float32bits(2)), n})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range download(t, m, py, n) {
		if want := 2*x[i] + y[i]; v != want {
			t.Fatalf("y[%d] = %v, want %v", i, v, want)
		}
	}
}
