package kernels

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gradgrad/internal/testkit"
)

// withProcs runs fn with that many threads.
func withProcs(t *testing.T, procs int, fn func(t *testing.T)) {
	t.Run(fmt.Sprintf("GOMAXPROCS=%d", procs), func(t *testing.T) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		fn(t)
	})
}

func TestForVisitsEveryIndexOnce(t *testing.T) {
	for _, procs := range []int{1, 4, 2, 7} {
		withProcs(t, procs, func(t *testing.T) {
			for _, n := range []int{0, 1, 2, 3, 100, 1000} {
				for range 200 {
					visits := make([]atomic.Int32, n)
					For(n, func(i int) { visits[i].Add(1) })
					for i := range visits {
						if v := visits[i].Load(); v != 1 {
							t.Fatalf("n=%d: index %d visited %d times", n, i, v)
						}
					}
				}
			}
		})
	}
}

func TestForUsesNoMoreGoroutinesThanThreads(t *testing.T) {
	withProcs(t, 4, func(t *testing.T) {
		var busy atomic.Int32
		For(2000, func(int) {
			if n := busy.Add(1); n > 4 {
				t.Errorf("%d goroutines work at once", n)
			}
			runtime.Gosched()
			busy.Add(-1)
		})
	})
}

func TestForNestedAndConcurrent(t *testing.T) {
	withProcs(t, 3, func(t *testing.T) {
		var sum atomic.Int64
		var wg sync.WaitGroup
		for range 5 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for range 50 {
					For(10, func(int) { For(10, func(j int) { sum.Add(int64(j)) }) })
				}
			}()
		}
		wg.Wait()
		if sum.Load() != 5*50*10*45 {
			t.Fatalf("sum %d, want %d", sum.Load(), 5*50*10*45)
		}
	})
}

func TestForAfterWorkersParked(t *testing.T) {
	withProcs(t, 4, func(t *testing.T) {
		for range 20 {
			time.Sleep(2 * spinTime)
			var sum atomic.Int64
			For(100, func(i int) { sum.Add(int64(i)) })
			if sum.Load() != 4950 {
				t.Fatalf("sum %d, want 4950", sum.Load())
			}
		}
	})
}

func TestForPassesPanicsOn(t *testing.T) {
	withProcs(t, 4, func(t *testing.T) {
		for bad := range 40 {
			func() {
				defer func() {
					if e := recover(); e != bad {
						t.Fatalf("recovered %v, want %d", e, bad)
					}
				}()
				For(40, func(i int) {
					if i == bad {
						panic(bad)
					}
					runtime.Gosched()
				})
			}()
		}
		var sum atomic.Int64
		For(100, func(i int) { sum.Add(int64(i)) })
		if sum.Load() != 4950 {
			t.Fatalf("after panics: sum %d, want 4950", sum.Load())
		}
	})
}

func TestForAllocatesNothing(t *testing.T) {
	var sum atomic.Int64
	fn := func(i int) { sum.Add(1) }
	if a := testkit.Mallocs(2, 100, func() { For(16, fn) }); a > 0 {
		t.Fatalf("%v allocations a call, want none", a)
	}
}

// BenchmarkFor is what it costs to share nothing at all.
func BenchmarkFor(b *testing.B) {
	fn := func(int) {}
	for b.Loop() {
		For(16, fn)
	}
}
