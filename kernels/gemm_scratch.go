package kernels

import "sync"

// scratch is memory that a kernel borrows for the time of one call. It is kept
// for the next call, unlike what a sync.Pool holds, so that a training step
// makes no garbage and touches no fresh pages.
type scratch[T Float] struct{ data []T }

// scratchList holds what nobody uses at the moment.
type scratchList[T Float] struct {
	sync.Mutex
	free []*scratch[T]
}

var (
	scratch32 scratchList[float32]
	scratch64 scratchList[float64]
)

func scratchOf[T Float]() *scratchList[T] {
	if isFloat32[T]() {
		return any(&scratch32).(*scratchList[T])
	}
	return any(&scratch64).(*scratchList[T])
}

// borrow returns n elements with undefined contents: the smallest free piece
// that is large enough, or else the largest one, grown.
func borrow[T Float](n int) *scratch[T] {
	l := scratchOf[T]()
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
	var s *scratch[T]
	if best >= 0 {
		s = l.free[best]
		last := len(l.free) - 1
		l.free[best] = l.free[last]
		l.free[last] = nil
		l.free = l.free[:last]
	}
	l.Unlock()
	if s == nil {
		s = &scratch[T]{}
	}
	if cap(s.data) < n {
		s.data = make([]T, n+n/8) // a little room, so that near sizes share a piece
	}
	s.data = s.data[:n]
	return s
}

// giveBack ends the loan.
func giveBack[T Float](s *scratch[T]) {
	l := scratchOf[T]()
	l.Lock()
	l.free = append(l.free, s)
	l.Unlock()
}
