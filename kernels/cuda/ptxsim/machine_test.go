package ptxsim

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// source reads a kernel of testdata.
func source(t testing.TB, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func parse(t testing.TB, file string) *Module {
	t.Helper()
	m, err := Parse(file, source(t, file))
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
	k, ok := parse(t, "saxpy.ptx").Kernel("saxpy")
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

func TestLaunchLimits(t *testing.T) {
	saxpy, _ := parse(t, "saxpy.ptx").Kernel("saxpy")
	sgemm, _ := parse(t, "sgemm.ptx").Kernel("sgemm")
	newer, err := Parse("new.ptx", ".version 8.0\n.target sm_90\n.visible .entry k() .maxntid 64 { ret; }")
	if err != nil {
		t.Fatal(err)
	}
	k90, _ := newer.Kernel("k")
	one := [3]int{1, 1, 1}
	for _, c := range []struct {
		k           *Kernel
		grid, block [3]int
		dynamic     int
		params      int
		arch        int
		text        string
	}{
		{saxpy, one, one, 0, 3, 80, "4 parameters, got 3"},
		{saxpy, [3]int{0, 1, 1}, one, 0, 4, 80, "grid [0 1 1]"},
		{saxpy, [3]int{1, 65536, 1}, one, 0, 4, 80, "grid"},
		{saxpy, one, [3]int{1025, 1, 1}, 0, 4, 80, "block"},
		{saxpy, one, [3]int{64, 32, 1}, 0, 4, 80, "block"},
		{saxpy, one, one, 164 << 10, 4, 80, "dynamic shared memory"},
		{sgemm, one, [3]int{32, 8, 1}, 0, 6, 80, ".reqntid says [16 16 1]"},
		{k90, one, [3]int{65, 1, 1}, 0, 0, 90, ".maxntid allows 64"},
		{k90, one, one, 0, 0, 80, "sm_90 is newer than the machine"},
	} {
		err := New(Options{Arch: c.arch}).Launch(context.Background(), c.k, c.grid, c.block, c.dynamic, make([]uint64, c.params))
		if err == nil || !strings.Contains(err.Error(), c.text) || !strings.Contains(err.Error(), c.k.Name) {
			t.Errorf("got %v, want ...%s...", err, c.text)
		}
	}
	if MaxShared(90) <= MaxShared(80) || MaxShared(80) <= MaxShared(86) {
		t.Error("the limits of shared memory are out of order")
	}
}

func TestCancel(t *testing.T) {
	const endless = ".version 7.0\n.target sm_80\n.entry k() { L: bra L; }"
	mod, err := Parse("endless.ptx", endless)
	if err != nil {
		t.Fatal(err)
	}
	k, _ := mod.Kernel("k")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	m := New(Options{MaxSteps: math.MaxInt64})
	for range 2 { // while it runs, and before
		err = m.Launch(ctx, k, [3]int{8, 1, 1}, [3]int{64, 1, 1}, 0, nil)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "kernel k") {
			t.Errorf("got %v", err)
		}
	}
}

// TestOrderDoesNotMatter runs a kernel in several orders and on several goroutines,
// and wants the same results, faults and counts.
func TestOrderDoesNotMatter(t *testing.T) {
	k, _ := parse(t, "sgemm.ptx").Kernel("sgemm")
	bad, err := Parse("sgemm.ptx", replaceNth(t, source(t, "sgemm.ptx"), "@%in st.global", "st.global", 0))
	if err != nil {
		t.Fatal(err)
	}
	kBad, _ := bad.Kernel("sgemm")
	var sums, faults, counts []string
	for _, o := range []Options{{Workers: 1}, {Workers: 2}, {Workers: 7}, {Workers: 3, Shuffle: 9}} {
		m := New(o)
		got, _, err := gemm(t, m, k, 40, 50, 20)
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, fmt.Sprint(got))
		counts = append(counts, m.Report()[0].String())
		_, _, err = gemm(t, New(o), kBad, 40, 50, 20)
		if o.Shuffle == 0 {
			faults = append(faults, err.Error())
		}
	}
	for _, list := range [][]string{sums, faults, counts} {
		for _, s := range list {
			if s != list[0] {
				t.Errorf("one run gives\n%s\nanother\n%s", list[0], s)
			}
		}
	}
}

// TestShuffleFindsWhatOrderHides: warp 1 reads what warp 0 wrote. Without the race
// check, ascending order hides it.
func TestShuffleFindsWhatOrderHides(t *testing.T) {
	const body = "setp.lt.u32 %p1, %r2, 32;\n@%p1 st.shared.u32 [%r4], %r2;\n@!%p1 ld.shared.u32 %r6, [%r4+-128];\nst.global.u32 [%rd2], %r2;"
	if _, err := runSnippet(t, New(Options{Unchecked: true}), body, 1, 64, 64, 1); err != nil {
		t.Fatal(err)
	}
	_, err := runSnippet(t, New(Options{}), body, 1, 64, 64, 1)
	wantFault(t, err, SharedRace, "")
	seen := map[FaultKind]bool{}
	for seed := range uint64(20) {
		_, err := runSnippet(t, New(Options{Shuffle: seed + 1}), body, 1, 64, 64, 1)
		var f *Fault
		if !errors.As(err, &f) {
			t.Fatalf("got %v", err)
		}
		seen[f.Kind] = true
	}
	if !seen[SharedRace] || !seen[UninitialisedMemory] {
		t.Errorf("shuffling gives %v only", seen)
	}
}

func TestCounts(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       Counts // of the line that the body ends with
	}{
		{"consecutive words", "ld.global.u32 %r6, [%rd2];", Counts{GlobalBytes: 128, Sectors: 4, IdealSectors: 4}},
		{"one word for all", "ld.global.u32 %r6, [%rd1];", Counts{GlobalBytes: 128, Sectors: 1, IdealSectors: 1}},
		{"every eighth word", "mul.wide.u32 %rd3, %r2, 32;\nadd.u64 %rd3, %rd1, %rd3;\nld.global.u32 %r6, [%rd3];", Counts{GlobalBytes: 128, Sectors: 32, IdealSectors: 4}},
		{"backwards", "mul.wide.u32 %rd3, %r2, 4;\nsub.u64 %rd3, %rd1, %rd3;\nld.global.u32 %r6, [%rd3+124];", Counts{GlobalBytes: 128, Sectors: 4, IdealSectors: 4}},
		{"to and fro", "and.b32 %r6, %r2, 1;\nmul.wide.u32 %rd3, %r6, 64;\nadd.u64 %rd3, %rd1, %rd3;\nld.global.u32 %r6, [%rd3];", Counts{GlobalBytes: 128, Sectors: 2, IdealSectors: 2}},
		{"vectors", "mul.wide.u32 %rd3, %r2, 16;\nadd.u64 %rd3, %rd1, %rd3;\nld.global.v4.u32 {%r6, %r7, %r8, %r9}, [%rd3];", Counts{GlobalBytes: 512, Sectors: 16, IdealSectors: 16}},
		{"shared, no conflict", "st.shared.u32 [%r4], %r2;", Counts{SharedPhases: 1}},
		{"shared, two by two", "shl.b32 %r6, %r2, 3;\nadd.u32 %r6, %r6, %r5;\nst.shared.u32 [%r6], %r2;", Counts{SharedPhases: 1, BankConflicts: 1}},
		{"shared, a column of 32", "and.b32 %r6, %r2, 7;\nshl.b32 %r6, %r6, 7;\nadd.u32 %r6, %r6, %r5;\nst.shared.u32 [%r6], %r5;", Counts{SharedPhases: 1, BankConflicts: 7}},
		{"shared, vectors", "shl.b32 %r6, %r2, 4;\nadd.u32 %r6, %r6, %r5;\nst.shared.v4.u32 [%r6], {%r2, %r2, %r2, %r2};", Counts{SharedPhases: 4}},
		{"shared, pairs", "shl.b32 %r6, %r2, 3;\nadd.u32 %r6, %r6, %r5;\nst.shared.v2.u32 [%r6], {%r2, %r2};", Counts{SharedPhases: 2}},
		{"shared, vectors 32 bytes apart", "shl.b32 %r6, %r2, 5;\nadd.u32 %r6, %r6, %r5;\nst.shared.v4.u32 [%r6], {%r2, %r2, %r2, %r2};", Counts{SharedPhases: 4, BankConflicts: 4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := New(Options{})
			if _, err := runSnippet(t, m, c.body, 1, 32, 256, 1); err != nil {
				t.Fatal(err)
			}
			lines := m.Report()[0].Lines
			got := lines[len(lines)-3].Counts // before ret and the end
			c.want.WarpInstructions, c.want.ThreadInstructions = 1, 32
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
	m := New(Options{})
	if _, err := runSnippet(t, m, "setp.lt.u32 %p1, %r2, 5;\n@%p1 bra A;\nA:", 2, 64, 1, 1); err != nil {
		t.Fatal(err)
	}
	if r := m.Report()[0]; r.DivergentBranches != 2 || r.Launches != 1 || r.Blocks != 2 || r.Threads != 128 {
		t.Errorf("report %+v", r)
	}
	if m.Reset(); len(m.Report()) != 0 {
		t.Error("Reset forgets nothing")
	}
}

func TestTrace(t *testing.T) {
	var lines []string
	m := New(Options{Trace: func(s Step) {
		lines = append(lines, fmt.Sprintf("%s %v %d %08x %s", s.Kernel.Name, s.Block, s.Warp, s.Mask, s.Code))
	}})
	if _, err := runSnippet(t, m, "setp.lt.u32 %p1, %r2, 5;\n@%p1 add.u32 %r6, %r2, 1;", 1, 40, 1, 1); err != nil {
		t.Fatal(err)
	}
	if want := "test [0 0 0] 0 0000001f @%p1 add.u32 %r6, %r2, 1;"; !slices.Contains(lines, want) {
		t.Errorf("no %q in %q", want, lines)
	}
}
