//go:build unix

package ptxsim

import (
	"context"
	"syscall"
	"testing"
)

// userSeconds is the processor time of this process: what a benchmark measures where
// others use the machine as well.
func userSeconds() float64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return float64(r.Utime.Sec) + float64(r.Utime.Usec)/1e6
}

// instructions sums what a machine ran.
func instructions(m *Machine) (n uint64) {
	for _, r := range m.Report() {
		n += r.ThreadInstructions
	}
	return n
}

func BenchmarkSgemm(b *testing.B) {
	k, _ := parse(b, "sgemm.ptx").Kernel("sgemm")
	for _, unchecked := range []bool{false, true} {
		b.Run(map[bool]string{false: "checked", true: "unchecked"}[unchecked], func(b *testing.B) {
			m := New(Options{Unchecked: unchecked, Workers: 1})
			const n = 128
			a, c := upload(b, m, "A", floats(pattern(n*n))), upload(b, m, "C", floats(pattern(n*n)))
			m.Reset()
			start := userSeconds()
			for range b.N {
				if err := m.Launch(context.Background(), k, [3]int{n / 16, n / 16, 1}, [3]int{16, 16, 1}, 0, []uint64{a, a, c, n, n, n}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(instructions(m))/(userSeconds()-start)/1e6, "Minstr/s")
		})
	}
}

func BenchmarkSaxpy(b *testing.B) {
	k, _ := parse(b, "saxpy.ptx").Kernel("saxpy")
	m := New(Options{Workers: 1})
	const n = 1 << 18
	x, y := upload(b, m, "x", floats(pattern(n))), upload(b, m, "y", floats(pattern(n)))
	start := userSeconds()
	for range b.N {
		if err := m.Launch(context.Background(), k, [3]int{n / 256, 1, 1}, [3]int{256, 1, 1}, 0, []uint64{x, y, 0, n}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(instructions(m))/(userSeconds()-start)/1e6, "Minstr/s")
}

// BenchmarkSmallLaunch is what a launch costs apart from its instructions.
func BenchmarkSmallLaunch(b *testing.B) {
	k, _ := parse(b, "saxpy.ptx").Kernel("saxpy")
	m := New(Options{})
	const n = 256
	x, y := upload(b, m, "x", floats(pattern(n))), upload(b, m, "y", floats(pattern(n)))
	for range b.N {
		if err := m.Launch(context.Background(), k, [3]int{1, 1, 1}, [3]int{n, 1, 1}, 0, []uint64{x, y, 0, n}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTensorCores measures a kernel of cp.async, ldmatrix and mma.
func BenchmarkTensorCores(b *testing.B) {
	k, _ := parse(b, "bf16mma.ptx").Kernel("bf16mma")
	m := New(Options{Workers: 1})
	const n = 128
	pa := upload(b, m, "A", brains(pattern(n*n)))
	pc := upload(b, m, "C", floats(pattern(n*n)))
	start := userSeconds()
	for range b.N {
		if err := m.Launch(context.Background(), k, [3]int{n / 8, n / 16, 1}, [3]int{32, 1, 1}, 0, []uint64{pa, pa, pc, n, n}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(2*n*n*n*float64(b.N)/(userSeconds()-start)/1e6, "MFLOP/s")
}
