package kernels

import "sync"

// loan is memory that a kernel borrows for the time of one call. It is kept
// for the next call, unlike what a sync.Pool holds, so that a training step
// makes no garbage and touches no fresh pages.
type loan[T Float] struct{ data []T }

// loanList holds what nobody uses at the moment.
type loanList[T Float] struct {
	sync.Mutex
	free []*loan[T]
	// fresh, where a test has set it, makes the memory of every loan.
	fresh func(n int) []T
}

var (
	loans32 loanList[float32]
	loans64 loanList[float64]
)

func loansOf[T Float]() *loanList[T] {
	if isFloat32[T]() {
		return any(&loans32).(*loanList[T])
	}
	return any(&loans64).(*loanList[T])
}

// borrow returns n elements with undefined contents: the smallest free piece
// that is large enough, or else the largest one, grown.
func borrow[T Float](n int) *loan[T] {
	l := loansOf[T]()
	if l.fresh != nil {
		return &loan[T]{l.fresh(n)}
	}
	l.Lock()
	best := -1
	for i, s := range l.free {
		switch {
		case best < 0:
			best = i
		case cap(s.data) >= n:
			if c := cap(l.free[best].data); c < n || cap(s.data) < c {
				best = i
			}
		case cap(s.data) > cap(l.free[best].data):
			best = i
		}
	}
	var s *loan[T]
	if best >= 0 {
		s = l.free[best]
		last := len(l.free) - 1
		l.free[best] = l.free[last]
		l.free[last] = nil
		l.free = l.free[:last]
	}
	l.Unlock()
	if s == nil {
		s = &loan[T]{}
	}
	if cap(s.data) < n {
		s.data = newFloats[T](n + n/8) // a little room, so that near sizes share a piece
	}
	s.data = s.data[:n]
	return s
}

// giveBack ends the loan.
func giveBack[T Float](s *loan[T]) {
	l := loansOf[T]()
	l.Lock()
	l.free = append(l.free, s)
	l.Unlock()
}
