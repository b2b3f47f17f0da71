package cuda

import (
	"errors"
	"fmt"
	"hash/maphash"
	"time"
	"unsafe"
)

// The simulator does all work at once, so no stream ever waits. What a GPU would do at
// some later time is checked instead: every stream counts its work, and knows up to where
// the work of others is done before its own, by the events that it waited for.

// order is, by the number of a stream, how much of its work is done.
type order map[int]int

func (o order) join(p order) {
	for id, n := range p {
		o[id] = max(o[id], n)
	}
}

type simStream struct {
	id    int
	knows order // its own work too
	freed bool
}

type simEvent struct {
	at    time.Time
	knows order     // nil as long as it was not recorded
	graph *simGraph // whose capture it was recorded in
	freed bool
}

// simPiece is work that may not be done yet, on memory of the device: a copy, or a
// kernel that was given the address.
type simPiece struct {
	stream *simStream
	number int
	lo, hi uint64
	what   string
	writes bool
	kernel bool
	host   []byte // pinned memory that is read, and what is in it
	sum    uint64
}

// simWork is what streams may still be doing.
type simWork struct {
	streams int
	null    *simStream
	seed    maphash.Seed
	pinned  map[*byte]int
	pending []simPiece
	seen    map[simKey]int // index in pending of kernels' addresses
}

type simKey struct {
	stream int
	at     uint64
}

func newSimWork() simWork {
	return simWork{null: &simStream{knows: order{}}, seed: maphash.MakeSeed(), pinned: map[*byte]int{}, seen: map[simKey]int{}}
}

// stream is the stream of a handle, nil being the default one.
func (w *simWork) stream(s Stream) (*simStream, error) {
	if s == nil {
		return w.null, nil
	}
	st, ok := s.(*simStream)
	switch {
	case !ok:
		return nil, fmt.Errorf("a %T is no stream of the simulator", s)
	case st.freed:
		return nil, fmt.Errorf("stream %d was freed", st.id)
	}
	return st, nil
}

func eventOf(e Event) (*simEvent, error) {
	ev, ok := e.(*simEvent)
	switch {
	case !ok:
		return nil, fmt.Errorf("a %T is no event of the simulator", e)
	case ev.freed:
		return nil, errors.New("the event was freed")
	}
	return ev, nil
}

// begin counts work of a stream on bytes of the device, after looking for work of other
// streams on the same that may not be done.
func (w *simWork) begin(s *simStream, p simPiece) error {
	s.knows[s.id]++
	if w.streams < 2 && p.host == nil {
		return nil // there is one stream only
	}
	p.stream, p.number = s, s.knows[s.id]
	for _, o := range w.pending {
		if o.stream != s && s.knows[o.stream.id] < o.number && p.lo < o.hi && o.lo < p.hi && (p.writes || o.writes) && !(p.kernel && o.kernel) {
			return fmt.Errorf("%s on stream %d touches memory of %s on stream %d, which may not be done: wait for an event", p.what, s.id, o.what, o.stream.id)
		}
	}
	if !p.kernel {
		w.pending = append(w.pending, p)
		return nil
	}
	key := simKey{s.id, p.lo}
	if i, ok := w.seen[key]; ok {
		w.pending[i].number = p.number
		return nil
	}
	w.seen[key] = len(w.pending)
	w.pending = append(w.pending, p)
	return nil
}

// synced forgets work that is done. Pinned memory that was copied must be as it was when
// the copy was begun.
func (w *simWork) synced(done order) error {
	var changed error
	rest := w.pending[:0]
	clear(w.seen)
	for _, p := range w.pending {
		if done[p.stream.id] < p.number {
			if p.kernel {
				w.seen[simKey{p.stream.id, p.lo}] = len(rest)
			}
			rest = append(rest, p)
			continue
		}
		if p.host != nil && maphash.Bytes(w.seed, p.host) != p.sum {
			changed = fmt.Errorf("%d bytes of pinned memory were changed before stream %d, which copies them, had been waited for", len(p.host), p.stream.id)
		}
	}
	clear(w.pending[len(rest):])
	w.pending = rest
	return changed
}

// isPinned says whether b lies in memory of HostAlloc.
func (w *simWork) isPinned(b []byte) bool {
	for p, n := range w.pinned {
		if within(b, p, n) {
			return true
		}
	}
	return false
}

// within says whether b lies in the n bytes from p on.
func within(b []byte, p *byte, n int) bool {
	at, lo := uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(unsafe.Pointer(p))
	return at >= lo && at+uintptr(len(b)) <= lo+uintptr(n)
}

func (s *simDriver) HostAlloc(bytes int64) ([]byte, error) {
	if bytes < 0 {
		return nil, fmt.Errorf("%d bytes of pinned memory", bytes)
	}
	b := make([]byte, bytes)
	if bytes > 0 {
		s.work.pinned[&b[0]] = len(b)
	}
	return b, nil
}

func (s *simDriver) HostFree(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if s.work.pinned[&b[0]] != len(b) {
		return errors.New("freeing memory that is not pinned")
	}
	for _, p := range s.work.pending {
		if len(p.host) > 0 && within(p.host, &b[0], len(b)) {
			return fmt.Errorf("freeing pinned memory before stream %d, which copies it, had been waited for", p.stream.id)
		}
	}
	delete(s.work.pinned, &b[0])
	return nil
}

func (s *simDriver) NewStream() (Stream, error) {
	s.work.streams++
	return &simStream{id: s.work.streams, knows: order{}}, nil
}

func (s *simDriver) FreeStream(x Stream) error {
	st, err := s.work.stream(x)
	if err == nil {
		st.freed = true
	}
	return err
}

func (s *simDriver) Sync(x Stream) error {
	st, err := s.work.stream(x)
	switch {
	case err != nil:
		return err
	case s.graph != nil && st == s.capturing:
		return errors.New("waiting for a stream while a graph is captured on it")
	}
	return s.work.synced(st.knows)
}

func (s *simDriver) NewEvent() (Event, error) { return new(simEvent), nil }

func (s *simDriver) FreeEvent(e Event) error {
	ev, err := eventOf(e)
	if err == nil {
		ev.freed = true
	}
	return err
}

func (s *simDriver) Record(e Event, x Stream) error {
	st, err := s.work.stream(x)
	ev, err2 := eventOf(e)
	if err = errors.Join(err, err2); err != nil {
		return err
	}
	ev.at, ev.knows, ev.graph = time.Now(), order{}, nil
	if st == s.capturing {
		ev.graph = s.graph
	}
	ev.knows.join(st.knows)
	return nil
}

func (s *simDriver) Wait(x Stream, e Event) error {
	st, err := s.work.stream(x)
	ev, err2 := eventOf(e)
	if err = errors.Join(err, err2); err != nil {
		return err
	}
	inside := s.graph != nil && st == s.capturing
	switch {
	case ev.knows == nil:
		return errors.New("waiting for an event that was never recorded")
	case inside && ev.graph != s.graph:
		return errors.New("waiting in a capture for an event from outside")
	case !inside && ev.graph != nil:
		return errors.New("waiting for an event of a capture from outside")
	}
	st.knows.join(ev.knows)
	return nil
}

func (s *simDriver) Elapsed(a, b Event) (float64, error) {
	from, err := eventOf(a)
	to, err2 := eventOf(b)
	if err = errors.Join(err, err2); err != nil {
		return 0, err
	}
	if from.knows == nil || to.knows == nil || from.graph != nil || to.graph != nil {
		return 0, errors.New("the time between events that have not happened")
	}
	return to.at.Sub(from.at).Seconds() * 1e3, nil
}
