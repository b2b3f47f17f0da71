// Package machine measures what the memory can do at most, so that a benchmark
// can say which share of it a program reaches. What the processor can do at most
// is kernels.PeakFMA.
package machine

import (
	"runtime"
	"sync"
	"time"
)

// trials is how often each measurement is made; the best one counts, because
// whatever disturbs can only make it slower.
const trials = 5

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
