package kernels

import (
	"reflect"
	"sync"
)

// share calls job.piece(i) for every i in [0, n), as [For] does. A closure that was
// handed to For would be garbage afterwards; a job is a struct, of which a copy is
// kept for the next call with the same type.
func share[J any, P interface {
	*J
	piece(i int)
}](n int, job J) {
	list := sharesOf[J]()
	s := list.take()
	if s == nil {
		s = &shared[J]{}
		s.piece = func(i int) { P(&s.job).piece(i) }
	}
	s.job = job
	defer list.giveBack(s) // after a panic too
	For(n, s.piece)
}

// shared is a job that several goroutines work on.
type shared[J any] struct {
	job   J
	piece func(i int)
}

// shareList holds the jobs of one type that nobody works on.
type shareList[J any] struct {
	sync.Mutex
	free []*shared[J]
}

// shareLists has a list for every type of job.
var shareLists sync.Map // reflect.Type to *shareList[J]

func sharesOf[J any]() *shareList[J] {
	key := reflect.TypeFor[J]()
	list, ok := shareLists.Load(key)
	if !ok {
		list, _ = shareLists.LoadOrStore(key, &shareList[J]{})
	}
	return list.(*shareList[J])
}

func (l *shareList[J]) take() *shared[J] {
	l.Lock()
	defer l.Unlock()
	last := len(l.free) - 1
	if last < 0 {
		return nil
	}
	s := l.free[last]
	l.free = l.free[:last]
	return s
}

// giveBack forgets the operands, so that they do not stay in memory.
func (l *shareList[J]) giveBack(s *shared[J]) {
	var none J
	s.job = none
	l.Lock()
	defer l.Unlock()
	l.free = append(l.free, s)
}
