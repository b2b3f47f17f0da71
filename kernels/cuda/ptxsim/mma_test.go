package ptxsim

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"
)

// brains packs numbers as bfloat16 and rounds them to what was packed.
func brains(v []float32) []byte {
	var b []byte
	for i, x := range v {
		h := toBrain(float64(x))
		v[i] = fromBrain(h)
		b = binary.LittleEndian.AppendUint16(b, h)
	}
	return b
}

func product(a, b []float32, m, n, k int) []float64 {
	c := make([]float64, m*n)
	for i := range m {
		for j := range n {
			for l := range k {
				c[i*n+j] += float64(a[i*k+l]) * float64(b[l*n+j])
			}
		}
	}
	return c
}

func runBF16(t *testing.T, o Options, src string) error {
	t.Helper()
	mod, err := Parse("bf16mma.ptx", src)
	if err != nil {
		t.Fatal(err)
	}
	k, _ := mod.Kernel("bf16mma")
	const rows, cols, depth = 32, 24, 80
	a, b := pattern(rows*depth), pattern(depth*cols)
	m := New(o)
	pa, pb := upload(t, m, "A", brains(a)), upload(t, m, "B", brains(b))
	pc, err := m.Alloc("C", 4*rows*cols)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Launch(context.Background(), k, [3]int{cols / 8, rows / 16, 1}, [3]int{32, 1, 1}, 0, []uint64{pa, pb, pc, cols, depth}); err != nil {
		return err
	}
	got := download(t, m, pc, rows*cols)
	for i, w := range product(a, b, rows, cols, depth) {
		if math.Abs(float64(got[i])-w) > 1e-5 {
			t.Fatalf("C[%d] = %v, want %v", i, got[i], w)
		}
	}
	return nil
}

func TestTensorCores(t *testing.T) {
	src := source(t, "bf16mma.ptx")
	for _, o := range []Options{{}, {Unchecked: true}, {Shuffle: 3}} {
		if err := runBF16(t, o, src); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range []mutation{
		{"waits for too few", "wait_group 1", "wait_group 2", 0, AsyncCopy, "without its wait"},
		{"never waits", "cp.async.wait_group 1;", "", 0, AsyncCopy, "without its wait"},
		{"never commits", "cp.async.commit_group;", "", 1, AsyncCopy, ""},
		{"arrival not awaited", "bar.sync 0; // everybody's copies", "// everybody's copies", 0, SharedRace, "without bar.warp.sync"},
		{"overwritten while read", "bar.sync 0; // everybody has read", "// everybody has read", 0, SharedRace, "read at line"},
		{"some lanes miss the matrix", "ldmatrix.sync.aligned.m8n8.x4", "@%low ldmatrix.sync.aligned.m8n8.x4", 0, Divergence, "0000ffff"},
		{"row address misaligned", "mad.lo.u32 %fromA, %half, 16, %fromA;", "mad.lo.u32 %fromA, %half, 8, %fromA;", 0, Misaligned, "16 bytes"},
	} {
		t.Run(m.name, func(t *testing.T) {
			wantFault(t, runBF16(t, Options{}, replaceNth(t, src, m.old, m.new, m.nth)), m.kind, m.text)
		})
	}
}

// TestFragments runs one mma of every kind on operands that lie in memory as the
// matrices do; each lane picks its registers by the layout that the PTX manual gives.
func TestFragments(t *testing.T) {
	for _, c := range []struct {
		shape, typ string
		k, per     int
	}{
		{"m16n8k4", "tf32", 4, 1}, {"m16n8k8", "tf32", 8, 1},
		{"m16n8k8", "bf16", 8, 2}, {"m16n8k16", "bf16", 16, 2},
		{"m16n8k8", "f16", 8, 2}, {"m16n8k16", "f16", 16, 2},
	} {
		t.Run(c.shape+c.typ, func(t *testing.T) {
			a, b, acc := pattern(16*c.k), pattern(16 * c.k)[8*c.k:], pattern(16*8)
			m := New(Options{})
			pa, pb := upload(t, m, "A", packRows(a, c.typ)), upload(t, m, "B", packRows(b, c.typ)) // B by columns
			pc := upload(t, m, "C", floats(acc))
			mod, err := Parse("mma.ptx", fragmentKernel(c.shape, c.typ, c.k, c.per))
			if err != nil {
				t.Fatal(err)
			}
			k, _ := mod.Kernel("test")
			if err := m.Launch(context.Background(), k, [3]int{1, 1, 1}, [3]int{32, 1, 1}, 0, []uint64{pa, pb, pc}); err != nil {
				t.Fatal(err)
			}
			for i, got := range download(t, m, pc, 16*8) {
				want := float64(acc[i])
				for l := range c.k {
					want += float64(a[i/8*c.k+l]) * float64(b[i%8*c.k+l])
				}
				if got != float32(want) {
					t.Fatalf("C[%d][%d] = %v, want %v", i/8, i%8, got, want)
				}
			}
		})
	}
}

// packRows packs values in a format and leaves in v what was packed.
func packRows(v []float32, typ string) []byte {
	var b []byte
	switch typ {
	case "bf16":
		return brains(v)
	case "f16":
		for i, x := range v {
			h := toHalf(float64(x))
			v[i] = float32(fromHalf(h))
			b = binary.LittleEndian.AppendUint16(b, h)
		}
		return b
	}
	for i, x := range v {
		v[i] = f32(math.Float32bits(x) &^ 0x1fff)
	}
	return floats(v)
}

// fragmentKernel loads fragments, multiplies and stores.
func fragmentKernel(shape, typ string, k, per int) string {
	var s strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&s, format+"\n", args...) }
	p(".version 7.0\n.target sm_80\n.address_size 64\n.visible .entry test(.param .u64 a, .param .u64 b, .param .u64 c) {")
	p(".reg .b32 %%a<4>, %%b<2>, %%g, %%t, %%x; .reg .f32 %%c<4>; .reg .b64 %%A, %%B, %%C, %%w;")
	p("ld.param.u64 %%A, [a]; ld.param.u64 %%B, [b]; ld.param.u64 %%C, [c];")
	p("mov.u32 %%t, %%laneid; shr.u32 %%g, %%t, 2; and.b32 %%t, %%t, 3;")
	size := 4 / per
	na := 16 * k / 32 / per
	offset := func(row, col int) int { return (row*k + col) * size }
	p("mul.lo.u32 %%x, %%g, %d; mad.lo.u32 %%x, %%t, 4, %%x; cvt.u64.u32 %%w, %%x;", k*size)
	p("add.u64 %%A, %%A, %%w; add.u64 %%B, %%B, %%w;")
	var ra, rb []string
	for i := range na { // register i: rows g or g+8, k from 4*per*(i/2) on
		p("ld.global.b32 %%a%d, [%%A+%d];", i, offset(i%2*8, i/2*4*per))
		ra = append(ra, fmt.Sprintf("%%a%d", i))
	}
	for i := range na / 2 {
		p("ld.global.b32 %%b%d, [%%B+%d];", i, offset(0, i*4*per))
		rb = append(rb, fmt.Sprintf("%%b%d", i))
	}
	p("mul.lo.u32 %%x, %%g, 32; mad.lo.u32 %%x, %%t, 8, %%x; cvt.u64.u32 %%w, %%x; add.u64 %%C, %%C, %%w;")
	p("ld.global.v2.f32 {%%c0, %%c1}, [%%C]; ld.global.v2.f32 {%%c2, %%c3}, [%%C+256];")
	b := "{" + strings.Join(rb, ", ") + "}"
	p("mma.sync.aligned.%s.row.col.f32.%s.%s.f32 {%%c0, %%c1, %%c2, %%c3}, {%s}, %s, {%%c0, %%c1, %%c2, %%c3};", shape, typ, typ, strings.Join(ra, ", "), b)
	p("st.global.v2.f32 [%%C], {%%c0, %%c1}; st.global.v2.f32 [%%C+256], {%%c2, %%c3}; ret; }")
	return s.String()
}
