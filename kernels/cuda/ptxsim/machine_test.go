package ptxsim

import (
	"context"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"
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
