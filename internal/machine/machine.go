// Package machine measures what the processor can do at most, so that a
// benchmark can say which share of it a program reaches: multiply-adds a second
// with all operands in registers, and bytes a second copied through memory.
package machine

import (
	"runtime"
	"sync"
	"time"
)

// trials is how often each measurement is made; the best one counts, because
// whatever disturbs can only make it slower.
const trials = 5

// FMAPeak is the highest rate of float32 multiply-adds on all threads together,
// in GFLOP/s (2 a multiply-add). ok is false where there is no kernel for the
// processor, or the program was built without assembly.
func FMAPeak() (gflops float64, ok bool) {
	loop, flops := fmaLoop()
	if loop == nil {
		return 0, false
	}
	const rounds = 1 << 22
	for range trials {
		t := inParallel(func(int) { loop(rounds) })
		gflops = max(gflops, float64(flops)*rounds*float64(runtime.GOMAXPROCS(0))/t.Seconds()/1e9)
	}
	return gflops, true
}

// CopyBandwidth is the rate at which all threads together copy memory that does
// not fit into caches, in GB/s (10^9), bytes read and bytes written both counted.
func CopyBandwidth() float64 {
	const size = 64 << 20 // bytes a thread
	threads := runtime.GOMAXPROCS(0)
	src, dst := make([][]byte, threads), make([][]byte, threads)
	for i := range threads {
		src[i], dst[i] = make([]byte, size), make([]byte, size)
		for k := 0; k < size; k += 512 {
			src[i][k] = 1 // so that it is memory of its own
		}
	}
	best := 0.0
	for range trials {
		t := inParallel(func(i int) { copy(dst[i], src[i]) })
		best = max(best, 2*size*float64(threads)/t.Seconds()/1e9)
	}
	return best
}

// inParallel runs f on every thread and returns the wall time.
func inParallel(f func(i int)) time.Duration {
	var wg sync.WaitGroup
	began := time.Now()
	for i := range runtime.GOMAXPROCS(0) {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
	return time.Since(began)
}
