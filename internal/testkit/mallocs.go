package testkit

import (
	"runtime"
	"runtime/debug"
)

// Mallocs is the number of objects that fn allocates a call, in steady state and with so
// many threads: the least of a few averages over several calls, since whatever else runs
// may allocate too. [testing.AllocsPerRun] measures on one thread, on which goroutines
// that share work have none to share.
func Mallocs(threads, calls int, fn func()) float64 {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	fn()
	var before, after runtime.MemStats
	least := ^uint64(0)
	for range 5 {
		runtime.ReadMemStats(&before)
		for range calls {
			fn()
		}
		runtime.ReadMemStats(&after)
		least = min(least, after.Mallocs-before.Mallocs)
		if least == 0 {
			break
		}
	}
	return float64(least) / float64(calls)
}
