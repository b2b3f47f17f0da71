package kernels

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// For calls fn(i) for every i in [0, n), on up to GOMAXPROCS goroutines. The
// order is undefined, so fn(i) must depend on nothing that another call writes;
// what n is must not depend on the number of threads where bits matter.
func For(n int, fn func(i int)) {
	ForWorker(n, func(_, i int) { fn(i) })
}

// Workers is the number of goroutines that [ForWorker] may use at this moment.
func Workers() int { return runtime.GOMAXPROCS(0) }

// ForWorker is [For] with the number of the worker, 0 <= worker < [Workers],
// by which fn may find scratch memory of its own.
func ForWorker(n int, fn func(worker, i int)) {
	w := min(Workers(), n)
	if w <= 1 {
		for i := range n {
			fn(0, i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	body := func(worker int) {
		for {
			i := int(next.Add(1)) - 1
			if i >= n {
				return
			}
			fn(worker, i)
		}
	}
	for worker := 1; worker < w; worker++ {
		wg.Add(1)
		go func() { defer wg.Done(); body(worker) }()
	}
	body(0)
	wg.Wait()
}
