package ptxsim

// asyncQueue holds the cp.async copies of a warp that have not been waited for.
type asyncQueue struct {
	copies []asyncCopy
	groups [lanes]uint32 // committed groups of each lane
}

// asyncCopy is one copy of one lane: the bytes were read when it was issued and
// are delivered when they are waited for.
type asyncCopy struct {
	lane  int
	group uint32 // number of its group
	to    uint64 // offset in shared memory
	n     int
	bytes [16]byte
	pc    int
}

func (q *asyncQueue) reset() {
	q.copies = q.copies[:0]
	q.groups = [lanes]uint32{}
}

// atExit finds copies that nobody can wait for any more.
func (q *asyncQueue) atExit(w *warp, m uint32) {
	for _, c := range q.copies {
		if m>>c.lane&1 == 0 {
			continue
		}
		what := "wait"
		if c.group == q.groups[c.lane] {
			what = "commit and wait"
		}
		w.fault(AsyncCopy, 1<<c.lane, "the thread ends, but the cp.async of line %d has had no %s", w.b.k.code[c.pc].line, what)
	}
}
