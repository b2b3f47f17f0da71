package kernels

import (
	"sync"
	"time"
)

// PeakFMA measures how many GFLOP/s of float32 multiply-adds, two operations
// each, so many threads do at once in registers, with the widest instructions
// that the kernels use: the limit of every product and convolution. It takes
// some 30 ms, and returns 0 where there are no assembly kernels.
func PeakFMA(threads int) float64 {
	rates := make([]float64, threads)
	var wg sync.WaitGroup
	for i := range rates {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for start := time.Now(); time.Since(start) < 30*time.Millisecond; {
				before := time.Now()
				flop := fmaLoop()
				rates[i] = max(rates[i], float64(flop)/float64(time.Since(before)))
			}
		}()
	}
	wg.Wait()
	sum := 0.0
	for _, r := range rates {
		sum += r
	}
	return sum
}
