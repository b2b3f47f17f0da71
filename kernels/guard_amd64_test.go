//go:build linux && amd64 && !noasm

package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// guardedCPU is the CPU with memory of its own for every buffer and every loan, next to
// pages that may not be touched: behind it, or before it with front. Assembly that reads
// or writes an element too many faults there, where elsewhere it goes unnoticed.
type guardedCPU struct {
	Device
	front bool
	maps  [][]byte
}

func (d *guardedCPU) Alloc(n int) Buffer {
	return &hostBuffer[float32]{data: guardedFloats[float32](d, n)}
}

// guardedFloats returns n elements, NaN.
func guardedFloats[T Float](d *guardedCPU, n int) []T {
	if n == 0 {
		return nil
	}
	page, bytes := unix.Getpagesize(), n*int(unsafe.Sizeof(*new(T)))
	inside := (bytes + page - 1) / page * page
	m, err := unix.Mmap(-1, 0, inside+2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		panic(err)
	}
	d.maps = append(d.maps, m)
	for _, guard := range [][]byte{m[:page], m[page+inside:]} {
		if err := unix.Mprotect(guard, unix.PROT_NONE); err != nil {
			panic(err)
		}
	}
	at := page + inside - bytes
	if d.front {
		at = page
	}
	s := unsafe.Slice((*T)(unsafe.Pointer(&m[at])), n)
	for i := range s {
		s[i] = T(math.NaN())
	}
	return s
}

// during runs fn with guarded loans and reports a fault as a failure. One thread does
// all the work: a fault is a panic only on a goroutine that has asked for that.
func (d *guardedCPU) during(t *testing.T, name string, fn func()) {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	free32, free64 := loans32.free, loans64.free
	loans32.fresh = func(n int) []float32 { return guardedFloats[float32](d, n) }
	loans64.fresh = func(n int) []float64 { return guardedFloats[float64](d, n) }
	defer func() {
		if e := recover(); e != nil {
			t.Errorf("%s, pages before=%v: %v\n%s", name, d.front, e, debug.Stack())
		}
		loans32.fresh, loans64.fresh = nil, nil
		loans32.free, loans64.free = free32, free64
		for _, m := range d.maps {
			if err := unix.Munmap(m); err != nil {
				t.Fatal(err)
			}
		}
		d.maps = nil
	}()
	fn()
}

// checkGuarded runs kernels on memory of both kinds and on the CPU, and compares.
func checkGuarded(t *testing.T, name string, run func(Device) [][]float64) {
	t.Helper()
	want := run(CPU)
	for _, front := range []bool{false, true} {
		d := &guardedCPU{Device: CPU, front: front}
		d.during(t, name, func() {
			for i, got := range run(d) {
				if worst(got, want[i]) != 0 {
					t.Errorf("%s, pages before=%v: result %d differs from that in other memory", name, front, i)
				}
			}
		})
	}
}

// guardedConvShapes adds to the usual ones what has gone wrong: units of so few outputs
// that a vector read in the last but one ends behind the last.
func guardedConvShapes() []ConvAttr {
	return append(append(convShapes(), wino2Shapes...),
		square(2, 1, 64, 1, 1, 2, 0), square(4, 2, 16, 3, 3, 2, 1), square(8, 4, 16, 2, 3, 2, 1), square(5, 1, 8, 7, 3, 2, 1))
}

// convolutions is a shape with every algorithm that computes it in another way.
func convolutions(g ConvAttr) (out []ConvAttr) {
	for i := range convAlgorithms {
		g.Algorithm = ConvAlgorithm(i)
		if g.Algorithm == ConvDirect || g.Algorithm == ConvWinograd && g.winograd() || g.winograd2() {
			out = append(out, g)
		}
	}
	return out
}

func TestConvStaysInItsMemory(t *testing.T) {
	eachTileSet(t, func(t *testing.T) {
		if tiles.lanes == 0 {
			return // plain Go checks its bounds
		}
		for _, g := range guardedConvShapes() {
			r := rand.New(rand.NewPCG(21, uint64(g.C*100+g.K)))
			x, w := normals(r, g.N*g.H*g.W*g.C, 0, 1), normals(r, g.patchLen()*g.K, 0, 1)
			dy := normals(r, g.N*g.OutH*g.OutW*g.K, 0, 1)
			for _, g := range convolutions(g) {
				checkGuarded(t, convName(g)+" "+g.Algorithm.String(), func(d Device) [][]float64 {
					out := runOn(d, Conv, &g, [][]float64{x, w}, len(dy))
					out = append(out, runOn(d, Conv, &g, [][]float64{x, w, dy}, len(dy))...)
					out = append(out, runOn(d, ConvDX, &g, [][]float64{dy, w}, len(x))...)
					out = append(out, runOn(d, ConvDX, &g, [][]float64{dy, w, x}, len(x))...)
					return append(out, runOn(d, ConvDW, &g, [][]float64{x, dy}, len(w))...)
				})
			}
		}
	})
}

func TestGemmStaysInItsMemory(t *testing.T) {
	eachTileSet(t, func(t *testing.T) {
		if tiles.lanes == 0 {
			return
		}
		r := rand.New(rand.NewPCG(22, 1))
		for _, s := range append(gemmShapes, gemmShape{1, 3, 130}, gemmShape{3, 50, 1}, gemmShape{50, 2, 5}) {
			if s.k == 0 {
				continue
			}
			a, b := normals(r, s.m*s.k, 0, 1), normals(r, s.k*s.n, 0, 1)
			for mode := range 4 {
				g := &MatmulAttr{Batch: 1, M: s.m, N: s.n, K: s.k, TransA: mode&1 != 0, TransB: mode&2 != 0}
				checkGuarded(t, fmt.Sprintf("%+v", *g), func(d Device) [][]float64 {
					return runOn(d, Matmul, g, [][]float64{a, b}, s.m*s.n)
				})
			}
		}
	})
}

func TestNormStaysInItsMemory(t *testing.T) {
	eachVectorSet(t, func(t *testing.T) {
		if vectors == noVectors {
			return
		}
		for _, s := range [][2]int{{1, 1}, {2, 3}, {7, 5}, {5, 16}, {33, 17}, {70, 12}, {9, 130}, {400, 48}} {
			p := newNormCase(s[0], s[1], true, 23)
			p.mean, p.rstd = normals(rand.New(rand.NewPCG(1, 2)), s[1], 0, 1), p.gamma
			q := newAddCase(s[0], s[1])
			n, c := len(p.x), s[1]
			checkGuarded(t, fmt.Sprint("norm ", s), func(d Device) [][]float64 {
				out := append(append(p.forward(d), p.grad(d)...), p.grad2(d)...)
				out = append(out, runOn(d, ChannelAffine, &p.at, [][]float64{p.x, p.gamma, p.beta}, n)...)
				out = append(out, runOn(d, Normalise, &p.at, [][]float64{p.x}, n, c, c, c)...)
				out = append(out, runOn(d, NormaliseGrad, &p.at, [][]float64{p.g, p.x, p.rstd, nil}, n)...)
				out = append(out, runOn(d, NormaliseGrad2, &p.at, [][]float64{p.u, p.g, p.x, p.rstd, p.wg}, n, n, c, c)...)
				return append(out, q.all(d)...)
			})
		}
	})
}

func TestAffineConvStaysInItsMemory(t *testing.T) {
	eachVectorSet(t, func(t *testing.T) {
		if vectors == noVectors {
			return
		}
		for _, s := range denseShapes {
			p := newDenseCase(s.m, s.k, s.widths...)
			checkGuarded(t, fmt.Sprint("affineconv ", s), func(d Device) [][]float64 {
				return append(append(p.forward(d), p.grad(d, p.onto)...), p.grad2(d)...)
			})
		}
	})
}
