package ptxsim

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestHostFaults(t *testing.T) {
	m := New(Options{Memory: 1000})
	p, err := m.Alloc("a", 100)
	if err != nil {
		t.Fatal(err)
	}
	q, err := m.Alloc("b", 100)
	if err != nil {
		t.Fatal(err)
	}
	if free, total := m.MemInfo(); free != 800 || total != 1000 {
		t.Errorf("%d of %d bytes free", free, total)
	}
	wantFault(t, m.Read(make([]byte, 1), p), UninitialisedMemory, `byte 0 of "a"`)
	wantFault(t, m.Write(p+96, make([]byte, 5)), OutOfBounds, `offset 96 of "a"`)
	wantFault(t, m.Write(5, make([]byte, 5)), StrayPointer, "0x5")
	wantFault(t, m.Free(p+4), StrayPointer, `4 bytes inside "a"`)
	if err := m.Write(p, make([]byte, 50)); err != nil {
		t.Fatal(err)
	}
	if err := m.Copy(q, p, 100); err != nil {
		t.Fatal(err)
	}
	if err := m.Read(make([]byte, 50), q); err != nil {
		t.Fatal(err)
	}
	wantFault(t, m.Read(make([]byte, 51), q), UninitialisedMemory, `byte 50 of "b"`)
	wantFault(t, m.Copy(q+1, p, 100), OutOfBounds, `"b"`)
	if err := m.Free(p); err != nil {
		t.Fatal(err)
	}
	wantFault(t, m.Read(make([]byte, 1), p), UseAfterFree, `"a" was freed`)
	wantFault(t, m.Free(p), UseAfterFree, `"a"`)
	_, err = m.Alloc("c", 901)
	var full *OutOfMemory
	if !errors.As(err, &full) || full.Asked != 901 || full.Free != 900 || !strings.Contains(err.Error(), `"c" wants 901 bytes`) {
		t.Errorf("got %v", err)
	}
}

// runOn runs a snippet on memory that exists already.
func runOn(t *testing.T, m *Machine, body string, grid, threads int, p, n uint64) error {
	t.Helper()
	mod, err := Parse("snippet.ptx", snippet(body))
	if err != nil {
		t.Fatal(err)
	}
	k, _ := mod.Kernel("test")
	return m.Launch(context.Background(), k, [3]int{grid, 1, 1}, [3]int{threads, 1, 1}, 0, []uint64{p, n})
}

func TestFreedMemory(t *testing.T) {
	m := New(Options{})
	p := upload(t, m, "a", make([]byte, 128))
	if err := m.Free(p); err != nil {
		t.Fatal(err)
	}
	wantFault(t, runOn(t, m, "ld.global.u32 %r6, [%rd2];", 1, 32, p, 0), UseAfterFree, `"a", which was freed`)
}

// TestPieces runs kernels on pieces of an arena.
func TestPieces(t *testing.T) {
	const read, write = "ld.global.u32 %r6, [%rd2];", "st.global.u32 [%rd2], %r2;"
	m := New(Options{})
	arena, err := m.Alloc("arena", 4096)
	if err != nil {
		t.Fatal(err)
	}
	lend := func(off uint64, name string, n int64) uint64 {
		t.Helper()
		if err := m.Lend(arena+off, name, n); err != nil {
			t.Fatal(err)
		}
		return arena + off
	}
	a, b := lend(0, "x", 128), lend(128, "y", 128)
	wantFault(t, runOn(t, m, read, 1, 32, a, 0), UninitialisedMemory, `"x"`)
	if err := errors.Join(runOn(t, m, write, 1, 32, a, 0), runOn(t, m, write, 1, 32, b, 0)); err != nil {
		t.Fatal(err)
	}
	// The neighbour has been written and belongs to the same allocation.
	wantFault(t, runOn(t, m, read, 1, 33, a, 0), OutOfBounds, `offset 128 of "x", which has 128 bytes`)
	wantFault(t, runOn(t, m, "ld.global.u32 %r6, [%rd2+-4];", 1, 1, b, 0), OutOfBounds, `4 bytes before "y"`)
	if err := runOn(t, m, read, 1, 16, a+64, 0); err != nil { // a view into the middle
		t.Fatal(err)
	}
	wantFault(t, runOn(t, m, read, 1, 32, arena+256, 0), OutOfBounds, "lent to nobody")
	wantFault(t, m.Read(make([]byte, 4), arena+256), OutOfBounds, "lent to nobody")
	wantFault(t, m.Write(a+64, make([]byte, 65)), OutOfBounds, `65 bytes at offset 64 of "x", which has 128`)
	if got := words(t, m, a, 32); got[31] != 31 {
		t.Errorf("read %v", got)
	}
	for _, l := range []struct {
		off  uint64
		n    int64
		kind FaultKind
	}{{0, 64, Trap}, {64, 32, Trap}, {250, 64, Trap}, {4000, 97, OutOfBounds}} {
		wantFault(t, m.Lend(arena+l.off, "z", l.n), l.kind, "")
	}
	if err := m.TakeBack(a); err != nil {
		t.Fatal(err)
	}
	wantFault(t, m.TakeBack(a), StrayPointer, "no piece")
	wantFault(t, runOn(t, m, read, 1, 32, a, 0), UseAfterFree, "taken back")
	wantFault(t, m.Read(make([]byte, 4), a), UseAfterFree, "taken back")
	lend(0, "again", 64)
	wantFault(t, runOn(t, m, read, 1, 8, a, 0), UninitialisedMemory, `"again"`)
}

// TestRacesInPieces: a race is found where two pieces are one memory, and not between
// neighbours.
func TestRacesInPieces(t *testing.T) {
	m := New(Options{Workers: 2})
	arena, err := m.Alloc("arena", 4096)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Lend(arena, "x", 256); err != nil {
		t.Fatal(err)
	}
	each := "mul.wide.u32 %rd3, %r3, 128;\nadd.u64 %rd2, %rd2, %rd3;\nst.global.u32 [%rd2], %r2;"
	if err := runOn(t, m, each, 2, 32, arena, 0); err != nil {
		t.Fatal(err)
	}
	each = replaceNth(t, each, "128", "64", 0)
	f := wantFault(t, runOn(t, m, each, 2, 32, arena, 0), GlobalRace, `"x" (256 bytes) at offset 64`)
	if f.Line == 0 || f.Kernel != "test" {
		t.Errorf("fault %+v", f)
	}
}
